"""Which token spells which character of a value, so that the doubtful characters can be marked.

Tokens are bytes of the JSON that the model wrote: a token may hold a quote, half a character or an
escape. The value's text is found again by decoding from each place where it could begin; when it is
not found, nothing is marked rather than the wrong thing.
"""

import json
import math
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate

from extractors.types import TokenTrace

DOUBTFUL, WEAK = 0.9, 0.5  # probabilities below which a character is marked, and marked strongly
ESCAPED = 6  # bytes of \u0041


@dataclass(frozen=True, slots=True)
class Run:
    """Characters side by side that are equally sure."""

    text: str
    probability: float | None  # of the least certain token that spells them; None: unknown
    level: str  # "sure", "doubtful" or "weak"


@dataclass(frozen=True, slots=True)
class Spelling:
    """A value's characters with the bytes that spell them."""

    data: bytes  # what all of the tokens spell
    start: int  # where the value begins in it
    places: tuple[tuple[int, int], ...]  # of each character, in bytes


def spelling_of(tokens: Sequence[TokenTrace], text: str) -> Spelling | None:
    """Where the tokens spell ``text``; None when they do not."""
    if not tokens or not text:
        return None
    data = b"".join(token.text for token in tokens)
    for start in range(len(tokens[0].text) + 1):
        characters, places = decoded(data, start, most=len(text) + 1)
        if characters[: len(text)] == text and (
            len(characters) == len(text) or data[start - 1 : start] != b'"'
        ):
            return Spelling(data, start, tuple(places[: len(text)]))
    return None


def decoded(
    data: bytes, start: int, *, most: int | None = None
) -> tuple[str, list[tuple[int, int]]]:
    """The characters of a JSON string's content from ``start`` to its closing quote or the end, and
    the bytes of each.

    most: characters after which nobody needs to know more
    """
    characters: list[str] = []
    places: list[tuple[int, int]] = []
    at = start
    while at < len(data) and data[at : at + 1] != b'"' and (most is None or len(characters) < most):
        character, size = _character(data, at)
        if character is None:
            break
        characters += character
        places += [(at, at + size)] * len(character)
        at += size
    return "".join(characters), places


def _character(data: bytes, at: int) -> tuple[str | None, int]:
    head = data[at]
    if head == 0x5C:
        for size in (2, ESCAPED, 2 * ESCAPED):  # \n, \u0041, a pair of halves
            try:
                text = json.loads(b'"' + data[at : at + size] + b'"')
            except ValueError:
                continue
            if len(text) == 1 and not 0xD800 <= ord(text) <= 0xDFFF:
                return text, size
        return None, 0
    size = 1 if head < 0x80 else 2 if head >> 5 == 0b110 else 3 if head >> 4 == 0b1110 else 4
    try:
        return data[at : at + size].decode(), size
    except UnicodeDecodeError:
        return None, 0


def runs_of(tokens: Sequence[TokenTrace], text: str, *, most: int | None = None) -> tuple[Run, ...]:
    """The text in runs of equally sure characters; ``most`` characters of it are marked, the rest
    is one run.
    """
    spelled = spelling_of(tokens, text)
    if spelled is None:
        return (Run(text, None, "sure"),) if text else ()
    rest = () if most is None or len(text) <= most else (Run(text[most:], None, "sure"),)
    ends = list(accumulate(len(token.text) for token in tokens))
    runs: list[Run] = []
    for character, (first, last) in zip(text[:most], spelled.places[:most], strict=True):
        covering = tokens[bisect_right(ends, first) : bisect_left(ends, last) + 1]
        probability = min((probability_of(token) for token in covering if token.text), default=None)
        level = level_of(probability)
        if (
            runs
            and runs[-1].level == level
            and (level == "sure" or runs[-1].probability == probability)
        ):
            least = min(
                (p for p in (runs[-1].probability, probability) if p is not None), default=None
            )
            runs[-1] = Run(runs[-1].text + character, least, level)
        else:
            runs.append(Run(character, probability, level))
    return (*runs, *rest)


def probability_of(token: TokenTrace) -> float:
    """0 to 1; evidence that is broken proves nothing."""
    return 0.0 if math.isnan(token.logprob) else math.exp(min(token.logprob, 0.0))


def level_of(probability: float | None) -> str:
    if probability is None or probability >= DOUBTFUL:
        return "sure"
    return "doubtful" if probability >= WEAK else "weak"
