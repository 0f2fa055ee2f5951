"""A lease is kept alive while the work goes on, whatever happens to one renewal."""

import threading
import time
from collections.abc import Callable
from datetime import timedelta

import pytest

from worker.pipeline.heartbeat import heartbeat

SHORT = timedelta(seconds=0.15)


def beating() -> list[threading.Thread]:
    return [each for each in threading.enumerate() if each.name == "heartbeat"]


def eventually(holds: Callable[[], object], *, within: float = 20) -> None:
    """Return as soon as it holds."""
    until = time.monotonic() + within
    while not holds():
        assert time.monotonic() < until, "it never came to hold"
        time.sleep(0.01)


def test_a_lease_is_renewed_twice_before_it_would_run_out():
    """So one renewal that fails loses nothing."""
    lease, began, at = timedelta(seconds=3), time.monotonic(), []

    def renew() -> bool:
        at.append(time.monotonic() - began)
        return True

    with heartbeat(renew, lease=lease):
        eventually(lambda: len(at) == 2)
    assert at[1] < lease.total_seconds()


def test_one_renewal_that_raises_does_not_end_the_beating():
    """The database may be away for a moment."""
    calls: list[int] = []

    def renew() -> bool:
        calls.append(len(calls))
        if len(calls) == 1:
            raise ConnectionError("the database is away")
        return True

    with heartbeat(renew, lease=SHORT):
        eventually(lambda: len(calls) >= 3)


def test_a_claim_that_is_lost_is_not_asked_for_again():
    """Somebody else has it: the beating ends before the work does."""
    calls: list[int] = []

    def renew() -> bool:
        calls.append(len(calls))
        return False

    with heartbeat(renew, lease=SHORT):
        eventually(lambda: calls and not beating())
        time.sleep(3 * SHORT.total_seconds())
    assert calls == [0]


@pytest.mark.parametrize("error", [None, ValueError("the work failed")])
def test_the_beating_ends_with_the_work(error):
    """However the work ends; nobody holds a document that they have let go."""
    calls: list[int] = []

    def renew() -> bool:
        calls.append(len(calls))
        return True

    def work() -> None:
        with heartbeat(renew, lease=SHORT):
            eventually(lambda: calls)
            if error is not None:
                raise error

    if error is None:
        work()
    else:
        with pytest.raises(ValueError, match="the work failed"):
            work()
    assert beating() == []
    before = len(calls)
    time.sleep(2 * SHORT.total_seconds())
    assert len(calls) == before
