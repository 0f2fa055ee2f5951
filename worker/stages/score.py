"""Evidence becomes opinion: every confidence method's number for every field."""

from collections.abc import Mapping, Sequence
from uuid import UUID

import structlog

from extractors import relevance
from extractors.backends.rerank import Reranker, sigmoid
from extractors.confidence import METHODS
from extractors.documents import DocumentType
from extractors.errors import SurefieldError
from extractors.page_text import PageText
from worker import store
from worker.attempt import attempt
from worker.models import Status
from worker.runtime import Runtime

log = structlog.get_logger()


def run(document_id: UUID, rt: Runtime) -> None:
    """Score every field of one document by every method; what a method cannot tell stays NULL."""
    with attempt(rt, document_id, at=Status.EXTRACTED) as claim:
        if claim is None:
            return
        reranker = rt.reranker()
        with rt.transaction() as tx:
            fields = store.evidence_of(tx, document_id)
            texts = store.page_texts(tx, document_id) if reranker else {}

        logits = _judged(fields, texts, rt.document_type(claim.document_type), reranker) if reranker else {}
        scores = [store.NewScore(field.field_id, name, method(field.reading)) for field in fields for name, method in METHODS.items()]
        scores += [store.NewScore(field_id, relevance.NAME, sigmoid(logit)) for field_id, logit in logits.items()]

        with rt.transaction() as tx:
            if reranker and logits:
                store.save_relevance(tx, claim, logits, reranker=reranker.fingerprint)
            store.save_scores(tx, claim, scores)
            store.finish(tx, claim, to=Status.SCORED)


def _judged(
    fields: Sequence[store.StoredField], texts: Mapping[int, PageText], spec: DocumentType, reranker: Reranker
) -> dict[UUID, float]:
    """How well each value's line speaks of its field, as logits.  A reranker that is away says nothing, and nothing waits for it."""
    logits: dict[UUID, float] = {}
    try:
        for page in sorted({field.page for field in fields}):
            here = [field for field in fields if field.page == page and field.reading.name in spec.paths()]
            judged = relevance.with_relevance([field.reading for field in here], texts[page], spec, reranker)
            logits |= {field.field_id: one.relevance for field, one in zip(here, judged, strict=True) if one.relevance is not None}
    except SurefieldError as error:
        log.warning("reranker_left_out", code=error.code, words=str(error))
        return {}
    return logits
