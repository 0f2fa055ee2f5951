"""Where a value and null part ways, and what was believed of both."""

import math

import pytest

from extractors.reading.roads import opening_of, road_of
from extractors.types import Alternative, Opening, TokenTrace


@pytest.mark.parametrize(
    ("spelled", "road"),
    [
        (b'"', True),
        (b' "', True),
        (b'"Har', True),
        (b'[{"', True),
        (b"{", True),
        (b"12", True),
        (b"-", True),
        (b"null", False),
        (b" null", False),
        (b"null}", False),
        (b"nu", False),
        (b"[]", False),
        (b"]", False),
        (b"[", None),
        (b" ", None),
        (b"", None),
        (b"none", None),
        (b"true", None),
    ],
)
def test_a_token_opens_a_value_or_says_that_there_is_none(spelled, road):
    assert road_of(spelled) is road


def token(text, logprob=-0.1, **more):
    return TokenTrace(token_id=1, text=text, logprob=logprob, **more)


def test_the_way_not_taken_is_that_of_all_its_tokens():
    assert opening_of(token(b'"', roads=(-0.1, -2.5))) == Opening(taken=-0.1, other=-2.5)
    assert opening_of(token(b"null", roads=(-3.0, -0.05))) == Opening(taken=-0.1, other=-3.0)


def test_without_an_account_of_all_tokens_the_likeliest_ones_speak():
    """Two tokens that say null count together; one that opens a value does not."""
    top = tuple(
        Alternative(n, text, math.log(p))
        for n, (text, p) in enumerate(((b'"', 0.9), (b"null", 0.05), (b"nu", 0.01), (b'"A', 0.02)))
    )
    found = opening_of(token(b'"', math.log(0.9), top=top))
    assert found is not None
    assert found.other == pytest.approx(math.log(0.06))


def test_nobody_told_is_none():
    assert opening_of(token(b'"')) == Opening(taken=-0.1, other=None)


@pytest.mark.parametrize(
    "one", [token(b'"', forced=True), token(b"abc"), token(b'"', math.nan)], ids=str
)
def test_what_was_fed_or_is_no_opening_has_none(one):
    assert opening_of(one) is None
