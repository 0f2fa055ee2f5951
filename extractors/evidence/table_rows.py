"""Where the rows that were read stand on the pages: one band a row, found by the amounts of one
column and by the row's other values beside them.

Pure.  A row of a table may be several lines high, and its amount may stand on any of them; so each
value's distance to its amount is learned from all rows, and rows are put to amounts in their order.
"""

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from statistics import median

from extractors.documents.types import FieldSpec, Kind
from extractors.evidence.witnesses import DocumentEvidence, Row
from extractors.page.labels import shaped
from extractors.page.tables import (
    MOST_APART,
    SAME_LINE,
    Column,
    Line,
    Span,
    amounts_in,
    column_of,
    lines_between,
    middle,
    page_lines,
    pitch,
)
from extractors.types import Box, Word

Place = tuple[Box, ...]  # one box a line
Places = Mapping[str, tuple[Place, ...]]  # of one row: path -> where the page says its value
NUMBERS = frozenset({Kind.AMOUNT, Kind.NUMBER})
MAIN = 4  # what an amount or a text counts more than another value, in finding a row's band


@dataclass(frozen=True, kw_only=True)
class PageTable:
    """A list on one page: its lines, the words in the column of amounts, and the row of each."""

    number: int  # 1-based
    lines: tuple[Line, ...]
    amounts: tuple[Word, ...]  # in the column, top to bottom
    rows: Mapping[int, Row]  # which of them were read, by their place among the amounts
    unplaced: tuple[Row, ...]  # rows of this page that have no amount of their own here


@dataclass(frozen=True, kw_only=True)
class Table:
    """A list as it stands on the pages, by the rows that were read from it."""

    group: FieldSpec
    anchor: str  # the path of the amounts, "items.amount"
    lead: str | None  # the path of the text that a row begins with
    height: float  # of its words, or from line to line where that is less; in points
    column: Column
    above: Mapping[str, float]  # path -> how far beneath its amount a value stands (above: < 0)
    pages: Mapping[int, PageTable]
    places: Mapping[int, Places]  # by the row's ordinal

    @cached_property
    def spans(self) -> Mapping[str, Span]:
        """The stretch in which the values of each other numeric column stand."""
        found: dict[str, list[Box]] = defaultdict(list)
        for page in self.pages.values():
            for at, row in page.rows.items():
                for path in self._numbers:
                    beside = self.beside(page.amounts[at], row, path)
                    found[path] += [box for place in beside for box in place]
        half = 0.5 * self.height
        return {
            path: Span(min(b.x0 for b in boxes) - half, max(b.x1 for b in boxes) + half)
            for path, boxes in found.items()
            if boxes
        }

    @cached_property
    def starts(self) -> tuple[float, float] | None:
        """Between which two heights of x the rows' first words begin."""
        begins = []
        for page in self.pages.values():
            for at, row in page.rows.items():
                amount = page.amounts[at]
                texts = self.beside(amount, row, self.lead) if self.lead is not None else []
                begins += [place[0].x0 for place in texts[:1]] or [
                    line.words[0].box.x0 for line in self.lines_of(page, amount)[:1]
                ]
        return (min(begins) - self.height, max(begins) + self.height) if begins else None

    @property
    def _numbers(self) -> list[str]:
        return [
            path
            for member in self.group.members
            if member.kind in NUMBERS
            and (path := f"{self.group.name}.{member.name}") != self.anchor
        ]

    @cached_property
    def rise(self) -> tuple[float, float]:
        """How far beneath its amount a row's text begins, at least and at most (above: < 0)."""
        steps = [
            middle(place[0]) - middle(page.amounts[at].box)
            for page in self.pages.values()
            for at, row in page.rows.items()
            for place in (self.beside(page.amounts[at], row, self.lead) if self.lead else ())
        ]
        return min((0.0, *steps)), max((0.0, *steps))

    def beside(self, amount: Word, row: Row, path: str) -> list[Place]:
        """Where the row's value stands beside its amount."""
        at = middle(amount.box) + self.above.get(path, 0.0)
        return [
            place
            for place in self.places[row.ordinal].get(path, ())
            if any(abs(middle(box) - at) <= SAME_LINE * self.height for box in place)
        ]

    def lines_of(self, page: PageTable, amount: Word) -> Sequence[Line]:
        """The lines of a row that begin it: its text's, and its amount's own."""
        at, near = middle(amount.box), SAME_LINE * self.height
        return lines_between(page.lines, at + self.rise[0] - near, at + self.rise[1] + near)

    def like_a_row(self, page: PageTable, amount: Word) -> bool:
        """A word before the amount begins where the rows begin."""
        if self.starts is None:
            return False
        left, right = self.starts
        return any(
            left <= word.box.x0 <= right and word.box.x1 < amount.box.x0
            for line in self.lines_of(page, amount)
            for word in line.words
        )

    def numbered(self, page: PageTable, amount: Word) -> bool:
        """Every other numeric column of the list has a number beside this amount."""
        return bool(self.spans) and all(
            self.number_beside(page, amount, path) is not None for path in self.spans
        )

    def number_beside(self, page: PageTable, amount: Word, path: str) -> Word | None:
        """The number that stands beside this amount in another column of the list."""
        at, near = middle(amount.box) + self.above.get(path, 0.0), SAME_LINE * self.height
        return next(
            (
                word
                for line in lines_between(page.lines, at - near, at + near)
                for word in line.words
                if word is not amount
                and self.spans[path].meets(word.box)
                and word.box.x1 <= amount.box.x0
                and any(c.isdigit() for c in word.text)
            ),
            None,
        )


