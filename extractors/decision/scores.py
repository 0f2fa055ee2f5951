"""How sure a reading is: pure functions of its tokens, each under a versioned name.

A formula is never edited: scores that are stored must stay explainable. A better one is added under
the next version.
"""

import math
from collections.abc import Callable

from extractors.types import FieldReading

Method = Callable[[FieldReading], float | None]

METHODS: dict[str, Method] = {}
DEFAULT = "weakest-token/1"


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


def score(reading: FieldReading, name: str = DEFAULT) -> float | None:
    """The score of one reading under one method; None when there is nothing to score."""
    return METHODS[name](reading)


def _logprobs(reading: FieldReading, *, ending: bool) -> list[float] | None:
    """Log-probabilities of the value's tokens, and of the token that ends it if asked for.

    None when there are none, or when one of them is not a number: evidence that is broken proves
    nothing. An absent field's value is the ``null`` (or ``[]``) that says so.
    """
    tokens = reading.tokens if ending or not reading.ends else reading.tokens[:-1]
    # rounding may leave 1e-8
    logprobs = [min(token.logprob, 0.0) for token in tokens if not math.isnan(token.logprob)]
    return logprobs if logprobs and len(logprobs) == len(tokens) else None


@method("mean-prob/1")
def mean_probability(reading: FieldReading) -> float | None:
    """Mean of the value tokens' softmax probabilities, as the article takes it."""
    logprobs = _logprobs(reading, ending=False)
    return math.fsum(map(math.exp, logprobs)) / len(logprobs) if logprobs else None


@method("geometric-mean/1")
def geometric_mean(reading: FieldReading) -> float | None:
    """Geometric mean of the value tokens' probabilities: one poor token weighs more than in the
    mean.
    """
    logprobs = _logprobs(reading, ending=False)
    return math.exp(math.fsum(logprobs) / len(logprobs)) if logprobs else None


@method("joint/1")
def joint(reading: FieldReading) -> float | None:
    """Probability of the whole value and its ending, as the model sees it; long values score
    low.
    """
    logprobs = _logprobs(reading, ending=True)
    return math.exp(math.fsum(logprobs)) if logprobs else None


@method("weakest-token/1")
def weakest_token(reading: FieldReading) -> float | None:
    """Probability of the least certain of the value's tokens and the one that ends it: one doubtful
    digit spoils an amount.
    """
    logprobs = _logprobs(reading, ending=True)
    return math.exp(min(logprobs)) if logprobs else None
