"""What else the value could be: from the tokens that the model nearly chose, from what the page
says, from the kind's own list.

Only what the field's kind understands, and what means something else than the value at hand, is
worth a key.
"""

import heapq
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate, product
from typing import Any

from extractors.documents.spec import DocumentType, FieldSpec, Kind
from extractors.normalise import Value, normalise
from extractors.types import TokenTrace
from worker.review.heard import Heard
from worker.review.token_marks import DOUBTFUL, decoded, probability_of, spelling_of

MOST = 5  # keys 1 to 5
POSITIONS, OPTIONS = 4, 4  # doubtful tokens that are varied together, and ways to spell each
LEAST = 0.002  # probability of a token that is worth a thought
LONGEST = 200  # characters: nobody tells two longer ones apart at a glance
UNSEEN = "\ufffd"


@dataclass(frozen=True, slots=True)
class Choice:
    """One alternative, under one key."""

    text: str
    source: str  # for people: "page text", "model 0.31"
    meaning: str | None  # the value in one spelling, when it differs from the text


def choices(
    text: str | None,
    tokens: Sequence[TokenTrace],
    details: Mapping[str, Any],
    field: FieldSpec,
    spec: DocumentType,
    *,
    heard: Sequence[Heard] = (),
) -> tuple[Choice, ...]:
    """At most five alternatives to ``text``, the most telling first.

    heard: what witnesses said, contradictions first; what they offer goes before the model's own
    """
    found: list[Choice] = []
    own = normalise(text, field, spec) if text else None
    seen = {_key(text, own)} if text and own else set()
    for candidate, source in _candidates(text, tokens, details, field, heard):
        if not candidate.strip() or len(candidate) > LONGEST or UNSEEN in candidate:
            continue
        value = normalise(candidate, field, spec)
        # what it names none of stays
        key = _key(
            candidate,
            value if value.currency or own is None else replace(value, currency=own.currency),
        )
        if value.problem is not None or key in seen:
            continue
        seen.add(key)
        found.append(Choice(candidate, source, meaning_of(value, candidate)))
        if len(found) == MOST:
            break
    return tuple(found)


def meaning_of(value: Value, text: str) -> str | None:
    """What a text means, if that is not what it says."""
    if value.value is None:
        return None
    said = (
        {True: "yes", False: "no"}.get(value.value, str(value.value))
        if isinstance(value.value, bool)
        else str(value.value)
    )
    said = f"{said} {value.currency}" if value.currency else said
    return None if said == text else said


def _about(probability: float) -> str:
    return f"{probability:.2f}" if probability >= 0.005 else "< 0.01"


def _key(text: str, value: Value) -> tuple[object, ...]:
    return (value.value, value.currency) if value.problem is None else (text,)


def _candidates(
    text: str | None,
    tokens: Sequence[TokenTrace],
    details: Mapping[str, Any],
    field: FieldSpec,
    heard: Sequence[Heard],
) -> Iterator[tuple[str, str]]:
    said = details.get("said") or {}
    if isinstance(said.get("text"), str):
        yield said["text"], f"the {said.get('who')} says so"
    decided = details.get("decided") or {}
    if isinstance(decided.get("text"), str):
        yield decided["text"], f"decided by {decided.get('who')}"
    # as it is printed goes before what was reckoned
    offered = sorted((one for one in heard if one.offers), key=lambda one: not one.boxes)
    yield from ((one.offers, one.kind) for one in offered if one.offers)
    for doubt in details.get("doubts") or ():
        if isinstance(doubt.get("nearest"), str):
            yield doubt["nearest"], "page text"
        yield from ((str(other), "another page") for other in doubt.get("others") or ())
    if text:
        yield from (
            (other, f"model {_about(probability)}")
            for other, probability in model_says(text, tokens)
        )
    if field.kind is Kind.CHOICE:
        yield from ((choice, "one of the list") for choice in field.choices)
    if field.kind is Kind.BOOLEAN:
        yield from (("yes", "tick"), ("no", "no tick"))


def model_says(text: str, tokens: Sequence[TokenTrace]) -> list[tuple[str, float]]:
    """Other texts that the model nearly wrote, and how likely each is beside the one it wrote, the
    likeliest first.

    The doubtful tokens are exchanged, alone and together, for the others that stood at their place.
    """
    spelled = spelling_of(tokens, text)
    if spelled is None:
        return []
    doubtful = heapq.nsmallest(
        POSITIONS,
        (i for i, t in enumerate(tokens) if _is_doubtful(t)),
        key=lambda i: tokens[i].logprob,
    )
    starts = [0, *accumulate(len(token.text) for token in tokens)]
    best: dict[str, float] = {}
    for picked in product(*(_options(tokens[i]) for i in doubtful)):
        changed = dict(zip(doubtful, picked, strict=True))
        pieces = [changed[i][0] if i in changed else token.text for i, token in enumerate(tokens)]
        if starts[1] >= spelled.start > 0 and not pieces[0].startswith(
            spelled.data[: spelled.start]
        ):
            continue  # the quote itself was exchanged: that is no other text
        other, _ = decoded(b"".join(pieces), spelled.start)
        if other != text:
            best[other] = max(best.get(other, 0.0), math.exp(sum(logprob for _, logprob in picked)))
    return sorted(best.items(), key=lambda each: -each[1])


def _is_doubtful(token: TokenTrace) -> bool:
    return not token.forced and probability_of(token) < DOUBTFUL and bool(token.top)


def _options(token: TokenTrace) -> list[tuple[bytes, float]]:
    """The token itself and the likeliest others at its place."""
    others: Iterable[tuple[bytes, float]] = (
        (other.text, other.logprob)
        for other in token.top
        if other.text != token.text and other.logprob > math.log(LEAST)
    )
    return [(token.text, math.log(max(probability_of(token), 1e-30))), *list(others)[: OPTIONS - 1]]
