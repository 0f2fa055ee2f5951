"""How well scores know right answers from wrong ones, on the bundled model, and what policies let
through.

Slips of five levels of damage, each page read three times and held against two moved pictures.
Right is what would be stored: the same characters, or the same value; values of lists are counted
one by one.  AUROC; ECE in 15 bins of equal mass, without the part that a perfectly calibrated score
of the same size would show; coverage at 1 %: the largest share that one threshold accepts with an
observed error of at most 1 %, truth in hand.  Intervals: 95 %, bootstrap by document; a goal is
missed when the interval lies on the wrong side of it.  The weights of ``combined/1`` were fitted on
slips of another split.  Looks cost what they take beside one reading, measured in this run.
``QUICK=1``: 400 documents instead of 4,000; ``DOCUMENTS=N``: so many.
"""

import os
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from numpy.typing import NDArray

import extractors.demo
from extractors.backends.mllama.backend import MllamaBackend
from extractors.decision.features import Taken
from extractors.decision.measures import (
    Bools,
    Floats,
    auroc,
    coverage,
    ece,
    interval,
)
from extractors.decision.policy import RULES, PolicyName
from extractors.decision.scores import METHODS
from extractors.demo.slips import slips
from extractors.demo.three_readings import Row, rows_of
from extractors.documents.slip import Slip
from extractors.read import hold_against, read_pages
from extractors.reading.looks import Agreement, Look
from extractors.rendering.moved import moved
from extractors.rendering.pdf import open_file
from tests.benchmarks.judging import wilson

SEED = 4242
DOCUMENTS, QUICK = 4_000, 400
COMBINED = "combined/1"
OURS = f"{COMBINED}, {Taken.TWO}"
TOP = 0.99  # the band of scores in which the error that they say is compared with the true one
BELOW = (0.9, 0.99, 1.0)  # of a page's least sure row: where further looks are taken
TIMED = 3  # batches of eight pages
LEVELS: Mapping[str, tuple[int, ...]] = {
    "all": (0, 1, 2, 3, 4),
    "levels 0-2": (0, 1, 2),
    "level 3": (3,),
    "level 4": (4,),
}
MEASURES: Mapping[str, Callable[[Floats, Bools], float]] = {
    "AUROC": auroc,
    "ECE": ece,
    "coverage at 0.5 %": partial(coverage, alpha=0.005),
    "coverage at 1 %": partial(coverage, alpha=0.01),
}
# of the combined score with two looks; of coverage, the share of the oracle's
GOALS = {
    ("AUROC", "all"): 0.983,
    ("AUROC", "level 3"): 0.97,
    ("AUROC", "level 4"): 0.96,
    ("ECE", "all"): 0.005,
    ("ECE", "levels 0-2"): 0.01,
    ("ECE", "level 3"): 0.01,
    ("coverage at 1 %", "all"): 0.96,
    ("coverage at 1 %", "level 3"): 0.88,
    ("coverage at 1 %", "level 4"): 0.58,
}
ALL_RIGHT_ECE = 0.03
MOST_WRONG, MOST_WRONG_IN_A_LEVEL, LEAST_ACCEPTED = 0.001, 0.003, 0.70  # of the careful policy


def run() -> list[dict[str, Any]]:
    """The table of scores, that of looks, and that of policies."""
    documents = how_many()
    backend = MllamaBackend(Path(extractors.demo.__file__).parent / "weights", device="cpu")
    rows = list(rows_of(backend, documents=documents, seed=SEED, split="test"))
    right = np.array([row.right for row in rows])
    out = [_row(f"rows that a score decides, of {documents} documents", len(rows), "rows")]
    out.append(_row("of these wrong", 1 - right.mean(), "share"))
    for name, scores in scores_of(rows).items():
        out += _of_score(name, scores, rows)
    out += _of_documents(rows)
    out += _of_looks(rows, _costs(backend))
    for name in PolicyName:
        out += _of_policy(name, rows)
    return out


def how_many() -> int:
    """The documents of this run: as ``DOCUMENTS`` in the environment says, else all, or few for
    ``QUICK``.
    """
    usual = QUICK if os.environ.get("QUICK") == "1" else DOCUMENTS
    return int(os.environ.get("DOCUMENTS") or usual)


