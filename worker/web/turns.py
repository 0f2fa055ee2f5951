"""How many uploads of one upstream are in flight at once: each holds memory and a place on disk."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

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
