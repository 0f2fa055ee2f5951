"""Several pages' evidence -> the document's answer, one row a field and ordinal.

Pure. Nothing is dropped silently: every path of the document type gets a row, pages that contradict
each other are named, and a list that was cut short marks every row of it. Whether a row may be
accepted is ``decide.py``'s business.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from extractors.documents.spec import DocumentType, FieldSpec, Kind
from extractors.evidence.grounding import Grounding
from extractors.normalise import Value
from extractors.types import FieldState


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What one page says about one field, with its score, its value and what the page's own words
    say.
    """

    id: UUID  # of the page's evidence row
    page: int  # 1-based
    name: str  # "total", "items.amount", or "items" for what is said about a whole group
    ordinal: int = 0  # row of a group on this page, 0-based
    state: FieldState
    text: str | None = None  # as printed
    score: float | None = None  # None: not scored
    value: Value | None = None  # of ``text``; None where there is no text
    # None: the page has no words, or the kind is not one that words can show
    grounding: Grounding | None = None
    # the reading's: "truncated", "unparsable", "repeated_key", "missing", ...
    problem: str | None = None
    cut: bool = False  # the answer that it stands in ended at the token limit, behind it


@dataclass(frozen=True, slots=True, kw_only=True)
class Merged:
    """The document's answer for one field and ordinal, and what speaks for and against it."""

    name: str
    ordinal: int = 0  # row of a group in the document, 0-based
    state: FieldState
    text: str | None = None
    value: Value | None = None
    # of the chosen evidence; of the weakest page when the field is absent
    score: float | None = None
    page: int | None = None  # of the chosen evidence
    evidence_id: UUID | None = None  # the chosen evidence
    agreeing: tuple[UUID, ...] = ()  # other pages' evidence for the same value (or for the absence)
    conflicting: tuple[UUID, ...] = ()  # other pages' evidence for another value
    conflicting_texts: tuple[str, ...] = ()  # what those pages say, for people
    grounding: Grounding | None = None
    problem: str | None = None  # why the state is UNREADABLE
    unread_pages: tuple[
        int, ...
    ] = ()  # pages that could not be read for this field, and might say otherwise
    cut_pages: tuple[
        int, ...
    ] = ()  # pages whose answer to this field ended at the token limit, behind what was said of it
    # the rows' amounts add up to a sum that the document prints: none is missing
    list_proven: bool = False
    # why the group that the row belongs to cannot be trusted as a whole
    list_problem: str | None = None
    empty_page_scores: tuple[
        float | None, ...
    ] = ()  # of a group with rows: how sure the pages are that say they hold none
    left_out_pages: tuple[
        int, ...
    ] = ()  # pages that nobody asked the model to read, since their words promise less
    unjudged_pages: tuple[
        int, ...
    ] = ()  # of these, the ones without words: nothing speaks against them
    unread_says: tuple[
        tuple[int, str], ...
    ] = ()  # left-out pages whose words have another value under the field's label, and that value


def merge(
    spec: DocumentType,
    evidence: Iterable[Evidence],
    *,
    pages: Collection[int],
    left_out: Collection[int] = (),
    unjudged: Collection[int] = (),
) -> tuple[Merged, ...]:
    """The document's rows, in the order of the spec; a group's own row (absent or flagged) stands
    before its rows.

    pages: the numbers of all pages that the answer must cover; one that says nothing about a field
           counts as unreadable for it.  left_out: pages besides these that were not read; unjudged:
           the ones of them that have no words to judge them by.  Evidence under names that the spec
           does not have is left out: it is the model's invention.
    """
    # the same answer in whatever order the rows came
    given = sorted(evidence, key=lambda e: (e.page, e.ordinal, e.id))
    rows: list[Merged] = []
    for field in spec.fields:
        if field.kind is Kind.GROUP:
            rows += _merged_group(
                field, [e for e in given if e.name.partition(".")[0] == field.name], pages
            )
        else:
            rows.append(
                _merged_field(field.name, [e for e in given if e.name == field.name], pages)
            )
    rows = (
        [replace(row, cut_pages=_cut_pages(row.name, given)) for row in rows]
        if any(e.cut for e in given)
        else rows
    )
    if not left_out:
        return tuple(rows)
    return tuple(
        replace(row, left_out_pages=tuple(sorted(left_out)), unjudged_pages=tuple(sorted(unjudged)))
        for row in rows
    )


def _cut_pages(name: str, given: Sequence[Evidence]) -> tuple[int, ...]:
    """Where the answer to this field was cut; a list is cut as a whole."""
    group = name.partition(".")[0]
    return tuple(sorted({e.page for e in given if e.cut and e.name.partition(".")[0] == group}))


def _merged_field(name: str, given: Sequence[Evidence], pages: Collection[int]) -> Merged:
    values = [e for e in given if e.state is FieldState.VALUE]
    unread = _unread_pages(given, pages)
    if values:
        return replace(_best_supported(name, values), unread_pages=unread)
    if unread:
        return _unreadable(name, given, unread)
    return _absent(name, given)


