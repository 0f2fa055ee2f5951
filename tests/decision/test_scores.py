"""What every confidence method must be, now and later; then each one's own meaning."""

import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from extractors.decision.combined import bundled
from extractors.decision.field_evidence import FieldEvidence
from extractors.decision.scores import DEFAULT, METHODS, method, score
from extractors.evidence.gather import Candidate
from extractors.evidence.witnesses import DENIES, Testimony
from extractors.types import FieldState, Opening, TokenTrace

logprobs = st.lists(st.floats(-80.0, 0.0), min_size=1, max_size=8).map(tuple)
names = pytest.mark.parametrize("name", sorted(METHODS))


def reading(values: tuple[float, ...], *, ends: bool = False) -> FieldEvidence:
    tokens = tuple(TokenTrace(token_id=n, text=b"1", logprob=p) for n, p in enumerate(values))
    fingerprint, decode_mode = min(bundled())  # of the model that ships
    return FieldEvidence(
        state=FieldState.VALUE,
        tokens=tokens,
        ends=ends,
        fingerprint=fingerprint,
        decode_mode=decode_mode,
    )


@names
@given(logprobs, st.booleans())
def test_a_score_lies_between_0_and_1(name, values, ends):
    """Or there is none; NaN is never among them."""
    found = METHODS[name](reading(values, ends=ends))
    assert found is None or 0.0 <= found <= 1.0


@names
@given(logprobs, st.booleans(), st.data())
def test_a_less_certain_token_never_raises_the_score(name, values, ends, data):
    """Whatever the method, more doubt cannot mean more confidence."""
    i = data.draw(st.integers(0, len(values) - 1))
    worse = (*values[:i], values[i] - 1.0, *values[i + 1 :])
    before, after = (
        METHODS[name](reading(values, ends=ends)),
        METHODS[name](reading(worse, ends=ends)),
    )
    assert (before is None) == (after is None)
    assert before is None or after is None or after <= before


@names
@given(logprobs)
def test_a_denial_never_raises_the_score(name, values):
    """A method may listen to witnesses, and then only one way."""
    of = Candidate(name="total", state=FieldState.VALUE)
    denied = replace(reading(values), testimony=(Testimony(of=of, says=DENIES, because="gap"),))
    before, after = METHODS[name](reading(values)), METHODS[name](denied)
    assert before is None or after is None or after <= before


@names
def test_no_tokens_are_no_score(name):
    """Unknown is None, never 0."""
    assert METHODS[name](reading(())) is None


@names
@given(logprobs, st.integers(0, 7))
def test_evidence_that_is_not_a_number_is_no_evidence(name, values, i):
    """A NaN anywhere among the tokens used leaves the reading unscored; a score is never computed
    around it.
    """
    broken = (*values[: i % len(values)], math.nan, *values[i % len(values) + 1 :])
    assert METHODS[name](reading(broken)) is None


@names
def test_a_token_the_model_excluded_gives_zero(name):
    """Minus infinity is a number: a forced impossibility."""
    found = METHODS[name](reading((-math.inf, -math.inf)))
    assert found == 0.0


@names
def test_certain_tokens_give_certainty(name):
    """All tokens at probability one, with or without rounding above it."""
    assert METHODS[name](reading((0.0, 0.0, 1e-8))) == pytest.approx(1.0)


def test_the_articles_mean_is_over_the_value_tokens_alone():
    """Mean of softmax probabilities; the ending token does not count."""
    assert METHODS["mean-prob/1"](
        reading((math.log(0.9), math.log(0.5), math.log(0.1)), ends=True)
    ) == pytest.approx(0.7)


def test_the_geometric_mean_feels_one_poor_token_more():
    """The root of the product."""
    assert METHODS["geometric-mean/1"](reading((math.log(0.9), math.log(0.4)))) == pytest.approx(
        0.6
    )


def test_joint_is_the_probability_of_the_whole_value_and_its_end():
    """The product."""
    assert METHODS["joint/1"](
        reading((math.log(0.9), math.log(0.5), math.log(0.5)), ends=True)
    ) == pytest.approx(0.225)


def test_the_weakest_token_decides_and_the_ending_is_among_them():
    """A value that might have gone on is as doubtful as a doubtful digit."""
    assert METHODS["weakest-token/1"](
        reading((math.log(0.9), math.log(0.8), math.log(0.3)), ends=True)
    ) == pytest.approx(0.3)


def test_a_value_without_letters_has_only_its_ending():
    """Methods over value tokens alone cannot score it; the default can."""
    only_end = reading((math.log(0.6),), ends=True)
    assert METHODS["mean-prob/1"](only_end) is None
    assert score(only_end) == pytest.approx(0.6)


def test_a_method_name_is_taken_once():
    """A stored score must stay explainable: a changed formula gets a new version."""
    with pytest.raises(ValueError, match="next version"):
        method(DEFAULT)(lambda _: None)


@given(logprobs, st.floats(-80.0, 0.0), st.sampled_from([None, -0.5]))
def test_the_opening_counts_for_a_value_and_never_raises_its_score(values, taken, other):
    """An absence has its own token already."""
    plain = reading(values)
    opened = replace(plain, opening=Opening(taken=taken, other=other))
    found = METHODS["weakest-token/2"](opened)

    assert found == pytest.approx(min(METHODS["weakest-token/1"](plain), math.exp(taken)))
    absent = replace(opened, state=FieldState.ABSENT)
    assert METHODS["weakest-token/2"](absent) == METHODS["weakest-token/1"](plain)


def test_an_opening_that_is_no_number_is_no_evidence():
    broken = replace(reading((-0.1,)), opening=Opening(taken=math.nan, other=None))
    assert METHODS["weakest-token/2"](broken) is None
