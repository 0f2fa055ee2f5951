"""A list as it stands on the pages: which amount of its column belongs to which row that was read.

A row of a table may be several lines high, and its amount may stand on any of them; so the distance
of each value to its amount is known by its column.  Found by ``find_table.py``.
"""

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from extractors.documents.types import FieldSpec, Kind
from extractors.evidence.witnesses import Row
from extractors.page.tables import (
    SAME_LINE,
    Column,
    Line,
    Span,
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

    @cached_property
    def _heights(self) -> list[float]:
        return [line.middle for line in self.lines]

    def between(self, above: float, below: float) -> Sequence[Line]:
        """The lines whose middles lie between two heights."""
        heights = self._heights
        return self.lines[bisect_left(heights, above) : bisect_right(heights, below)]


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
            place[0].middle - page.amounts[at].box.middle
            for page in self.pages.values()
            for at, row in page.rows.items()
            for place in (self.beside(page.amounts[at], row, self.lead) if self.lead else ())
        ]
        return min((0.0, *steps)), max((0.0, *steps))

    def beside(self, amount: Word, row: Row, path: str) -> list[Place]:
        """Where the row's value stands beside its amount."""
        at = amount.box.middle + self.above.get(path, 0.0)
        return [
            place
            for place in self.places[row.ordinal].get(path, ())
            if any(abs(box.middle - at) <= SAME_LINE * self.height for box in place)
        ]

    def lines_of(self, page: PageTable, amount: Word) -> Sequence[Line]:
        """The lines of a row that begin it: its text's, and its amount's own."""
        at, near = amount.box.middle, SAME_LINE * self.height
        return page.between(at + self.rise[0] - near, at + self.rise[1] + near)

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
        at, near = amount.box.middle + self.above.get(path, 0.0), SAME_LINE * self.height
        return next(
            (
                word
                for line in page.between(at - near, at + near)
                for word in line.words
                if word is not amount
                and self.spans[path].meets(word.box)
                and word.box.x1 <= amount.box.x0
                and any(c.isdigit() for c in word.text)
            ),
            None,
        )


def main_paths(group: FieldSpec) -> tuple[str | None, str | None]:
    """The path of a row's amount, and of the text that it begins with."""
    paths = [(f"{group.name}.{member.name}", member.kind) for member in group.members]
    amount = next(
        (path for kind in (Kind.AMOUNT, Kind.NUMBER) for path, k in paths[::-1] if k is kind), None
    )
    return amount, next((path for path, kind in paths if kind is Kind.TEXT), None)
