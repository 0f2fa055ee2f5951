"""People, their browsers and their programs: who may come in.

Random secrets (session tokens, sign-in links, API keys) have 256 bits, so that a plain sha256 is
enough to keep them; passwords are argon2id.
"""

import secrets
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any
from uuid import UUID

from sqlalchemy import delete, func, insert, null, or_, select, update
from sqlalchemy.dialects.postgresql import insert as pg_insert

from extractors.errors import SurefieldError
from worker.accounts import passwords
from worker.accounts.tables import ApiKey, KnownBrowser, SignInLink, User, WebSession
from worker.actor import SENDER, Actor, Role
from worker.db import Tx
from worker.errors import NotFound
from worker.store import security
from worker.store.codec import is_storable
from worker.tables.security import SecurityKind

SHORTEST_PASSWORD = 10
LONGEST_PASSWORD = 1_000  # hashing is slow on purpose: nobody may make it hash a novel
MOST_PER_MINUTE = 1_000_000
KEY_MARK = "sf_"  # so that a key that leaked is recognised
SEEN_EVERY = timedelta(minutes=1)  # how exactly it is known when a browser was used last


class InvalidPerson(SurefieldError):
    """A name, role or password cannot be used."""

    code = "invalid_person"


class NameTaken(InvalidPerson):
    """There is a person of this name already."""

    code = "name_taken"


@dataclass(frozen=True, slots=True)
class Caller:
    """An upstream's key."""

    key_id: UUID
    upstream: str
    document_types: frozenset[str] | None = None  # which it sends and sees; None: all
    per_minute: int | None = None  # requests; None: any number

    def may(self, document_type: str) -> bool:
        """Whether this type is one of the key's."""
        return self.document_types is None or document_type in self.document_types


@dataclass(frozen=True, slots=True)
class Known:
    """Somebody who may sign in with a password."""

    user_id: UUID
    password_hash: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Somebody who may sign in."""

    user_id: UUID
    name: str
    role: Role
    has_password: bool
    created_at: datetime
    disabled_at: datetime | None

    def may(self, role: Role) -> bool:
        """Whether this person has the rights of ``role``; each role has all of those before it."""
        return self.disabled_at is None and self.role.covers(role)

    @property
    def actor(self) -> Actor:
        """This person, as the rules of what people may do see them."""
        return Actor(self.name, self.role)


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyRow:
    """An API key as people see it: never the key itself."""

    key_id: UUID
    upstream: str
    hint: str
    document_types: list[str] | None  # None: all
    per_minute: int | None
    created_at: datetime
    last_used_at: datetime | None
    revoked_at: datetime | None


def add_person(tx: Tx, name: str, role: Role, *, password: str | None = None) -> Person:
    """A new person; without a password only a sign-in link opens the door.

    Raises NameTaken, InvalidPerson.
    """
    name = _usable_name(name)
    hashed = None if password is None else passwords.hashed(usable_password(password))
    row = tx.session.execute(
        pg_insert(User)
        .values(name=name, role=role, password_hash=hashed)
        .on_conflict_do_nothing(index_elements=["name"])
        .returning(User.id)
    ).one_or_none()
    if row is None:
        raise NameTaken(
            f"There is a person named {name!r} already. Choose another name, or give them a new"
            " link: surefield user link."
        )
    security.note(tx, SecurityKind.PERSON_ADDED, name, role=role)
    return person(tx, name)


def person(tx: Tx, name: str) -> Person:
    """The person of this name.

    Raises NotFound.
    """
    row = tx.session.execute(_people().where(User.name == name.strip().lower())).one_or_none()
    if row is None:
        raise NotFound(f"There is no person named {name!r}. List them: surefield user list.")
    return Person(**row._mapping)


def people(tx: Tx) -> list[Person]:
    """Everybody, by name."""
    return [Person(**row._mapping) for row in tx.session.execute(_people().order_by(User.name))]


def change_person(
    tx: Tx, name: str, *, role: Role | None = None, disabled: bool | None = None
) -> Person:
    """Another role, or the door shut or opened again.

    Whoever loses a right is signed out everywhere.

    Raises NotFound.
    """
    who = person(tx, name)
    values: dict[str, Any] = {"role": role} if role is not None else {}
    if disabled is not None:
        values["disabled_at"] = func.now() if disabled else null()
    if values:
        tx.session.execute(update(User).where(User.id == who.user_id).values(**values))
        _forget_browsers(tx, who.user_id)
        changes = {"role": role, "disabled": disabled}
        told = {name: to for name, to in changes.items() if to is not None}
        security.note(tx, SecurityKind.PERSON_CHANGED, who.name, **told)
    return person(tx, name)


def set_password(tx: Tx, user_id: UUID, hashed: str) -> None:
    """A new password, by its hash (``passwords.hashed``); every browser and link of this person is
    signed out.
    """
    named = update(User).where(User.id == user_id).values(password_hash=hashed).returning(User.name)
    name = tx.session.execute(named).scalar_one_or_none()
    _forget_browsers(tx, user_id)
    security.note(tx, SecurityKind.PASSWORD_CHANGED, name)


def look_up(tx: Tx, name: str) -> Known | None:
    """Who may sign in under this name with a password; None for nobody."""
    row = tx.session.execute(
        select(User.id, User.password_hash).where(
            User.name == normal(name), User.password_hash.is_not(None), User.disabled_at.is_(None)
        )
    ).one_or_none()
    return None if row is None else Known(row.id, row.password_hash)


def keep_hash(tx: Tx, user_id: UUID, hashed: str) -> None:
    """The same password, hashed with today's parameters."""
    tx.session.execute(update(User).where(User.id == user_id).values(password_hash=hashed))


