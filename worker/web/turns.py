"""How many uploads of one upstream are in flight at once, for each holds memory and a place on
disk; and how many requests a key makes in a minute.
"""

import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from math import ceil
from threading import Lock
from uuid import UUID

from extractors.errors import SurefieldError


class TooManyUploads(SurefieldError):
    """The upstream sends as many files at once as it may."""

    code = "too_many_uploads"
    retry = True


class Turns:
    """Counts what is in flight by upstream, in the one thread that answers requests."""

    def __init__(self, most: int) -> None:
        self.most = most
        self._taken: Counter[str] = Counter()

    @contextmanager
    def of(self, upstream: str) -> Iterator[None]:
        """One upload, until the block ends.

        Raises TooManyUploads.
        """
        if self._taken[upstream] >= self.most:
            raise TooManyUploads(
                f"{self.most} uploads of yours are in flight. Send the next when one is answered,"
                " or raise SUREFIELD_UPLOADS_AT_ONCE."
            )
        self._taken[upstream] += 1
        try:
            yield
        finally:
            self._taken[upstream] -= 1
            if not self._taken[upstream]:
                del self._taken[upstream]


class TooManyRequests(SurefieldError):
    """A key makes more requests than it may."""

    code = "too_many_requests"
    retry = True

    def __init__(self, message: str, wait_s: int) -> None:
        super().__init__(message)
        self.wait_s = wait_s


class Rates:
    """How many requests each key has left: a token bucket of a minute's, filled evenly."""

    def __init__(self) -> None:
        self._left: dict[UUID, tuple[float, float]] = {}  # requests, and when that was
        self._lock = Lock()

    def count(self, key: UUID, per_minute: int) -> None:
        """One request.

        Raises TooManyRequests.
        """
        now = time.monotonic()
        with self._lock:
            left, at = self._left.get(key, (float(per_minute), now))
            left = min(float(per_minute), left + (now - at) * per_minute / 60)
            if left < 1:
                wait_s = ceil((1 - left) * 60 / per_minute)
                raise TooManyRequests(
                    f"This key may make {per_minute:,} requests a minute. Come again in"
                    f" {wait_s} s.",
                    wait_s,
                )
            self._left[key] = left - 1, now
