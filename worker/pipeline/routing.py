"""By which promise a document is decided: one of whole documents, those of its rows, or none, and
then by the policy's own rule.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from extractors.decision.audits import could_be_untouched
from extractors.decision.certificates import Family, family_of
from extractors.decision.choose import Chosen
from extractors.decision.decide import Decision, Outcome
from extractors.decision.policy import (
    UNCERTIFIED,
    CertificateUse,
    Certified,
    Policy,
    certified,
    certified_whole,
    closed,
    closed_whole,
)
from extractors.documents import DocumentType
from worker.audits import certificates
from worker.audits.tables import PlanState
from worker.audits.types import Covered, Standing

Decide = Callable[[Sequence[Chosen], Policy], tuple[Decision, ...]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Uses:
    """What certificates are to the house."""

    of_rows: CertificateUse
    of_documents: CertificateUse


@dataclass(frozen=True, slots=True, kw_only=True)
class Routed:
    """What became of every row of a document."""

    rows: tuple[Chosen, ...]
    decisions: tuple[Decision, ...]
    certificate: str  # of whole documents, that accepted it
    # nothing but scores stands between it and nobody: a certificate of whole documents is about
    # such ones, and it is told by the policy's own rule, which no certificate moves
    by_scores: bool


def routed(
    chosen: tuple[Chosen, ...],
    scored: tuple[Chosen, ...],
    covered: Covered,
    standing: Sequence[Standing],
    policy: Policy,
    spec: DocumentType,
    uses: Uses,
    decide: Decide,
) -> Routed:
    """Decide by a certificate of whole documents where one covers all of it, else row by row.

    scored: the same answers by the scores that certificates speak of; where these would choose
            other answers, nothing is covered
    """
    plain = decide(chosen, policy)
    by_scores = covered.all_right is not None and could_be_untouched(plain)
    holding = certificates.holding(standing, covered.band) if _same(chosen, scored) else {}
    drifts = any(one.state is PlanState.BROKEN for one in standing)

    whole = holding.get(Family.DOCUMENTS)
    if whole is not None and by_scores and not drifts and _reaches(covered, whole):
        decisions = decide(scored, certified_whole(policy, whole))
        if _untouched(decisions):
            return Routed(
                rows=scored,
                decisions=decisions,
                certificate=whole.certificate,
                by_scores=by_scores,
            )

    rows = _by_families(chosen, scored, spec, holding)
    of_rows = closed(certified(policy, spec, holding), uses.of_rows, drifts=drifts)
    decisions = decide(rows, of_rows)
    if uses.of_documents is CertificateUse.REQUIRED and _untouched(decisions):
        decisions = decide(rows, closed_whole(of_rows))
    return Routed(rows=rows, decisions=decisions, certificate=UNCERTIFIED, by_scores=by_scores)


def _reaches(covered: Covered, whole: Certified) -> bool:
    return covered.all_right is not None and covered.all_right >= whole.threshold


def _untouched(decisions: Sequence[Decision]) -> bool:
    return all(one.outcome is Outcome.ACCEPTED for one in decisions)


def _same(chosen: Sequence[Chosen], scored: Sequence[Chosen]) -> bool:
    said, said_too = (
        [(one.name, one.ordinal, one.state, one.text) for one in rows] for rows in (chosen, scored)
    )
    return said == said_too


def _by_families(
    chosen: tuple[Chosen, ...],
    scored: tuple[Chosen, ...],
    spec: DocumentType,
    holding: Mapping[Family, Certified],
) -> tuple[Chosen, ...]:
    """Each row by the score that its own certificate speaks of, where there is one."""
    if not any(family in holding for family in Family if family is not Family.DOCUMENTS):
        return chosen
    return tuple(
        other if family_of(spec.field(one.name)) in holding else one
        for one, other in zip(chosen, scored, strict=True)
    )