def enabled(tx: Tx, user_id: UUID) -> Person | None:
    """The person, unless they are disabled."""
    row = tx.session.execute(
        _people().where(User.id == user_id, User.disabled_at.is_(None))
    ).one_or_none()
    return None if row is None else Person(**row._mapping)


def make_link(tx: Tx, name: str, *, lasts: timedelta) -> str:
    """The secret of a link that signs this person in once.

    Raises NotFound.
    """
    who = person(tx, name)
    if who.disabled_at is not None:
        raise InvalidPerson(
            f"{who.name} is disabled. Enable them first: surefield user enable {who.name}."
        )
    secret = secrets.token_urlsafe(32)
    tx.session.execute(
        insert(SignInLink).values(
            token_sha256=sha256_of(secret), user_id=who.user_id, expires_at=func.now() + lasts
        )
    )
    security.note(tx, SecurityKind.LINK_MADE, who.name)
    return secret


def use_link(tx: Tx, secret: str) -> Person | None:
    """The person whom the link signs in, or None: it is used up, too old or unknown."""
    user_id = tx.session.execute(
        update(SignInLink)
        .where(
            SignInLink.token_sha256 == sha256_of(secret),
            SignInLink.used_at.is_(None),
            SignInLink.expires_at > func.now(),
        )
        .values(used_at=func.now())
        .returning(SignInLink.user_id)
    ).scalar_one_or_none()
    found = None if user_id is None else enabled(tx, user_id)
    if found is None:
        security.note(tx, SecurityKind.LINK_REFUSED)
    return found


def open_browser(tx: Tx, user_id: UUID, *, lasts: timedelta) -> str:
    """The secret that a browser which has just signed in keeps as its cookie."""
    tx.session.execute(delete(WebSession).where(WebSession.expires_at < func.now()))
    secret = secrets.token_urlsafe(32)
    tx.session.execute(
        insert(WebSession).values(
            token_sha256=sha256_of(secret), user_id=user_id, expires_at=func.now() + lasts
        )
    )
    return secret


def browser_of(tx: Tx, secret: str, *, idle: timedelta, used: bool = True) -> Person | None:
    """The person who is signed in with this cookie; nobody, when it was not used for so long.

    used: it is now, by the person and not by a page that stands open
    """
    mine = WebSession.token_sha256 == sha256_of(secret)
    user_id = tx.session.execute(
        select(WebSession.user_id).where(
            mine, WebSession.expires_at > func.now(), WebSession.used_at > func.now() - idle
        )
    ).scalar_one_or_none()
    if user_id is not None and used:
        stale = WebSession.used_at < func.now() - SEEN_EVERY
        tx.session.execute(update(WebSession).where(mine, stale).values(used_at=func.now()))
    return None if user_id is None else enabled(tx, user_id)


def close_browser(tx: Tx, secret: str) -> None:
    """Sign this one browser out."""
    tx.session.execute(delete(WebSession).where(WebSession.token_sha256 == sha256_of(secret)))


