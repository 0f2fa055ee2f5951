"""Dates in sentences: by when to pay, told from by when to pay less.

"Zahlbar bis 04.07.2018, 3% Skonto bis 15.06.2018": a clause with a word for a discount gives no due
date.
"""

import re
from collections.abc import Iterator, Sequence
from itertools import pairwise

from extractors.page.folding import tokens
from extractors.page.label_phrases import DISCOUNT, DONE, PAYING, UNTIL
from extractors.types import Word

DATE = re.compile(r"\d{1,4}([./-])\d{1,2}\1\d{2,4}|\d{4}年\d{1,2}月\d{1,2}日")

Cell = tuple[Word, ...]


def dated(line: Sequence[Cell]) -> Iterator[tuple[str, Cell, int]]:
    """Dates in clauses, each with what it is: "due_date", or "other_date" by which to pay less;
    with the clause from its beginning, and where in it the date stands.
    """
    for cell in line:
        said = [{*tokens(word.text)} for word in cell]
        for first, end in _dates(cell):
            begin = _border_before(cell, first)
            stop = next((n + 1 for n in range(end - 1, len(cell)) if _ends(cell, n)), len(cell))
            clause = _without_negated([t for w in cell[begin:stop] for t in tokens(w.text)])
            before = {t for parts in said[begin:first] for t in parts}
            sentence = {t for parts in said[:first] for t in parts}
            if not before & UNTIL or clause & DONE:
                continue
            if clause & DISCOUNT:
                yield "other_date", cell[begin:], first - begin
            elif clause & PAYING or (sentence & PAYING and not clause & DISCOUNT):
                yield "due_date", cell[begin:], first - begin


def _dates(cell: Cell) -> Iterator[tuple[int, int]]:
    """Stretches of words that look like a date."""
    for at, word in enumerate(cell):
        if DATE.fullmatch(word.text.strip(".,;:()")):
            yield at, at + 1
        elif (
            re.fullmatch(r"\d{1,2}(st|nd|rd|th|er|\.|º)?", word.text)
            and at + 2 < len(cell)
            and any(c.isalpha() for c in cell[at + 1].text)
            and re.fullmatch(r"(19|20)\d\d", cell[at + 2].text.strip(".,;:()"))
        ):
            yield at, at + 3


def _border_before(cell: Cell, at: int) -> int:
    return next((n + 1 for n in range(at - 1, -1, -1) if _ends(cell, n)), 0)


def _ends(cell: Cell, at: int) -> bool:
    """A clause ends behind this word."""
    text = cell[at].text
    return text[-1] in ",;:" or (text[-1] == "." and len(text) > 4 and not text[:-1].isdigit())


def _without_negated(spelled: Sequence[str]) -> set[str]:
    """ "ohne Abzug", "sans escompte" are no discount."""
    negated = {
        at + 1
        for at, (a, _) in enumerate(pairwise(spelled))
        if a in ("ohne", "without", "sans", "zonder", "senza", "sin", "sem", "no")
    }
    return {token for at, token in enumerate(spelled) if at not in negated}
