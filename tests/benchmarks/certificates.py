"""Whether certificates keep their promises, by drawing windows of audits again and again from slips
whose truth is known.

The population are the rows of the benchmark ``confidence`` that a score decides, scored by
``combined/1`` with two looks. Each run plans by scores alone, draws audited rows, and tests once.
Rows are audited one by one. They are drawn from all rows; from documents; or from batches of 40
documents of one level of damage. A promise is broken when the error of the whole population at the
certified threshold lies above it. Power: the mean share of rows that is accepted, nothing being 0,
of what an oracle accepts at that error. People overlook nothing here.

Documents are certified apart, those of each band by themselves, as in the product. The population
are those in which something was found; their score is the product of their rows' scores. A document
is untouched when no proof stands against any row of it and a certificate covers it. Audits are
drawn from all of them, again and again; and apart from that documents are split, one half is
judged once, and its promise held against the other. Both are done once more with the sign of each
currency told by the type, which is most of what stands against the others.
"""

import os
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import extractors.demo
from extractors.backends.mllama.backend import MllamaBackend
from extractors.decision.bounds import upper_bound
from extractors.decision.certificates import (
    DOCUMENT_COVERAGES,
    FLOOR,
    PROMISES,
    Band,
    Family,
    Judged,
    Plan,
    all_right,
    band_of,
    plan_of,
    walk,
)
from extractors.decision.features import Taken
from extractors.decision.measures import Bools, Floats
from extractors.demo.three_readings import Row, rows_of
from tests.benchmarks.confidence import SEED, combined_scores, how_many

RUNS = 1_000
BATCH = 40  # documents of one level
AUDITED = 0.05  # of the rows of a document
SIZES = {0.01: (1_000, 2_000), 0.005: (2_000, 5_000)}
BROKEN, AT_THE_EDGE = 0.05, 0.055
UNTOUCHED, UNTOUCHED_TOLD = 0.50, 0.55  # of documents; with the currency's sign told by the type
DOCUMENT_AUDITS = 1_500  # of each band, as the product plans
POWER = {(0.01, 2_000): 0.88, (0.005, 5_000): 0.80}

Draw = Callable[[np.random.Generator, int], list[Judged]]


def run() -> list[dict[str, Any]]:
    """Broken promises, power, and the chance to pass at the edge."""
    documents = how_many()
    backend = MllamaBackend(Path(extractors.demo.__file__).parent / "weights", device="cpu")
    every = list(rows_of(backend, documents=documents, seed=SEED, split="test"))
    rows = [row for row in every if row.proven]
    scores = combined_scores(rows, Taken.TWO)
    wrong = np.array([not row.right for row in rows])
    runs = RUNS // 10 if os.environ.get("QUICK") == "1" else RUNS
    out = [_row("rows", len(rows), "rows"), _row("of these wrong", wrong.mean(), "share")]
    for alpha, sizes in SIZES.items():
        for how, draw in _draws(rows, scores, wrong).items():
            for size in sizes:
                out += _promise(alpha, how, size, draw, scores, wrong, runs=runs)
        out.append(_edge(alpha, runs=10 * runs))
    return [*out, *_documents(every, runs=runs)]


def _draws(rows: Sequence[Row], scores: Floats, wrong: Bools) -> Mapping[str, Draw]:
    """Windows of audited rows, by how documents arrive."""
    of_document: dict[int, list[int]] = defaultdict(list)
    of_level: dict[int, list[int]] = defaultdict(list)
    for at, row in enumerate(rows):
        if not of_document[row.document]:
            of_level[row.level].append(row.document)
        of_document[row.document].append(at)
    every = list(of_document)
    levels = np.array([rows[of_document[one][0]].level for one in every])

    def judged(at: int, batch: str) -> Judged:
        return Judged(float(scores[at]), bool(wrong[at]), batch)

    def by_row(chance: np.random.Generator, size: int) -> list[Judged]:
        return [
            judged(at, str(n % 30)) for n, at in enumerate(chance.integers(len(rows), size=size))
        ]

    def by_document(chance: np.random.Generator, size: int) -> list[Judged]:
        found: list[Judged] = []
        while len(found) < size:
            document = every[chance.integers(len(every))]
            found += _audited(chance, of_document[document], str(document), judged)
        return found[:size]

    def in_batches(chance: np.random.Generator, size: int) -> list[Judged]:
        found: list[Judged] = []
        batch = 0
        while len(found) < size:
            alike = of_level[int(levels[chance.integers(len(levels))])]
            for document in chance.choice(alike, size=BATCH):
                found += _audited(chance, of_document[int(document)], str(batch), judged)
            batch += 1
        return found[:size]

    return {"rows": by_row, "documents": by_document, "batches of 40": in_batches}