def make_key(
    tx: Tx,
    upstream: str,
    *,
    document_types: Collection[str] | None = None,
    per_minute: int | None = None,
) -> str:
    """A new API key that submits under this upstream's name.  It is shown now and never again.

    document_types: which it sends and sees; None: all
    per_minute:     requests that it may make; None: any number

    Raises InvalidPerson.
    """
    if not 1 <= len(upstream) <= 100 or not is_storable(upstream):
        raise InvalidPerson("An upstream's name has 1 to 100 characters. Choose a shorter one.")
    if per_minute is not None and not 1 <= per_minute <= MOST_PER_MINUTE:
        raise InvalidPerson(f"A key may make 1 to {MOST_PER_MINUTE:,} requests a minute.")
    if document_types is not None and not document_types:
        raise InvalidPerson("Name the document types of the key, or leave them out for all.")
    key = KEY_MARK + secrets.token_urlsafe(32)
    tx.session.execute(
        insert(ApiKey).values(
            upstream=upstream,
            document_types=None if document_types is None else sorted(set(document_types)),
            per_minute=per_minute,
            key_sha256=sha256_of(key),
            hint=key[: len(KEY_MARK) + 6],
        )
    )
    security.note(tx, SecurityKind.KEY_MADE, upstream, types=document_types, per_minute=per_minute)
    return key


def caller_of(tx: Tx, key: str) -> Caller | None:
    """Whose key this is, and what it may; None when there is no such key, or it was revoked."""
    row = tx.session.execute(
        select(ApiKey.id, ApiKey.upstream, ApiKey.document_types, ApiKey.per_minute).where(
            ApiKey.key_sha256 == sha256_of(key), ApiKey.revoked_at.is_(None)
        )
    ).one_or_none()
    if row is None:
        return None
    stale = or_(
        ApiKey.last_used_at.is_(None), ApiKey.last_used_at < func.now() - timedelta(minutes=1)
    )
    tx.session.execute(
        update(ApiKey).where(ApiKey.id == row.id, stale).values(last_used_at=func.now())
    )
    types = None if row.document_types is None else frozenset(row.document_types)
    return Caller(row.id, row.upstream, types, row.per_minute)


def upstreams(tx: Tx) -> list[str]:
    """Every upstream that has a key, by name."""
    query = select(ApiKey.upstream).where(ApiKey.revoked_at.is_(None)).distinct()
    return list(tx.session.execute(query.order_by(ApiKey.upstream)).scalars())


def keys(tx: Tx) -> Sequence[KeyRow]:
    """All keys, the newest first."""
    columns = (
        ApiKey.id.label("key_id"),
        ApiKey.upstream,
        ApiKey.hint,
        ApiKey.document_types,
        ApiKey.per_minute,
        ApiKey.created_at,
        ApiKey.last_used_at,
        ApiKey.revoked_at,
    )
    return [
        KeyRow(**row._mapping)
        for row in tx.session.execute(
            select(*columns).order_by(ApiKey.created_at.desc(), ApiKey.id)
        )
    ]


def revoke_key(tx: Tx, key_id: UUID) -> None:
    """The key opens nothing from now on.

    Raises NotFound.
    """
    row = tx.session.execute(
        update(ApiKey)
        .where(ApiKey.id == key_id)
        .values(revoked_at=func.coalesce(ApiKey.revoked_at, func.now()))
        .returning(ApiKey.upstream, ApiKey.hint)
    ).one_or_none()
    if row is None:
        raise NotFound(f"There is no API key {key_id}. List them: surefield key list.")
    security.note(tx, SecurityKind.KEY_REVOKED, row.upstream, hint=row.hint)


def _people() -> Any:
    return select(
        User.id.label("user_id"),
        User.name,
        User.role,
        User.password_hash.is_not(None).label("has_password"),
        User.created_at,
        User.disabled_at,
    )


def _forget_browsers(tx: Tx, user_id: UUID) -> None:
    for table in (WebSession, KnownBrowser):
        tx.session.execute(delete(table).where(table.user_id == user_id))
    tx.session.execute(
        delete(SignInLink).where(SignInLink.user_id == user_id, SignInLink.used_at.is_(None))
    )


def _usable_name(name: str) -> str:
    name = name.strip().lower()
    if not 1 <= len(name) <= 100 or not name.isprintable() or "/" in name or not is_storable(name):
        raise InvalidPerson(
            "A person's name has 1 to 100 printable characters and no slash. Choose another one."
        )
    if name.startswith(SENDER):
        raise InvalidPerson(f"Names that begin with {SENDER!r} are senders'. Choose another one.")
    return name


def usable_password(password: str) -> str:
    """The password, if it may be one.

    Raises InvalidPerson.
    """
    if not SHORTEST_PASSWORD <= len(password) <= LONGEST_PASSWORD:
        raise InvalidPerson(
            f"A password has {SHORTEST_PASSWORD} to {LONGEST_PASSWORD} characters. Choose another"
            " one."
        )
    return password


def sha256_of(secret: str) -> str:
    """What is kept of a random secret."""
    return sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


def normal(text: str) -> str:
    """A name or an address as it is compared: short, in lower case, storable."""
    return text.strip().lower()[:100].encode("utf-8", "replace").decode().replace("\x00", "")
