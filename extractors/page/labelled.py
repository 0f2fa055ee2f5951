"""Labels on a page and what follows each: on its line, in the next cell, or beneath.

A label is a whole phrase of ``label_phrases`` at the beginning of a cell or behind a value, never a
word in the midst of a sentence.  What follows it must follow at once.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from extractors.page.folding import squeezed, tokens
from extractors.page.label_phrases import (
    NAMES,
    NUMBER_WORDS,
    OTHER_PAPERS,
    PAPERS,
    Named,
)
from extractors.page.layout import stands_under
from extractors.page.paying import DATE, dated
from extractors.types import Box, Word

Cell = tuple[Word, ...]
Line = Sequence[Cell]

LONGEST = 6  # words of a label
_REACH = (
    8  # words from a paper's name to the word for its number: "Rechnung des Versicherers (575)"
)
_MONEY = ("net", "tax", "total", "other_amount")
_FILLERS = frozenset(
    "am vom on of by le du del il den de la the is are at zum bis until before dated il den d dd in"
    " eur euro usd gbp chf".split()
)
_GLUED = re.compile(r"([^\W\d_][^:#]*[:#]|(?:no|nr)\.|n°|n[º.]|№)([^\s:/].*)", re.IGNORECASE)
_PERCENT = re.compile(r"\(?\d{1,2}([.,]\d{1,3})?%?\)?:?")


@dataclass(frozen=True, slots=True)
class Label:
    """A label, and the words that its value must begin with."""

    name: str  # what it names: "due_date", "other_amount"
    tier: int  # 0: the surest
    words: Cell
    after: tuple[Cell, ...]  # on its line: the rest of its cell, then the next ones
    beneath: Cell = ()

    @property
    def boxes(self) -> tuple[Box, ...]:
        return tuple(word.box for word in self.words)


def labels_of(lines: Sequence[Line]) -> tuple[Label, ...]:
    """All labels of a page, from top to bottom."""
    parted = [tuple(_parted(cell) for cell in line) for line in lines]
    found: list[Label] = []
    for number, line in enumerate(parted):
        on_line = [*_on(line)]
        found += (
            _with_beneath(label, line, parted[number + 1 : number + 3], on_line)
            for label in on_line
        )
        found += (Label(name, 0, cell[:at], (cell[at:],)) for name, cell, at in dated(line))
    return tuple(found)


def _parted(cell: Cell) -> Cell:
    """Labels parted from the value that is glued to them: "Date:2026-03-14", "No.4711"."""
    words: list[Word] = []
    for word in cell:
        match = _GLUED.fullmatch(word.text)
        if match is None or "//" in word.text:
            words.append(word)
            continue
        box, share = word.box, len(match[1]) / len(word.text)
        at = box.x0 + share * box.width
        words += [
            Word(match[1], Box(box.x0, box.y0, at, box.y1)),
            Word(match[2], Box(at, box.y0, box.x1, box.y1)),
        ]
    return tuple(words)


def _on(line: Line) -> Iterator[Label]:
    """The labels of one line, from left to right."""
    for number, cell in enumerate(line):
        at = 0
        while at < len(cell):
            found = _phrase(cell, at) if _may_begin(cell, at) else None
            if found is None:
                at += 1
                continue
            named, end = found
            after = _after(cell, end, line, number)
            yield Label(named[0], named[1], cell[at:end], after)
            at = end
        yield from _of_paper(cell)


def _may_begin(cell: Cell, at: int) -> bool:
    if at == 0:
        return True
    before = cell[at - 1].text
    return (
        before[-1] in ":;,/|)"
        or any(c.isdigit() for c in before)
        or not any(c.isalnum() for c in before)
    )


def _phrase(cell: Cell, at: int) -> tuple[Named, int] | None:
    """The longest label that begins at a word, and where it ends; one in two languages is one."""
    spelled, best = "", None
    for end in range(at, min(at + LONGEST, len(cell))):
        text = cell[end].text
        spelled += squeezed(text)
        if spelled and spelled in NAMES:
            best = NAMES[spelled], end + 1
        if text.endswith(":") and best is not None:
            break
    if best is None:
        return None
    named, end = best
    again = end
    while again < len(cell) and not squeezed(cell[again].text):
        again += 1
    if again > end and again < len(cell):
        other = _phrase(cell, again)
        if other is not None and other[0][0] == named[0]:
            return min(named, other[0]), other[1]
    return best


def _after(cell: Cell, end: int, line: Line, number: int) -> tuple[Cell, ...]:
    rest = _without_fillers(cell[end:])
    following = tuple(line[number + 1 :])
    return (rest, *following) if rest else following


def _without_fillers(words: Cell) -> Cell:
    """Without what may stand between a label and its value: brackets, a rate, a currency."""
    at = 0
    while at < len(words):
        text = words[at].text
        if text.startswith("("):
            closed = next((n for n in range(at, len(words)) if ")" in words[n].text), None)
            if closed is None:
                break
            at = closed + 1
        elif (
            _is_rate(words, at)
            or not any(c.isalnum() for c in text)
            or (text.isalpha() and text.casefold() in _FILLERS)
            or (text.rstrip(".:").casefold() in _FILLERS)
        ):
            at += 1
        else:
            break
    return words[at:]


def _is_rate(words: Cell, at: int) -> bool:
    text = words[at].text
    if not _PERCENT.fullmatch(text):
        return False
    after = words[at + 1].text if at + 1 < len(words) else ""
    return "%" in text or after.startswith("%")


# ---- a paper's own name, its number and its date


def _of_paper(cell: Cell) -> Iterator[Label]:
    """ "Rechnung (380) Nr. X vom D", "Facture X": a cell that begins with the paper's name."""
    begun = _paper(cell)
    if not begun:
        return
    code = None
    for at in range(begun, min(begun + _REACH, len(cell))):
        spelled = tokens(cell[at].text)
        if any(token in OTHER_PAPERS for token in spelled):
            return
        if spelled and "".join(spelled) in NUMBER_WORDS and at + 1 < len(cell):
            code = at + 1
            break
    direct = code is None
    if code is None:
        rest = _without_fillers(cell[begun:])
        code = len(cell) - len(rest)
    while code < len(cell) and not squeezed(cell[code].text):
        code += 1
    if code < len(cell) and is_code(cell[code].text) and not (direct and _short(cell[code].text)):
        yield Label("number", 1 if direct else 0, cell[:code], (cell[code:],))
        dated = _without_fillers(cell[code + 1 :])
        if dated and len(dated) < len(cell) - code - 1:
            yield Label("date", 0, cell[:code], (dated,))


