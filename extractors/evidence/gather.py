"""Pages' readings -> the candidates of every field: the distinct answers, and who gives each.

Pure, and without any score: what is gathered here is evidence, and which candidate the document
answers with is the business of ``decision/choose.py``.  Nothing is dropped silently: every field of
the document type has at least one candidate, an absence is one, and so is "could not be read".
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal, InvalidOperation
from uuid import UUID

from extractors.documents.spec import DocumentType, FieldSpec, Kind
from extractors.evidence.grounding import Grounding
from extractors.evidence.row_places import own_places
from extractors.normalise import Value
from extractors.types import Box, FieldState

MISSING = "missing"  # the problem of a field that some page says nothing about


@dataclass(frozen=True, slots=True, kw_only=True)
class PageEvidence:
    """What one page's reading says about one field, with its value and what the page's own words
    say.
    """

    id: UUID  # of the reading's row for this field
    page: int  # 1-based
    name: str  # "total", "items.amount", or "items" for what is said about a whole group
    ordinal: int = 0  # row of a group on this page, 0-based
    state: FieldState
    text: str | None = None  # as printed
    value: Value | None = None  # of ``text``; None where there is no text
    # None: the page has no words, or the kind is not one that words can show
    grounding: Grounding | None = None
    # the reading's: "truncated", "unparsable", "repeated_key", "missing", ...
    problem: str | None = None
    cut: bool = False  # the answer that it stands in ended at the token limit, behind it


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """One distinct answer to one field (of one row): a value, an absence, or nothing usable.

    A group has a candidate of its own name that stands for the list as a whole: VALUE where rows
    were read, ABSENT for the pages that say they hold none, UNREADABLE for those where the list
    could not be read.
    """

    name: str
    ordinal: int = 0  # row of a group in the document, 0-based
    number: int = 0  # among the field's candidates: values by page, then absent, then unreadable
    state: FieldState
    text: str | None = None  # as printed where it was found first
    value: Value | None = None
    problem: str | None = None  # the reading's, else the value's
    pages: tuple[int, ...] = ()  # that say it; of UNREADABLE also those that say nothing
    said: tuple[PageEvidence, ...] = ()  # the readings that say it, in page order

    @property
    def key(self) -> tuple[str, int, int]:
        """What identifies it among the document's candidates."""
        return self.name, self.ordinal, self.number

    @property
    def group(self) -> str | None:
        """The list that it is a cell of; None for a field that stands once and for a list."""
        head, dot, _ = self.name.partition(".")
        return head if dot else None

    @property
    def amount(self) -> Decimal | None:
        """The value as a number; None where it is none."""
        if self.value is None or self.value.kind not in (Kind.AMOUNT, Kind.NUMBER):
            return None
        try:
            return Decimal(self.value.value) if isinstance(self.value.value, str) else None
        except InvalidOperation:
            return None


def gather(
    spec: DocumentType, evidence: Iterable[PageEvidence], *, pages: Collection[int]
) -> tuple[Candidate, ...]:
    """Every field's candidates, in the order of the spec; those of a whole list before its rows'.

    pages: the numbers of all pages that the answer must cover; one that says nothing about a field
    counts as unreadable for it. Evidence under names that the spec does not have is left out: it is
    the model's invention.
    """
    # the same candidates in whatever order the rows came
    given = sorted(evidence, key=lambda e: (e.page, e.ordinal, e.id))
    found: list[Candidate] = []
    for field in spec.fields:
        own = [e for e in given if e.name == field.name]
        if field.kind is Kind.GROUP:
            cells = [e for e in given if e.name.partition(".")[0] == field.name and e not in own]
            found += _of_list(field, own, cells, pages)
        else:
            found += _of_field(field.name, own, pages)
    return tuple(found)


def _of_field(
    name: str, given: Sequence[PageEvidence], pages: Collection[int], *, ordinal: int = 0
) -> list[Candidate]:
    values = [e for e in given if e.state is FieldState.VALUE]
    found = [_value(name, same) for same in _distinct(values)]
    found += _absent(name, [e for e in given if e.state is FieldState.ABSENT])
    failed = [e for e in given if e.state is FieldState.UNREADABLE]
    silent = set(pages) - {e.page for e in given}
    if failed or silent or not found:
        found.append(_unreadable(name, failed, silent))
    return [replace(one, ordinal=ordinal, number=at) for at, one in enumerate(found)]


