"""What ``combined/1`` looks at: one table, computed from stored evidence alone.

Sureness is -ln of the chance of an error: 0 says nothing, 2.3 is one error in ten, 16.1 (one in ten
million) is all that single precision can tell.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum, StrEnum

from extractors.decision.field_evidence import FieldEvidence
from extractors.reading.looks import Agreement, Look
from extractors.types import FieldState, TokenTrace

LEAST_ERROR = 1e-7  # the least chance of an error that a logarithm is taken of
EXCLUDED = math.log(0.01)  # a value token less probable than that is no reading
_ROUNDING = 1e-4  # of log-probabilities in single precision

Number = Callable[[FieldEvidence], float]


class Taken(StrEnum):
    """Which further looks a page had. Each has weights of its own, so that a look that was not
    taken is no step on a scale of what looks find.
    """

    NONE = "no look"
    ONE = "one look"
    TWO = "two looks"
    ONE_FORCED = "one forced look"
    TWO_FORCED = "two forced looks"


class Way(Enum):
    """Which way a number may move the score."""

    UP = 1  # more of it never lowers the score
    DOWN = -1  # more of it never raises the score
    EITHER = 0  # a kind, and not more or less of anything


@dataclass(frozen=True, slots=True, kw_only=True)
class Feature:
    """One number that a score is made of."""

    what: str
    range: str
    missing: str  # what it is, and what that means, where nothing was measured
    way: Way
    of: Number
    after: frozenset[Taken] = frozenset(Taken)  # the looks after which there is such a number


FREE = frozenset({Taken.ONE, Taken.TWO})
FORCED = frozenset({Taken.ONE_FORCED, Taken.TWO_FORCED})

FEATURES: dict[str, Feature] = {}


def feature(
    name: str,
    what: str,
    *,
    range: str,
    missing: str,
    way: Way,
    after: frozenset[Taken] = frozenset(Taken),
) -> Callable[[Number], Number]:
    """Add one row to the table."""

    def register(function: Number) -> Number:
        FEATURES[name] = Feature(
            what=what, range=range, missing=missing, way=way, of=function, after=after
        )
        return function

    return register


def features_of(evidence: FieldEvidence) -> Mapping[str, float] | None:
    """Every number of the table that the reading has; None when its tokens prove nothing."""
    if logprobs_of(evidence) is None or (evidence.opening and math.isnan(evidence.opening.taken)):
        return None
    return {name: FEATURES[name].of(evidence) for name in names_of(taken_of(evidence))}


def names_of(taken: Taken) -> tuple[str, ...]:
    """The numbers that there are after these looks."""
    return tuple(name for name, one in FEATURES.items() if taken in one.after)


def taken_of(evidence: FieldEvidence) -> Taken:
    """Which looks there are; of more than two the first two count, and forced ones only alone."""
    if free := _free(evidence):
        return (Taken.ONE, Taken.TWO)[len(free) - 1]
    forced = _forced(evidence)
    return (Taken.NONE, Taken.ONE_FORCED, Taken.TWO_FORCED)[len(forced)]


def logprobs_of(evidence: FieldEvidence, *, ending: bool = True) -> list[float] | None:
    """Log-probabilities of the value's tokens, and of the token that ends it if asked for.

    None when there are none, or when one of them is not a number: evidence that is broken proves
    nothing. An absent field's value is the ``null`` (or ``[]``) that says so.
    """
    tokens = evidence.tokens if ending else value_tokens(evidence)
    # rounding may leave 1e-8
    logprobs = [min(token.logprob, 0.0) for token in tokens if not math.isnan(token.logprob)]
    return logprobs if logprobs and len(logprobs) == len(tokens) else None


def value_tokens(evidence: FieldEvidence) -> tuple[TokenTrace, ...]:
    """Those that spell the value, without the one that only ends it."""
    return evidence.tokens[:-1] if evidence.ends else evidence.tokens


def is_excluded(evidence: FieldEvidence) -> bool:
    """A token of the value is next to impossible, or was chosen against the model: another was
    likelier, and a grammar did not allow it.
    """
    return any(
        token.logprob < EXCLUDED
        or any(other.logprob > token.logprob + _ROUNDING for other in token.top)
        for token in value_tokens(evidence)
    )


def sureness(logprob: float) -> float:
    """-ln of the chance of an error."""
    return -math.log(max(-math.expm1(min(logprob, 0.0)), LEAST_ERROR))


@feature(
    "sure_weakest",
    "sureness of the least sure of the value's tokens, the one that ends it and, of a value, the"
    " one that opens it",
    range="0 to 16.1",
    missing="there is no score without tokens",
    way=Way.UP,
)
def _sure_weakest(evidence: FieldEvidence) -> float:
    return sureness(min(_all(evidence)))


@feature(
    "sure_joint",
    "sureness that all of these are right together",
    range="0 to 16.1",
    missing="there is no score without tokens",
    way=Way.UP,
)
def _sure_joint(evidence: FieldEvidence) -> float:
    return sureness(math.fsum(_all(evidence)))


@feature(
    "absent",
    "1 where the model says that the page has no such field",
    range="0 or 1",
    missing="never: what could not be read has no score",
    way=Way.EITHER,
)
def _absent(evidence: FieldEvidence) -> float:
    return float(evidence.state is FieldState.ABSENT)


@feature(
    "opening_unknown",
    "1 where nobody told how sure the token was that opens the value",
    range="0 or 1",
    missing="is itself what says so; an absence has no opening besides its own token",
    way=Way.DOWN,
)
def _opening_unknown(evidence: FieldEvidence) -> float:
    return float(evidence.state is not FieldState.ABSENT and evidence.opening is None)


@feature(
    "looks_same",
    "looks that read the same characters, or again nothing",
    range="0 to 2",
    missing="no such number: other weights hold where no look was taken, or a forced one",
    way=Way.UP,
    after=FREE,
)
def _looks_same(evidence: FieldEvidence) -> float:
    return float(sum(look.agreement is Agreement.SAME for look in _free(evidence)))


@feature(
    "looks_value",
    "looks that read the same value, in whatever characters",
    range="0 to 2",
    missing="as of `looks_same`",
    way=Way.UP,
    after=FREE,
)
def _looks_value(evidence: FieldEvidence) -> float:
    return float(sum(look.agreement is not Agreement.OTHER for look in _free(evidence)))


@feature(
    "looks_nothing",
    "looks that found nothing where the first reading has a value, or nothing that compares",
    range="0 to 2",
    missing="as of `looks_same`",
    way=Way.DOWN,
    after=FREE,
)
def _looks_nothing(evidence: FieldEvidence) -> float:
    return float(
        sum(look.agreement is Agreement.OTHER and look.text is None for look in _free(evidence))
    )


@feature(
    "looks_sure",
    "sureness of the least sure token of each look that reads the same value, added up",
    range="0 to 32.2",
    missing="0 of a look that reads something else, or has no tokens: it proves nothing",
    way=Way.UP,
    after=FREE,
)
def _looks_sure(evidence: FieldEvidence) -> float:
    return math.fsum(
        sureness(look.weakest)
        for look in _free(evidence)
        if look.agreement is not Agreement.OTHER and look.weakest is not None
    )


@feature(
    "forced_sure_weakest",
    "sureness, as of `sure_weakest`, that each forced look has of the first reading, added up",
    range="0 to 32.2",
    missing="0 where a look tells nothing of the field; no such number without a forced look",
    way=Way.UP,
    after=FORCED,
)
def _forced_sure_weakest(evidence: FieldEvidence) -> float:
    return math.fsum(
        sureness(look.weakest) for look in _forced(evidence) if look.weakest is not None
    )


@feature(
    "forced_sure_joint",
    "the same, as of `sure_joint`",
    range="0 to 32.2",
    missing="as of `forced_sure_weakest`",
    way=Way.UP,
    after=FORCED,
)
def _forced_sure_joint(evidence: FieldEvidence) -> float:
    return math.fsum(sureness(look.joint) for look in _forced(evidence) if look.joint is not None)


def _free(evidence: FieldEvidence) -> tuple[Look, ...]:
    return tuple(look for look in evidence.looks or () if not look.forced)[:2]


def _forced(evidence: FieldEvidence) -> tuple[Look, ...]:
    return tuple(look for look in evidence.looks or () if look.forced)[:2]


def _all(evidence: FieldEvidence) -> list[float]:
    """Log-probabilities of the tokens, and of the opening where there is one beside them."""
    logprobs = logprobs_of(evidence) or [-math.inf]
    if evidence.state is not FieldState.VALUE or evidence.opening is None:
        return logprobs
    return [*logprobs, min(evidence.opening.taken, 0.0)]