def _short(text: str) -> bool:
    return len(squeezed(text)) < 3


def _paper(cell: Cell) -> int:
    """How many of the cell's first words name the paper."""
    spelled, best = "", 0
    for at, word in enumerate(cell[:3]):
        parts = tokens(word.text)
        spelled += "".join(parts)
        compound = at == 0 and spelled.endswith(("rechnung", "gutschrift"))
        if spelled in PAPERS or (compound and not spelled.endswith(("abrechnung", "berechnung"))):
            best = at + 1
    return best


def is_code(text: str) -> bool:
    """A word that may be a paper's number: no date, and no amount."""
    bare = text.strip(".,;:()")
    return (
        any(c.isdigit() for c in bare)
        and DATE.fullmatch(bare) is None
        and not re.fullmatch(r"[^\w\s]?\d{1,3}([.,' ]\d{3})*[.,]\d{2}[^\w\s]?", bare)
        and not bare.endswith("%")
    )


# ---- beneath


def _with_beneath(
    label: Label, line: Line, below: Sequence[Line], on_line: Sequence[Label]
) -> Label:
    """With the cell beneath, where the label is a cell of its own that heads a column."""
    if label.tier > 1 or label.words not in line:
        return label
    if label.name in _MONEY and not (
        {"net", "tax", "total"} <= {each.name for each in on_line if each.words in line}
    ):
        return label
    under = [next((cell for cell in each if stands_under(label.words, cell)), ()) for each in below]
    if (
        label.name in _MONEY
        and len(under) > 1
        and any(c.isdigit() for w in under[1] for c in w.text)
    ):
        return label  # the head of a column of a longer table
    first = next((cell for cell in under if cell), ())
    return Label(label.name, label.tier, label.words, label.after, first)
