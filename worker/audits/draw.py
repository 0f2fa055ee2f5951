"""Which rows of an answer are drawn for an audit, before they are decided."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from extractors.decision.audits import could_be_accepted, is_drawn, is_drawn_whole, is_planted
from extractors.decision.certificates import Family, family_of
from extractors.decision.decide import Decision
from extractors.decision.policy import PROVISIONAL, UNCERTIFIED, Policy
from extractors.documents.spec import DocumentType, Kind
from worker.audits import store
from worker.audits.types import Covered, Drawn, DrawnWhole
from worker.db import Tx
from worker.store.types import Claim, NewResult
from worker.tables.results import Outcome


@dataclass(frozen=True, slots=True, kw_only=True)
class Lots:
    """What draws are made with."""

    key: bytes
    models: Mapping[UUID, str]  # the fingerprint of the model of each reading
    first: frozenset[str]  # models of which every row is drawn still
    plants: float  # the probability that an audit shows a planted error


def lots(tx: Tx, models: Mapping[UUID, str], *, audit_first: int, plants: float) -> Lots:
    """What draws are made with now.

    models:      the fingerprint of the model of each reading
    audit_first: of every model so many accepted rows are drawn before a rate counts
    plants:      the probability that an audit shows a planted error
    """
    counts = store.accepted_so_far(tx, sorted({*models.values()}), most=audit_first)
    first = frozenset(model for model, count in counts.items() if count < audit_first)
    return Lots(key=store.key(tx), models=models, first=first, plants=plants)


def draw(
    claim: Claim,
    results: Sequence[NewResult],
    decisions: Sequence[Decision],
    spec: DocumentType,
    policy: Policy,
    by: Lots,
    covered: Covered,
    whole: DrawnWhole | None = None,
) -> list[Drawn]:
    """The rows that a person looks at whatever became of them, of those that scores decide.

    whole: the document is drawn whole: then all of them, and how many rows each list has
    """
    drawn: list[Drawn] = []
    for result, decision in zip(results, decisions, strict=True):
        one = _drawn(result, spec, policy, by, covered)
        if one is None or result.kind == Kind.GROUP:
            continue
        one = replace(one, plants=_plants(claim, result, by))
        if could_be_accepted(decision) and is_drawn(
            by.key,
            claim.document_id,
            generation=claim.generation,
            name=result.name,
            ordinal=result.ordinal,
            rate=one.rate,
        ):
            drawn.append(one)
        elif whole is not None:
            drawn.append(replace(one, rate=whole.rate, with_document=True))
    if whole is not None:
        drawn += _lists(results, spec, policy, by, covered, whole)
    return drawn


def draw_whole(
    claim: Claim,
    results: Sequence[NewResult],
    by: Lots,
    covered: Covered,
    *,
    rate: float,
    certificate: str,
) -> DrawnWhole | None:
    """The draw of a document that scores alone decide; None where it is not drawn whole.

    rate:        the probability of the draw
    certificate: of whole documents, that accepted it
    """
    score = covered.all_right
    if score is None or not is_drawn_whole(
        by.key, claim.document_id, generation=claim.generation, rate=rate
    ):
        return None
    return DrawnWhole(
        rate=rate,
        conditions=covered.conditions,
        method=covered.method,
        score=score,
        band=covered.band,
        was_untouched=all(one.decision is Outcome.ACCEPTED for one in results),
        certificate=certificate,
    )


def _plants(claim: Claim, result: NewResult, by: Lots) -> bool:
    """Only what was accepted is compared."""
    return result.decision is Outcome.ACCEPTED and is_planted(
        by.key,
        claim.document_id,
        generation=claim.generation,
        name=result.name,
        ordinal=result.ordinal,
        rate=by.plants,
    )


def _drawn(
    result: NewResult, spec: DocumentType, policy: Policy, by: Lots, covered: Covered
) -> Drawn | None:
    """The draw of one row, were it drawn; None where nobody knows its model or score."""
    model = by.models.get(result.field_id) if result.field_id else None
    score = covered.scores.get(result.field_id) if result.field_id else None
    if model is None or score is None:
        return None
    return Drawn(
        result_id=result.result_id,
        rate=1.0 if model in by.first else policy.of(result.name).audit_rate,
        fingerprint=model,
        conditions=covered.conditions,
        method=covered.method,
        score=score,
        family=family_of(spec.field(result.name)),
        band=covered.band,
        was_accepted=result.decision is Outcome.ACCEPTED,
    )


def _lists(
    results: Sequence[NewResult],
    spec: DocumentType,
    policy: Policy,
    by: Lots,
    covered: Covered,
    whole: DrawnWhole,
) -> Iterator[Drawn]:
    """How many rows each list has, which no single value tells; asked by its first result."""
    for field in spec.fields:
        of_list = [one for one in results if one.name.partition(".")[0] == field.name]
        if field.kind is not Kind.GROUP or not of_list:
            continue
        first = _drawn(of_list[0], spec, policy, by, covered)
        if first is None:
            continue
        yield replace(
            first,
            rate=whole.rate,
            family=Family.DOCUMENTS,
            was_accepted=True,  # whoever reviews one of its cells does not count its rows
            with_document=True,
            of_list=field.name,
            rows_read=len({one.ordinal for one in of_list if one.name != field.name}),
        )


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
