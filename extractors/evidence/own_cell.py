"""A witness: does each value of a row stand in its own column and row?

Pure.  Where a column stands is known from the list's other rows, or from its head.  A value that
was taken from elsewhere while a number stands in its own cell is denied, and so is an absence; the
number there is offered.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median

from extractors.documents.spec import DocumentType, FieldSpec, Kind
from extractors.evidence.gather import Candidate
from extractors.evidence.witnesses import (
    DENIES,
    OFFERS,
    DocumentEvidence,
    Row,
    Testimony,
    witness,
)
from extractors.normalise import Value, normalise
from extractors.page.columns import Column, head_of
from extractors.page.label_phrases import HEADS
from extractors.page.layout import text_of
from extractors.page.text import PageText
from extractors.types import Box, FieldState, Word

CELL_HAS_VALUE, OTHER_CELL = "cell_has_value", "other_cell"
NUMBERS = frozenset({Kind.AMOUNT, Kind.NUMBER})
ALONE = 3.0  # heights of a list's only row
REACH = 5.0  # heights between the beginning of a row and what still is its own

Place = tuple[Box, ...]


@dataclass(frozen=True, slots=True)
class _Band:
    """One row on its page: from where to where, and its cells' places by path."""

    row: Row
    begins: float  # the upper edge of its first line
    top: float  # of the middles of what stands in it
    bottom: float
    places: Mapping[str, Place]

    def holds(self, box: Box) -> bool:
        return self.top <= box.middle < self.bottom


@witness("own-cell/2")
def own_cell(document: DocumentEvidence) -> Iterator[Testimony]:
    """Every cell of every list against what stands in its own column and row."""
    for group in document.type.fields:
        if group.kind is not Kind.GROUP:
            continue
        rows = document.rows(group.name)
        for number in dict.fromkeys(row.page for row in rows):
            page = document.pages.get(number)
            if page is not None and page.words:
                on_page = [row for row in rows if row.page == number]
                yield from _of_page(group, on_page, page, document.type)


def _of_page(
    group: FieldSpec, rows: Sequence[Row], page: PageText, spec: DocumentType
) -> Iterator[Testimony]:
    bands = _bands(rows)
    if not bands:
        return
    height = _height(bands)
    own = {
        id(band): {p: place for p, place in band.places.items() if band.holds(place[-1])}
        for band in bands
    }
    head_top = min(band.begins for band in bands) + 0.3 * height
    labelled = [label.words[0].box for label in page.labels]
    for member in group.members:
        path = f"{group.name}.{member.name}"
        head = (
            head_of(member.einvoice, page.lines, head_top, height)
            if member.einvoice in HEADS
            else None
        )
        for band in bands:
            boxes = tuple(
                own[id(b)][path][-1] for b in bands if b is not band and path in own[id(b)]
            )
            column = Column(boxes, is_head=False) if boxes else head
            if column is None:
                continue
            cell = _Cell(member, spec, column, band, own[id(band)], height)
            for candidate in band.row.cells.get(path, ()):
                yield from cell.hear(candidate, path, page, labelled)


