"""Who is who on a page: the blocks under "Bill to", "Verkäufer", and the names in them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from extractors.page.folding import squeezed
from extractors.page.label_phrases import PARTY
from extractors.page.layout import text_of
from extractors.types import Box, Word

LINES = 4  # of a block: a name stands among the first
_PHRASE = 4  # words of a heading
_SPACING = 2.5  # heights between two lines of a block, at most
_NAMED = frozenset({"name", "firma", "company", "nom", "naam", "nome", "nombre", "companyname"})

Cell = tuple[Word, ...]
Line = Sequence[Cell]


@dataclass(frozen=True, slots=True)
class Block:
    """The first lines of a party's name and address."""

    party: str  # "seller", "buyer", "other"
    heading: str  # as printed
    words: tuple[Word, ...]
    name: Cell  # the words that name the party, if that is sure
    top: float

    def holds(self, box: Box) -> bool:
        """A box of one or more of its words stands in it."""
        # the middle of two words is a gap: then the words lie in the box
        return any(word.box.holds(box, near=1) or box.holds(word.box) for word in self.words)


def blocks_of(lines: Sequence[Line]) -> tuple[Block, ...]:
    """All blocks of a page, from top to bottom."""
    return tuple(_blocks(lines))


def _blocks(lines: Sequence[Line]) -> Iterator[Block]:
    for number, line in enumerate(lines):
        for at, cell in enumerate(line):
            found = _heading(cell)
            if found is None:
                continue
            party, end = found
            beside = cell[end:] or _beside(line, at)
            beneath = list(_beneath(lines, number, at))
            name = beside or _name(beneath)
            words = (*beside, *(word for cells in beneath for each in cells for word in each))
            if words:
                heading = text_of(cell[:end]).rstrip(" :")
                yield Block(party, heading, words, _until_comma(name), cell[0].box.y0)


def _beside(line: Line, at: int) -> Cell:
    """The next cell, where a heading ends with a colon."""
    return line[at + 1] if line[at][-1].text.endswith(":") and at + 1 < len(line) else ()


def _heading(cell: Cell) -> tuple[str, int] | None:
    """The party that a cell's first words name, and where they end: all of it, or with a colon."""
    spelled, best = "", None
    for end in range(1, min(_PHRASE, len(cell)) + 1):
        text = cell[end - 1].text
        spelled += squeezed(text)
        whole = end == len(cell) or text.endswith(":")
        if spelled in PARTY and whole:
            best = PARTY[spelled], end
        if text.endswith(":"):
            break
    return best


def _beneath(lines: Sequence[Line], number: int, at: int) -> Iterator[tuple[Cell, ...]]:
    """The cells under a heading, line by line: up to the next column's heading, or all of them."""
    line = lines[number]
    box = line[at][0].box
    height = max(box.height, 1.0)
    right = line[at + 1][0].box.x0 - 1 if at + 1 < len(line) else float("inf")
    edge = box.y1
    for below in lines[number + 1 : number + 1 + LINES]:
        cells = tuple(c for c in below if box.x0 - height <= c[0].box.x0 < right)
        if not cells or cells[0][0].box.y0 - edge > _SPACING * height or _heading(cells[0]):
            return
        edge = cells[0][0].box.y1
        yield cells


def _name(beneath: Sequence[tuple[Cell, ...]]) -> Cell:
    """What stands beside "Name:", else the first line, if it has no digit and no label."""
    for cells in beneath:
        if squeezed(cells[0][0].text) in _NAMED:
            return cells[0][1:] or (cells[1] if len(cells) > 1 else ())
    first = beneath[0][0] if beneath else ()
    plain = not any(c.isdigit() for w in first for c in w.text)
    return first if plain and not any(w.text.endswith(":") for w in first) else ()


def _until_comma(name: Cell) -> Cell:
    """A name, without the address behind it."""
    for at, word in enumerate(name):
        if word.text.endswith(","):
            return (*name[:at], Word(word.text[:-1], word.box))
    return name
