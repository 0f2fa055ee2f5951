"""What each threshold would accept, and how many wrong, by fields that were drawn beforehand."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from extractors.decision.bounds import upper_bound
from extractors.decision.certificates import UNKNOWN_EFFECT
from worker.evaluation.labels import Scored

THRESHOLDS = (0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.98, 0.99, 0.995, 0.999)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    """One threshold for fields of one promise."""

    method: str
    family: str  # "money" or "rest"
    threshold: float
    accepted: float  # share of all fields that a score decides
    judged: int  # of those that were drawn and are accepted, the ones that somebody judged
    wrong: int
    # share of wrong ones, 95 %, each judged one counted for those that it was drawn from; None:
    # nobody judged one
    at_most: float | None


def tried(rows: Sequence[Scored]) -> list[Tried]:
    """Every threshold, by the method of the score and the family of fields."""
    found = []
    for method, family in sorted({(one.method, one.family) for one in rows}):
        some = [one for one in rows if (one.method, one.family) == (method, family)]
        whole = math.fsum(one.weight for one in some)
        for threshold in THRESHOLDS:
            above = [one for one in some if one.score >= threshold]
            judged = [one for one in above if one.right is not None]
            wrong = sum(not one.right for one in judged)
            found.append(
                Tried(
                    method=method,
                    family=family,
                    threshold=threshold,
                    accepted=math.fsum(one.weight for one in above) / whole,
                    judged=len(judged),
                    wrong=wrong,
                    at_most=_at_most(judged),
                )
            )
    return found


def _at_most(judged: Sequence[Scored]) -> float | None:
    """The bound on counts as large as the sample is worth: (sum of w)^2 / sum of w^2 for unequal
    weights (Kish 1965), and the design effect of certificates for fields that come in documents.
    """
    if not judged:
        return None
    whole = math.fsum(one.weight for one in judged)
    share = math.fsum(one.weight for one in judged if not one.right) / whole
    worth = whole**2 / math.fsum(one.weight**2 for one in judged) / UNKNOWN_EFFECT
    return upper_bound(share * worth, worth)