def _bands(rows: Sequence[Row]) -> list[_Band]:
    """The rows' bands; a row none of whose cells was found has none."""
    placed = [(row, places) for row in rows if (places := _places(row))]
    if not placed:
        return []
    height = median(p[0].height for _, places in placed for p in places.values())
    tops: list[float] = []
    before = float("-inf")  # where the row before stands
    for _, places in placed:
        ys = sorted(place[0].middle for place in places.values())
        usual = ys[(len(ys) - 1) // 2]
        # what stands beside the row before was taken from it, and does not begin this one
        above = before + 0.5 * height if before + 0.5 * height < usual else float("-inf")
        tops.append(min(y for y in ys if usual - y <= REACH * height and y > above))
        before = usual
    steps = [b - a for a, b in pairwise(tops) if b > a]
    step = median(steps) if steps else ALONE * height
    last = max(step, ALONE * height)

    def begin(top: float, after: float) -> float:
        return top - min(0.8 * height, 0.5 * after)  # lines may stand closer than words are high

    found = []
    start = begin(tops[0], step)
    for at, ((row, places), top) in enumerate(zip(placed, tops, strict=True)):
        follows = at + 1 < len(tops) and tops[at + 1] > top
        end = begin(tops[at + 1], tops[at + 1] - top) if follows else begin(top + last, step)
        found.append(_Band(row, top - 0.5 * height, start, end, places))
        start = end if follows or at + 1 == len(tops) else begin(tops[at + 1], step)
    return found


def _places(row: Row) -> dict[str, Place]:
    found = {}
    for path, candidates in row.cells.items():
        for one in candidates[:1]:
            for said in one.said[:1]:
                if said.grounding is not None and said.grounding.places:
                    found[path] = said.grounding.places[0]
    return found


def _height(bands: Sequence[_Band]) -> float:
    return max(median(p[0].height for band in bands for p in band.places.values()), 1.0)


@dataclass(frozen=True, slots=True)
class _Cell:
    """One cell of one row: its column, and what else of its row is known."""

    member: FieldSpec
    spec: DocumentType
    column: Column
    band: _Band
    own: Mapping[str, Place]  # of the row's cells that stand in it
    height: float

    def hear(
        self, candidate: Candidate, path: str, page: PageText, labelled: Sequence[Box]
    ) -> Iterator[Testimony]:
        """What the page has in this cell, where that is not what was read."""
        read = candidate.state is FieldState.VALUE
        if read and (self.member.kind not in NUMBERS or candidate.value is None):
            return
        place = self.band.places.get(path)
        if read and (
            place is None or (path in self.own and self.column.holds(place[-1], self.height))
        ):
            return  # not on the page is said elsewhere
        taken = [box for name, boxes in self.own.items() if name != path for box in boxes]
        words = self._printed(page, taken, labelled)
        if not words:
            return
        text = text_of(words)
        if read and self._value(text).agrees_with(candidate.value or self._value(text)):
            return
        denied = candidate.state is not FieldState.UNREADABLE
        yield Testimony(
            of=candidate,
            says=DENIES if denied else OFFERS,
            because=OTHER_CELL if read else CELL_HAS_VALUE,
            message=f"in this row and column the page says {text}",
            page=self.band.row.page,
            boxes=tuple(word.box for word in words),
            offers=text,
        )

    def _printed(
        self, page: PageText, taken: Sequence[Box], labelled: Sequence[Box]
    ) -> tuple[Word, ...]:
        """What stands in the cell and belongs to no other one of the row."""
        for line in page.lines:
            if not self.band.holds(line[0][0].box) or any(
                box.y0 <= line[0][0].box.middle <= box.y1 for box in labelled
            ):
                continue
            for cell in line:
                if self.member.kind in NUMBERS:
                    found = next((w for w in cell if self._is_number(w, taken)), None)
                    if found is not None:
                        return (found,)
                elif self.column.holds(cell[0].box, self.height) and self._is_text(cell, taken):
                    return cell
        return ()

    def _is_number(self, word: Word, taken: Sequence[Box]) -> bool:
        return (
            any(c.isdecimal() for c in word.text)
            and self.column.holds(word.box, self.height)
            and not any(_same_place(word.box, box) for box in taken)
            and self._value(word.text).problem is None
        )

    def _is_text(self, cell: tuple[Word, ...], taken: Sequence[Box]) -> bool:
        return any(c.isalpha() for word in cell for c in word.text) and not any(
            _same_place(word.box, box) for word in cell for box in taken
        )

    def _value(self, text: str) -> Value:
        return normalise(text, self.member, self.spec)


def _same_place(a: Box, b: Box) -> bool:
    across = min(a.x1, b.x1) - max(a.x0, b.x0)
    down = min(a.y1, b.y1) - max(a.y0, b.y0)
    return across > 0.3 * min(a.width, b.width) and down > 0.3 * a.height
