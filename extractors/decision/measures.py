"""Measures of a score against what is right, and their intervals; needs numpy."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

BINS = 15
BOOTSTRAPS = 200

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


def auroc(scores: Floats, right: Bools) -> float:
    """Chance that a right row scores above a wrong one; ties by half (Mann and Whitney 1947)."""
    _, at, counts = np.unique(scores, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(counts) - (counts - 1) / 2)[at]  # mean rank of ties, from 1
    rights, wrongs = int(right.sum()), int((~right).sum())
    if not rights or not wrongs:
        return float("nan")
    return float((ranks[right].sum() - rights * (rights + 1) / 2) / (rights * wrongs))


def coverage(scores: Floats, right: Bools, alpha: float) -> float:
    """The largest share that one threshold accepts with an observed error of at most alpha."""
    order = np.argsort(-scores, kind="stable")
    wrong = np.cumsum(~right[order])
    count = np.arange(1, len(order) + 1)
    ends = np.append(scores[order][1:] != scores[order][:-1], True)  # ties stand or fall together
    holds = ends & (wrong <= alpha * count)
    return float(count[holds].max() / len(order)) if holds.any() else 0.0


def ece(scores: Floats, right: Bools) -> float:
    """Expected calibration error in 15 bins of equal mass, less what chance alone would show."""
    order = np.argsort(scores, kind="stable")
    bins = np.array_split(order, BINS)
    rng = np.random.default_rng(0)
    chance = np.mean([_gap(scores, rng.random(len(scores)) < scores, bins) for _ in range(20)])
    return max(_gap(scores, right, bins) - float(chance), 0.0)


def _gap(scores: Floats, right: Bools, bins: Sequence[NDArray[Any]]) -> float:
    total = sum(
        len(one) * abs(float(scores[one].mean()) - float(right[one].mean()))
        for one in bins
        if len(one)
    )
    return total / len(scores)


def interval(
    measure: Callable[[Floats, Bools], float], scores: Floats, right: Bools, of: NDArray[Any]
) -> tuple[float, float]:
    """95 %, by drawing whole documents again."""
    rng = np.random.default_rng(1)
    places = {one: np.flatnonzero(of == one) for one in np.unique(of)}
    names = list(places)
    found = []
    for _ in range(BOOTSTRAPS):
        drawn = np.concatenate(
            [places[names[n]] for n in rng.integers(len(names), size=len(names))]
        )
        found.append(measure(scores[drawn], right[drawn]))
    low, high = np.nanpercentile(found, [2.5, 97.5])
    return float(low), float(high)
