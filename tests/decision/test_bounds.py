"""Exact bounds on a share."""

import mpmath
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from extractors.decision.bounds import beta_cdf, upper_bound


@pytest.mark.parametrize(("wrong", "judged"), [(0, 299), (1, 473), (2, 628), (3, 773), (4, 913)])
def test_the_sizes_that_count_at_one_per_cent(wrong: int, judged: int) -> None:
    """With one audit less the same errors would not do."""
    assert upper_bound(wrong, judged) <= 0.01 < upper_bound(wrong, judged - 1)


@pytest.mark.parametrize(("wrong", "judged"), [(0, 598), (1, 947), (2, 1258), (3, 1549)])
def test_the_sizes_that_count_at_half_a_per_cent(wrong: int, judged: int) -> None:
    """Twice as many."""
    assert upper_bound(wrong, judged) <= 0.005 < upper_bound(wrong, judged - 1)


def test_without_an_error_the_bound_is_the_root_of_what_is_left() -> None:
    """P(no error among n) = (1 - p)^n = 0.05."""
    assert upper_bound(0, 59) == pytest.approx(1 - 0.05 ** (1 / 59), abs=1e-12)


@pytest.mark.parametrize(("wrong", "judged"), [(0, 0), (3, 3)])
def test_where_nothing_right_was_seen_all_may_be_wrong(wrong: int, judged: int) -> None:
    """Nothing is ruled out."""
    assert upper_bound(wrong, judged) == 1.0


@pytest.mark.parametrize(
    ("wrong", "judged", "confidence"), [(-1, 5, 0.95), (6, 5, 0.95), (1, 5, 0.0), (1, 5, 1.0)]
)
def test_counts_that_make_no_sense_are_refused(wrong: int, judged: int, confidence: float) -> None:
    """A bound of them would be a number like any other."""
    with pytest.raises(ValueError, match="needs"):
        upper_bound(wrong, judged, confidence=confidence)


@settings(deadline=None, max_examples=40)
@given(
    st.floats(0.0, 1.0),
    st.floats(0.1, 500.0),
    st.floats(0.1, 500.0),
)
def test_the_function_is_that_of_mpmath(x: float, a: float, b: float) -> None:
    """Another implementation, in arbitrary precision."""
    with mpmath.workdps(40):
        known = float(mpmath.betainc(a, b, 0, x, regularized=True))

    assert beta_cdf(x, a, b) == pytest.approx(known, abs=1e-9)


@given(st.integers(0, 50), st.integers(1, 2_000), st.floats(1.0, 3.0))
def test_a_design_effect_never_lowers_the_bound(wrong: int, right: int, effect: float) -> None:
    """Errors that come together tell less."""
    judged = wrong + right

    assert upper_bound(wrong / effect, judged / effect) >= upper_bound(wrong, judged) - 1e-9
