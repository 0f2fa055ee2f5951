"""A detector of broken promises: seldom wrong, and not too late."""

import random

import pytest

from extractors.decision.bounds import upper_bound
from extractors.decision.certificates import Family
from extractors.decision.watching import DELTA, HORIZON, Detector, alarm_after, confirmed, usual


def audits(seed: int, *phases: tuple[int, float]) -> list[bool]:
    chance = random.Random(seed)
    return [chance.random() < share for count, share in phases for _ in range(count)]


def delays(promised: float, good: int, share: float, *, runs: int = 60) -> list[int]:
    """How many audits after the change each run alarms; one that never does counts as 4,000."""
    found = []
    for seed in range(runs):
        after = alarm_after(
            Detector.of_audits(promised), audits(seed, (good, promised), (4_000, share))
        )
        found.append(4_000 if after is None else after - good)
    return sorted(found)


@pytest.mark.parametrize("promised", [0.005, 0.01])
def test_while_the_promise_holds_few_runs_alarm(promised: float) -> None:
    """At its very edge, over the whole horizon: the bound itself, and a margin for 200 runs."""
    false = sum(
        alarm_after(Detector.of_audits(promised), audits(seed, (HORIZON, promised))) is not None
        for seed in range(200)
    )

    assert false / 200 <= DELTA + 2 * (DELTA * (1 - DELTA) / 200) ** 0.5


@pytest.mark.parametrize(("promised", "median"), [(0.005, 240), (0.01, 440)])
@pytest.mark.parametrize("good", [0, 1_000])
def test_an_error_of_three_per_cent_is_seen_in_time(
    promised: float, median: int, good: int
) -> None:
    """Whether it was there from the beginning or came after a thousand good audits."""
    found = delays(promised, good, 0.03)

    assert found[len(found) // 2] <= median


def test_a_run_of_errors_alarms_at_once() -> None:
    """A broken printer does not take hundreds of audits."""
    after = alarm_after(Detector.of_audits(0.01), [True] * 50)

    assert after is not None
    assert after < 15


def test_audits_without_an_error_never_alarm() -> None:
    """And good times are forgotten, not saved up."""
    detector = Detector.of_audits(0.01)

    assert not any(detector.see(False) for _ in range(20_000))
    assert 0 <= detector.statistic < 100


@pytest.mark.parametrize("promised", [0.0, 1.0, -0.1])
def test_a_promise_that_is_none_is_refused(promised: float) -> None:
    """Nothing could be held against it."""
    with pytest.raises(ValueError, match="promised"):
        Detector.of_audits(promised)


@pytest.mark.parametrize(
    ("family", "wrong", "found"),
    [(Family.REST, 2, True), (Family.DOCUMENTS, 2, None), (Family.DOCUMENTS, 3, True)],
)
def test_of_documents_one_more_wrong_one_confirms_an_alarm(
    family: Family, wrong: int, found: bool | None
) -> None:
    """Twice as many of them may be wrong."""
    assert confirmed(10, wrong, family) is found
    assert confirmed(20, 1, family) is False


@pytest.mark.parametrize("cuts", [1, 2, 3])
@pytest.mark.parametrize("counts", [(5,), (5, 2), (5, 2, 1)])
def test_the_shares_of_one_cut_hold_together_whatever_other_cuts_there_are(
    cuts: int, counts: tuple[int, ...]
) -> None:
    """Each with its part of the error that all of them may make: Clopper and Pearson's bound."""
    found = usual(1_000, [counts] * cuts)

    assert found is not None
    assert found.cut == 0
    confidence = 1 - 0.05 / len(counts)
    wanted = [upper_bound(count, 1_000, confidence=confidence) for count in counts]
    assert found.shares == pytest.approx(wanted)
