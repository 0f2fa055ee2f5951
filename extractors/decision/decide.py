"""Accepted or review: an answer against the list of proofs that an accepted value must have.

Review is the outcome that needs no proof. An answer is accepted only when every proof in ``PROOFS``
holds and no witness denies it; the gravest doubt gives the reason. The three states stay apart:
*not scored*, *absent* and *low* are different reasons.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import TypeGuard
from uuid import UUID

from extractors.decision.choose import Chosen
from extractors.decision.policy import UNCERTIFIED, Closed, Policy, Requirement
from extractors.documents.spec import DocumentType, FieldSpec
from extractors.evidence.witnesses import denials
from extractors.reading.looks import Agreement, Look
from extractors.types import FieldState


class Outcome(StrEnum):
    """Where a row goes."""

    ACCEPTED = "accepted"
    REVIEW = "review"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """Why, as a stable code for SQL and a sentence for people."""

    code: str
    message: str
    details: Mapping[str, object] = field(default_factory=dict)  # JSON-able


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What became of one row, with what it was measured by."""

    outcome: Outcome
    reason: Reason  # the main one
    doubts: tuple[
        Reason, ...
    ] = ()  # every proof that failed, the main reason first; empty when accepted
    score: float | None
    method: str  # "weakest-token/1"
    threshold: float
    certificate: str = UNCERTIFIED


@dataclass(frozen=True, slots=True, kw_only=True)
class Beside:
    """What stands beside one reading, besides its score."""

    opening: float | None = None  # log-probability where the value and null part ways
    looks: tuple[Look, ...] | None = None  # further looks at its page; None: none were taken


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """Everything a proof may look at."""

    row: Chosen
    field: FieldSpec
    requirement: Requirement
    in_domain: bool
    beside: tuple[Beside, ...] = ()  # of the reading; of all that say so where it is an absence

    @property
    def threshold(self) -> float:
        return self.requirement.threshold


NOTHING_BESIDE: Mapping[UUID, Beside] = {}
Proof = Callable[[Case], Reason | None]  # None: the proof holds


def decide(
    row: Chosen,
    field: FieldSpec,
    requirement: Requirement,
    *,
    in_domain: bool,
    beside: Mapping[UUID, Beside] = NOTHING_BESIDE,
) -> Decision:
    """Accept the row when every proof holds, else send it to review with all that is missing.

    field:       the spec at ``row.name``
    requirement: the method that ``row.score`` comes from, and what it must reach
    in_domain:   the model was made for this document type, on every page
    beside:      what stands beside the readings, by their ids
    """
    case = Case(
        row=row,
        field=field,
        requirement=requirement,
        in_domain=in_domain,
        beside=tuple(beside.get(one, Beside()) for one in _resting_on(row)),
    )
    missing = [doubt for proof in PROOFS if (doubt := proof(case)) is not None]
    denied = [
        Reason(
            code=one.because or "denied", message=one.message or one.witness, details=one.details
        )
        for one in denials(row.testimony)
    ]
    return _decision(case, _in_order([*missing, *denied]))


def _resting_on(row: Chosen) -> tuple[UUID, ...]:
    """The readings that the answer rests on: an absence rests on every page that says so."""
    if row.evidence_id is None:
        return ()
    return (row.evidence_id, *(row.agreeing if row.state is FieldState.ABSENT else ()))


def _in_order(doubts: Sequence[Reason]) -> tuple[Reason, ...]:
    """The gravest first, each said once."""
    once: dict[tuple[str, str], Reason] = {}
    for doubt in doubts:
        once.setdefault((doubt.code, doubt.message), doubt)
    return tuple(sorted(once.values(), key=lambda doubt: _GRAVITY.get(doubt.code, 0)))


def decide_all(
    rows: Sequence[Chosen],
    spec: DocumentType,
    policy: Policy,
    *,
    in_domain: bool,
    beside: Mapping[UUID, Beside] = NOTHING_BESIDE,
) -> tuple[Decision, ...]:
    """One decision a row. A document in which nothing at all was found goes to review whole: it may
    be another kind of page.
    """
    alone = [
        decide(row, spec.field(row.name), policy.of(row.name), in_domain=in_domain, beside=beside)
        for row in rows
    ]
    decisions = _whole_rows(rows, alone)
    if any(row.state is not FieldState.ABSENT for row in rows):
        return decisions
    nothing = Reason(
        code="nothing_found", message=f"no field of the type {spec.title} was found on any page"
    )
    return tuple(_for_that(decision, nothing) for decision in decisions)


def _for_that(decision: Decision, nothing: Reason) -> Decision:
    """To review, because nothing was found; a model that was not made for the type explains it."""
    doubts = _in_order((nothing, *decision.doubts))
    return replace(decision, outcome=Outcome.REVIEW, reason=doubts[0], doubts=doubts)


