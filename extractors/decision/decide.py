"""Accepted or review: a merged row against the list of proofs that an accepted value must have.

Review is the outcome that needs no proof. A row is accepted only when every proof in ``PROOFS``
holds; the first one that does not gives the reason. The three states stay apart: *not scored*,
*absent* and *low* are different reasons.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import TypeGuard

from extractors.documents.spec import DocumentType, FieldSpec
from extractors.evidence.line_items import LIST_PROBLEMS
from extractors.evidence.merge import Merged
from extractors.types import FieldState


class Outcome(StrEnum):
    """Where a row goes."""

    ACCEPTED = "accepted"
    REVIEW = "review"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """Why, as a stable code for SQL and a sentence for people."""

    code: str
    words: str
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
    certificate: str = "uncertified"


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """Everything a proof may look at."""

    row: Merged
    field: FieldSpec
    threshold: float
    method: str
    in_domain: bool


Proof = Callable[[Case], Reason | None]  # None: the proof holds


def decide(
    row: Merged, field: FieldSpec, *, accept_at: float, method: str, in_domain: bool
) -> Decision:
    """Accept the row when every proof holds, else send it to review with all that is missing.

    field:     the spec at ``row.name``; its own ``accept_at`` goes before the global one given here
    method:    the name of the confidence method that ``row.score`` comes from
    in_domain: the model was made for this document type, on every page
    """
    threshold = field.accept_at if field.accept_at is not None else accept_at
    case = Case(row=row, field=field, threshold=threshold, method=method, in_domain=in_domain)
    doubts = tuple(doubt for proof in PROOFS if (doubt := proof(case)) is not None)
    return _decision(case, doubts)


def decide_all(
    rows: Sequence[Merged], spec: DocumentType, *, accept_at: float, method: str, in_domain: bool
) -> tuple[Decision, ...]:
    """One decision a row. A document in which nothing at all was found goes to review whole: it may
    be another kind of page.
    """
    alone = [
        decide(row, spec.field(row.name), accept_at=accept_at, method=method, in_domain=in_domain)
        for row in rows
    ]
    decisions = _whole_rows(rows, alone)
    if any(row.state is not FieldState.ABSENT for row in rows):
        return decisions
    nothing = Reason(
        code="nothing_found", words=f"no field of a {spec.title} was found on any page"
    )
    return tuple(
        replace(d, outcome=Outcome.REVIEW, reason=nothing, doubts=(nothing, *d.doubts))
        for d in decisions
    )


def _whole_rows(rows: Sequence[Merged], decisions: Sequence[Decision]) -> tuple[Decision, ...]:
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
        and "." in row.name
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
        and row.state in ACCEPTED_WORDS
        and _known(row.score)
        and row.score >= case.threshold
    )
    reason = (
        Reason(code=row.state.value, words=ACCEPTED_WORDS[row.state])
        if proven
        else (doubts or (UNPROVEN,))[0]
    )
    return Decision(
        outcome=Outcome.ACCEPTED if proven else Outcome.REVIEW,
        reason=reason,
        doubts=() if proven else doubts or (UNPROVEN,),
        score=row.score,
        method=case.method,
        threshold=case.threshold,
    )


ROW_IN_DOUBT = Reason(code="row_in_doubt", words="another value of this row is in doubt")
UNPROVEN = Reason(code="unproven", words="not every proof could be made")
ACCEPTED_WORDS = {FieldState.VALUE: "sure enough", FieldState.ABSENT: "surely not on the page"}


def _is_in_domain(case: Case) -> Reason | None:
    return (
        None
        if case.in_domain
        else Reason(code="not_in_domain", words="the model was not made for this document type")
    )


def _is_whole(case: Case) -> Reason | None:
    """An answer that was cut proves nothing, not even what it says before the cut: the rest could
    have taken it back.
    """
    if case.row.cut_pages:
        words = (
            f"the model's answer about page {', '.join(map(str, case.row.cut_pages))} was cut short"
        )
        return Reason(code="truncated", words=words, details={"pages": list(case.row.cut_pages)})
    if "truncated" not in (case.row.problem, case.row.list_problem):
        return None
    return Reason(code="truncated", words="the model's answer was cut short")


def _is_readable(case: Case) -> Reason | None:
    if case.row.problem == "truncated" or (
        case.row.state in ACCEPTED_WORDS and case.row.problem is None
    ):
        return None  # cut short has been said
    problem = case.row.problem or "missing"
    return Reason(
        code="unreadable",
        words=f"the model's answer has no usable value here ({problem})",
        details={"problem": problem},
    )


def _list_is_whole(case: Case) -> Reason | None:
    if case.row.list_problem in (None, "truncated"):
        return None
    words = LIST_PROBLEMS.get(
        case.row.list_problem, f"the list may be incomplete ({case.row.list_problem})"
    )
    return Reason(code="list_incomplete", words=words, details={"problem": case.row.list_problem})


def _empty_pages_are_sure(case: Case) -> Reason | None:
    weak = [
        s if _known(s) else None
        for s in case.row.empty_page_scores
        if not (_known(s) and s >= case.threshold)
    ]
    if not weak:
        return None
    words = "a page may hold further rows: the model is not sure that it holds none"
    return Reason(
        code="list_unsure", words=words, details={"scores": weak, "threshold": case.threshold}
    )


def _every_page_was_read(case: Case) -> Reason | None:
    pages = case.row.unread_pages
    if not pages or case.row.state is FieldState.UNREADABLE:
        return None
    words = f"page {', '.join(map(str, pages))} could not be read and may say otherwise"
    return Reason(code="page_unread", words=words, details={"pages": list(pages)})


def _no_page_was_left_out(case: Case) -> Reason | None:
    """A value stands where it was read; that a field is nowhere, or that a list has no further
    rows, needs every page.
    """
    pages = case.row.left_out_pages
    if case.row.unjudged_pages:
        words = (
            f"{len(case.row.unjudged_pages)} pages without text were not read and may say otherwise"
        )
        return Reason(
            code="pages_left_out", words=words, details={"pages": list(case.row.unjudged_pages)}
        )
    if not pages or case.row.state is FieldState.UNREADABLE:
        return None
    if case.row.list_proven or (case.row.state is FieldState.VALUE and "." not in case.row.name):
        return None
    missing = "further rows may stand" if "." in case.row.name else "it may stand"
    return Reason(
        code="pages_left_out",
        words=f"{missing} on one of {len(pages)} pages that were not read",
        details={"pages": list(pages)},
    )


def _unread_pages_agree(case: Case) -> Reason | None:
    """A page that was not read still has its words; one that shows another value under the field's
    label is heard by a person.
    """
    if not case.row.unread_says or case.row.state is not FieldState.VALUE:
        return None
    (page, text), *more = case.row.unread_says
    others = f", and {len(more)} more" if more else ""
    details = {
        "pages": [number for number, _ in case.row.unread_says],
        "others": [said for _, said in case.row.unread_says],
    }
    return Reason(
        code="unread_page_differs",
        words=f"page {page}, which was not read, says {text}{others}",
        details=details,
    )


def _pages_agree(case: Case) -> Reason | None:
    if not case.row.conflicting:
        return None
    others = " | ".join(case.row.conflicting_texts)
    return Reason(
        code="conflict",
        words=f"pages disagree: {others}",
        details={"others": list(case.row.conflicting_texts)},
    )


def _is_there_if_required(case: Case) -> Reason | None:
    if case.row.state is not FieldState.ABSENT or not case.field.required:
        return None
    return Reason(code="required_absent", words="required, but the model says that it is not there")


def _parses(case: Case) -> Reason | None:
    if case.row.state is not FieldState.VALUE:
        return None
    value = case.row.value
    if value is None:
        return Reason(code="not_parsed", words="the text was not made into a value")
    return (
        Reason(code=value.problem, words=value.message or value.problem) if value.problem else None
    )


def _page_says_so(case: Case) -> Reason | None:
    grounding = case.row.grounding
    if case.row.state is not FieldState.VALUE or grounding is None or grounding.found:
        return None
    words = (
        f"page text says {grounding.nearest}"
        if grounding.nearest
        else "page text does not say this"
    )
    return Reason(code="not_on_page", words=words, details={"nearest": grounding.nearest})


def _is_scored(case: Case) -> Reason | None:
    score = case.row.score
    if case.row.state is FieldState.UNREADABLE or _known(score):
        return None
    return Reason(code="not_scored", words="no confidence could be computed")


def _known(score: float | None) -> TypeGuard[float]:
    return score is not None and 0.0 <= score <= 1.0  # NaN is not a score


def _is_sure(case: Case) -> Reason | None:
    score = case.row.score
    if not _known(score) or score >= case.threshold or case.row.state is FieldState.UNREADABLE:
        return None  # without a score it cannot be low: that is another reason
    method = case.method.partition("/")[0].replace("-", " ")
    absent = case.row.state is FieldState.ABSENT
    words = (
        f"{'absence unsure: ' if absent else ''}{method} {score:.2f}, below {case.threshold:.2f}"
    )
    return Reason(
        code="absence_unsure" if absent else "low_score",
        words=words,
        details={"score": score, "threshold": case.threshold},
    )


# In the order in which people want to hear them: what makes the rest meaningless first, the mere
# number last.
PROOFS: tuple[Proof, ...] = (
    _is_in_domain,
    _is_whole,
    _is_readable,
    _list_is_whole,
    _every_page_was_read,
    _no_page_was_left_out,
    _unread_pages_agree,
    _pages_agree,
    _is_there_if_required,
    _parses,
    _page_says_so,
    _empty_pages_are_sure,
    _is_scored,
    _is_sure,
)
