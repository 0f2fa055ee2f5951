"""What a threshold would accept, by rows that were drawn with chances of their own."""

import math

import pytest

from worker.evaluation.labels import Scored
from worker.evaluation.thresholds import THRESHOLDS, Tried, tried


def row(*, right: bool | None, score: float = 0.95, weight: float = 1.0) -> Scored:
    return Scored(method="m", family="rest", score=score, weight=weight, right=right)


def at(threshold: float, rows: list[Scored]) -> Tried:
    (found,) = [one for one in tried(rows) if one.threshold == threshold]
    return found


def test_a_row_counts_for_those_that_it_was_drawn_from():
    """A wrong one of a hundred that look like it is more than one of its own."""
    rare, usual = row(right=False, weight=100), [row(right=True) for _ in range(100)]
    found = at(0.9, [rare, *usual])
    assert (found.judged, found.wrong) == (101, 1)
    assert found.at_most is not None
    assert found.at_most > 0.5


@pytest.mark.parametrize("weight", [1.0, 20.0])
def test_equal_chances_say_the_same_however_small_they_are(weight):
    """Without a wrong one among 300 the exact bound of two hundred: they come in documents."""
    found = at(0.9, [row(right=True, weight=weight) for _ in range(300)])
    assert found.at_most == pytest.approx(1 - 0.05 ** (1 / 200))


def test_unequal_chances_are_worth_fewer_rows():
    """As few as Kish's formula says."""
    rows = [row(right=True, weight=1 + 9 * (number % 2)) for number in range(300)]
    worth = 1650**2 / (150 * 101) / 1.5
    assert at(0.9, rows).at_most == pytest.approx(1 - 0.05 ** (1 / worth))
    assert math.isclose(at(0.9, rows).accepted, 1.0)


def test_rows_below_the_threshold_and_unjudged_ones_say_nothing_of_its_error():
    """They count as rows that a score decides."""
    rows = [row(right=False, score=0.5), row(right=None), row(right=True)]
    found = at(0.9, rows)
    assert (found.judged, found.wrong, found.accepted) == (1, 0, pytest.approx(2 / 3))


def test_the_share_that_is_accepted_is_of_all_fields_and_not_of_the_drawn_ones():
    """One that was drawn with a chance of one in ten stands for ten."""
    rows = [row(right=True, score=0.99, weight=10), *[row(right=True, score=0.6)] * 3]
    accepted = [at(threshold, rows).accepted for threshold in (0.5, 0.9, 0.995)]
    assert accepted == [1.0, pytest.approx(10 / 13), 0.0]


@pytest.mark.parametrize("threshold", THRESHOLDS)
def test_a_score_at_the_threshold_is_accepted(threshold: float):
    """As where a document is routed."""
    assert at(threshold, [row(right=True, score=threshold)]).accepted == 1.0
    assert at(threshold, [row(right=True, score=threshold - 1e-9)]).accepted == 0.0


@pytest.mark.parametrize(
    ("found", "judged", "wrong"),
    [((True, True, False), 3, 1), ((True, None, False), 2, 1), ((None, None), 0, 0)],
)
def test_only_what_somebody_judged_bounds_the_error(found, judged: int, wrong: int):
    """What nobody judged is accepted all the same, and is no right one."""
    one = at(0.9, [row(right=each) for each in found])
    assert (one.accepted, one.judged, one.wrong) == (1.0, judged, wrong)
    assert (one.at_most is None) is (judged == 0)


def test_each_family_and_each_method_has_its_own_thresholds():
    """In the order of their names; of nothing there is nothing to say."""
    other = Scored(method="b/1", family="rest", score=0.95, weight=1.0, right=True)
    money = Scored(method="m", family="money", score=0.95, weight=1.0, right=False)
    rows = tried([row(right=True), other, row(right=True, score=0.55), money])

    assert [(one.method, one.family) for one in rows[:: len(THRESHOLDS)]] == [
        ("b/1", "rest"),
        ("m", "money"),
        ("m", "rest"),
    ]
    of = {(one.method, one.family): one for one in rows if one.threshold == 0.9}
    assert (of["b/1", "rest"].wrong, of["m", "money"].wrong) == (0, 1)
    assert of["m", "rest"].accepted == 0.5
    assert tried([]) == []