def _whole_rows(rows: Sequence[Chosen], decisions: Sequence[Decision]) -> tuple[Decision, ...]:
    """A row of a list is accepted whole or not at all: a subtotal read as a line has a right
    amount, and is no line.
    """
    doubted = {
        (group, row.ordinal)
        for row, decision in zip(rows, decisions, strict=True)
        if decision.outcome is Outcome.REVIEW and (group := row.name.partition(".")[0]) != row.name
    }
    return tuple(
        replace(decision, outcome=Outcome.REVIEW, reason=ROW_IN_DOUBT, doubts=(ROW_IN_DOUBT,))
        if decision.outcome is Outcome.ACCEPTED
        and (row.name.partition(".")[0], row.ordinal) in doubted
        else decision
        for row, decision in zip(rows, decisions, strict=True)
    )


def _decision(case: Case, doubts: tuple[Reason, ...]) -> Decision:
    row = case.row
    # Said once more in full, so that a hole in the table of proofs cannot accept anything by
    # itself.
    proven = (
        not doubts
        and not row.conflicting
        and row.state in ACCEPTED_MESSAGES
        and _known(row.score)
        and row.score >= case.threshold
    )
    reason = (
        Reason(code=row.state.value, message=ACCEPTED_MESSAGES[row.state])
        if proven
        else (doubts or (UNPROVEN,))[0]
    )
    return Decision(
        outcome=Outcome.ACCEPTED if proven else Outcome.REVIEW,
        reason=reason,
        doubts=() if proven else doubts or (UNPROVEN,),
        score=row.score,
        method=case.requirement.method,
        threshold=case.threshold,
        certificate=case.requirement.certificate,
    )


NOT_IN_DOMAIN = "not_in_domain"
ROW_IN_DOUBT = Reason(code="row_in_doubt", message="another value of this row is in doubt")
UNPROVEN = Reason(code="unproven", message="not every proof could be made")
ACCEPTED_MESSAGES = {FieldState.VALUE: "sure enough", FieldState.ABSENT: "surely not on the page"}


def _is_in_domain(case: Case) -> Reason | None:
    return (
        None
        if case.in_domain
        else Reason(code=NOT_IN_DOMAIN, message="the model was not made for this document type")
    )


def _is_whole(case: Case) -> Reason | None:
    """An answer that was cut proves nothing, not even what it says before the cut: the rest could
    have taken it back.
    """
    if case.row.cut_pages:
        message = (
            f"the model's answer about page {', '.join(map(str, case.row.cut_pages))} was cut short"
        )
        return Reason(
            code="truncated", message=message, details={"pages": list(case.row.cut_pages)}
        )
    if "truncated" not in (case.row.problem, case.row.list_problem):
        return None
    return Reason(code="truncated", message="the model's answer was cut short")


def _is_readable(case: Case) -> Reason | None:
    if case.row.problem == "truncated" or (
        case.row.state in ACCEPTED_MESSAGES and case.row.problem is None
    ):
        return None  # cut short has been said
    problem = case.row.problem or "missing"
    return Reason(
        code="unreadable",
        message=f"the model's answer has no usable value here ({problem})",
        details={"problem": problem},
    )


def _list_is_whole(case: Case) -> Reason | None:
    if case.row.list_problem in (None, "truncated"):
        return None
    message = f"the list may be incomplete ({case.row.list_problem})"
    return Reason(
        code="list_incomplete", message=message, details={"problem": case.row.list_problem}
    )


def _empty_pages_are_sure(case: Case) -> Reason | None:
    weak = [
        s if _known(s) else None
        for s in case.row.empty_page_scores
        if not (_known(s) and s >= case.threshold)
    ]
    if not weak:
        return None
    message = "a page may hold further rows: the model is not sure that it holds none"
    return Reason(
        code="list_unsure", message=message, details={"scores": weak, "threshold": case.threshold}
    )


def _every_page_was_read(case: Case) -> Reason | None:
    pages = case.row.unread_pages
    if not pages or case.row.state is FieldState.UNREADABLE:
        return None
    message = f"page {', '.join(map(str, pages))} could not be read and may say otherwise"
    return Reason(code="page_unread", message=message, details={"pages": list(pages)})


def _no_page_was_left_out(case: Case) -> Reason | None:
    """A value stands where it was read; that a field is nowhere, or that a list has no further
    rows, needs every page.
    """
    pages = case.row.left_out_pages
    if case.row.unjudged_pages:
        message = (
            f"{len(case.row.unjudged_pages)} pages without text were not read and may say otherwise"
        )
        return Reason(
            code="pages_left_out", message=message, details={"pages": list(case.row.unjudged_pages)}
        )
    if not pages or case.row.state is FieldState.UNREADABLE:
        return None
    if case.row.list_proven or (case.row.state is FieldState.VALUE and "." not in case.row.name):
        return None
    missing = "further rows may stand" if "." in case.row.name else "it may stand"
    return Reason(
        code="pages_left_out",
        message=f"{missing} on one of {len(pages)} pages that were not read",
        details={"pages": list(pages)},
    )


def _is_there_if_required(case: Case) -> Reason | None:
    if case.row.state is not FieldState.ABSENT or not case.field.required:
        return None
    return Reason(
        code="required_absent", message="required, but the model says that it is not there"
    )


