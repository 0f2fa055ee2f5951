"""A stage's circuit breaker: it opens, one probes, it closes, and pauses grow with probes alone."""

from datetime import timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session, sessionmaker

from tests.factories import begin
from worker import store
from worker.store.pauses import LONGEST, LONGEST_MESSAGE, Turn
from worker.store.types import Failure

Sessions = sessionmaker[Session]
LEASE = timedelta(minutes=5)
SECOND = timedelta(seconds=1)
LACKS = Failure(code="model_not_loadable", message="The weights are missing.", retry=True)


def pause(
    db: Sessions, *, probed: bool, first: timedelta = SECOND, failure: Failure = LACKS
) -> float:
    with begin(db) as tx:
        made = store.pauses.begin(tx, "extract", failure, first=first, probed=probed)
    return round(made.total_seconds(), 1)


def turn(db: Sessions, stage: str = "extract", lease: timedelta = LEASE) -> Turn:
    with begin(db) as tx:
        return store.pauses.turn(tx, stage, lease=lease)


def pause_ends(db: Sessions) -> None:
    with begin(db) as tx:
        tx.session.execute(text("UPDATE stage_pauses SET retry_at = now() - interval '1 ms'"))


def test_a_stage_without_a_pause_works_and_another_stages_pause_is_none_of_its_own(
    db: Sessions,
) -> None:
    """Before, during and after."""
    assert turn(db) is Turn.WORK
    pause(db, probed=False)
    assert (turn(db), turn(db, "render")) == (Turn.WAIT, Turn.WORK)
    with begin(db) as tx:
        assert not store.pauses.end(tx, "render")
        assert store.pauses.end(tx, "extract")
        assert not store.pauses.end(tx, "extract")
    assert turn(db) is Turn.WORK


def test_of_those_that_ask_when_a_pause_is_over_one_probes_until_its_lease_ends(
    db: Sessions,
) -> None:
    """A probe that never answers costs a lease; one that gives its turn back costs nothing."""
    pause(db, probed=False)
    pause_ends(db)
    assert (turn(db), turn(db)) == (Turn.PROBE, Turn.WAIT)
    with begin(db) as tx:
        assert store.pauses.pausing(tx) == {"extract": False}
        store.pauses.give_turn_back(tx, "extract")
        assert store.pauses.pausing(tx) == {"extract": True}
    assert (turn(db, lease=timedelta(0)), turn(db)) == (Turn.PROBE, Turn.PROBE)


def test_only_a_probe_that_fails_makes_the_pause_longer(db: Sessions) -> None:
    """Many workers meet an outage at the same moment: that is one pause, not a long one."""
    assert pause(db, probed=False) == 1
    for _ in range(5):
        assert 0 <= pause(db, probed=False) <= 1
    assert [pause(db, probed=True) for _ in range(7)] == [2, 4, 8, 16, 32, 60, 60]
    assert 59 <= pause(db, probed=False) <= 60
    pause_ends(db)
    assert pause(db, probed=False) == 0


@pytest.mark.parametrize(("first", "second"), [(0.5, 1.0), (40, 60), (90, 60)])
def test_the_second_pause_is_twice_the_first_and_a_minute_at_most(
    db: Sessions, first: float, second: float
) -> None:
    """The first one is as long as its setting."""
    assert pause(db, probed=False, first=timedelta(seconds=first)) == first
    assert pause(db, probed=True, first=timedelta(seconds=first)) == second
    assert second <= LONGEST.total_seconds()


def test_after_a_stage_has_worked_again_its_pauses_begin_anew(db: Sessions) -> None:
    """The outage before is forgotten."""
    pause(db, probed=False)
    pause(db, probed=True)
    with begin(db) as tx:
        store.pauses.end(tx, "extract")

    assert pause(db, probed=True) == 1
    assert pause(db, probed=True) == 2


@pytest.mark.parametrize("probed", [True, False])
def test_a_pause_says_the_newest_reason(db: Sessions, probed: bool) -> None:
    """As much of it as can be stored."""
    pause(db, probed=False)
    long = Failure(code="out_of_memory", message="no\x00 memory " * 1_000, retry=True)
    pause(db, probed=probed, failure=long)
    with begin(db) as tx:
        store.pauses.begin(tx, "deliver", LACKS, first=SECOND, probed=False)
        why = store.pauses.why(tx)

    assert list(why) == ["deliver", "extract"]
    assert why["deliver"] == "model_not_loadable: The weights are missing."
    assert why["extract"].startswith("out_of_memory: no")
    assert len(why["extract"]) <= LONGEST_MESSAGE + len("out_of_memory: ")