def scores_of(rows: Sequence[Row]) -> dict[str, Floats]:
    """Every method's score of every row; the combined one's after each kind of looks."""
    named = {
        name: _numbers(row.scores[name] for row in rows) for name in METHODS if name != COMBINED
    }
    return named | {f"{COMBINED}, {taken}": combined_scores(rows, taken) for taken in Taken}


def combined_scores(rows: Sequence[Row], taken: Taken, looked_at: Bools | None = None) -> Floats:
    """The score after these looks; where a row was not looked at again, after none."""
    seen = [
        _seen(row, taken) if looked_at is None or looked_at[at] else None
        for at, row in enumerate(rows)
    ]
    return _numbers(
        METHODS[COMBINED](replace(row.evidence, looks=looks))
        for row, looks in zip(rows, seen, strict=True)
    )


def _seen(row: Row, taken: Taken) -> tuple[Look, ...] | None:
    looks = row.evidence.looks or ()
    free = tuple(look for look in looks if not look.forced)
    forced = tuple(look for look in looks if look.forced)
    return {
        Taken.NONE: None,
        Taken.ONE: free[:1],
        Taken.TWO: free,
        Taken.ONE_FORCED: forced[:1],
        Taken.TWO_FORCED: forced,
    }[taken]


def _numbers(scores: Iterable[float | None]) -> Floats:
    return np.array([0.0 if score is None else score for score in scores])


# ---- the table of scores


def _of_score(name: str, scores: Floats, rows: Sequence[Row]) -> list[dict[str, Any]]:
    right, of, level = _columns(rows)
    out = []
    for group, levels in LEVELS.items():
        kept = np.isin(level, levels)
        oracle = min(float(right[kept].mean()) / 0.99, 1.0)
        for what, measure in MEASURES.items():
            low, high = interval(measure, scores[kept], right[kept], of[kept])
            value = measure(scores[kept], right[kept])
            goal = GOALS.get((what, group)) if name == OURS else None
            if goal is not None and what.startswith("coverage"):
                goal *= oracle
            missed = goal is not None and (low > goal if what == "ECE" else high < goal)
            out.append(
                _row(
                    f"{name}: {what}, {group} [{low:.3f}, {high:.3f}]",
                    value,
                    f"oracle {oracle:.3f}" if what == "coverage at 1 %" else "of 1",
                    goal=goal,
                    holds=not missed,
                )
            )
    return [*out, *_top(name, scores, right)]


def _top(name: str, scores: Floats, right: Bools) -> list[dict[str, Any]]:
    """What the surest scores say of their error, and what it is."""
    top = scores >= TOP
    if not top.any():
        return []
    wrong = int((~right[top]).sum())
    low, high = wilson(wrong, int(top.sum()))
    true = f"true error {wrong / top.sum():.4f} [{low:.4f}, {high:.4f}]"
    return [
        _row(
            f"{name}: error that scores from {TOP:g} on say; {true}",
            float(1 - scores[top].mean()),
            f"{top.sum()} rows",
        )
    ]


def _columns(rows: Sequence[Row]) -> tuple[Bools, NDArray[Any], NDArray[Any]]:
    """Whether each row is right, of which document it is, and of which level."""
    return (
        np.array([row.right for row in rows]),
        np.array([row.document for row in rows]),
        np.array([row.level for row in rows]),
    )


# ---- documents


def _of_documents(rows: Sequence[Row]) -> list[dict[str, Any]]:
    """The product of a document's scores against whether all of it is right."""
    right, of, level = _columns(rows)
    out = []
    for taken in (Taken.TWO, Taken.NONE):
        scores = combined_scores(rows, taken)
        for group, levels in LEVELS.items():
            every = np.unique(of[np.isin(level, levels)])
            said = np.array([scores[of == one].prod() for one in every])
            true = np.array([right[of == one].all() for one in every])
            low, high = interval(ece, said, true, every)
            goal = ALL_RIGHT_ECE if group == "all" else None
            out.append(
                _row(
                    f"all of a document is right, {taken}: ECE, {group} [{low:.3f}, {high:.3f}]",
                    ece(said, true),
                    f"said {said.mean():.3f}, true {true.mean():.3f}",
                    goal=goal,
                    holds=goal is None or low <= goal,
                )
            )
    return out


# ---- the table of looks