def _parses(case: Case) -> Reason | None:
    if case.row.state is not FieldState.VALUE:
        return None
    value = case.row.value
    if value is None:
        return Reason(code="not_parsed", message="the text was not made into a value")
    return (
        Reason(code=value.problem, message=value.message or value.problem)
        if value.problem
        else None
    )


NO_SCORE = "no confidence could be computed: no tokens are known that spell the answer"


def _is_scored(case: Case) -> Reason | None:
    score = case.row.score
    if case.row.state is FieldState.UNREADABLE or _known(score):
        return None
    return Reason(code="not_scored", message=NO_SCORE)


def _known(score: float | None) -> TypeGuard[float]:
    return score is not None and 0.0 <= score <= 1.0  # NaN is not a score


def _is_sure(case: Case) -> Reason | None:
    score = case.row.score
    if not _known(score) or score >= case.threshold or case.row.state is FieldState.UNREADABLE:
        return None  # without a score it cannot be low: that is another reason
    method = case.requirement.method.partition("/")[0].replace("-", " ")
    absent = case.row.state is FieldState.ABSENT
    message = (
        f"{'absence unsure: ' if absent else ''}{method} {score:.2f}, below {case.threshold:.2f}"
    )
    return Reason(
        code="absence_unsure" if absent else "low_score",
        message=message,
        details={"score": score, "threshold": case.threshold},
    )


CLOSED_MESSAGES = {
    Closed.UNCERTIFIED: "no certificate covers this field, and one is required",
    Closed.DRIFT: (
        "audits confirmed that documents read worse than a certificate promises: people decide"
        " everything"
    ),
    Closed.DOCUMENT: (
        "nobody would look at this document, and no certificate covers it as a whole: one is"
        " required"
    ),
}


def _is_open(case: Case) -> Reason | None:
    """Whether anything at all is accepted here without a person."""
    closed = case.requirement.closed
    return None if closed is None else Reason(code=closed, message=CLOSED_MESSAGES[closed])


def _opening_is_sure(case: Case) -> Reason | None:
    """A model that makes a value up doubts at its first token that there is one."""
    least = case.requirement.opening
    if case.row.state is not FieldState.VALUE:
        return None
    told = [one.opening for one in case.beside if one.opening is not None]
    probability = math.exp(min(told, default=0.0))
    if probability >= least:
        return None
    return Reason(
        code="opening_unsure",
        message=f"the model was not sure that anything stands here ({probability:.2f})",
        details={"probability": probability, "least": least},
    )


def _looks_agree(case: Case) -> Reason | None:
    """Further readings of the page, moved a little, say the same."""
    if not case.requirement.looks or case.row.state is FieldState.UNREADABLE:
        return None
    for one in case.beside or (Beside(),):
        looks = one.looks or ()
        if len(looks) < case.requirement.looks:
            return Reason(
                code="looks_missing",
                message="the page was not read often enough for this policy: read it again",
            )
        differing = [look for look in looks if look.agreement is not Agreement.SAME]
        if differing:
            return Reason(
                code="look_differs",
                message=f"read again, the page says {_said(differing[0], case.row)}",
                details={"reads": [look.text for look in differing]},
            )
        unsure = min(map(_sureness, looks))
        if unsure < case.requirement.sure_look:
            return Reason(
                code="look_unsure",
                message=f"read again, the page says the same, and less surely ({unsure:.2f})",
                details={"probability": unsure, "least": case.requirement.sure_look},
            )
    return None


def _said(look: Look, row: Chosen) -> str:
    """What a look that differs says, in the words of the reason."""
    if look.text:
        return look.text
    if row.state is not FieldState.VALUE:
        return "something here"
    # a look that counts the rows otherwise is not compared row by row
    return "nothing here, or has other rows" if "." in row.name else "nothing here"


def _sureness(look: Look) -> float:
    """The probability of its least sure token; 0 where it has none."""
    return 0.0 if look.weakest is None else math.exp(look.weakest)


PROOFS: tuple[Proof, ...] = (
    _is_in_domain,
    _is_whole,
    _is_readable,
    _list_is_whole,
    _every_page_was_read,
    _no_page_was_left_out,
    _is_there_if_required,
    _parses,
    _empty_pages_are_sure,
    _is_scored,
    _is_sure,
    _opening_is_sure,
    _looks_agree,
    _is_open,
)

# In the order in which people want to hear them: what makes the rest meaningless first, the mere
# number last.  Doubts that are not named here, such as those of new witnesses, stand between.
_BEFORE = (
    NOT_IN_DOMAIN,
    "nothing_found",
    "truncated",
    "unreadable",
    "list_incomplete",
    "page_unread",
    "pages_left_out",
    "left_out_page_differs",
    "conflict",
    "required_absent",
)
_AFTER = (
    "not_on_page",
    "list_unsure",
    "looks_missing",
    "look_differs",
    "look_unsure",
    "opening_unsure",
    "not_scored",
    "low_score",
    "absence_unsure",
    *Closed,
)
_GRAVITY = {code: at - len(_BEFORE) for at, code in enumerate(_BEFORE)} | {
    code: at for at, code in enumerate(_AFTER, start=1)
}