def _audited(
    chance: np.random.Generator,
    places: Sequence[int],
    batch: str,
    judged: Callable[[int, str], Judged],
) -> list[Judged]:
    drawn = chance.random(len(places)) < AUDITED
    return [judged(at, batch) for at, is_drawn in zip(places, drawn, strict=True) if is_drawn]


def _promise(
    alpha: float,
    how: str,
    size: int,
    draw: Draw,
    scores: Floats,
    wrong: Bools,
    *,
    runs: int,
) -> list[dict[str, Any]]:
    chance = np.random.default_rng(5)
    oracle = min((1 - wrong.mean()) / (1 - alpha), 1.0)
    broken, coverages = 0, []
    for _ in range(runs):
        planned = plan_of(chance.choice(scores, size=1_000).tolist(), alpha=alpha)
        assert planned is not None
        plan = Plan(thresholds=planned.thresholds, alpha=alpha, missed=0.0)
        found = walk(plan, draw(chance, size)).threshold
        accepted = scores >= (2.0 if found is None else found)
        coverages.append(accepted.mean())
        broken += found is not None and bool(wrong[accepted].mean() > alpha)
    share, power = broken / runs, float(np.mean(coverages)) / oracle
    what = f"{100 * alpha:g} %, {size} audits drawn by {how}"
    goal = POWER.get((alpha, size)) if how == "rows" else None
    nothing = float(np.mean(np.array(coverages) == 0))
    return [
        _row(f"{what}: promises broken", share, "share", goal=BROKEN, holds=share <= BROKEN),
        _row(
            f"{what}: power",
            power,
            f"of the oracle; nothing certified in {nothing:.3f}",
            goal=goal,
            holds=goal is None or power >= goal,
        ),
    ]


def _edge(alpha: float, *, runs: int, size: int = 2_000) -> dict[str, Any]:
    """The chance of one threshold to pass whose true error is just above the promise."""
    chance = np.random.default_rng(6)
    counts, times = np.unique(chance.binomial(size, alpha, size=runs), return_counts=True)
    passed = sum(
        int(n) for k, n in zip(counts, times, strict=True) if upper_bound(int(k), size) <= alpha
    )
    share = passed / runs
    what = f"{100 * alpha:g} %: one threshold at the very edge passes, {size} audits"
    return _row(what, share, "share", goal=AT_THE_EDGE, holds=share <= AT_THE_EDGE)


# ---- documents


@dataclass(frozen=True, slots=True)
class Papers:
    """The documents in which something was found."""

    score: Floats  # that all of it is right
    wrong: Bools  # at least one row is
    band: NDArray[Any]
    proven: Bools  # no proof stands against any row
    told: Bools  # the same, with the sign of each currency told by the type


def _documents(rows: Sequence[Row], *, runs: int) -> list[dict[str, Any]]:
    papers = _papers(rows)
    out = [_row("documents with something in them", len(papers.score), "documents")]
    out.append(_row("of these right from end to end", 1 - papers.wrong.mean(), "share"))
    for what, proven, goal in (
        ("documents", papers.proven, UNTOUCHED),
        ("documents, currency told by the type", papers.told, UNTOUCHED_TOLD),
    ):
        out += _of_documents(what, papers, proven, goal, runs=runs)
    return out


def _papers(rows: Sequence[Row]) -> Papers:
    of_document: dict[int, list[tuple[Row, float]]] = defaultdict(list)
    for row, score in zip(rows, combined_scores(rows, Taken.TWO), strict=True):
        of_document[row.document].append((row, float(score)))
    found = [one for one in of_document.values() if not all(row.absent for row, _ in one)]
    return Papers(
        score=np.array([all_right([score for _, score in one]) for one in found]),
        wrong=np.array([not all(row.right for row, _ in one) for one in found]),
        band=np.array([band_of([score for _, score in one]).value for one in found]),
        proven=np.array([all(row.proven for row, _ in one) for one in found]),
        told=np.array([all(row.proven or _of_sign(row) for row, _ in one) for one in found]),
    )


def _of_sign(row: Row) -> bool:
    return row.path == "currency" and not row.absent


