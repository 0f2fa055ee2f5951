"""What one page says of the document that it belongs to: its titles, its numbers, its own count."""

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, field

from extractors.documents.spec import DocumentType, FieldSpec, Kind
from extractors.page.labels import labelled_value
from extractors.page.layout import PageCells, lines_of, text_of
from extractors.triage.counters import Place, only_counts, place_of
from extractors.triage.names import names_of
from extractors.triage.titles import (
    NAMED,
    headings,
    numbers_of,
    own,
    papers_in,
    rival,
    twice,
)
from extractors.types import Word

_TELLING = frozenset({Kind.DATE, Kind.AMOUNT, Kind.IDENTIFIER})
OTHER = "other: "  # the kind of a page whose title is no type's, before what it is titled as


@dataclass(frozen=True, slots=True, kw_only=True)
class Opening:
    """What a page says of the document that it belongs to; a page without words says nothing."""

    # types whose titles it has, or OTHER with the kind of paper; empty when it is not titled
    kinds: frozenset[str] = frozenset()
    # by type: the value under its label for a number
    numbers: Mapping[str, str] = field(default_factory=dict)
    # by type: numbers beside its titles, and under labels that name the type itself
    own_numbers: Mapping[str, Set[str]] = field(default_factory=dict)
    # the values under its labels for dates, amounts and identifiers, of whatever type
    values: Mapping[str, str] = field(default_factory=dict)
    # a cell of its own names a kind of paper that is none of the types, in whatever print
    otherwise: bool = False
    twice: bool = False  # it is titled twice: two papers may lie on one picture
    place: Place | None = None  # its number among the pages of its paper
    # its cells, line by line, without the page's number
    lines: tuple[tuple[str, ...], ...] = ()

    @property
    def counted(self) -> bool:
        """It says its number, and of how many."""
        return self.place is not None and self.place[1] is not None

    @property
    def begins(self) -> bool:
        """It is the first of the pages that it is counted among."""
        return self.place is not None and self.counted and self.place[0] == 1

    @property
    def ends(self) -> bool:
        """It is the last of the pages that it is counted among."""
        return self.place is not None and self.place[0] == self.place[1]


def opening_of(
    words: Sequence[Word], types: Mapping[str, DocumentType], *, at: int, of: int
) -> Opening:
    """What the page says.

    at, of: where it stands in its file, from 1, and how many pages that has
    """
    if not words:
        return Opening()
    page, names = PageCells(words), names_of(types)
    found = headings(page, names)
    kinds = [name for name in types if own(found, name, names) >= NAMED]
    otherwise = rival(found, None, names)
    other = next(papers_in(found, names), None) if otherwise == 1.0 else None
    lines = tuple(
        tuple(text_of(cell) for cell in line)
        for line in lines_of([w for w in words if w.text.strip()])
    )
    numbers = {
        name: labelled_value(number, page)
        for name in kinds
        if (number := number_of(types[name])) is not None
    }
    return Opening(
        kinds=frozenset(kinds or ([OTHER + other] if other else [])),
        numbers={name: value[0] for name, value in numbers.items() if value is not None},
        own_numbers=numbers_of(found, names),
        values=_values(page, types),
        otherwise=otherwise >= NAMED,
        twice=twice(found, names),
        place=place_of(lines, at, of),
        lines=tuple(
            kept
            for line in lines
            if (kept := tuple(cell for cell in line if not only_counts(cell)))
        ),
    )


def _values(page: PageCells, types: Mapping[str, DocumentType]) -> dict[str, str]:
    """The values under the page's labels, each for the field whose label it has the most: "Invoice
    date" is no number.
    """
    telling = {
        field.name: field
        for spec in types.values()
        for field in spec.fields
        if field.kind in _TELLING
    }
    best: dict[str, tuple[float, str]] = {}
    for name, spec in telling.items():
        found = labelled_value(spec, page)
        if found is not None:
            value, weight = found
            best[value] = max(best.get(value, (0.0, "")), (weight, name))
    return {name: value for value, (_, name) in best.items()}


def number_of(spec: DocumentType) -> FieldSpec | None:
    """The field that tells one document of the type from the next."""
    identifiers = [
        field for field in spec.fields if field.kind is Kind.IDENTIFIER and field.checksum is None
    ]
    return next(
        (field for field in identifiers if field.required), identifiers[0] if identifiers else None
    )
