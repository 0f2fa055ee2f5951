"""Where the rows that were read stand on the pages: at one amount each of one column.

Pure.  The column is where most rows may have their amounts; how far from it a row's other values
stand is learned from all rows; and rows are put to amounts in their order, so that most of their
values stand beside them.
"""

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from extractors.documents.types import FieldSpec, Kind
from extractors.evidence.table_rows import NUMBERS, PageTable, Place, Places, Table, main_paths
from extractors.evidence.witnesses import DocumentEvidence, Row
from extractors.page.labels import shaped
from extractors.page.tables import (
    MOST_APART,
    SAME_LINE,
    Column,
    Line,
    amounts_in,
    column_of,
    page_lines,
    pitch,
)
from extractors.types import Box, Word

MAIN = 4  # what an amount or a text counts more than another value, in finding a row's place


def table_of(group: FieldSpec, document: DocumentEvidence) -> Table | None:
    """The list as it stands on the pages; None where no amount of it is found on one."""
    anchor, lead = main_paths(group)
    rows = document.rows(group.name)
    places: dict[int, Places] = {
        row.ordinal: {path: _places(row, path) for path in row.cells} for row in rows
    }
    found = [place[-1] for of in places.values() for place in of.get(anchor or "", ())]
    if anchor is None or not found:
        return None
    words = {number: text.words for number, text in document.pages.items() if text.words}
    lines = {n: page_lines(document.pages[n].lines) for n in words}
    height = min(median(box.height for box in found), pitch(lines.values()))
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
    others = [
        sorted(box.middle for place in of for box in place)
        for path, of in places.items()
        if path != anchor
    ]
    beside = {
        box: sum(bool(_near(of, box.middle, MOST_APART * height)) for of in others)
        for *_, box in places.get(anchor, ())
    }
    most = max(beside.values(), default=0)
    return [box for box, count in beside.items() if count == most]


def _as_words(
    rows: Sequence[tuple[int, Sequence[Box]]], words: Mapping[int, Sequence[Word]]
) -> tuple[dict[int, list[Word]], list[list[Box]]]:
    """The words of each page that look like the rows' amounts, and the boxes of each row's own.

    The box of a value may hold its currency too; the number alone is what a column aligns.
    """
    ordered = {n: sorted(of, key=lambda word: word.box.middle) for n, of in words.items()}
    for kind in (Kind.AMOUNT, Kind.NUMBER):
        shown = {n: [word for word in of if shaped(kind, word.text)] for n, of in ordered.items()}
        heights = {n: [word.box.middle for word in of] for n, of in shown.items()}
        boxes = [
            [
                word.box
                for box in of
                for word in shown.get(page, ())[_slice(heights.get(page, ()), box)]
                if box.holds(word.box)
            ]
            for page, of in rows
        ]
        if 2 * sum(map(bool, boxes)) >= sum(bool(of) for _, of in rows):
            break
    return shown, boxes


def _slice(heights: Sequence[float], box: Box) -> slice:
    return slice(bisect_left(heights, box.y0), bisect_right(heights, box.y1))


def _distances(
    rows: Sequence[Row],
    places: Mapping[int, Places],
    amounts: Mapping[int, Sequence[Word]],
    height: float,
) -> dict[str, float]:
    """How far beneath its amount each other value stands, in most rows."""
    apart: dict[str, list[float]] = defaultdict(list)
    heights = {number: [word.box.middle for word in of] for number, of in amounts.items()}
    for row in rows:
        for path, of in places[row.ordinal].items():
            steps = [
                box.middle - at
                for place in of
                for box in place
                for at in _near(heights.get(row.page, ()), box.middle, MOST_APART * height)
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
                at = box.middle - self.above.get(path, 0.0)
                first = bisect_left(heights, at - SAME_LINE * self.height)
                last = bisect_right(heights, at + SAME_LINE * self.height)
                for number in range(first, last):
                    if path != self.main[0] or box.holds(amounts[number].box):
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
    heights = [word.box.middle for word in amounts]
    scores = [fit.scores(row, heights, amounts) for row in here]
    put = {at: here[of] for of, at in _pairs(scores, len(amounts))}
    placed = {row.ordinal for row in put.values()}
    return PageTable(
        number=number,
        lines=lines,
        amounts=amounts,
        rows=put,
        unplaced=tuple(row for row in here if row.ordinal not in placed),
    )


def _pairs(scores: Sequence[Mapping[int, int]], count: int) -> list[tuple[int, int]]:
    """Pairs of a row and an amount: where text and amount stand together, in whatever order the
    rows were read; then what fits the other rows best, in their order.
    """
    taken: dict[int, int] = {}  # amount -> row
    for row, of in enumerate(scores):
        free = [at for at, score in of.items() if score >= 2 * MAIN and at not in taken]
        if free:
            best = max(of[at] for at in free)
            taken[min(at for at in free if of[at] == best)] = row
    rest = [row for row in range(len(scores)) if row not in taken.values()]
    left = [{at: n for at, n in scores[row].items() if at not in taken} for row in rest]
    found = [(row, at) for at, row in taken.items()]
    return [*found, *((rest[row], at) for row, at in _in_order(left, count))]


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
