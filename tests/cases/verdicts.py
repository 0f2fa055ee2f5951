"""What was wanted, against what came."""

import re
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from typing import Any

Came = Mapping[str, Any]  # {"value": ...}, {"doubt": "low_score"}, {"absent": True}, ...


class Verdict(StrEnum):
    """From the best to the worst."""

    RIGHT = "right"
    NEEDLESS = "needless doubt"  # a person is asked about what is certain
    WRONG = "WRONG"  # accepted or read wrongly, or lit in the wrong place
    CRASH = "crash"  # also a document that fails


ORDER = tuple(Verdict)


def worst(verdicts: Iterable[Verdict]) -> Verdict:
    """The verdict on a case is that on the worst of its values."""
    return max(verdicts, key=ORDER.index, default=Verdict.RIGHT)


def verdict_on(want: Mapping[str, Any], came: Came) -> Verdict:
    """The verdict on one value."""
    if "crash" in came:
        return Verdict.CRASH
    if "refused" in want or "refused" in came:  # the document type itself
        if "refused" in want:
            return Verdict.RIGHT if "refused" in came else Verdict.WRONG
        return Verdict.RIGHT if set(want) == {"doubt"} else Verdict.NEEDLESS
    if "doubt" in came:
        misleading = came["doubt"] in want.get("not_for", ())
        return Verdict.RIGHT if want.get("doubt") and not misleading else Verdict.NEEDLESS
    for outcome in ("gone", "absent"):
        if outcome in came:
            return Verdict.RIGHT if want.get(outcome) else Verdict.WRONG
    return _on_value(want, came)


def _on_value(want: Mapping[str, Any], came: Came) -> Verdict:
    wanted = want.get("value", [])
    options = wanted if isinstance(wanted, list) else [wanted]
    if not any(same(option, came["value"]) for option in options):
        return Verdict.WRONG
    if "box" in want and not _inside(came.get("box"), want["box"]):
        return Verdict.WRONG
    if want.get("currency") in (None, came.get("currency")):
        return Verdict.RIGHT
    # its number is right, and its currency left open
    return Verdict.WRONG if came.get("currency") else Verdict.NEEDLESS


def same(want: object, came: object) -> bool:
    """Numbers are compared as numbers where one of them has a decimal point; all else as it is."""
    if isinstance(want, bool) or isinstance(came, bool) or want is None or came is None:
        return want is came
    if str(want) == str(came):
        return True
    numbers = all(re.fullmatch(r"-?[0-9.]+", str(each)) for each in (want, came))
    if not numbers or str(want).startswith("00") or "." not in f"{want}{came}":
        return False
    try:
        return Decimal(str(want)) == Decimal(str(came))
    except InvalidOperation:
        return False


def _inside(came: Sequence[float] | None, want: Sequence[float]) -> bool:
    """The middle of what is lit lies within what should be."""
    if came is None:
        return False
    x, y = (came[0] + came[2]) / 2, (came[1] + came[3]) / 2
    return want[0] - 1 <= x <= want[2] + 1 and want[1] - 1 <= y <= want[3] + 1
