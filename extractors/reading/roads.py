"""Two ways in which an answer about a field can begin: with a value, or with nothing.

At one token ``"…"`` and ``null`` part ways, and so do a list's first row and its end.  What the
model believed of the way not taken sees an invented value that every later token is sure of.
"""

import math
from collections.abc import Iterable

from extractors.types import Opening, TokenTrace

_NOTHING = b"null"
_VALUE_HEADS = b'"{-0123456789'


def road_of(spelled: bytes) -> bool | None:
    """True: the token opens a value or a row; False: it says that there is none; None: neither, or
    it cannot be told.
    """
    text = spelled.lstrip(b" ")
    if text[:1] == b"[" and len(text) > 1:
        text = text[1:].lstrip(b" ")  # "[{" and "[]" as one token
    if not text:
        return None
    if text[0] in _VALUE_HEADS:
        return True
    if text[:1] == b"]" or text.startswith(_NOTHING) or _NOTHING.startswith(text):
        return False
    return None


def opening_of(token: TokenTrace) -> Opening | None:
    """What was believed at the token that opens a value; None where it was fed, or is no opening.

    Without an account of all tokens the other way is what is known of it: its tokens among the most
    likely ones.
    """
    taken = road_of(token.text)
    if token.forced or taken is None or math.isnan(token.logprob):
        return None
    if token.roads is not None:
        value, nothing = token.roads
        return Opening(taken=token.logprob, other=nothing if taken else value)
    others = [one.logprob for one in token.top if road_of(one.text) is (not taken)]
    return Opening(taken=token.logprob, other=_together(others))


def _together(logprobs: Iterable[float]) -> float | None:
    """The log of the sum of probabilities; None when there are none."""
    total = math.fsum(math.exp(one) for one in logprobs)
    return min(math.log(total), 0.0) if total > 0 else None