def _of_documents(
    what: str, papers: Papers, proven: Bools, goal: float, *, runs: int
) -> list[dict[str, Any]]:
    chance = np.random.default_rng(9)
    every = np.arange(len(papers.score))
    alpha = PROMISES[Family.DOCUMENTS]
    kept = 1 - float(papers.wrong[proven].mean())
    oracle = float(proven.mean()) * min(kept / (1 - alpha), 1.0)
    out = []
    for band in Band:
        covered = proven & (papers.band == band.value) & (papers.score >= FLOOR)
        wrong, of = int(papers.wrong[covered].sum()), int(covered.sum())
        bound = f"at most {upper_bound(wrong, of):.4f}" if of else "none"
        out.append(
            _row(
                f"{what}, {band}, all from {FLOOR:g} on: with an error ({bound})",
                wrong / max(of, 1),
                f"{wrong} of {of}; {covered.mean():.3f} of all",
            )
        )

    shares, broken, tests = [], 0, 0
    for _ in range(runs):
        found = _thresholds(papers, proven, every, chance, size=DOCUMENT_AUDITS)
        tests += len(found)
        broken += sum(papers.wrong[one].mean() > alpha for one in found)
        shares.append(sum(one.mean() for one in found))
    share = float(np.mean(shares))
    low, high = np.quantile(shares, [0.05, 0.95])
    out += [
        _row(
            f"{what}: untouched, {DOCUMENT_AUDITS} audits a band [{low:.3f}, {high:.3f}]",
            share,
            f"of all; oracle {oracle:.3f}",
            goal=goal,
            holds=share >= goal,
        ),
        _row(
            f"{what}: promises broken",
            broken / max(tests, 1),
            f"of {tests} certificates in {runs} runs",
            goal=BROKEN,
            holds=broken <= BROKEN * max(tests, 1),
        ),
    ]

    shares, errors, broken, tests = [], [], 0, 0
    for _ in range(runs):
        order = chance.permutation(len(every))
        judged, rest = order[: len(every) // 2], order[len(every) // 2 :]
        found = _thresholds(papers, proven, judged, chance, size=None)
        covered = [rest[one[rest]] for one in found]
        tests += len(found)
        broken += sum(papers.wrong[one].mean() > alpha for one in covered if len(one))
        untouched = np.concatenate([*covered, np.array([], dtype=int)])
        shares.append(len(untouched) / len(rest))
        if len(untouched):
            errors.append(papers.wrong[untouched].mean())
    out += [
        _row(
            f"{what}: one half judged once, untouched in the other",
            float(np.mean(shares)),
            f"of all; {np.mean(errors) if errors else 0:.4f} of them with an error",
        ),
        _row(
            f"{what}: one half judged once, promises broken in the other",
            broken / max(tests, 1),
            f"of {tests} certificates in {runs} resplits",
            goal=BROKEN,
            holds=broken <= BROKEN * max(tests, 1),
        ),
    ]
    return out


def _thresholds(
    papers: Papers,
    proven: Bools,
    places: NDArray[Any],
    chance: np.random.Generator,
    *,
    size: int | None,
) -> list[Bools]:
    """What each band's certificate covers, as far as one holds: planned by scores alone, tested on
    documents of these places.

    size: audits, drawn again and again; None: each of them once
    """
    found = []
    for band in Band:
        of_band = proven & (papers.band == band.value)
        mine = places[of_band[places]]
        if not len(mine):
            continue
        planned = plan_of(
            papers.score[chance.choice(mine, size=200)].tolist(),
            alpha=PROMISES[Family.DOCUMENTS],
            coverages=DOCUMENT_COVERAGES,
        )
        if planned is None:
            continue
        plan = Plan(thresholds=planned.thresholds, alpha=planned.alpha, missed=0.0)
        above = mine[papers.score[mine] >= plan.thresholds[-1]]
        drawn = chance.permutation(above) if size is None else chance.choice(above, size=size)
        threshold = walk(
            plan,
            [
                Judged(float(papers.score[at]), bool(papers.wrong[at]), str(n % 30))
                for n, at in enumerate(drawn)
            ],
        ).threshold
        if threshold is not None:
            found.append(of_band & (papers.score >= threshold))
    return found


def _row(
    metric: str, value: float, unit: str, *, goal: float | None = None, holds: bool = True
) -> dict[str, Any]:
    return {
        "metric": metric,
        "value": float(value),
        "unit": unit,
        "goal": goal,
        "holds": bool(holds),
    }
