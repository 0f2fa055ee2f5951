"""Which rows of an answer are drawn for an audit, before they are decided."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from extractors.decision.audits import could_be_accepted, is_drawn
from extractors.decision.certificates import family_of
from extractors.decision.decide import Decision
from extractors.decision.policy import PROVISIONAL, UNCERTIFIED, Policy
from extractors.documents.spec import DocumentType, Kind
from worker.audits import store
from worker.audits.types import Covered, Drawn
from worker.db import Tx
from worker.store.types import Claim, NewResult
from worker.tables.results import Outcome


@dataclass(frozen=True, slots=True, kw_only=True)
class Lots:
    """What draws are made with."""

    key: bytes
    models: Mapping[UUID, str]  # the fingerprint of the model of each reading
    first: frozenset[str]  # models of which every row is drawn still


def lots(tx: Tx, models: Mapping[UUID, str], *, audit_first: int) -> Lots:
    """What draws are made with now.

    models:      the fingerprint of the model of each reading
    audit_first: of every model so many accepted rows are drawn before a rate counts
    """
    counts = store.accepted_so_far(tx, sorted({*models.values()}), most=audit_first)
    first = frozenset(model for model, count in counts.items() if count < audit_first)
    return Lots(key=store.key(tx), models=models, first=first)


def draw(
    claim: Claim,
    results: Sequence[NewResult],
    decisions: Sequence[Decision],
    spec: DocumentType,
    policy: Policy,
    by: Lots,
    covered: Covered,
) -> list[Drawn]:
    """The rows that a person looks at whatever became of them, of those that scores decide."""
    drawn = []
    for result, decision in zip(results, decisions, strict=True):
        model = by.models.get(result.field_id) if result.field_id else None
        score = covered.scores.get(result.field_id) if result.field_id else None
        if model is None or score is None or result.kind == Kind.GROUP:
            continue
        rate = 1.0 if model in by.first else policy.of(result.name).audit_rate
        if could_be_accepted(decision) and is_drawn(
            by.key,
            claim.document_id,
            generation=claim.generation,
            name=result.name,
            ordinal=result.ordinal,
            rate=rate,
        ):
            drawn.append(
                Drawn(
                    result_id=result.result_id,
                    rate=rate,
                    fingerprint=model,
                    conditions=covered.conditions,
                    method=covered.method,
                    score=score,
                    family=family_of(spec.field(result.name)),
                    band=covered.band,
                    was_accepted=result.decision is Outcome.ACCEPTED,
                )
            )
    return drawn


def provisional(
    results: Sequence[NewResult], drawn: Collection[Drawn], by: Lots
) -> list[NewResult]:
    """A model's first accepted rows say that nobody has measured it yet; those that a certificate
    accepted name it.
    """
    among = {one.result_id for one in drawn if one.was_accepted and one.fingerprint in by.first}
    return [
        replace(one, certificate=PROVISIONAL)
        if one.result_id in among and one.certificate == UNCERTIFIED
        else one
        for one in results
    ]
