"""The columns of a list on a page: where they stand by the rows that were read, or their heads."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from extractors.page.folding import squeezed
from extractors.page.label_phrases import HEADS
from extractors.page.layout import text_of
from extractors.types import Box, Word

_ABOVE = 12.0  # heights between the heads and the first row, at most

Cell = tuple[Word, ...]


@dataclass(frozen=True, slots=True)
class Column:
    """One column: the boxes that are known to stand in it."""

    boxes: tuple[Box, ...]
    is_head: bool  # the boxes are the head's, not those of values

    def holds(self, box: Box, height: float) -> bool:
        """A box stands in it: over or under the others, or flush with one of them."""
        near = (1.0 if self.is_head else 0.6) * height
        return any(
            abs(box.x1 - one.x1) <= near
            or abs(box.x0 - one.x0) <= near
            or _overlap(box, one) >= 0.5 * min(box.width, one.width)
            for one in self.boxes
        )


def _overlap(a: Box, b: Box) -> float:
    return min(a.x1, b.x1) - max(a.x0, b.x0)


def head_of(term: str, lines: Iterable[Sequence[Cell]], top: float, height: float) -> Column | None:
    """The column whose head names the term, in the lines above a list's first row."""
    found: Box | None = None
    for line in lines:
        at = line[0][0].box
        if len(line) < 2 or at.y1 > top + 0.5 * height or top - at.y1 > _ABOVE * height:
            continue
        heads = [cell for cell in line if squeezed(text_of(cell)) in HEADS[term]]
        if len(heads) == 1 and not any(c.isdigit() for w in heads[0] for c in w.text):
            first, last = heads[0][0].box, heads[0][-1].box
            found = Box(first.x0, first.y0, last.x1, last.y1)
    return Column((found,), is_head=True) if found is not None else None
