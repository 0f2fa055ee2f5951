"""A detector that needs no label: how many doubtful rows documents have."""

import random
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from extractors.decision.watching import (
    HORIZON,
    LEAST_DOCUMENTS,
    MOST_ROWS,
    Detector,
    alarm_after,
    below,
    change_at,
    confirmed,
    usual,
)


def documents(seed: int, *phases: tuple[int, float]) -> list[bool]:
    chance = random.Random(seed)
    return [chance.random() < share for count, share in phases for _ in range(count)]


@pytest.mark.parametrize("share", [0.05, 0.2, 0.5, 0.8])
def test_as_many_doubtful_documents_as_usual_seldom_alarm(share: float) -> None:
    """Over the whole horizon, in 5 % of runs at most."""
    detectors = [
        alarm_after(Detector.of_documents((share,)), documents(seed, (HORIZON, share)))
        for seed in range(100)
    ]

    assert sum(one is not None for one in detectors) <= 10


@pytest.mark.parametrize(("share", "now"), [(0.05, 0.5), (0.2, 0.8), (0.5, 0.95)])
def test_a_worse_scanner_is_seen_after_a_few_documents(share: float, now: float) -> None:
    """Also after long good times."""
    delays = []
    for seed in range(40):
        after = alarm_after(
            Detector.of_documents((share,)), documents(seed, (1_000, share), (100, now))
        )
        assert after is not None
        delays.append(after - 1_000)

    assert sorted(delays)[20] <= 30


def test_the_place_of_the_change_is_found() -> None:
    """The first of the bad ones, where good and bad are clear."""
    assert change_at(Detector.of_documents((0.1,)), [False] * 50 + [True] * 10) == 50


def test_where_all_are_bad_the_change_is_at_the_beginning() -> None:
    """There is nothing before."""
    assert change_at(Detector.of_documents((0.1,)), [True] * 10) == 0


@pytest.mark.parametrize(
    ("of", "doubtful", "watched"),
    [
        (LEAST_DOCUMENTS - 1, 0, False),
        (LEAST_DOCUMENTS, 0, True),
        (1_000, 1_000, False),
        (1_000, 100, True),
        (0, 0, False),
    ],
)
def test_a_window_that_says_nothing_is_not_watched(of: int, doubtful: int, watched: bool) -> None:
    """Too few documents, or nearly all of them doubtful."""
    assert (usual(of, [[doubtful]]) is not None) == watched


def test_the_usual_share_is_the_most_that_the_window_allows_for() -> None:
    """A window of few documents says less."""
    few, many = usual(100, [[10]]), usual(1_000, [[100]])

    assert few is not None
    assert many is not None
    assert 0.1 < many.shares[0] < few.shares[0] < 0.2


def test_where_nearly_every_document_has_such_a_row_the_next_cut_counts() -> None:
    """And so it is with shares of several rows: all of them hold at once, each a little larger."""
    found = usual(1_000, [[950, 100, 10], [40, 10, 2]])

    assert found is not None
    assert found.cut == 1
    alone = usual(1_000, [[40]])
    assert alone is not None
    assert found.shares[0] > alone.shares[0]
    assert list(found.shares) == sorted(found.shares, reverse=True)


def test_rows_are_counted_below_each_cut_and_not_at_it() -> None:
    assert below([0.999, 0.99, 0.95, 0.9, 0.3]) == (3, 1)
    assert below([]) == (0, 0)


tails = st.lists(st.floats(0.001, 0.95), min_size=1, max_size=4).map(
    lambda shares: tuple(sorted(shares, reverse=True))
)


@given(tails, st.lists(st.floats(0, 1), min_size=4, max_size=4))
def test_no_documents_that_are_not_worse_raise_the_statistic_on_average(
    shares: tuple[float, ...], better: list[float]
) -> None:
    """Whatever they are like, if no count and more is more frequent: the bound of false alarms
    needs nothing else.
    """
    detector = Detector.of_documents(shares)
    lower, least = [], 1.0
    for share, by in zip(shares, better, strict=False):
        least = min(least, share * by)
        lower.append(least)
    at_least = [1.0, *lower, 0.0]
    chances = [one - more for one, more in pairwise(at_least)]

    for alternative in range(len(detector.tilts)):
        mean = sum(
            chance * detector.ratios(count)[alternative] for count, chance in enumerate(chances)
        )
        assert mean <= 1 + 1e-9


@given(tails, st.integers(0, 20))
def test_one_more_doubtful_row_never_lowers_the_statistic(
    shares: tuple[float, ...], count: int
) -> None:
    """From the largest count on that is told apart it is the same."""
    few, more = (
        Detector.of_documents(shares).ratios(count),
        Detector.of_documents(shares).ratios(count + 1),
    )

    assert all(one <= other for one, other in zip(few, more, strict=True))
    assert (few == more) == (count >= len(shares))


def test_documents_with_several_doubtful_rows_are_noticed_sooner() -> None:
    """Of as many documents: how many rows are doubtful tells more than that one is."""
    shares = (0.1, 0.02, 0.005)

    def after(count: int) -> int:
        found = alarm_after(Detector.of_documents(shares), [count] * 50)
        assert found is not None
        return found

    assert after(MOST_ROWS) < after(2) < after(1)
    assert after(MOST_ROWS + 5) == after(MOST_ROWS)


@pytest.mark.parametrize("shares", [(), (0.0,), (1.0,), (0.1, 0.2), (0.1, -0.1), (1.1, 0.1)])
def test_shares_that_no_documents_can_have_are_refused(shares: tuple[float, ...]) -> None:
    """More rows are never more frequent than fewer."""
    with pytest.raises(ValueError, match="shares"):
        Detector.of_documents(shares)


@pytest.mark.parametrize(
    ("judged", "wrong", "said"),
    [(0, 0, None), (19, 1, None), (20, 1, False), (20, 2, True), (2, 2, True), (20, 0, False)],
)
def test_two_wrong_of_twenty_confirm_an_alarm(judged: int, wrong: int, said: bool | None) -> None:
    """Of a promise of one in a hundred that happens in 1.7 % of cases."""
    assert confirmed(judged, wrong) is said
