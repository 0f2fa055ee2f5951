"""What may pass by itself while a submission is taken in: the message must not be done then."""

import time
from collections.abc import Callable
from datetime import timedelta
from typing import TypeVar

from extractors.errors import SurefieldError
from worker import db
from worker.outages import outage_of

T = TypeVar("T")
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.2, 2.0


def is_outage(error: BaseException) -> bool:
    """Whether the installation is what is wrong, and not the submission: the database or its
    connections, the blobs, a full disk.
    """
    if isinstance(error, SurefieldError):
        return error.retry or error.installation
    if isinstance(error, OSError | MemoryError) or db.is_passing(error):
        return True
    return outage_of(error) is not None


def until_it_passes(
    work: Callable[[], T], *, patience: timedelta, but: type[Exception] | tuple[()] = ()
) -> T:
    """Do the work, again while an outage lasts, for at most ``patience``.

    but: what is not waited for

    Raises what the last attempt raised.
    """
    give_up = time.monotonic() + patience.total_seconds()
    pause_s = FIRST_PAUSE_S
    while True:
        try:
            return work()
        except Exception as error:
            is_over = time.monotonic() + pause_s > give_up
            if is_over or isinstance(error, but) or not is_outage(error):
                raise
        time.sleep(pause_s)
        pause_s = min(2 * pause_s, LONGEST_PAUSE_S)
