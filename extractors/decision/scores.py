"""How sure a reading is: pure functions of its stored evidence, each under a versioned name.

A formula is never edited: scores that are stored must stay explainable. A better one is added under
the next version.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

from extractors.evidence.grounding import Agreement
from extractors.evidence.witnesses import Testimony
from extractors.normalise import Value
from extractors.rendering.image_quality import ImageQuality
from extractors.types import FieldReading, FieldState, Opening, Reading, TokenTrace


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldEvidence:
    """All that is stored of one reading of one field, as a method may look at it.

    What was not measured is None, and a witness that said nothing is not among the testimony.
    """

    state: FieldState
    tokens: tuple[TokenTrace, ...] = ()  # the value's, and last the one that ends it
    ends: bool = True  # the last of ``tokens`` is the ending token, not part of the value
    opening: Opening | None = None  # where the value and null part ways
    problem: str | None = None  # the reading's
    value: Value | None = None
    agreement: Agreement | None = None  # with the words of its own page
    relevance: float | None = None  # a reranker's raw logit
    image_quality: ImageQuality | None = None  # of the page that was read
    testimony: tuple[Testimony, ...] = ()  # of its candidate, and of the list that it stands in

    @classmethod
    def of(cls, reading: FieldReading) -> "FieldEvidence":
        """What a reading shows by itself, before anything else looked at it."""
        return cls(
            state=reading.state,
            tokens=reading.tokens,
            ends=reading.ends,
            opening=reading.opening,
            problem=reading.problem,
        )


Method = Callable[[FieldEvidence], float | None]

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


def score(evidence: FieldEvidence, name: str = DEFAULT) -> float | None:
    """The score of one reading under one method; None when there is nothing to score."""
    return METHODS[name](evidence)


def least_sure(reading: Reading) -> float:
    """The score of a page's least sure field, 0 where one could not be read."""
    scores = [score(FieldEvidence.of(field), "weakest-token/2") for field in reading.fields]
    return min((0.0 if one is None else one for one in scores), default=0.0)


def _logprobs(evidence: FieldEvidence, *, ending: bool) -> list[float] | None:
    """Log-probabilities of the value's tokens, and of the token that ends it if asked for.

    None when there are none, or when one of them is not a number: evidence that is broken proves
    nothing. An absent field's value is the ``null`` (or ``[]``) that says so.
    """
    tokens = evidence.tokens if ending or not evidence.ends else evidence.tokens[:-1]
    # rounding may leave 1e-8
    logprobs = [min(token.logprob, 0.0) for token in tokens if not math.isnan(token.logprob)]
    return logprobs if logprobs and len(logprobs) == len(tokens) else None


@method("mean-prob/1")
def mean_probability(evidence: FieldEvidence) -> float | None:
    """Mean of the value tokens' softmax probabilities, as the article takes it."""
    logprobs = _logprobs(evidence, ending=False)
    return math.fsum(map(math.exp, logprobs)) / len(logprobs) if logprobs else None


@method("geometric-mean/1")
def geometric_mean(evidence: FieldEvidence) -> float | None:
    """Geometric mean of the value tokens' probabilities: one poor token weighs more than in the
    mean.
    """
    logprobs = _logprobs(evidence, ending=False)
    return math.exp(math.fsum(logprobs) / len(logprobs)) if logprobs else None


@method("joint/1")
def joint(evidence: FieldEvidence) -> float | None:
    """Probability of the whole value and its ending, as the model sees it; long values score
    low.
    """
    logprobs = _logprobs(evidence, ending=True)
    return math.exp(math.fsum(logprobs)) if logprobs else None


@method("weakest-token/1")
def weakest_token(evidence: FieldEvidence) -> float | None:
    """Probability of the least certain of the value's tokens and the one that ends it: one doubtful
    digit spoils an amount.
    """
    logprobs = _logprobs(evidence, ending=True)
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
