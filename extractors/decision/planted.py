"""Wrong values that auditors are shown beside their own word, to learn how many errors people
overlook.

An auditor who typed what the machine had read is now and then told that it had read something else.
Whoever stays with the page has noticed; whoever gives way would have overlooked an error. What they
typed first is what counts of the page, either way.
"""

from collections.abc import Iterator
from hashlib import sha256
from itertools import pairwise
from uuid import UUID

from extractors.decision.bounds import upper_bound
from extractors.decision.certificates import MISSED
from extractors.documents.spec import DocumentType, FieldSpec
from extractors.normalise import normalise

LEAST_SHOWN = 100  # before their number says anything
MOST_MISSED = 0.99  # of whom nothing could be certified anyway
# digits as they are misread
MISREAD = str.maketrans("0123456789", "6778965134")


def missed_share(shown: int, overlooked: int) -> float:
    """Of all errors, those that people overlook: the upper bound (95 %, Clopper and Pearson 1934)
    of what they overlooked of planted ones; ``MISSED`` until enough were shown.
    """
    if shown < LEAST_SHOWN:
        return MISSED
    return min(upper_bound(overlooked, shown), MOST_MISSED)


def planted(text: str, field: FieldSpec, spec: DocumentType, audit_id: UUID) -> str | None:
    """The text with one mistake that a machine could make: another digit, or two letters changed
    over. The same audit has the same one.

    None where every such mistake would show by itself: it has no value, or the same value.
    """
    right = normalise(text, field, spec)
    if right.problem is not None:
        return None
    tries = sorted(
        set(_mistakes(text)), key=lambda wrong: sha256(audit_id.bytes + wrong.encode()).digest()
    )
    for wrong in tries:
        means = normalise(wrong, field, spec)
        if means.problem is None and not means.agrees_with(right):
            return wrong
    return None


def _mistakes(text: str) -> Iterator[str]:
    for at, character in enumerate(text):
        if character in "0123456789":
            yield text[:at] + character.translate(MISREAD) + text[at + 1 :]
    if any(character in "0123456789" for character in text):
        return
    for at, (one, other) in enumerate(pairwise(text)):
        if one.isalpha() and other.isalpha():
            yield text[:at] + other + one + text[at + 2 :]
