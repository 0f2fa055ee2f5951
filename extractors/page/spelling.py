"""Which characters of a word count when it is compared, and what may stand around a match."""

import re
import unicodedata
from decimal import Decimal

from extractors.documents.spec import Kind


def loosely(text: str) -> list[tuple[str, int]]:
    """For texts: case, width, hyphens and punctuation do not count, but what stands between digits
    does.
    """
    kept: list[tuple[str, int]] = []
    for at, c in enumerate(text):
        between_digits = text[at - 1 : at].isdigit() and text[at + 1 : at + 2].isdigit()
        if unicodedata.category(c)[0] in "LNSM" or between_digits:
            kept += [
                (f, at) for f in unicodedata.normalize("NFKC", c).casefold() if not f.isspace()
            ]
    return kept


def to_the_letter(text: str) -> list[tuple[str, int]]:
    """For identifiers: only width, spaces and the kind of hyphen do not count."""
    return [
        (f, at)
        for at, c in enumerate(text)
        for f in unicodedata.normalize("NFKC", "-" if unicodedata.category(c) == "Pd" else c)
        if not f.isspace() and unicodedata.category(f) != "Cf"
    ]


def unseparated(text: str) -> list[tuple[str, int]]:
    """For identifiers with check digits: dots, dashes and spaces only help the eye."""
    return [(u, at) for c, at in to_the_letter(text) if c.isalnum() for u in c.upper()]


def border(rest: str, kind: Kind, *, after: bool = False) -> bool:
    """Whether what is left of the word, read away from the match, can be mere punctuation or a
    label.
    """
    if not rest:
        return True
    if rest[0].isalnum() or (kind is not Kind.TEXT and rest[0] in "-/_+\u2010\u2011\u2212"):
        return False
    if rest[0] == ":" and rest[1:2].isdigit():
        return False  # a time
    if rest[0] in ".,'" and rest[1:2]:
        return not (rest[1].isalnum() if after else rest[1].isdigit())
    return True


WORD = re.compile(r"[^\W\d_]{3,}[.:]?")


def is_part(text: str) -> bool:
    """A neighbour that could be a piece of the same number."""
    return any(c.isdigit() for c in text) or text.strip() in (".", ",", "-", "\u2212")


def plain(text: str) -> Decimal | None:
    """A number with a decimal sign of either kind, or none; None where it is written otherwise."""
    match = _PLAIN.fullmatch(text)
    return Decimal(f"{match[1]}.{match[2] or 0}") if match else None


_PLAIN = re.compile(r"(\d+)(?:[.,](\d{1,4}))?")