def _of_looks(rows: Sequence[Row], costs: Mapping[str, float]) -> list[dict[str, Any]]:
    """Coverage at 1 % after each kind and number of looks, and their cost in readings of a page."""
    right, of, _ = _columns(rows)
    least: dict[int, float] = defaultdict(lambda: 1.0)
    for row in rows:
        least[row.document] = min(least[row.document], row.scores["weakest-token/2"] or 0.0)
    out = [_row(f"a {kind} look costs", cost, "readings") for kind, cost in costs.items()]
    plain = coverage(combined_scores(rows, Taken.NONE), right, 0.01)
    for taken, kind, looks in (
        (Taken.ONE, "free", 1), (Taken.TWO, "free", 2),
        (Taken.ONE_FORCED, "forced", 1), (Taken.TWO_FORCED, "forced", 2),
    ):  # fmt: skip
        for below in BELOW:
            looked_at = np.array([below == 1.0 or least[row.document] < below for row in rows])
            scores = combined_scores(rows, taken, looked_at)
            measure = partial(coverage, alpha=0.01)
            low, high = interval(measure, scores, right, of)
            value = measure(scores, right)
            share = float(np.mean([below == 1.0 or one < below for one in least.values()]))
            cost = share * looks * costs[kind]
            gain = (value - plain) / cost
            what = f"{taken}, documents below {below:g}: coverage at 1 % [{low:.3f}, {high:.3f}]"
            out.append(_row(what, value, f"+{cost:.2f} readings, {gain:+.3f} for each"))
    return out


def _costs(backend: MllamaBackend) -> dict[str, float]:
    """What a further look takes beside the first reading of the same pages, at the median."""
    pages = []
    for document in slips(TIMED * 8, SEED, split="user"):
        with open_file(document.pdf, max_pages=10, max_pixels=50_000_000) as file:
            pages.append(file.page(1).image(backend.canvas))
    found: dict[str, list[float]] = {"free": [], "forced": []}
    read_pages(pages[:8], Slip.spec, backend)  # loads the weights
    for at in range(0, len(pages), 8):
        batch = pages[at : at + 8]
        began = time.perf_counter()
        readings = read_pages(batch, Slip.spec, backend)
        first = time.perf_counter() - began
        shifted = [moved(page, 1) for page in batch]
        began = time.perf_counter()
        read_pages(shifted, Slip.spec, backend)
        found["free"].append((time.perf_counter() - began) / first)
        began = time.perf_counter()
        hold_against(shifted, readings, Slip.spec, backend)
        found["forced"].append((time.perf_counter() - began) / first)
    return {kind: median(each) for kind, each in found.items()}


# ---- the table of policies


def _of_policy(name: PolicyName, rows: Sequence[Row]) -> list[dict[str, Any]]:
    """What the policy and the type's own proofs accept; no witness speaks about these pages."""
    out = []
    groups: list[tuple[str, Sequence[Row]]] = [("all", rows)]
    groups += [(f"level {n}", [row for row in rows if row.level == n]) for n in range(5)]
    for what, kept in groups:
        accepted = [row for row in kept if row.proven and accepts(name, row)]
        wrong = sum(not row.right for row in accepted)
        low, high = wilson(wrong, len(accepted))
        share, error = len(accepted) / max(len(kept), 1), wrong / max(len(accepted), 1)
        least = LEAST_ACCEPTED if name is PolicyName.CAREFUL and what == "all" else None
        most = None
        if name is PolicyName.CAREFUL:
            most = MOST_WRONG if what == "all" else MOST_WRONG_IN_A_LEVEL
        found = f"policy {name}, {what}"
        out.append(
            _row(
                f"{found}: accepted",
                share,
                f"of {len(kept)}",
                goal=least,
                holds=least is None or wilson(len(accepted), len(kept))[1] >= least,
            )
        )
        out.append(
            _row(
                f"{found}: wrong among them [{low:.4f}, {high:.4f}]",
                error,
                f"{wrong} rows",
                goal=most,
                holds=most is None or low <= most,
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


def _row(
    metric: str, value: float, unit: str, *, goal: float | None = None, holds: bool = True
) -> dict[str, Any]:
    return {"metric": metric, "value": float(value), "unit": unit, "goal": goal, "holds": holds}
