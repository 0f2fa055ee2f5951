"""Weights of the combined score, drawn from a prior towards what people decided; needs numpy.

The prior counts as if it had labelled ``WORTH`` rows like these itself.  So without labels the
prior comes out, and many labels outweigh it.  Signs are kept: doubt never raises a score, and
agreement never lowers it.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from extractors.decision.combined import Level, Prior, Weights, combined, log_odds
from extractors.decision.features import (
    FEATURES,
    Taken,
    Way,
    features_of,
    is_excluded,
    names_of,
    taken_of,
)
from extractors.decision.field_evidence import FieldEvidence
from extractors.errors import SurefieldError
from extractors.types import FieldState

WORTH = 1_500  # labels; by measurement a prior from other fields is worth 1,000 to 2,000
LEAST_LABELS, LEAST_WRONG = 500, 20  # without a prior, of one number of looks
LEAST_DRAWN, LEAST_DRAWN_WRONG = 1_000, 50  # that a level of one's own is fitted on
FOLDS = 5  # of documents
DIGITS = 4
_HOLD = 1e-3  # ridge towards the prior of what the labels do not show
_RIDGE = 1.0  # towards 0, on standardised features, where there is no prior
_STEPS, _SWEEPS, _CLOSE = 100, 200, 1e-9

Floats = NDArray[np.float64]


class OtherModel(SurefieldError):
    """Labels and prior are of different models, or decode modes."""

    code = "other_model"


@dataclass(frozen=True, slots=True, kw_only=True)
class Label:
    """One reading of a field, and what people said of it."""

    evidence: FieldEvidence
    right: bool
    document: str
    # it was drawn before it was decided, whatever became of it: drawn ones are a sample of all rows
    drawn: bool = False


@dataclass(frozen=True, slots=True)
class _Row:
    """One label that teaches something."""

    features: Mapping[str, float]
    label: Label


def refit(
    prior: Prior | None,
    labels: Sequence[Label],
    *,
    worth: float = WORTH,
    fitted_on: Mapping[str, Any] | None = None,
) -> Prior | None:
    """Weights of every number of looks, by all labels, none of them weighted.

    prior:     None: there is none of this model, and the labels alone must do
    fitted_on: what else to keep of where the weights come from

    None where there is neither a prior nor enough labels.

    Raises OtherModel when a label is not of the prior's model and decode mode, or the labels are
    not all of one.
    """
    key = _model_of(prior, labels)
    if key is None:
        return prior
    rows = _rows_of(labels)
    before: Mapping[Taken, Weights] = {} if prior is None else prior.weights
    weights = {
        taken: found
        for taken in Taken
        if (found := _weights_of(before.get(taken), rows[taken], taken, worth))
    }
    if not weights:
        return None
    said = {**(fitted_on or {}), "labels": len(labels), "wrong": sum(not x.right for x in labels)}
    return Prior(fingerprint=key[0], decode_mode=key[1], fitted_on=said, weights=weights)


def digest_of(prior: Prior) -> str:
    """Of the model and the weights, 64 hexadecimal digits."""
    told = prior.model_dump(mode="json", include={"fingerprint", "decode_mode", "weights"})
    return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()


def crossed(
    prior: Prior | None, labels: Sequence[Label], *, worth: float = WORTH
) -> list[float | None]:
    """The score of each label by weights that were fitted without its document."""
    found: list[float | None] = [None] * len(labels)
    for fold in range(FOLDS):
        fit = refit(prior, [one for one in labels if _fold(one) != fold], worth=worth)
        priors = {} if fit is None else {fit.key: fit}
        for at, one in enumerate(labels):
            if _fold(one) == fold:
                found[at] = combined(one.evidence, priors)
    return found


def _model_of(prior: Prior | None, labels: Sequence[Label]) -> tuple[str, str] | None:
    """Whose labels these are; None when there are none."""
    keys = {one.evidence.key for one in labels}
    wanted = keys if prior is None else {prior.key}
    if len(wanted) > 1 or not keys <= wanted:
        listed = ", ".join(sorted(" ".join(one) for one in keys | wanted))
        raise OtherModel(
            f"Weights are of one model in one decode mode, and these are several: {listed}. Fit"
            " each by itself."
        )
    return next(iter(keys), None)


def _rows_of(labels: Sequence[Label]) -> dict[Taken, list[_Row]]:
    """By looks; what has no score, or 0 whatever the weights say, teaches nothing."""
    rows: dict[Taken, list[_Row]] = {taken: [] for taken in Taken}
    for one in labels:
        evidence = one.evidence
        if evidence.state is FieldState.UNREADABLE or is_excluded(evidence):
            continue
        features = features_of(evidence)
        if features is not None:
            rows[taken_of(evidence)].append(_Row(features, one))
    return rows


def _weights_of(
    prior: Weights | None, rows: Sequence[_Row], taken: Taken, worth: float
) -> Weights | None:
    whole = _plain_weights(prior, rows, taken, worth)
    if whole is None or not rows:
        return whole
    level = _level_of(prior, rows, taken, worth)
    return Weights(start=whole.start, of=whole.of, level=level or whole.level)


def _plain_weights(
    prior: Weights | None, rows: Sequence[_Row], taken: Taken, worth: float
) -> Weights | None:
    """Weights at the prior's level; None without a prior or enough labels."""
    if prior is not None and not rows:
        return prior
    right = np.array([one.label.right for one in rows], float)
    if prior is None and (len(rows) < LEAST_LABELS or (right == 0).sum() < LEAST_WRONG):
        return None
    names = names_of(taken)
    z = np.array([[1.0, *(one.features[name] for name in names)] for one in rows])
    ways = [Way.EITHER, *(FEATURES[name].way for name in names)]
    if prior is None:
        towards = np.zeros(z.shape[1])
        ridge = _RIDGE * np.maximum(z.std(axis=0) ** 2, _HOLD)
        found = _nearest(z, right, ways, towards=towards, ridge=ridge, mass=1.0, level=None)
    else:
        towards = np.array([prior.start, *(prior.of[name] for name in names)])
        share = worth / len(rows)  # of a label that the prior is worth beside each of these
        believed = _probability(z @ towards, prior.level)
        found = _nearest(
            z,
            (right + share * believed) / (1 + share),
            ways,
            towards=towards,
            ridge=np.full(z.shape[1], _HOLD),
            mass=1 + share,
            level=prior.level,
        )
    start, *of = found.round(DIGITS).tolist()
    return Weights(
        start=start,
        of=dict(zip(names, of, strict=True)),
        level=None if prior is None else prior.level,
    )


