"""Evidence becomes opinion: every confidence method's number for every reading of a field, those of
weights that were fitted here among them.
"""

from collections import defaultdict
from collections.abc import Sequence
from uuid import UUID

from extractors.decision.combined import combined
from extractors.decision.scores import METHODS
from extractors.evidence import relevance
from extractors.evidence.witnesses import Testimony
from worker import store
from worker.fits import store as fits
from worker.pipeline.attempt import attempt
from worker.pipeline.evidence import evidence_of
from worker.pipeline.further_looks import further_looks
from worker.runtime import Runtime
from worker.store.types import Claim, Gathered, NewScore
from worker.tables.documents import Status


def run(document: UUID | Claim, rt: Runtime) -> None:
    """Score every reading of one document by every method; what a method cannot tell stays NULL."""
    with attempt(rt, document, at=Status.GROUNDED, stage="score") as claim:
        if claim is None:
            return
        spec = rt.pinned_type(claim.document_type, claim.type_version)
        with rt.transaction() as tx:
            fields = store.evidence.evidence_of(tx, claim.document_id)
            gathered = store.candidates.gathered(tx, claim.document_id, spec, fields)
            looks = (
                further_looks(store.evidence.looks_of(tx, claim.document_id), fields, spec)
                if any(field.looked_at_again for field in fields)
                else {}
            )
            own = fits.live(tx, claim.document_type)

        heard = _heard(gathered)
        evidence = {
            f.field_id: evidence_of(
                f, spec, testimony=heard[f.field_id], looks=looks.get(f.field_id)
            )
            for f in fields
        }
        scores = [
            NewScore(field_id, name, method(one))
            for field_id, one in evidence.items()
            for name, method in METHODS.items()
        ]
        scores += [
            NewScore(field_id, fit.method, combined(one, {fit.prior.key: fit.prior}))
            for field_id, one in evidence.items()
            for fit in own
            if fit.prior.key == one.key
        ]
        scores += [
            NewScore(field.field_id, relevance.NAME, relevance.relevance_score(field.relevance))
            for field in fields
            if field.relevance is not None
        ]

        with rt.transaction() as tx:
            store.documents.finish(tx, claim, to=Status.SCORED)
            store.evidence.save_scores(tx, claim, scores)


def _heard(gathered: Gathered) -> dict[UUID, Sequence[Testimony]]:
    """What the witnesses say of each reading's candidate, and of the list that it stands in."""
    of: dict[tuple[str, int, int], list[Testimony]] = defaultdict(list)
    for one in gathered.testimony:
        of[one.of.key].append(one)
    found: dict[UUID, Sequence[Testimony]] = defaultdict(tuple)
    for candidate in gathered.candidates:
        whole = of[candidate.group, 0, 0] if candidate.group else []
        for said in candidate.said:
            found[said.id] = (*of[candidate.key], *whole)
    return found