def table_of(group: FieldSpec, document: DocumentEvidence) -> Table | None:
    """The list as it stands on the pages; None where no amount of it is found on one."""
    anchor, lead = _main_paths(group)
    rows = document.rows(group.name)
    places = {row.ordinal: {path: _places(row, path) for path in row.cells} for row in rows}
    found = [place[-1] for of in places.values() for place in of.get(anchor or "", ())]
    if anchor is None or not found:
        return None
    words = {number: text.words for number, text in document.pages.items() if text.words}
    lines = {number: page_lines(of) for number, of in words.items()}
    height = min(median(box.y1 - box.y0 for box in found), pitch(lines.values()))
    likely = [_likely(places[row.ordinal], anchor, height) for row in rows]
    shown, boxes = _as_words([(row.page, of) for row, of in zip(rows, likely, strict=True)], words)
    column = column_of(boxes, height)
    if column is None:
        return None
    numbers = {f"{group.name}.{m.name}" for m in group.members if m.kind in NUMBERS} - {anchor}
    places = {n: _outside(of, numbers, column) for n, of in places.items()}
    amounts = {number: amounts_in(of, column) for number, of in shown.items()}
    above = _distances(rows, places, amounts, height)
    pages = {
        number: _page(number, lines[number], of, rows, _Fit(places, above, (anchor, lead), height))
        for number, of in amounts.items()
    }
    return Table(
        group=group,
        anchor=anchor,
        lead=lead,
        height=height,
        column=column,
        above=above,
        pages=pages,
        places=places,
    )


def _main_paths(group: FieldSpec) -> tuple[str | None, str | None]:
    """The path of the amounts, and of the text that a row begins with."""
    paths = [(f"{group.name}.{member.name}", member.kind) for member in group.members]
    anchor = next(
        (path for kind in (Kind.AMOUNT, Kind.NUMBER) for path, k in paths[::-1] if k is kind), None
    )
    return anchor, next((path for path, kind in paths if kind is Kind.TEXT), None)


def _places(row: Row, path: str) -> tuple[Place, ...]:
    """Everywhere that the words of the row's page show the value of this cell."""
    cell = row.value(path)
    said = cell.said[:1] if cell is not None else ()
    return tuple(
        place
        for one in said
        if one.grounding is not None
        for place in one.grounding.places
        if place
    )


def _outside(places: Places, numbers: Collection[str], column: Column) -> Places:
    """Without other numbers' places in the column of amounts: "1.00" is there as a quantity too."""
    return {
        path: tuple(one for one in of if path not in numbers or not column.holds(one[-1]))
        for path, of in places.items()
    }


def _likely(places: Places, anchor: str, height: float) -> list[Box]:
    """The places of a row's amount that have most of its other values near them."""
    beside = {
        box: sum(
            any(abs(middle(b) - middle(box)) <= MOST_APART * height for place in of for b in place)
            for path, of in places.items()
            if path != anchor
        )
        for *_, box in places.get(anchor, ())
    }
    return [box for box, count in beside.items() if count == max(beside.values())]