def _of_list(
    field: FieldSpec,
    own: Sequence[PageEvidence],
    cells: Sequence[PageEvidence],
    pages: Collection[int],
) -> list[Candidate]:
    """The list as a whole, then the rows of all pages in page order, renumbered."""
    whole: list[Candidate] = []
    if cells:
        there = tuple(sorted({e.page for e in cells}))
        whole.append(Candidate(name=field.name, state=FieldState.VALUE, pages=there))
    whole += _absent(field.name, [e for e in own if e.state is FieldState.ABSENT])
    failed = [e for e in own if e.state is not FieldState.ABSENT]
    silent = set(pages) - {e.page for e in (*own, *cells)}
    if failed or silent or not whole:
        whole.append(_unreadable(field.name, failed, silent))
    numbered = [replace(one, number=at) for at, one in enumerate(whole)]
    return [*numbered, *_cells(field, cells)]


def _cells(field: FieldSpec, cells: Sequence[PageEvidence]) -> list[Candidate]:
    by_place: dict[tuple[int, int], list[PageEvidence]] = {}
    for e in in_their_rows(field, cells):
        by_place.setdefault((e.page, e.ordinal), []).append(e)
    found: list[Candidate] = []
    for ordinal, place in enumerate(sorted(by_place)):
        for member in field.members:
            path = f"{field.name}.{member.name}"
            here = [e for e in by_place[place] if e.name == path]
            found += _of_field(path, here, {place[0]}, ordinal=ordinal)
    return found


def in_their_rows(field: FieldSpec, cells: Sequence[PageEvidence]) -> list[PageEvidence]:
    """The cells of a list, each with the place in its own row first."""
    return [
        _shown_first(e, place) for e, place in zip(cells, own_places(field, cells), strict=True)
    ]


def _shown_first(e: PageEvidence, place: tuple[Box, ...] | None) -> PageEvidence:
    if e.grounding is None or place is None or e.grounding.places[0] == place:
        return e
    rest = tuple(one for one in e.grounding.places if one != place)
    return replace(e, grounding=replace(e.grounding, places=(place, *rest)))


def _distinct(values: Sequence[PageEvidence]) -> list[list[PageEvidence]]:
    """The readings by what they mean.

    A currency that one of them leaves out does not part them; where the others name two, those
    without one stand alone, since they could mean either.
    """
    alike: list[list[PageEvidence]] = []
    for e in values:
        same = next((group for group in alike if _same(group[0], e)), None)
        if same is None:
            alike.append([e])
        else:
            same.append(e)
    parted: list[list[PageEvidence]] = []
    for group in alike:
        named = dict.fromkeys(_currency(e) for e in group)
        if len(named.keys() - {None}) > 1:
            parted += [[e for e in group if _currency(e) == currency] for currency in named]
        else:
            parted.append(group)
    return sorted(parted, key=lambda group: (group[0].page, group[0].id))


def _currency(e: PageEvidence) -> str | None:
    return e.value.currency if e.value else None


def _same(a: PageEvidence, b: PageEvidence) -> bool:
    if a.text == b.text or a.value is None or b.value is None:
        return a.text == b.text
    return replace(a.value, currency=None).agrees_with(replace(b.value, currency=None))


def _value(name: str, same: Sequence[PageEvidence]) -> Candidate:
    # Of pages that say the same, the text of one whose own words confirm it.
    shown = next((e for e in same if e.grounding is None or e.grounding.found), same[0])
    return Candidate(
        name=name,
        state=FieldState.VALUE,
        text=shown.text,
        value=shown.value,
        problem=shown.problem or (shown.value.problem if shown.value else None),
        pages=_pages(same),
        said=tuple(same),
    )


def _absent(name: str, given: Sequence[PageEvidence]) -> list[Candidate]:
    if not given:
        return []
    absent = FieldState.ABSENT
    return [Candidate(name=name, state=absent, pages=_pages(given), said=tuple(given))]


def _unreadable(name: str, failed: Sequence[PageEvidence], silent: Collection[int]) -> Candidate:
    # a damaged text helps the person who looks
    shown = next((e for e in failed if e.text), failed[0] if failed else None)
    return Candidate(
        name=name,
        state=FieldState.UNREADABLE,
        text=shown.text if shown else None,
        value=shown.value if shown else None,
        problem=(shown.problem if shown else None) or MISSING,
        pages=tuple(sorted({*_pages(failed), *silent})),
        said=tuple(failed),
    )


def _pages(given: Iterable[PageEvidence]) -> tuple[int, ...]:
    return tuple(sorted({e.page for e in given}))
