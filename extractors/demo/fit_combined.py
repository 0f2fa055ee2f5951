"""Fit the weights of ``combined/1`` on readings of the bundled model.

python -m extractors.demo.fit_combined [--documents 1000] [--seed 1717] [--modes json]

Slips of the split "calibration", each page read three times and held against two moved pictures;
what was read is kept and not read again.  Writes the priors that ship with the package.
"""

import argparse
import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import extractors.demo
from extractors.backends.mllama.backend import MllamaBackend
from extractors.decision.combined import (
    BUNDLED,
    Level,
    Prior,
    Weights,
    log_odds,
    probability,
    read_priors,
)
from extractors.decision.features import (
    FEATURES,
    Taken,
    Way,
    features_of,
    is_excluded,
    names_of,
)
from extractors.decision.field_evidence import FieldEvidence
from extractors.demo.three_readings import Row, rows_of
from extractors.reading.looks import Look
from extractors.types import FieldState

WEIGHTS = Path(extractors.demo.__file__).parent / "weights"
UNKNOWN = "opening_unknown"  # seldom seen where the model is ours: fitted by hiding what was told
DIGITS = 4
FOLDS = 5  # of documents

Floats = NDArray[np.float64]
Example = tuple[FieldEvidence, bool]  # and whether it is right


def prior_of(rows: Sequence[Row], *, documents: int, seed: int) -> Prior:
    """Weights for the model and mode that read the rows, by the number of looks."""
    first = rows[0].evidence
    return Prior(
        fingerprint=first.fingerprint or "",
        decode_mode=first.decode_mode or "",
        fitted_on={
            "split": "calibration",
            "seed": seed,
            "documents": documents,
            "rows": len(rows),
            "wrong": sum(not row.right for row in rows),
        },
        weights={taken: calibrated(rows, taken) for taken in Taken},
    )


def examples(rows: Sequence[Row], taken: Taken) -> Iterator[Example]:
    """The rows as if so many looks had been taken; each look is the only one once."""
    for row in rows:
        looks = row.evidence.looks or ()
        free = tuple(look for look in looks if not look.forced)
        forced = tuple(look for look in looks if look.forced)
        known: dict[Taken, list[tuple[Look, ...] | None]] = {
            Taken.NONE: [None],
            Taken.ONE: [(look,) for look in free],
            Taken.TWO: [free],
            Taken.ONE_FORCED: [(look,) for look in forced],
            Taken.TWO_FORCED: [forced],
        }
        for some in known[taken]:
            yield replace(row.evidence, looks=some), row.right


def calibrated(rows: Sequence[Row], taken: Taken) -> Weights:
    """Weights of all rows, and a level from scores of documents that other weights were fitted
    without.
    """
    unseen: list[tuple[float, bool]] = []
    for fold in range(FOLDS):
        others = [row for row in rows if row.document % FOLDS != fold]
        weights = weights_of(list(examples(others, taken)), taken)
        mine = [row for row in rows if row.document % FOLDS == fold]
        for evidence, right in examples(mine, taken):
            features = None if is_excluded(evidence) else features_of(evidence)
            if features is not None:
                unseen.append((log_odds(features, weights), right))
    odds = np.array([one for one, _ in unseen])
    y = np.array([one for _, one in unseen], float)
    x = np.column_stack([-np.logaddexp(0, -odds), np.logaddexp(0, odds)])  # ln p, -ln(1 - p)
    shift, up, down = fitted(x, y, [Way.UP, Way.UP], ridge=1e-3).round(DIGITS).tolist()
    whole = weights_of(list(examples(rows, taken)), taken)
    return Weights(start=whole.start, of=whole.of, level=Level(up=up, down=down, shift=shift))


def weights_of(known: Sequence[Example], taken: Taken) -> Weights:
    """What the examples teach; those that score 0 whatever the weights say teach nothing."""
    known = [one for one in known if not is_excluded(one[0])]
    names = [name for name in names_of(taken) if name != UNKNOWN]
    numbers = [features_of(evidence) for evidence, _ in known]
    x = np.array([[one[name] for name in names] for one in numbers if one is not None])
    y = np.array(
        [right for (_, right), one in zip(known, numbers, strict=True) if one is not None], float
    )
    start, *fit = fitted(x, y, [FEATURES[name].way for name in names]).round(DIGITS).tolist()
    weights = Weights(start=start, of={**dict(zip(names, fit, strict=True)), UNKNOWN: 0.0})
    return _with_unknown(weights, known)


def _with_unknown(weights: Weights, known: Sequence[Example]) -> Weights:
    """What an opening that nobody told costs: enough that the mean score of values without it is
    their share of right ones.
    """
    hidden = [
        (found, right)
        for evidence, right in known
        if evidence.state is FieldState.VALUE
        and (found := features_of(replace(evidence, opening=None))) is not None
    ]
    share = float(np.mean([right for _, right in hidden]))

    def costing(weight: float) -> Weights:
        return Weights(start=weights.start, of={**weights.of, UNKNOWN: round(weight, DIGITS)})

    low, high = -5.0, 0.0
    for _ in range(30):
        middle = (low + high) / 2
        mean = float(np.mean([probability(one, costing(middle)) for one, _ in hidden]))
        low, high = (low, middle) if mean > share else (middle, high)
    return costing(high)


def fitted(
    x: Floats, y: Floats, ways: Sequence[Way], *, ridge: float = 1.0, steps: int = 3_000
) -> Floats:
    """Logistic regression, the constant first, whose weights keep the signs of their ways.

    Projected gradient with momentum (FISTA: Beck and Teboulle 2009) on standardised features.
    """
    mean, spread = x.mean(axis=0), x.std(axis=0)
    spread[spread == 0.0] = 1.0
    z = np.hstack([np.ones((len(x), 1)), (x - mean) / spread])
    least = np.array([-np.inf, *(0.0 if way is Way.UP else -np.inf for way in ways)])
    most = np.array([np.inf, *(0.0 if way is Way.DOWN else np.inf for way in ways)])
    penalty = np.array([0.0, *[ridge] * len(ways)])
    rate = 1 / (0.25 * float(np.linalg.eigvalsh(z.T @ z)[-1]) + ridge)
    weights = ahead = np.zeros(z.shape[1])
    speed = 1.0
    for _ in range(steps):
        gradient = z.T @ (y - 1 / (1 + np.exp(-z @ ahead))) - penalty * ahead
        new = np.clip(ahead + rate * gradient, least, most)
        faster = (1 + np.sqrt(1 + 4 * speed**2)) / 2
        ahead = new + (speed - 1) / faster * (new - weights)
        weights, speed = new, faster
    plain = weights[1:] / spread
    return np.concatenate([[weights[0] - float(plain @ mean)], plain])


def write(priors: Sequence[Prior], path: Path = BUNDLED) -> None:
    """The file that ships, after it has been read back."""
    text = json.dumps({"priors": [one.model_dump(mode="json") for one in priors]}, indent=1) + "\n"
    path.write_text(text, encoding="utf-8")
    read_priors(path)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--documents", type=int, default=1_000)
    parser.add_argument("--seed", type=int, default=1717)
    parser.add_argument("--modes", nargs="+", choices=("json", "fields"), default=["json"])
    asked: Any = parser.parse_args()
    priors = []
    for mode in asked.modes:
        backend = MllamaBackend(WEIGHTS, device="cpu", decode_mode=mode)
        rows = list(
            rows_of(backend, documents=asked.documents, seed=asked.seed, split="calibration")
        )
        priors.append(prior_of(rows, documents=asked.documents, seed=asked.seed))
    write(priors)


if __name__ == "__main__":
    main()
