"""A page's tables: its lines, the columns that boxes stand in, and the lines that head columns.

Geometry alone: which words belong to which list is the business of ``evidence/table_rows.py``.
"""

import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from statistics import median

from extractors.documents.types import FieldSpec
from extractors.page.label_phrases import HEADS
from extractors.page.labels import label_weights
from extractors.page.layout import LABEL_WORDS, terms
from extractors.types import Box, Word

NEAR = 0.5  # of a word's height: edges as near as this are one edge
SAME_LINE = 0.7  # of a word's height: middles as near as this may be of one line
MOST_APART = 3.0  # word heights between the words of one row, at most
ALIGNED = 0.6  # of the rows must share an edge, or their column has none
LONG_TERM = 4  # letters: "preis" may end a word, "no" may not
HEAD_CELLS = 3  # so many cells without a digit head a table


@dataclass(frozen=True)
class Line:
    """One line of a page: where it stands, and its cells from left to right."""

    top: float
    bottom: float
    cells: tuple[tuple[Word, ...], ...]

    @property
    def middle(self) -> float:
        return (self.top + self.bottom) / 2

    @cached_property
    def words(self) -> tuple[Word, ...]:
        return tuple(word for cell in self.cells for word in cell)

    @property
    def heads(self) -> bool:
        """Several cells without any digit: what stands above the columns of a table."""
        return len(self.cells) >= HEAD_CELLS and not any(
            c.isdigit() for cell in self.cells for word in cell for c in word.text
        )


def page_lines(lines: Iterable[Sequence[tuple[Word, ...]]]) -> tuple[Line, ...]:
    """A page's lines from top to bottom, given as their cells."""
    return tuple(
        Line(
            top=min(word.box.y0 for cell in cells for word in cell),
            bottom=max(word.box.y1 for cell in cells for word in cell),
            cells=tuple(cells),
        )
        for cells in lines
    )


def pitch(pages: Iterable[Sequence[Line]]) -> float:
    """How far it is from line to line, in points: mostly, over some pages."""
    steps = [
        step
        for lines in pages
        for a, b in pairwise(lines)
        if (step := b.middle - a.middle) >= 0.5 * (a.bottom - a.top)
    ]
    return median(steps) if steps else math.inf


# ---- columns


def _right(box: Box) -> float:
    return box.x1


def _left(box: Box) -> float:
    return box.x0


def _centre(box: Box) -> float:
    return box.centre


@dataclass(frozen=True, slots=True)
class Column:
    """Where the numbers of one column stand: at an edge that they share, or anywhere between two
    limits where they share none.
    """

    edge: Callable[[Box], float]
    least: float
    most: float

    def holds(self, box: Box) -> bool:
        return self.least <= self.edge(box) <= self.most


@dataclass(frozen=True, slots=True)
class Span:
    """The stretch across the page that a column's values lie in."""

    left: float
    right: float

    def meets(self, box: Box) -> bool:
        return box.x0 < self.right and self.left < box.x1


def column_of(rows: Sequence[Sequence[Box]], height: float) -> Column | None:
    """The column that the rows' values stand in, of all places where each of them may stand; the
    rightmost where two fit equally.
    """
    rows = [row for row in rows if row]
    if not rows:
        return None
    near = NEAR * height
    if len(rows) == 1:
        return _column_of_one(max(rows[0], key=_right), near)
    best: tuple[int, float, Column] | None = None
    for edge in (_right, _left, _centre):
        votes: dict[int, dict[int, list[float]]] = defaultdict(lambda: defaultdict(list))
        for number, boxes in enumerate(rows):
            for box in boxes:
                bucket = int(edge(box) // near)
                votes[bucket][number].append(edge(box))
                votes[bucket + 1][number].append(edge(box))
        for of in votes.values():
            at = [x for xs in of.values() for x in xs]
            support = len(of)
            if best is None or (support, median(at)) > (best[0], best[1] + near * (edge != _right)):
                best = support, median(at), Column(edge, min(at) - near, max(at) + near)
    assert best is not None  # a row has a box, and a box has edges
    if best[0] >= ALIGNED * len(rows):
        return best[2]
    last = [max(boxes, key=_right) for boxes in rows]  # a ragged column
    return Column(_centre, min(box.x0 for box in last), max(box.x1 for box in last))


def _column_of_one(box: Box, near: float) -> Column:
    """One row does not tell at which edge its column is aligned: either may be."""

    def apart(other: Box) -> float:
        return min(abs(other.x0 - box.x0), abs(other.x1 - box.x1))

    return Column(apart, 0.0, near)


# ---- the heads of a list


def head_of(line: Line, group: FieldSpec) -> dict[str, Span] | None:
    """Where a row's values stand, by a line without a digit that names at least two of them in
    cells of their own; None where it does not.
    """
    if len(line.cells) < 2 or any(c.isdigit() for word in line.words for c in word.text):
        return None
    names = {member.name: _names(member) for member in group.members}
    found: dict[str, Span] = {}
    for cell in line.cells:
        said = [term for word in cell for term in terms(word.text)]
        name = _named(said, names, found) if len(cell) <= LABEL_WORDS else None
        if name is not None:
            near = line.bottom - line.top
            found[name] = Span(cell[0].box.x0 - near, cell[-1].box.x1 + near)
    return found if len(found) > 1 else None


def _names(member: FieldSpec) -> frozenset[str]:
    heads = HEADS.get(member.einvoice or member.name, frozenset())
    return frozenset(label_weights(member)) | {term for head in heads for term in terms(head)}


def _named(
    said: Sequence[str], names: Mapping[str, frozenset[str]], taken: Mapping[str, Span]
) -> str | None:
    """The value that a head names: "Price", "Einzelpreis"."""
    for name, known in names.items():
        if name not in taken and any(
            term in known or any(term.endswith(k) for k in known if len(k) >= LONG_TERM)
            for term in said
        ):
            return name
    return None


# ---- words by height


def amounts_in(words: Sequence[Word], column: Column) -> tuple[Word, ...]:
    """The words that stand in the column, top to bottom."""
    found = [word for word in words if column.holds(word.box)]
    return tuple(sorted(found, key=lambda word: word.box.middle))
