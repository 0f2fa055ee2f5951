"""How sure a reading is: pure functions of its stored evidence, each under a versioned name.

A formula is never edited: scores that are stored must stay explainable. A better one is added under
the next version.
"""

import math
from collections.abc import Callable

from extractors.decision import combined as combined_1
from extractors.decision.features import logprobs_of
from extractors.decision.field_evidence import FieldEvidence
from extractors.types import FieldState, Reading

Method = Callable[[FieldEvidence], float | None]

METHODS: dict[str, Method] = {}
DEFAULT = "weakest-token/1"
COMBINED = "combined/1"  # there is one for models whose weights are known
FITTED = COMBINED + "+"  # and the beginning of a digest: by weights that an installation fitted


def method(name: str) -> Callable[[Method], Method]:
    """Register a method under ``name/version``."""

    def register(function: Method) -> Method:
        if name in METHODS:
            raise ValueError(
                f"confidence method {name!r} exists already; a changed formula gets the next"
                " version"
            )
        METHODS[name] = function
        return function

    return register


def score(evidence: FieldEvidence, name: str = DEFAULT) -> float | None:
    """The score of one reading under one method; None when there is nothing to score."""
    return METHODS[name](evidence)


def least_sure(reading: Reading) -> float:
    """The score of a page's least sure field, 0 where one could not be read."""
    scores = [
        score(FieldEvidence.of(field, reading), "weakest-token/2") for field in reading.fields
    ]
    return min((0.0 if one is None else one for one in scores), default=0.0)


@method("mean-prob/1")
def mean_probability(evidence: FieldEvidence) -> float | None:
    """Mean of the value tokens' softmax probabilities, as the article takes it."""
    logprobs = logprobs_of(evidence, ending=False)
    return math.fsum(map(math.exp, logprobs)) / len(logprobs) if logprobs else None


@method("geometric-mean/1")
def geometric_mean(evidence: FieldEvidence) -> float | None:
    """Geometric mean of the value tokens' probabilities: one poor token weighs more than in the
    mean.
    """
    logprobs = logprobs_of(evidence, ending=False)
    return math.exp(math.fsum(logprobs) / len(logprobs)) if logprobs else None


@method("joint/1")
def joint(evidence: FieldEvidence) -> float | None:
    """Probability of the whole value and its ending, as the model sees it; long values score
    low.
    """
    logprobs = logprobs_of(evidence)
    return math.exp(math.fsum(logprobs)) if logprobs else None


@method("weakest-token/1")
def weakest_token(evidence: FieldEvidence) -> float | None:
    """Probability of the least certain of the value's tokens and the one that ends it: one doubtful
    digit spoils an amount.
    """
    logprobs = logprobs_of(evidence)
    return math.exp(min(logprobs)) if logprobs else None


@method("weakest-token/2")
def weakest_token_with_opening(evidence: FieldEvidence) -> float | None:
    """``weakest-token/1``, and for a value the token that opens it: a model that makes a value up
    doubts where it and ``null`` part ways, and is sure of every letter afterwards.
    """
    weakest = weakest_token(evidence)
    if weakest is None or evidence.state is not FieldState.VALUE or evidence.opening is None:
        return weakest
    if math.isnan(evidence.opening.taken):
        return None
    return min(weakest, math.exp(min(evidence.opening.taken, 0.0)))


@method(COMBINED)
def combined(evidence: FieldEvidence) -> float | None:
    """Probability that the reading is right, by a formula fitted on the model's own readings: from
    its tokens, the one that opens it, and further looks. Of another model nothing is known.
    """
    return combined_1.combined(evidence, combined_1.bundled())
