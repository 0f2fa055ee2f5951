"""Who acts now, and from where: what is written beside a change of rights.

A door says it once; whatever is done within it asks here.
"""

import getpass
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass


@dataclass(slots=True)
class Acting:
    """Whoever acts."""

    who: str  # an actor, such as "person:ada", "upstream:erp" or "login:root"
    address: str | None = None  # from where; None: on a machine of the installation


_NOW: ContextVar[Acting | None] = ContextVar("acting", default=None)


def now() -> Acting:
    """Who acts; outside of every door, the login of this process."""
    return _NOW.get() or Acting(f"login:{_login()}")


@contextmanager
def through_a_door(address: str | None) -> Iterator[Acting]:
    """Somebody is at a door.  Who it is may become known later: the value may be changed."""
    acting = Acting("nobody", address)
    token = _NOW.set(acting)
    try:
        yield acting
    finally:
        _NOW.reset(token)


def is_(who: str) -> None:
    """Whoever is at the door is this actor; outside of every door nothing changes."""
    acting = _NOW.get()
    if acting is not None:
        acting.who = who


def _login() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # an account without a name
        return "unknown"
