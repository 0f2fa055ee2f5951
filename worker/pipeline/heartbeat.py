"""Keeps a lease alive while slow work goes on, so that leases can be short and a dead worker is
noticed in seconds.
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta

import structlog

log = structlog.get_logger()


@contextmanager
def heartbeat(renew: Callable[[], bool], *, lease: timedelta) -> Iterator[None]:
    """Call ``renew`` every third of the lease until the block ends, or until it says that the claim
    is lost.

    A renewal that raises (the database is away) is tried again at the next beat: if the lease runs
    out meanwhile, the claim number refuses whatever this worker would save.
    """
    done = threading.Event()

    def beat() -> None:
        while not done.wait(lease.total_seconds() / 3):
            try:
                if not renew():
                    log.warning("claim_lost_while_working")
                    return
            except Exception as error:
                log.warning("lease_not_renewed", error=type(error).__name__)

    thread = threading.Thread(target=beat, name="heartbeat", daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()