def _level_of(
    prior: Weights | None, rows: Sequence[_Row], taken: Taken, worth: float
) -> Level | None:
    """A beta calibration by drawn rows, of scores that were fitted without their documents; None
    when these are too few.
    """
    drawn = [one for one in rows if one.label.drawn]
    if len(drawn) < LEAST_DRAWN or sum(not x.label.right for x in drawn) < LEAST_DRAWN_WRONG:
        return None
    odds, right = [], []
    for fold in range(FOLDS):
        others = [one for one in rows if _fold(one.label) != fold]
        weights = _plain_weights(prior, others, taken, worth)
        for one in drawn:
            if weights is not None and _fold(one.label) == fold:
                odds.append(log_odds(one.features, weights))
                right.append(float(one.label.right))
    x = np.array(odds)
    z = np.column_stack([np.ones(len(x)), -np.logaddexp(0, -x), np.logaddexp(0, x)])
    shift, up, down = _nearest(
        z,
        np.array(right),
        [Way.EITHER, Way.UP, Way.UP],
        towards=np.array([0.0, 1.0, 1.0]),  # leaves the score as it is
        ridge=np.full(3, _HOLD),
        mass=1.0,
        level=None,
    ).round(DIGITS).tolist()  # fmt: skip
    return Level(up=up, down=down, shift=shift)


def _fold(label: Label) -> int:
    return hashlib.sha256(label.document.encode()).digest()[0] % FOLDS


def _probability(odds: Floats, level: Level | None) -> Floats:
    if level is not None:
        odds = level.shift - level.up * np.logaddexp(0, -odds) + level.down * np.logaddexp(0, odds)
    return np.asarray(np.exp(-np.logaddexp(0, -odds)))


def _slope(odds: Floats, level: Level | None) -> Floats:
    """How fast the log-odds at their level rise with those before it."""
    if level is None:
        return np.ones_like(odds)
    low = np.exp(-np.logaddexp(0, odds))  # 1 - p
    return np.asarray(level.up * low + level.down * (1 - low))


def _nearest(
    z: Floats,
    target: Floats,
    ways: Sequence[Way],
    *,
    towards: Floats,
    ridge: Floats,
    mass: float,
    level: Level | None,
) -> Floats:
    """The weights of least logistic loss that keep the signs of their ways, held by a ridge towards
    others: Fisher scoring, each step in the box of the signs.

    z:      rows of features, the constant first
    target: what each row should score, 0 to 1
    mass:   of each row
    level:  that the log-odds are seen through
    """
    least = np.array([0.0 if way is Way.UP else -np.inf for way in ways])
    most = np.array([0.0 if way is Way.DOWN else np.inf for way in ways])

    def loss(weights: Floats) -> float:
        p = np.clip(_probability(z @ weights, level), 1e-15, 1 - 1e-15)
        fit = -mass * float(target @ np.log(p) + (1 - target) @ np.log1p(-p))
        return fit + 0.5 * float(ridge @ (weights - towards) ** 2)

    weights = np.clip(towards, least, most)
    now = loss(weights)
    for _ in range(_STEPS):
        odds = z @ weights
        p, slope = _probability(odds, level), _slope(odds, level)
        downhill = z.T @ (mass * (p - target) * slope) + ridge * (weights - towards)
        bend = (z.T * (mass * p * (1 - p) * slope**2)) @ z + np.diag(ridge)
        step = _in_box(bend, downhill, least - weights, most - weights)
        while (new := loss(weights + step)) > now and np.abs(step).max() > _CLOSE:
            step = step / 2
        if new > now or np.abs(step).max() <= _CLOSE:
            break
        weights, now = weights + step, new
    return np.clip(weights, least, most)


def _in_box(bend: Floats, downhill: Floats, least: Floats, most: Floats) -> Floats:
    """The step of least d' B d / 2 + g' d in a box, one weight after the other."""
    step = np.zeros_like(downhill)
    for _ in range(_SWEEPS):
        before = step.copy()
        for j in range(len(step)):
            pull = downhill[j] + bend[j] @ step - bend[j, j] * step[j]
            step[j] = min(max(-pull / bend[j, j], least[j]), most[j])
        if np.abs(step - before).max() <= _CLOSE:
            break
    return step