def _unread_pages(given: Sequence[Evidence], pages: Collection[int]) -> tuple[int, ...]:
    silent = set(pages) - {e.page for e in given}
    unreadable = {e.page for e in given if e.state is FieldState.UNREADABLE}
    return tuple(sorted(silent | unreadable))


def _best_supported(name: str, values: Sequence[Evidence]) -> Merged:
    """The value of the highest score (then the earlier page), and every page that says the same or
    something else.
    """
    ranked = sorted(values, key=lambda e: (-_known(e.score, otherwise=-1.0), e.page))
    agreeing = [e for e in ranked if _same(ranked[0], e)]
    # With no currency printed beside the best evidence, two others may still name two different
    # ones.
    if len({e.value.currency for e in agreeing if e.value and e.value.currency}) > 1:
        agreeing = ranked[:1]
    conflicting = [e for e in ranked if e not in agreeing]
    # Of pages that say the same, one whose own words confirm it is the better witness than one
    # whose words do not.
    best = next((e for e in agreeing if e.grounding is None or e.grounding.found), agreeing[0])
    return Merged(
        name=name,
        state=FieldState.VALUE,
        text=best.text,
        value=best.value,
        score=best.score,
        page=best.page,
        evidence_id=best.id,
        agreeing=tuple(e.id for e in agreeing if e is not best),
        conflicting=tuple(e.id for e in conflicting),
        conflicting_texts=tuple(e.text or "" for e in conflicting),
        grounding=best.grounding,
        problem=best.problem,
    )


def _known(score: float | None, *, otherwise: float) -> float:
    return score if score is not None and score == score else otherwise  # NaN is not a score


def _same(a: Evidence, b: Evidence) -> bool:
    return a.text == b.text or (
        a.value is not None and b.value is not None and a.value.agrees_with(b.value)
    )


def _unreadable(name: str, given: Sequence[Evidence], unread: tuple[int, ...]) -> Merged:
    failed = [e for e in given if e.state is FieldState.UNREADABLE]
    # a damaged text helps the person who looks
    shown = next((e for e in failed if e.text), failed[0] if failed else None)
    return Merged(
        name=name,
        state=FieldState.UNREADABLE,
        text=shown.text if shown else None,
        value=shown.value if shown else None,
        page=shown.page if shown else None,
        evidence_id=shown.id if shown else None,
        problem=(shown.problem if shown else None) or "missing",
        unread_pages=unread,
    )


def _absent(name: str, given: Sequence[Evidence]) -> Merged:
    """Absent as surely as the least sure page says so; one page without a score leaves the whole
    without one.
    """
    if not given:  # the document has no page to be absent from
        return Merged(name=name, state=FieldState.UNREADABLE, problem="missing")
    weakest = min(given, key=lambda e: (_known(e.score, otherwise=-1.0), e.page))
    others = tuple(e.id for e in given if e is not weakest)
    return Merged(
        name=name,
        state=FieldState.ABSENT,
        score=weakest.score,
        page=weakest.page,
        evidence_id=weakest.id,
        agreeing=others,
    )


def _merged_group(
    field: FieldSpec, given: Sequence[Evidence], pages: Collection[int]
) -> list[Merged]:
    """Rows of all pages in page order, renumbered; the group's own row first when there is
    something to say about it.
    """
    members = [e for e in given if e.name != field.name]
    whole = [e for e in given if e.name == field.name]
    broken = [e for e in whole if e.state is not FieldState.ABSENT]
    empty = [e for e in whole if e.state is FieldState.ABSENT]
    if not members:
        unread = _unread_pages(given, pages)
        return [_unreadable(field.name, whole, unread) if unread else _absent(field.name, whole)]

    unread = tuple(sorted({e.page for e in broken} | (set(pages) - {e.page for e in given})))
    problem = next((e.problem for e in broken if e.problem), "missing") if unread else None
    rows = [
        replace(
            row,
            list_problem=problem,
            unread_pages=tuple(sorted({*row.unread_pages, *unread})),
            empty_page_scores=tuple(e.score for e in empty),
        )
        for row in _numbered_rows(field, members)
    ]
    return [_unreadable(field.name, broken, unread), *rows] if unread else rows


def _numbered_rows(field: FieldSpec, members: Sequence[Evidence]) -> list[Merged]:
    by_place: dict[tuple[int, int], list[Evidence]] = {}
    for e in members:
        by_place.setdefault((e.page, e.ordinal), []).append(e)
    return [
        replace(
            _merged_field(path, [e for e in by_place[place] if e.name == path], {place[0]}),
            ordinal=ordinal,
        )
        for ordinal, place in enumerate(sorted(by_place))
        for path in (f"{field.name}.{member.name}" for member in field.members)
    ]
