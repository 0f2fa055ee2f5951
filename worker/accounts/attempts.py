"""Attempts to sign in are counted, so that nobody guesses a password, and nobody locks others out.

An attempt counts for a name and the place where it is made: an address, or a browser in which this
person signed in before.  Such a browser keeps a cookie that says so (OWASP calls it a device
cookie), and what strangers try elsewhere never shuts it out.
"""

import secrets
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from sqlalchemy import delete, func, insert, or_, select

from extractors.errors import SurefieldError
from worker.accounts.store import normal, sha256_of
from worker.accounts.tables import KnownBrowser, SignInAttempt, User
from worker.db import Tx

WINDOW = timedelta(minutes=15)
MOST_HERE = 10  # for one name, in one place, within the window
MOST_FOR_A_NAME, MOST_FROM_AN_ADDRESS = 100, 50  # where the browser is not known
KNOWN_FOR = timedelta(days=180)  # after the last sign-in
_BROWSER = "browser "


class TooManyTries(SurefieldError):
    """Somebody tried to sign in too often."""

    code = "too_many_tries"
    retry = True


@dataclass(frozen=True, slots=True)
class Place:
    """Where somebody tries to sign in."""

    name: str  # an address, or what stands for a browser
    known: bool  # a browser in which this person signed in before


def place_of(tx: Tx, name: str, address: str, cookie: str | None) -> Place:
    """Where this attempt is made.

    cookie: of a browser that was known to somebody; another person's is none
    """
    if cookie:
        digest = sha256_of(cookie)
        known = (
            select(KnownBrowser.user_id)
            .join(User, User.id == KnownBrowser.user_id)
            .where(
                KnownBrowser.token_sha256 == digest,
                KnownBrowser.expires_at > func.now(),
                User.name == normal(name),
            )
        )
        if tx.session.execute(known).one_or_none() is not None:
            return Place(_BROWSER + digest, True)
    return Place(normal(address), False)


def note(tx: Tx, name: str, place: Place) -> None:
    """Count one attempt to sign in, before it is looked at; old ones are forgotten.

    To be committed by itself: an attempt that fails counts all the same.
    """
    tx.session.execute(
        delete(SignInAttempt).where(SignInAttempt.tried_at < func.now() - 2 * WINDOW)
    )
    tx.session.execute(insert(SignInAttempt).values(name=normal(name), address=place.name))


def check(tx: Tx, name: str, place: Place) -> None:
    """Raises TooManyTries when this name was tried too often here, or in a place that is not known
    either the name or the address was tried too often at all.
    """
    of_name, here = SignInAttempt.name == normal(name), SignInAttempt.address == place.name
    unknown = SignInAttempt.address.not_like(f"{_BROWSER}%")
    counts = tx.session.execute(
        select(
            func.count().filter(of_name, here).label("here"),
            func.count().filter(of_name, unknown).label("for_name"),
            func.count().filter(here).label("from_address"),
        ).where(SignInAttempt.tried_at > func.now() - WINDOW, or_(of_name, here))
    ).one()
    too_many = counts.here > MOST_HERE or (
        not place.known
        and (counts.for_name > MOST_FOR_A_NAME or counts.from_address > MOST_FROM_AN_ADDRESS)
    )
    if too_many:
        raise TooManyTries(
            f"Too many attempts to sign in. Wait {WINDOW.seconds // 60} minutes, or ask for a"
            " sign-in link."
        )


def succeeded(tx: Tx, name: str) -> None:
    """What was tried for this name before counts no more."""
    tx.session.execute(delete(SignInAttempt).where(SignInAttempt.name == normal(name)))


def know(tx: Tx, user_id: UUID) -> str:
    """This browser is known from now on: the cookie that it keeps."""
    tx.session.execute(delete(KnownBrowser).where(KnownBrowser.expires_at < func.now()))
    cookie = secrets.token_urlsafe(32)
    tx.session.execute(
        insert(KnownBrowser).values(
            token_sha256=sha256_of(cookie), user_id=user_id, expires_at=func.now() + KNOWN_FOR
        )
    )
    return cookie
