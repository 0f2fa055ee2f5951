"""Pages become work for the model: which of a long document's pages are worth its time."""

from uuid import UUID

from extractors.documents import DocumentType
from extractors.select import select
from extractors.types import Word
from worker import store
from worker.attempt import attempt
from worker.models import Status
from worker.runtime import Runtime


def run(document_id: UUID, rt: Runtime) -> None:
    """Choose the pages that are read by the words on them, and write down those that are not."""
    with attempt(rt, document_id, at=Status.UNSORTED) as claim:
        if claim is None:
            return
        spec = rt.document_type(claim.document_type)
        with rt.transaction() as tx:
            words = store.page_words(tx, document_id)

        chosen = _chosen(words, spec)

        with rt.transaction() as tx:
            store.sort_pages(tx, claim, chosen)
            store.finish(tx, claim, to=Status.RENDERED)


def _chosen(words: dict[int, tuple[Word, ...]], spec: DocumentType) -> list[store.SortedPage]:
    """Every page, and whether it is read.  Scans cannot be judged: as many of them are read on top, the first ones."""
    if spec.max_pages_read is None:
        return [store.SortedPage(number=number, read=True) for number in words]
    numbers = list(words)
    picked = select(list(words.values()), spec, spec.max_pages_read, keep_wordless=spec.max_pages_read)
    return [
        store.SortedPage(number=number, read=at in picked.kept, rank=picked.ranks.get(at)) for at, number in enumerate(numbers, start=1)
    ]
