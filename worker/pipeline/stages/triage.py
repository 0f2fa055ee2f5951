"""Pages become work for the model: what kind of document they are, and which of them are worth its
time.
"""

from collections.abc import Mapping, Sequence
from uuid import UUID

import structlog

from extractors.documents import AUTO, DocumentType
from extractors.errors import SurefieldError, TooManyPages
from extractors.triage.classify import Guess, classify
from extractors.triage.rerank_pages import RefinedSelect
from extractors.triage.select_pages import Selection, select
from extractors.triage.split import Part, parts_of, sure
from extractors.types import Word
from worker import store
from worker.pipeline import doubts
from worker.pipeline.attempt import attempt
from worker.runtime import Runtime
from worker.store.types import Claim, Piece, SortedPage
from worker.tables.documents import Status

log = structlog.get_logger()

BY_WORDS = "words/1"


def run(document: UUID | Claim, rt: Runtime) -> None:
    """Find the type where it is open, choose the pages that are read, and write down what was
    decided and why.

    A document whose words leave its type open waits for a person, who may name it: then it comes
    here again.
    """
    with attempt(rt, document, at=Status.UNTRIAGED, stage="triage") as claim:
        if claim is None:
            return
        with rt.transaction() as tx:
            words = {
                number: text.words
                for number, text in store.evidence.page_texts(tx, claim.document_id).items()
            }

        name, guess = claim.document_type, None
        if name == AUTO:
            guess = _typed(claim, list(words.values()), rt)
            if guess is None or guess.document_type is None:
                return  # it waits for a person, or its parts go on
            name = guess.document_type
        spec = rt.document_type(name)
        if spec.max_pages is not None and len(words) > spec.max_pages:
            raise TooManyPages(
                f"The document has {len(words)} pages; a {spec.title} may have {spec.max_pages}."
                " Split it."
            )
        chosen, by = _chosen(words, spec, rt)

        with rt.transaction() as tx:
            store.documents.finish(tx, claim, to=Status.RENDERED, pin=spec)
            if guess is not None:
                store.classifications.save_guess(tx, claim, guess)
            store.pages.sort_pages(tx, claim, chosen, by=by)


def _typed(claim: Claim, pages: Sequence[Sequence[Word]], rt: Runtime) -> Guess | None:
    """What the whole document surely is; None when it is several documents, or a person must say
    it: that is saved here.
    """
    types = rt.document_types()
    parts = parts_of(pages, types)
    whole = classify(pages, types)
    if len(parts) == 1 and sure(parts):
        return whole
    with rt.transaction() as tx:
        store.classifications.save_guess(tx, claim, whole)
        if len(parts) > 1 or any(part.doubtful for part in parts):
            store.classifications.save_parts(tx, claim, parts)
        if len(parts) > 1 and sure(parts):
            store.classifications.split(tx, claim, [_piece(part) for part in parts])
            store.documents.finish(tx, claim, to=Status.SPLIT)
        else:
            store.documents.finish(tx, claim, to=Status.NEEDS_TYPE)
            doubts.type_is_open(tx, claim, list(types.values()), rt)
    return None


def _piece(part: Part) -> Piece:
    assert part.guess.document_type is not None, "a part without a type is not sure"
    return Piece(first=part.first, last=part.last, document_type=part.guess.document_type)


def _chosen(
    words: Mapping[int, Sequence[Word]], spec: DocumentType, rt: Runtime
) -> tuple[list[SortedPage], str | None]:
    """Every page and whether it is read, and whose choice that is; nobody's where all are."""
    if spec.max_pages_read is None:
        return [SortedPage(number=number, read=True) for number in words], None
    picked, by = _picked(list(words.values()), spec, spec.max_pages_read, rt)
    pages = [
        SortedPage(number=number, read=at in picked.kept, rank=picked.ranks.get(at))
        for at, number in enumerate(words, start=1)
    ]
    return pages, by


def _picked(
    pages: Sequence[Sequence[Word]], spec: DocumentType, most: int, rt: Runtime
) -> tuple[Selection, str]:
    """The pages that are read.

    Scans cannot be judged: as many of them are read on top, the first ones.

    A reranker that is away, or answers what it should not, costs its opinion and not the document.
    """
    try:
        reranker = rt.reranker()
        if reranker is not None:
            return (
                RefinedSelect(reranker)(pages, spec, most, keep_wordless=most),
                f"{BY_WORDS}+{reranker.fingerprint}",
            )
    except SurefieldError as error:
        log.warning("reranker_left_out", code=error.code, words=str(error))
    return select(pages, spec, most, keep_wordless=most), BY_WORDS
