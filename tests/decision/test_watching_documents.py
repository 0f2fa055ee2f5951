"""A detector that needs no label: how many documents have a doubtful row."""

import random

import pytest

from extractors.decision.watching import (
    HORIZON,
    LEAST_DOCUMENTS,
    Detector,
    alarm_after,
    change_at,
    confirmed,
    usual_share,
)


def documents(seed: int, *phases: tuple[int, float]) -> list[bool]:
    chance = random.Random(seed)
    return [chance.random() < share for count, share in phases for _ in range(count)]


@pytest.mark.parametrize("usual", [0.05, 0.2, 0.5, 0.8])
def test_as_many_doubtful_documents_as_usual_seldom_alarm(usual: float) -> None:
    """Over the whole horizon, in 5 % of runs at most."""
    detectors = [
        alarm_after(Detector.of_documents(usual), documents(seed, (HORIZON, usual)))
        for seed in range(100)
    ]

    assert sum(one is not None for one in detectors) <= 10


@pytest.mark.parametrize(("usual", "now"), [(0.05, 0.5), (0.2, 0.8), (0.5, 0.95)])
def test_a_worse_scanner_is_seen_after_a_few_documents(usual: float, now: float) -> None:
    """Also after long good times."""
    delays = []
    for seed in range(40):
        after = alarm_after(
            Detector.of_documents(usual), documents(seed, (1_000, usual), (100, now))
        )
        assert after is not None
        delays.append(after - 1_000)

    assert sorted(delays)[20] <= 30


def test_the_place_of_the_change_is_found() -> None:
    """The first of the bad ones, where good and bad are clear."""
    assert change_at(Detector.of_documents(0.1), [False] * 50 + [True] * 10) == 50


def test_where_all_are_bad_the_change_is_at_the_beginning() -> None:
    """There is nothing before."""
    assert change_at(Detector.of_documents(0.1), [True] * 10) == 0


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
    assert (usual_share(of, doubtful) is not None) == watched


def test_the_usual_share_is_the_most_that_the_window_allows_for() -> None:
    """A window of few documents says less."""
    few, many = usual_share(100, 10), usual_share(1_000, 100)

    assert few is not None
    assert many is not None
    assert 0.1 < many < few < 0.2


@pytest.mark.parametrize(
    ("judged", "wrong", "said"),
    [(0, 0, None), (19, 1, None), (20, 1, False), (20, 2, True), (2, 2, True), (20, 0, False)],
)
def test_two_wrong_of_twenty_confirm_an_alarm(judged: int, wrong: int, said: bool | None) -> None:
    """Of a promise of one in a hundred that happens in 1.7 % of cases."""
    assert confirmed(judged, wrong) is said
