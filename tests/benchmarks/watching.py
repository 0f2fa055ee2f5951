"""How soon worse documents are noticed without any label, and how many wrong rows come through
until then.

The documents are those of the benchmark ``confidence``, scored by ``combined/1`` with two looks. A
certificate is made on levels 0-2: a window of documents, and a threshold for 1 % that is planned
and tested on rows of such documents. Then documents of the same levels come, and after them worse
ones, drawn again and again. Until the alarm rows are accepted from the threshold on, afterwards by
the careful policy.
"""

import os
from collections import defaultdict, deque
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

import extractors.demo
from extractors.backends.mllama.backend import MllamaBackend
from extractors.decision.certificates import Judged, Plan, plan_of, walk
from extractors.decision.features import Taken
from extractors.decision.policy import PolicyName
from extractors.decision.watching import (
    CUTS,
    HORIZON,
    MOST_ROWS,
    Detector,
    Usual,
    alarm_after,
    below,
    usual,
)
from extractors.demo.three_readings import rows_of
from tests.benchmarks.confidence import SEED, accepts, combined_scores, how_many

RUNS = 500
# documents between plan and test: at the default rate 2,000 audits take twice as many
WINDOW = 2_000
AUDITS, ALPHA = 2_000, 0.01
GOOD = (0, 1_000)  # documents before the change
AFTER = 200  # documents after it
LAST = 500  # accepted rows, among which wrong ones are counted
MOST_WRONG = 10
SEEN_WITHIN, FALSE = 20, 0.05


@dataclass(frozen=True, slots=True)
class Paper:
    """One document as it is watched."""

    level: int
    below: tuple[int, ...]  # rows that score below each cut
    # score, wrong, accepted by the careful policy; of rows that no proof holds back
    rows: tuple[tuple[float, bool, bool], ...]