def _as_words(
    rows: Sequence[tuple[int, Sequence[Box]]], words: Mapping[int, Sequence[Word]]
) -> tuple[dict[int, list[Word]], list[list[Box]]]:
    """The words of each page that look like the rows' amounts, and the boxes of each row's own.

    The box of a value may hold its currency too; the number alone is what a column aligns.
    """
    for kind in (Kind.AMOUNT, Kind.NUMBER):
        shown = {n: [word for word in of if shaped(kind, word.text)] for n, of in words.items()}
        boxes = [
            [word.box for word in shown.get(page, ()) if any(_within(word.box, b) for b in of)]
            for page, of in rows
        ]
        if 2 * sum(map(bool, boxes)) >= sum(bool(of) for _, of in rows):
            break
    return shown, boxes


def _within(inner: Box, outer: Box) -> bool:
    x, y = (inner.x0 + inner.x1) / 2, middle(inner)
    return outer.x0 <= x <= outer.x1 and outer.y0 <= y <= outer.y1


def _distances(
    rows: Sequence[Row],
    places: Mapping[int, Places],
    amounts: Mapping[int, Sequence[Word]],
    height: float,
) -> dict[str, float]:
    """How far beneath its amount each other value stands, in most rows."""
    apart: dict[str, list[float]] = defaultdict(list)
    heights = {number: [middle(word.box) for word in of] for number, of in amounts.items()}
    for row in rows:
        for path, of in places[row.ordinal].items():
            steps = [
                middle(box) - at
                for place in of
                for box in place
                for at in _near(heights.get(row.page, ()), middle(box), MOST_APART * height)
            ]
            if steps:
                apart[path].append(min(steps, key=abs))
    return {path: median(steps) for path, steps in apart.items()}


def _near(heights: Sequence[float], at: float, within: float) -> Sequence[float]:
    return heights[bisect_left(heights, at - within) : bisect_right(heights, at + within)]


# ---- which row stands at which amount


@dataclass(frozen=True, slots=True)
class _Fit:
    """How well rows fit amounts."""

    places: Mapping[int, Places]
    above: Mapping[str, float]
    main: tuple[str, str | None]  # the paths of the amount and of the text
    height: float

    def scores(self, row: Row, heights: Sequence[float], amounts: Sequence[Word]) -> dict[int, int]:
        """The amounts that may be the row's, with how many of its values stand beside each; one of
        them must be the amount itself or the text.
        """
        found: dict[int, set[str]] = defaultdict(set)
        for path, places in self.places[row.ordinal].items():
            for box in (box for place in places for box in place):
                at = middle(box) - self.above.get(path, 0.0)
                first = bisect_left(heights, at - SAME_LINE * self.height)
                last = bisect_right(heights, at + SAME_LINE * self.height)
                for number in range(first, last):
                    if path != self.main[0] or _within(amounts[number].box, box):
                        found[number].add(path)
        return {
            number: sum(MAIN if path in self.main else 1 for path in paths)
            for number, paths in found.items()
            if paths & set(self.main)
        }


def _page(
    number: int, lines: tuple[Line, ...], amounts: tuple[Word, ...], rows: Sequence[Row], fit: _Fit
) -> PageTable:
    here = [row for row in rows if row.page == number]
    heights = [middle(word.box) for word in amounts]
    put = {
        at: here[of]
        for of, at in _in_order([fit.scores(row, heights, amounts) for row in here], len(amounts))
    }
    placed = {row.ordinal for row in put.values()}
    return PageTable(
        number=number,
        lines=lines,
        amounts=amounts,
        rows=put,
        unplaced=tuple(row for row in here if row.ordinal not in placed),
    )


def _in_order(scores: Sequence[Mapping[int, int]], count: int) -> list[tuple[int, int]]:
    """Pairs of a row and an amount, both in their order, that fit best together."""
    best = [[0] * (count + 1)]  # of the first rows and the first amounts
    for of in scores:
        before, line = best[-1], [0]
        for at in range(count):
            taken = before[at] + of[at] if at in of else 0
            line.append(max(before[at + 1], line[at], taken))
        best.append(line)
    pairs = []
    row, at = len(scores), count
    while row and at:
        if best[row][at] == best[row - 1][at]:
            row -= 1
        elif best[row][at] == best[row][at - 1]:
            at -= 1
        else:
            row, at = row - 1, at - 1
            pairs.append((row, at))
    return pairs[::-1]
