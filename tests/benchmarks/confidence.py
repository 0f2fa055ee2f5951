"""How well scores know right answers from wrong ones, on the bundled model, and what policies let
through.

Slips of five levels of damage, each page read three times.  Right is what would be stored: the same
characters, or the same value.  AUROC; ECE in 15 bins of equal mass, without the part that a
perfectly calibrated score of the same size would show; coverage at 1 %: the largest share that one
threshold accepts with an observed error of at most 1 %, truth in hand.  Intervals: 95 %, bootstrap
by document.  The weights of ``combined/1`` were fitted on slips of another split.  ``QUICK=1``:
400 documents instead of 4,000.
"""

import os
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import extractors.demo
from extractors.backends.mllama.backend import MllamaBackend
from extractors.decision.features import Taken
from extractors.decision.policy import RULES, PolicyName
from extractors.decision.scores import METHODS
from extractors.demo.three_readings import Row, rows_of
from extractors.reading.looks import Agreement
from tests.benchmarks.judging import wilson

SEED = 4242
DOCUMENTS, QUICK = 4_000, 400
BOOTSTRAPS = 200
BINS = 15
COMBINED = "combined/1"
TOP = 0.99  # the band of scores in which the error that they say is compared with the true one

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


def run() -> list[dict[str, Any]]:
    """The table of scores, that of looks, and that of policies."""
    documents = QUICK if os.environ.get("QUICK") == "1" else DOCUMENTS
    backend = MllamaBackend(Path(extractors.demo.__file__).parent / "weights", device="cpu")
    rows = list(rows_of(backend, documents=documents, seed=SEED, split="test"))
    right = np.array([row.right for row in rows])
    of = np.array([row.document for row in rows])
    level = np.array([row.level for row in rows])
    out = [_row(f"rows that a score decides, of {documents} documents", len(rows), "rows")]
    out.append(_row("of these wrong", 1 - right.mean(), "share"))
    out.append(_row("oracle: coverage at 1 %", right.mean() / 0.99, "share"))
    for name, scores in scores_of(rows).items():
        out += _of_score(name, scores, right, of, level)
    for name in PolicyName:
        out += _of_policy(name, rows)
    return out


def scores_of(rows: Sequence[Row]) -> dict[str, Floats]:
    """Every method's score of every row; of the combined one with none, one and two looks."""
    named: dict[str, list[float | None]] = {
        name: [row.scores[name] for row in rows] for name in METHODS if name != COMBINED
    }
    for looks, taken in enumerate(Taken):
        named[f"{COMBINED}, {taken}"] = [_combined(row, looks) for row in rows]
    return {
        name: np.array([0.0 if score is None else score for score in scores])
        for name, scores in named.items()
    }


def _combined(row: Row, looks: int) -> float | None:
    seen = (row.evidence.looks or ())[:looks]
    return METHODS[COMBINED](replace(row.evidence, looks=seen or None))


def _of_score(
    name: str, scores: Floats, right: Bools, of: NDArray[Any], level: NDArray[Any]
) -> list[dict[str, Any]]:
    measures: dict[str, tuple[Callable[[Floats, Bools], float], Bools]] = {
        "AUROC": (auroc, np.ones_like(right)),
        "AUROC at level 3": (auroc, level == 3),
        "AUROC at level 4": (auroc, level == 4),
        "ECE": (ece, np.ones_like(right)),
        "coverage at 0.5 %": (lambda s, r: coverage(s, r, 0.005), np.ones_like(right)),
        "coverage at 1 %": (lambda s, r: coverage(s, r, 0.01), np.ones_like(right)),
        "coverage at 1 %, level 3": (lambda s, r: coverage(s, r, 0.01), level == 3),
        "coverage at 1 %, level 4": (lambda s, r: coverage(s, r, 0.01), level == 4),
    }
    out = []
    for what, (measure, kept) in measures.items():
        low, high = _interval(measure, scores[kept], right[kept], of[kept])
        value = measure(scores[kept], right[kept])
        out.append(_row(f"{name}: {what} [{low:.3f}, {high:.3f}]", value, "of 1"))
    top = scores >= TOP
    if top.any():
        said, wrong = 1 - scores[top].mean(), int((~right[top]).sum())
        low, high = wilson(wrong, int(top.sum()))
        found = f"{name}: said error of scores from {TOP:g} on; true {wrong / top.sum():.4f}"
        out.append(_row(f"{found} [{low:.4f}, {high:.4f}]", said, f"{top.sum()} rows"))
    return out


def _of_policy(name: PolicyName, rows: Sequence[Row]) -> list[dict[str, Any]]:
    """What the policy and the type's own proofs accept; no witness speaks about these pages."""
    out = []
    groups: list[tuple[str, Sequence[Row]]] = [("all", rows)]
    groups += [(f"level {n}", [row for row in rows if row.level == n]) for n in range(5)]
    for what, kept in groups:
        accepted = [row for row in kept if row.proven and accepts(name, row)]
        wrong = sum(not row.right for row in accepted)
        high = wilson(wrong, len(accepted))[1]
        out.append(
            _row(
                f"policy {name}, {what}: accepted",
                len(accepted) / max(len(kept), 1),
                f"of {len(kept)}",
            )
        )
        out.append(
            _row(
                f"policy {name}, {what}: wrong among them [at most {high:.4f}]",
                wrong / max(len(accepted), 1),
                f"{wrong} rows",
            )
        )
    return out


def accepts(name: PolicyName, row: Row) -> bool:
    """Whether the policy's rule accepts the row, as ``decision`` has it."""
    rule = RULES[name]
    score, opening = row.scores[rule.method], row.evidence.opening
    looks = (row.evidence.looks or ())[: rule.looks]
    return (
        score is not None
        and score >= max(rule.least, 0.7)
        and all(
            look.agreement is Agreement.SAME
            and look.weakest is not None
            and np.exp(look.weakest) >= rule.sure_look
            for look in looks
        )
        and (
            not rule.opening
            or row.absent
            or opening is None
            or np.exp(opening.taken) >= rule.opening
        )
    )


# ---- measures


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


def _interval(
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


def _row(metric: str, value: float, unit: str) -> dict[str, Any]:
    return {"metric": metric, "value": float(value), "unit": unit, "goal": None, "holds": True}