def run() -> list[dict[str, Any]]:
    """Delays, false alarms, and wrong rows after the change."""
    papers = _papers()
    good = [one for one in papers if one.level <= 2]
    runs = RUNS // 5 if os.environ.get("QUICK") == "1" else RUNS
    out = [
        _row(f"level {level}: documents with a row below {score:g}", _doubtful(papers, level, cut))
        for level in range(5)
        for cut, score in enumerate(CUTS)
    ]
    for level in (3, 4):
        worse = [one for one in papers if one.level == level]
        for before in GOOD:
            out += _change(good, worse, f"level {level}", before=before, runs=runs, goal=True)
    mixed = [one for one in papers if one.level == 4]
    out += _change(good, mixed, "a fifth of level 4", before=0, runs=runs // 5, share=0.2)
    false = _false(good, runs)
    out.append(
        _row(
            f"false alarms in {HORIZON} documents like the window's",
            false,
            f"of {runs} runs",
            goal=FALSE,
            holds=false <= FALSE,
        )
    )
    return out


def _papers() -> list[Paper]:
    backend = MllamaBackend(Path(extractors.demo.__file__).parent / "weights", device="cpu")
    rows = list(rows_of(backend, documents=how_many(), seed=SEED, split="test"))
    scores = combined_scores(rows, Taken.TWO)
    of_document: dict[int, list[int]] = defaultdict(list)
    for at, row in enumerate(rows):
        of_document[row.document].append(at)
    return [
        Paper(
            level=rows[places[0]].level,
            below=below([float(scores[at]) for at in places]),
            rows=tuple(
                (float(scores[at]), not rows[at].right, accepts(PolicyName.CAREFUL, rows[at]))
                for at in places
                if rows[at].proven
            ),
        )
        for places in of_document.values()
    ]


def _doubtful(papers: Sequence[Paper], level: int, cut: int) -> float:
    return float(np.mean([one.below[cut] > 0 for one in papers if one.level == level]))


def _usual(window: Sequence[Paper]) -> Usual:
    found = usual(
        len(window),
        [
            [sum(one.below[cut] >= least for one in window) for least in range(1, MOST_ROWS + 1)]
            for cut in range(len(CUTS))
        ],
    )
    assert found is not None, "a window of good documents is watched"
    return found


def _window(chance: np.random.Generator, good: Sequence[Paper]) -> tuple[Usual, float]:
    """What documents are like, and the certified threshold; 2 where there is none."""
    window = [good[at] for at in chance.integers(len(good), size=WINDOW)]
    known = _usual(window)
    rows = [row for one in good for row in one.rows]
    planned = plan_of([rows[at][0] for at in chance.integers(len(rows), size=1_000)], alpha=ALPHA)
    assert planned is not None
    plan = Plan(thresholds=planned.thresholds, alpha=ALPHA, missed=0.0)
    audits = [
        Judged(rows[at][0], rows[at][1], str(n % 30))
        for n, at in enumerate(chance.integers(len(rows), size=AUDITS))
    ]
    found = walk(plan, audits).threshold
    return known, 2.0 if found is None else found


def _change(
    good: Sequence[Paper],
    worse: Sequence[Paper],
    what: str,
    *,
    before: int,
    runs: int,
    share: float = 1.0,
    goal: bool = False,
) -> list[dict[str, Any]]:
    """share: of the documents after the change, those that are worse"""
    chance = np.random.default_rng(7)
    delays, most = [], []
    after = AFTER if share == 1.0 else 10 * AFTER
    for _ in range(runs):
        known, threshold = _window(chance, good)
        came = [good[at] for at in chance.integers(len(good), size=before)]
        is_worse = chance.random(after) < share
        came += [
            worse[int(chance.integers(len(worse)))]
            if bad
            else good[int(chance.integers(len(good)))]
            for bad in is_worse
        ]
        rows = [one.below[known.cut] for one in came]
        alarm = alarm_after(Detector.of_documents(known.shares), rows)
        at = len(came) if alarm is None else alarm
        delays.append(at - before)
        most.append(_most_wrong(came, at, threshold, since=before))
    late = np.sort([max(delay, 0) for delay in delays])
    told = f"{what}, after {before} good ones" if before else what
    ninety = float(late[int(0.9 * len(late))])
    return [
        _row(f"{told}: seen after, median", float(np.median(late)), "documents"),
        _row(
            f"{told}: seen after, 90 % of runs",
            ninety,
            "documents",
            goal=SEEN_WITHIN if goal else None,
            holds=not goal or ninety <= SEEN_WITHIN,
        ),
        _row(
            f"{told}: most wrong rows among the {LAST} accepted last, worst of all runs",
            float(max(most)),
            f"rows; {np.mean(np.array(most) > MOST_WRONG):.3f} of runs above {MOST_WRONG}",
            goal=MOST_WRONG if goal else None,
            holds=not goal or max(most) <= MOST_WRONG,
        ),
    ]


def _most_wrong(came: Sequence[Paper], alarm: int, threshold: float, *, since: int) -> int:
    last: deque[bool] = deque(maxlen=LAST)
    most = 0
    for at, paper in enumerate(came):
        for score, wrong, careful in paper.rows:
            # the document that raises the alarm was routed before it
            if careful if at >= alarm else score >= threshold:
                last.append(wrong)
        if at >= since:
            most = max(most, sum(last))
    return most


def _false(good: Sequence[Paper], runs: int) -> float:
    chance = np.random.default_rng(8)
    alarms = 0
    for _ in range(runs):
        known, _ = _window(chance, good)
        came = [good[at].below[known.cut] for at in chance.integers(len(good), size=HORIZON)]
        alarms += alarm_after(Detector.of_documents(known.shares), came) is not None
    return alarms / runs


def _row(
    metric: str,
    value: float,
    unit: str = "share",
    *,
    goal: float | None = None,
    holds: bool = True,
) -> dict[str, Any]:
    return {"metric": metric, "value": value, "unit": unit, "goal": goal, "holds": bool(holds)}
