"""Passwords are hashed two at a time, in threads of their own: whoever sends many holds up nobody
who reads a page.
"""

from collections.abc import Callable
from functools import partial
from typing import ParamSpec, TypeVar

from anyio import CapacityLimiter, to_thread

from extractors.errors import SurefieldError

AT_ONCE = 2  # each takes 64 MB
MOST_WAITING = 100

P = ParamSpec("P")
R = TypeVar("R")


class TooManySignIns(SurefieldError):
    """So many passwords wait to be looked at that this one is not."""

    code = "too_many_sign_ins"
    retry = True


class Hashing:
    """The line of passwords to be hashed."""

    def __init__(self) -> None:
        self._limiter = CapacityLimiter(AT_ONCE)
        self._here = 0  # in the line, and at its end

    async def run(self, function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """What the function returns.

        Raises TooManySignIns.
        """
        if self._here >= AT_ONCE + MOST_WAITING:
            raise TooManySignIns("Too many people sign in just now. Try again in a moment.")
        self._here += 1
        try:
            asked = partial(function, *args, **kwargs)
            return await to_thread.run_sync(asked, limiter=self._limiter)
        finally:
            self._here -= 1
