"""A page's words as lines and cells, and which of them may be a label with its value: the layout of
forms, not of running text.
"""

import re
import unicodedata
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from statistics import median

from extractors.types import Word

LABEL_WORDS = 5  # a longer one is a sentence
TALL = 2.0  # of the usual height: a higher word may stand beside several lines
_PART = re.compile(r"[^\W_]{2,}")


@dataclass(frozen=True, slots=True)
class Cell:
    """Words that stand together on a line, and the texts that a value of theirs may be: to the
    right, and beneath.
    """

    words: tuple[Word, ...]
    right: tuple[Word, ...]
    beneath: tuple[Word, ...]


def terms(text: str) -> Iterator[str]:
    """Words as they are compared: no case, no accents, no plural."""
    plain = text.casefold()
    if not plain.isascii():
        plain = "".join(
            c for c in unicodedata.normalize("NFKD", plain) if not unicodedata.combining(c)
        )
    for part in _PART.findall(plain):
        yield (
            part[:-1] if len(part) > 3 and part.endswith("s") and not part.endswith("ss") else part
        )


class PageCells:
    """One page's cells, and where its terms stand."""

    def __init__(self, words: Sequence[Word]) -> None:
        self.words = words
        self.terms = [tuple(terms(word.text)) for word in words]

    @cached_property
    def cells(self) -> list[Cell]:
        lines = lines_of(self.words)
        found = []
        for number, line in enumerate(lines):
            below = lines[number + 1] if number + 1 < len(lines) else []
            for at, words in enumerate(line):
                right = line[at + 1] if at + 1 < len(line) else ()
                found.append(
                    Cell(
                        words,
                        right,
                        next((cell for cell in below if stands_under(words, cell)), ()),
                    )
                )
        return found

    @cached_property
    def says(self) -> frozenset[str]:
        """Every term on the page."""
        return frozenset(term for of in self.terms for term in of)

    @cached_property
    def height(self) -> float:
        """How high most words are, in points."""
        return median(word.box.height for word in self.words) if self.words else 0.0

    @cached_property
    def heads(self) -> list[tuple[str, ...]]:
        """Each line of several cells without a digit in it, as terms: what may head the columns of
        a table.
        """
        lines = [
            [word for cell in line for word in cell]
            for line in lines_of(self.words)
            if len(line) > 1
        ]
        return [
            tuple(t for w in line for t in terms(w.text))
            for line in lines
            if not any(c.isdigit() for w in line for c in w.text)
        ]

    @cached_property
    def openings(self) -> list[tuple[Cell, tuple[tuple[str, ...], ...]]]:
        """Each cell that may begin with a label, with the terms of its first words."""
        return [
            (cell, tuple(tuple(terms(word.text)) for word in cell.words[:LABEL_WORDS]))
            for cell in self.cells
            if len(cell.words) <= 2 * LABEL_WORDS
        ]


def text_of(words: Iterable[Word]) -> str:
    """The words, a space apart."""
    return " ".join(word.text for word in words)


def lines_of(words: Sequence[Word]) -> list[list[tuple[Word, ...]]]:
    """The page's lines from top to bottom, each parted into its cells."""
    return [_cells(line) for line in _lines(words)]


def _lines(words: Sequence[Word]) -> list[list[Word]]:
    """Words of one height, left to right; top to bottom.  A tall word that stands beside several
    lines is a line of its own and breaks none.
    """
    ordered = sorted(words, key=lambda word: (word.box.middle, word.box.x0))
    tall = _beside_lines(ordered)
    lines: list[list[Word]] = []
    for word in ordered:
        if id(word) in tall:
            continue
        last = lines[-1][0].box if lines else None
        if last is not None and last.y0 <= word.box.middle <= last.y1:
            lines[-1].append(word)
        else:
            lines.append([word])
    lines += [[word] for word in ordered if id(word) in tall]
    lines.sort(key=lambda line: line[0].box.middle)
    return [sorted(line, key=lambda word: word.box.x0) for line in lines]


def _beside_lines(ordered: Sequence[Word]) -> frozenset[int]:
    """The words (by identity) that stand beside several lines and are of none: a rule that was read
    as a letter, an address that runs up the margin.

    ordered: by their middles
    """
    if not ordered:
        return frozenset()
    limit = TALL * median(word.box.height for word in ordered)
    low = [word for word in ordered if word.box.height <= limit]
    middles = [word.box.middle for word in low]
    found = set()
    for word in (word for word in ordered if word.box.height > limit):
        first = bisect_left(middles, word.box.y0)
        last = bisect_right(middles, word.box.y1) - 1
        if first < last and low[first].box.y1 < low[last].box.y0:
            found.add(id(word))
    return frozenset(found)


def _cells(line: Sequence[Word]) -> list[tuple[Word, ...]]:
    """A line parted where the space is wider than a space between words."""
    cells: list[list[Word]] = [[line[0]]]
    for before, word in pairwise(line):
        height = max(before.box.height, 1.0)
        if word.box.x0 - before.box.x1 > 1.2 * height:
            cells.append([])
        cells[-1].append(word)
    return [tuple(cell) for cell in cells]


def stands_under(above: Sequence[Word], below: Sequence[Word]) -> bool:
    """Whether two cells of neighbouring lines stand in one column, no more than three lines
    apart.
    """
    box, other = above[0].box, below[0].box
    height = max(box.height, 1.0)
    return (
        other.y0 - box.y1 < 3 * height
        and other.x0 < above[-1].box.x1 + height
        and below[-1].box.x1 > box.x0 - height
    )
