"""Passwords as argon2id hashes.

argon2 is imported when the first password is hashed: the command line works without it.
"""

import secrets
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from extractors.errors import MissingExtra

if TYPE_CHECKING:
    from argon2 import PasswordHasher


@lru_cache(maxsize=1)
def _hasher() -> "PasswordHasher":
    try:
        from argon2 import PasswordHasher
    except ImportError as error:
        raise MissingExtra("web", "Passwords are hashed with argon2") from error
    return PasswordHasher()


def hashed(password: str) -> str:
    """The argon2id hash of a password.

    Raises MissingExtra when argon2 is not installed.
    """
    return _hasher().hash(password)


@lru_cache(maxsize=1)
def nobodys() -> str:
    """A hash that no password fits: verified for unknown names, so that they take as long as
    known ones.
    """
    return hashed(secrets.token_urlsafe())


def fits(known: str, password: str) -> bool:
    """Whether the hash is of this password."""
    hasher = _hasher()
    from argon2.exceptions import InvalidHashError, VerificationError

    try:
        return hasher.verify(known, password)
    except (VerificationError, InvalidHashError):
        return False


@dataclass(frozen=True, slots=True)
class Checked:
    """What became of a password that somebody typed."""

    fits: bool
    rehashed: str | None = None  # to be kept: the old hash was made with weaker parameters


def check(known: str | None, password: str) -> Checked:
    """Whether the hash is of this password; takes 64 MB and a fraction of a second.

    known: None: nobody's, which takes as long

    Raises MissingExtra when argon2 is not installed.
    """
    right = fits(nobodys() if known is None else known, password)
    if known is None or not right:
        return Checked(False)
    return Checked(True, hashed(password) if is_outdated(known) else None)


def is_outdated(known: str) -> bool:
    """Whether the hash was made with weaker parameters than today's."""
    return _hasher().check_needs_rehash(known)
