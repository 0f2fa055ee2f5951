"""Further looks at a page: what they say of the value that was read first.

A free look reads the page again, moved by a few pixels.  A forced one reads nothing: it holds the
first answer against the moved page, token by token.  Neither becomes an answer; both are evidence
beside the first reading.
"""

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from extractors.documents.spec import DocumentType
from extractors.normalise import Value, normalise
from extractors.types import FieldReading, FieldState


class Agreement(StrEnum):
    """What a look says of the first reading of a field."""

    SAME = "same"  # the same characters, or again that there is none
    VALUE = "value"  # other characters of the same value
    OTHER = "other"  # something else, nothing, or nothing that can be read
    HELD = "held"  # nothing of its own: it was forced, and how probable the first reading is counts


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """One further look at one field."""

    agreement: Agreement
    text: str | None  # what it reads there; None: nothing
    weakest: float | None  # log-probability of the least sure of its tokens; None: no tokens
    joint: float | None = None  # of a forced look: of all tokens together

    @property
    def forced(self) -> bool:
        """Whether it read nothing itself."""
        return self.agreement is Agreement.HELD


Place = tuple[str, int]  # name and ordinal of a field


def compared(
    first: Iterable[FieldReading],
    others: Sequence[Mapping[Place, FieldReading]],
    spec: DocumentType,
) -> dict[Place, tuple[Look, ...]]:
    """What each look at a page says of every field of its first reading.

    A look that lacks the field says something else, and so does, of every row, one that finds
    another number of rows in the list.
    """
    known = {(one.name, one.ordinal): one for one in first}
    rows = _rows(known)
    return {
        place: tuple(
            _look(one, None if _group(place) and _rows(other) != rows else other.get(place), spec)
            for other in others
        )
        for place, one in known.items()
    }


def held(
    first: Iterable[FieldReading], others: Sequence[Mapping[Place, FieldReading]]
) -> dict[Place, tuple[Look, ...]]:
    """What each forced look at a page believes of every field of its first reading."""
    return {
        place: tuple(_held(one, other.get(place)) for other in others)
        for one in first
        for place in [(one.name, one.ordinal)]
    }


def _held(first: FieldReading, other: FieldReading | None) -> Look:
    """Of a value, the token that opens it counts too."""
    logprobs = [] if other is None else [min(token.logprob, 0.0) for token in other.tokens]
    if other is not None and first.state is FieldState.VALUE and other.opening is not None:
        logprobs.append(min(other.opening.taken, 0.0))
    known = bool(logprobs) and not any(map(math.isnan, logprobs))
    return Look(
        agreement=Agreement.HELD,
        text=first.text,
        weakest=min(logprobs) if known else None,
        joint=math.fsum(logprobs) if known else None,
    )


def _group(place: Place) -> bool:
    return "." in place[0]


def _rows(said: Iterable[Place]) -> Counter[str]:
    """How many cells each column has."""
    return Counter(name for name, _ in filter(_group, said))


def _look(first: FieldReading, other: FieldReading | None, spec: DocumentType) -> Look:
    if other is None:
        return Look(agreement=Agreement.OTHER, text=None, weakest=None)
    logprobs = [token.logprob for token in other.tokens]
    weakest = min(logprobs) if logprobs and not any(map(math.isnan, logprobs)) else None
    return Look(agreement=_agreement(first, other, spec), text=other.text, weakest=weakest)


def _agreement(first: FieldReading, other: FieldReading, spec: DocumentType) -> Agreement:
    if first.state is not other.state or FieldState.UNREADABLE in (first.state, other.state):
        return Agreement.OTHER
    if first.text == other.text:
        return Agreement.SAME
    values = [_value(one, spec) for one in (first, other)]
    if None not in values and values[0].agrees_with(values[1]):  # type: ignore[union-attr, arg-type]
        return Agreement.VALUE
    return Agreement.OTHER


def _value(reading: FieldReading, spec: DocumentType) -> Value | None:
    """What a reading means; None where the type has no such field, or it means nothing for sure."""
    try:
        value = normalise(reading.text or "", spec.field(reading.name), spec)
    except KeyError:
        return None
    return value if value.problem is None else None
