"""Evidence becomes opinion: every confidence method's number for every field."""

from uuid import UUID

from extractors.confidence import METHODS
from worker import store
from worker.attempt import attempt
from worker.models import Status
from worker.runtime import Runtime


def run(document_id: UUID, rt: Runtime) -> None:
    """Score every field of one document by every method; what a method cannot tell stays NULL."""
    with attempt(rt, document_id, at=Status.EXTRACTED) as claim:
        if claim is None:
            return
        with rt.transaction() as tx:
            fields = store.evidence_of(tx, document_id)

        scores = [store.NewScore(field.field_id, name, method(field.reading)) for field in fields for name, method in METHODS.items()]

        with rt.transaction() as tx:
            store.save_scores(tx, claim, scores)
            store.finish(tx, claim, to=Status.SCORED)
