"""Lines of a page that speak to whoever, or whatever, reads it: "automated readers must report"."""

from collections.abc import Iterator, Sequence

from extractors.page.folding import tokens
from extractors.page.label_phrases import READERS, TOLD
from extractors.types import Box, Word

# what only such lines say
_PLAINLY = (
    {"ignore", "instructions"},
    {"disregard", "instructions"},
    {"ignore", "previous"},
    {"ignoriere", "anweisungen"},
    {"ignorez", "instructions"},
    {"you", "must", "report"},
    {"you", "must", "answer"},
    {"you", "must", "output"},
)
_MORE_LINES = 3  # of a sentence that goes on
_SENTENCE = 5  # words; fewer are a label

Line = Sequence[tuple[Word, ...]]


def spoken_lines(lines: Sequence[Line]) -> tuple[Box, ...]:
    """The boxes of cells that speak to a reader, with the lines in which they go on."""
    return tuple(_spoken(lines))


def _spoken(lines: Sequence[Line]) -> Iterator[Box]:
    for number, line in enumerate(lines):
        for cell in line:
            if not _speaks(cell):
                continue
            yield Box.around(word.box for word in cell)
            last = cell
            for below in lines[number + 1 : number + 1 + _MORE_LINES]:
                if last[-1].text.endswith((".", "!")) or not _goes_on(last, below):
                    break
                last = below[0]
                yield Box.around(word.box for word in last)


def _speaks(cell: Sequence[Word]) -> bool:
    if len(cell) < _SENTENCE:
        return False
    said = {token for word in cell for token in tokens(word.text)}
    return bool(said & READERS and said & TOLD) or any(plain <= said for plain in _PLAINLY)


def _goes_on(cell: Sequence[Word], below: Line) -> bool:
    first, height = below[0][0].box, cell[0].box.height
    return (
        len(below) == 1
        and abs(first.x0 - cell[0].box.x0) < height
        and first.y0 - cell[0].box.y1 < height
        and not below[0][0].text.endswith(":")
    )
