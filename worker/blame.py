"""Who is at fault when the model fails on a page: the page, or the model.

A page is at fault only when the model served others well since it failed on that page before.
"""

import time
from collections import OrderedDict
from uuid import UUID

MOST = 1_000  # pages that are remembered


class Blame:
    """What one process saw of its model."""

    def __init__(self) -> None:
        self._served = float("-inf")  # when it last read a page
        self._failed: OrderedDict[UUID, float] = OrderedDict()  # when it last failed on each

    def served(self) -> None:
        """The model read a page."""
        self._served = time.monotonic()

    def falls_on(self, page: UUID) -> bool:
        """The model failed on this page; whether others went well since it last did."""
        before = self._failed.pop(page, None)
        self._failed[page] = time.monotonic()
        while len(self._failed) > MOST:
            self._failed.popitem(last=False)
        return before is not None and self._served > before
