"""Certificates keep their promise, and say where it ends."""

import random
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from extractors.decision.certificates import (
    COVERAGES,
    DOCUMENT_COVERAGES,
    FLOOR,
    PROMISES,
    UNKNOWN_EFFECT,
    Band,
    Family,
    Judged,
    Plan,
    all_right,
    band_of,
    design_effect,
    family_of,
    plan_of,
    still_needed,
    walk,
)
from extractors.documents.invoice import Invoice

SCORES = [0.9 + 0.1 * n / 1_000 for n in range(1_000)]


def rows(judged: int, wrong: int, *, score: float = 0.99, batches: int = 1) -> list[Judged]:
    return [Judged(score, n < wrong, str(n % batches)) for n in range(judged)]


def a_plan(*thresholds: float, alpha: float = 0.01, **more: float) -> Plan:
    return Plan(thresholds=thresholds or (0.95,), alpha=alpha, **more)


def test_thresholds_accept_the_planned_shares() -> None:
    """Strict to loose, and no label was looked at."""
    plan = plan_of(SCORES, alpha=0.01)

    assert plan is not None
    shares = [sum(one >= t for one in SCORES) / len(SCORES) for t in plan.thresholds]
    assert shares == pytest.approx(COVERAGES)
    assert list(plan.thresholds) == sorted(plan.thresholds, reverse=True)


def test_no_threshold_lies_below_the_floor() -> None:
    """Whatever clean pages would allow."""
    plan = plan_of([one - 0.05 for one in SCORES], alpha=0.01)

    assert plan is not None
    assert plan.thresholds[-1] == FLOOR


@pytest.mark.parametrize("scores", [[], [0.2, 0.89]])
def test_without_sure_scores_there_is_no_plan(scores: list[float]) -> None:
    """Nothing could ever be accepted under it."""
    assert plan_of(scores, alpha=0.01) is None


@pytest.mark.parametrize(("judged", "holds"), [(497, False), (498, True)])
def test_people_who_overlook_a_tenth_and_unknown_batches_make_it_498(
    judged: int, holds: bool
) -> None:
    """332 at a tenth overlooked; the design effect of 1.5 makes it half as many again."""
    found = walk(a_plan(), rows(judged, 0))

    assert (found.threshold is not None) is holds
    assert found.effect == UNKNOWN_EFFECT


def test_the_walk_stops_at_the_first_threshold_that_does_not_hold() -> None:
    """A looser one is not looked at, though it would hold by luck."""
    plan = a_plan(0.99, 0.97, 0.95, missed=0.0)
    strict = rows(600, 0, score=0.995)
    bad = rows(20, 20, score=0.98)
    many = rows(20_000, 0, score=0.96)

    found = walk(plan, [*strict, *bad, *many])

    assert (found.threshold, found.judged, found.wrong) == (0.99, 600, 0)


def test_rows_below_a_threshold_do_not_count() -> None:
    """They would not be accepted."""
    found = walk(a_plan(0.95), [*rows(600, 0), *rows(50, 50, score=0.94)])

    assert (found.threshold, found.wrong) == (0.95, 0)


def test_a_row_at_the_threshold_counts() -> None:
    """It would be accepted."""
    assert walk(a_plan(0.95), rows(600, 9, score=0.95)).wrong == 9


def test_where_nothing_holds_the_counts_of_the_strictest_are_told() -> None:
    """So that one sees what is missing."""
    found = walk(a_plan(0.97, 0.95), rows(100, 1))

    assert (found.threshold, found.judged, found.wrong) == (None, 100, 1)
    assert found.bound > 0.01


