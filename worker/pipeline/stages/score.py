"""Evidence becomes opinion: every confidence method's number for every field."""

from collections.abc import Sequence
from uuid import UUID

import structlog

from extractors.decision.scores import METHODS
from extractors.documents import DocumentType
from extractors.errors import SurefieldError
from extractors.evidence import relevance
from extractors.types import FieldReading
from worker import store
from worker.pipeline.attempt import attempt
from worker.runtime import Runtime
from worker.store.types import NewScore, StoredField
from worker.tables.documents import Status

log = structlog.get_logger()


def run(document_id: UUID, rt: Runtime) -> None:
    """Score every field of one document by every method; what a method cannot tell stays NULL."""
    with attempt(rt, document_id, at=Status.EXTRACTED, stage="score") as claim:
        if claim is None:
            return
        with rt.transaction() as tx:
            fields = store.evidence.evidence_of(tx, document_id)

        scores = [
            NewScore(field.field_id, name, method(field.reading))
            for field in fields
            for name, method in METHODS.items()
        ]
        judged, reranker = _judged(
            document_id, fields, rt.pinned_type(claim.document_type, claim.type_version), rt
        )
        scores += [
            NewScore(field_id, relevance.NAME, relevance.relevance_score(one))
            for field_id, one in judged.items()
        ]

        with rt.transaction() as tx:
            store.evidence.save_relevance(
                tx,
                claim,
                {field_id: one.relevance for field_id, one in judged.items()},
                reranker=reranker,
            )
            store.evidence.save_scores(tx, claim, scores)
            store.documents.finish(tx, claim, to=Status.SCORED)


def _judged(
    document_id: UUID, fields: Sequence[StoredField], spec: DocumentType, rt: Runtime
) -> tuple[dict[UUID, FieldReading], str | None]:
    """The readings whose lines a reranker judged, and its fingerprint.

    One that is away says nothing, and nothing waits for it.
    """
    judged: dict[UUID, FieldReading] = {}
    try:
        reranker = rt.reranker()
        if reranker is None:
            return {}, None
        with rt.transaction() as tx:
            texts = store.evidence.page_texts(tx, document_id)
        for page in sorted({field.page for field in fields}):
            here = [
                field
                for field in fields
                if field.page == page and field.reading.name in spec.paths()
            ]
            said = relevance.with_relevance(
                [field.reading for field in here], texts[page], spec, reranker
            )
            judged |= {
                field.field_id: one
                for field, one in zip(here, said, strict=True)
                if one.relevance is not None
            }
        return judged, reranker.fingerprint
    except SurefieldError as error:
        log.warning("reranker_left_out", code=error.code, words=str(error))
        return {}, None
