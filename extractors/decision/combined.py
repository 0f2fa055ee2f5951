"""``combined/1``: the probability that a reading is right, from its tokens and from what further
looks say.

A logistic formula over the table of features.  Its weights were fitted on readings of one model in
one decode mode, and speak of no other: elsewhere there is no score.
"""

import math
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, model_validator

from extractors.decision.features import (
    FEATURES,
    Taken,
    features_of,
    is_excluded,
    names_of,
    taken_of,
)
from extractors.decision.field_evidence import FieldEvidence
from extractors.types import FieldState

BUNDLED = Path(__file__).with_name("combined_priors.json")

Number = Annotated[float, Field(allow_inf_nan=False)]


class Level(BaseModel):
    """A beta calibration of the logistic score p (Kull, Silva Filho and Flach 2017): its log-odds
    are up * ln p - down * ln(1 - p) + shift.

    It sets the level and keeps the order; it was fitted on scores of documents that the weights had
    not seen.
    """

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid")

    up: Annotated[float, Field(ge=0, allow_inf_nan=False)]
    down: Annotated[float, Field(ge=0, allow_inf_nan=False)]
    shift: Number

    def of(self, odds: float) -> float:
        """The log-odds of the calibrated score."""
        return self.shift - self.up * _softplus(-odds) + self.down * _softplus(odds)


class Weights(BaseModel):
    """Of one number of looks."""

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid")

    start: Number  # the log-odds where every feature is 0
    of: Mapping[str, Number]  # by feature
    level: Level | None = None  # None: the logistic score is taken as it is


class Prior(BaseModel):
    """Weights for the readings of one model in one decode mode."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    fingerprint: str  # of weights, number type and resolution
    decode_mode: str
    fitted_on: Mapping[str, Any]  # for people: documents, rows, those that were wrong
    weights: Mapping[Taken, Weights]  # after other looks there is no score

    @property
    def key(self) -> tuple[str, str]:
        """Whose readings it speaks of."""
        return self.fingerprint, self.decode_mode

    @model_validator(mode="after")
    def _is_sound(self) -> "Prior":
        """Doubt never raises a score, and agreement never lowers it."""
        for taken, weights in self.weights.items():
            if set(weights.of) != set(names_of(taken)):
                raise ValueError(f"{taken}: the weights must be of {', '.join(names_of(taken))}")
            for name, weight in weights.of.items():
                if weight * FEATURES[name].way.value < 0:
                    raise ValueError(f"{taken}: {name} has a weight of the wrong sign")
        return self


class _File(BaseModel):
    priors: tuple[Prior, ...]

    @model_validator(mode="after")
    def _is_whole(self) -> "_File":
        """What ships has a score whatever looks were taken."""
        for prior in self.priors:
            for taken in Taken:
                if taken not in prior.weights:
                    raise ValueError(f"weights for {taken!r} are missing")
        return self


def read_priors(path: Path) -> dict[tuple[str, str], Prior]:
    """The priors of a file, by fingerprint and decode mode.

    Raises pydantic's ValidationError when one of them breaks a rule.
    """
    found = _File.model_validate_json(path.read_bytes()).priors
    return {one.key: one for one in found}


@cache
def bundled() -> dict[tuple[str, str], Prior]:
    """Those that ship with the package."""
    return read_priors(BUNDLED)


def combined(evidence: FieldEvidence, priors: Mapping[tuple[str, str], Prior]) -> float | None:
    """The probability that the reading is right; None where the model is not one of the priors',
    there are no weights for the looks that were taken, or the tokens prove nothing.
    """
    prior = priors.get(evidence.key)
    if prior is None or evidence.state is FieldState.UNREADABLE:
        return None
    features = features_of(evidence)
    if features is None:
        return None
    weights = prior.weights.get(taken_of(evidence))
    if weights is None:
        return None
    return 0.0 if is_excluded(evidence) else probability(features, weights)


def probability(features: Mapping[str, float], weights: Weights) -> float:
    """The logistic function of the weighted sum, at its level."""
    odds = log_odds(features, weights)
    if weights.level is not None:
        odds = weights.level.of(odds)
    return 1 / (1 + math.exp(-odds)) if odds >= 0 else math.exp(odds) / (1 + math.exp(odds))


def log_odds(features: Mapping[str, float], weights: Weights) -> float:
    """The weighted sum, before its level is set."""
    return weights.start + math.fsum(weight * features[name] for name, weight in weights.of.items())


def _softplus(x: float) -> float:
    """ln(1 + e^x), which is -ln(1 - p) of a score whose log-odds are x."""
    return max(x, 0.0) + math.log1p(math.exp(-abs(x)))