def test_errors_that_come_together_tell_less() -> None:
    """Ten errors in one batch of 25 against ten in ten."""
    spread = [Judged(0.99, n % 100 == 0, str(n // 40)) for n in range(1_000)]
    together = [Judged(0.99, n < 40 and n % 4 == 0, str(n // 40)) for n in range(1_000)]
    plan = a_plan()

    assert design_effect(plan, together) > 5
    assert design_effect(plan, spread) < design_effect(plan, together)


def test_errors_that_come_together_beneath_the_strictest_threshold_tell_less_too() -> None:
    """The loosest threshold's rows count, which hold the most errors."""
    together = [Judged(0.92, n < 40 and n % 4 == 0, str(n // 40)) for n in range(1_000)]
    strict = [Judged(0.995, False, str(n % 25)) for n in range(1_000)]

    assert design_effect(a_plan(0.99, 0.9), [*together, *strict]) > 5


@pytest.mark.parametrize(("batches", "wrong"), [(19, 30), (25, 9), (25, 0)])
def test_with_few_batches_or_errors_the_effect_is_not_known(batches: int, wrong: int) -> None:
    """Then it is taken to be one and a half."""
    assert design_effect(a_plan(), rows(1_000, wrong, batches=batches)) == UNKNOWN_EFFECT


def test_the_effect_never_helps() -> None:
    """Errors that are spread more evenly than chance would have it count as by chance."""
    even = [Judged(0.99, n % 50 == 0, str(n // 50)) for n in range(1_000)]

    assert design_effect(a_plan(), even) == 1.0


@given(st.integers(0, 600), st.integers(0, 3))
@settings(max_examples=40, deadline=None)
def test_what_is_still_needed_is_enough_and_one_less_is_not(judged: int, wrong: int) -> None:
    """Of rows without an error."""
    plan, wrong = a_plan(), min(wrong, judged)
    more = still_needed(plan, judged, wrong)
    seen = rows(judged, wrong)

    assert walk(plan, [*seen, *rows(more, 0)]).threshold is not None
    if more:
        assert walk(plan, [*seen, *rows(more - 1, 0)]).threshold is None


def broken(draw: Callable[[random.Random], list[Judged]], plan: Plan, *, times: int) -> float:
    """The share of plans that certify a threshold whose true error is above the promise."""
    chance = random.Random(7)
    return sum(walk(plan, draw(chance)).threshold is not None for _ in range(times)) / times


def test_a_threshold_just_above_its_promise_is_certified_in_at_most_one_plan_of_twenty() -> None:
    """A true error of 1 %: 600 drawn rows, one by one."""
    plan = a_plan(missed=0.0)

    def draw(chance: random.Random) -> list[Judged]:
        return [Judged(0.99, chance.random() < 0.01, str(n % 30)) for n in range(600)]

    assert broken(draw, plan, times=400) <= 0.05 + 2 * (0.05 * 0.95 / 400) ** 0.5


@pytest.mark.parametrize(
    ("scores", "band"),
    [
        ([0.99, 0.99], Band.CLEAR),
        ([1.0, 0.9], Band.FAIR),
        ([0.85], Band.FAIR),
        ([0.84], Band.POOR),
        ([], Band.POOR),
    ],
)
def test_a_documents_band_is_that_of_its_mean_score(scores: list[float], band: Band) -> None:
    """Its ends belong to the better one."""
    assert band_of(scores) is band


@pytest.mark.parametrize(
    ("name", "family"),
    [
        ("total", Family.MONEY),
        ("lines.amount", Family.MONEY),
        ("iban", Family.MONEY),
        ("number", Family.REST),
        ("seller", Family.REST),
    ],
)
def test_money_has_the_stricter_promise(name: str, family: Family) -> None:
    """Amounts, and where they are paid to."""
    assert family_of(Invoice.spec.field(name)) is family


def test_a_documents_score_is_the_product_of_its_rows() -> None:
    """As if errors came independently; one row without a score leaves it open."""
    assert all_right([0.9, 0.5]) == pytest.approx(0.45)
    assert all_right([0.9, None]) is None
    assert all_right([]) is None
    assert all_right([0.0, 1.0]) == 0.0


@given(st.lists(st.floats(0, 1), min_size=1, max_size=30), st.floats(0, 1))
def test_no_document_is_surer_than_its_least_sure_row(scores: list[float], more: float) -> None:
    """So a threshold of documents holds for every row; and a further row never makes it surer."""
    found, longer = all_right(scores), all_right([*scores, more])

    assert found is not None
    assert longer is not None
    assert 0 <= longer <= found <= min(scores)


def test_documents_are_promised_apart_and_down_to_the_surest_floor() -> None:
    """Their loosest threshold covers all that reach the floor, and none below it."""
    assert PROMISES[Family.DOCUMENTS] == 0.02
    plan = plan_of(SCORES, alpha=0.02, coverages=DOCUMENT_COVERAGES)
    lower = plan_of([0.1, *SCORES], alpha=0.02, coverages=DOCUMENT_COVERAGES)

    assert plan is not None
    assert lower is not None
    assert plan.thresholds[-1] == min(SCORES)
    assert lower.thresholds[-1] == FLOOR


def test_no_field_is_of_the_family_of_documents() -> None:
    """What is promised of documents is promised of none of their rows."""
    assert {family_of(Invoice.spec.field(path)) for path in Invoice.spec.paths()} == {
        Family.MONEY,
        Family.REST,
    }
