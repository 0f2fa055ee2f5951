"""Pages become work for the model: what kind of document they are, and which of them are worth its time."""

from collections.abc import Mapping
from uuid import UUID

from extractors.classify import Guess, classify
from extractors.documents import AUTO, DocumentType
from extractors.errors import TooManyPages
from extractors.select import select
from extractors.types import Word
from worker import store
from worker.attempt import attempt
from worker.models import Status
from worker.runtime import Runtime

Words = Mapping[int, tuple[Word, ...]]


def run(document_id: UUID, rt: Runtime) -> None:
    """Find the type where it is open, choose the pages that are read, and write down what was decided and why.

    A document whose words leave its type open waits for a person, who may name it: then it comes here again.
    """
    with attempt(rt, document_id, at=Status.UNSORTED) as claim:
        if claim is None:
            return
        with rt.transaction() as tx:
            words = store.page_words(tx, document_id)

        guess = classify(list(words.values()), rt.document_types()) if claim.document_type == AUTO else None
        if guess is not None and not guess.sure:
            _ask(claim, guess, rt)
            return
        spec = rt.document_type(claim.document_type if guess is None or guess.document_type is None else guess.document_type)
        if spec.max_pages is not None and len(words) > spec.max_pages:
            raise TooManyPages(f"The document has {len(words)} pages; a {spec.title} may have {spec.max_pages}. Split it.")
        chosen = _chosen(words, spec)

        with rt.transaction() as tx:
            if guess is not None:
                store.save_guess(tx, claim, guess)
            store.sort_pages(tx, claim, chosen)
            store.finish(tx, claim, to=Status.RENDERED, document_type=spec.name)


def _ask(claim: store.Claim, guess: Guess, rt: Runtime) -> None:
    with rt.transaction() as tx:
        store.save_guess(tx, claim, guess)
        store.finish(tx, claim, to=Status.NEEDS_TYPE)


def _chosen(words: Words, spec: DocumentType) -> list[store.SortedPage]:
    """Every page, and whether it is read.  Scans cannot be judged: as many of them are read on top, the first ones."""
    if spec.max_pages_read is None:
        return [store.SortedPage(number=number, read=True) for number in words]
    numbers = list(words)
    picked = select(list(words.values()), spec, spec.max_pages_read, keep_wordless=spec.max_pages_read)
    return [
        store.SortedPage(number=number, read=at in picked.kept, rank=picked.ranks.get(at)) for at, number in enumerate(numbers, start=1)
    ]
