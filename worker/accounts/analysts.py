"""Logins of analysts: real roles of the Postgres server, which read the views and nothing else.

Each is a member of the role that was granted the schema ``reporting``, and owns nothing. Which
identity a session has is the server's business, so no query can take another one on.
"""

import re
import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, LiteralString

import psycopg
from psycopg import errors, sql
from psycopg.types.json import Json
from sqlalchemy.engine import URL

from extractors.errors import SurefieldError
from worker import acting
from worker.db import milliseconds, psycopg_url
from worker.errors import NotFound
from worker.roles.table import READER
from worker.tables.security import SecurityKind

OURS = "surefield_"  # how roles begin that Surefield makes for itself
ABOUT = "Surefield: reads the schema reporting and nothing else."
NAME = re.compile(r"[a-z_][a-z0-9_]{0,49}")
MOST_CONNECTIONS = 10  # of one login at a time: a query tool opens many, and the workers need some
LOCK = 0x5EEF1E1E  # of the advisory locks, the one of whoever gives the own login a password
FOR_SECONDS = 60  # that a password of the own login may be used
LOCK_WITHIN = "10s"  # a reader is let in within milliseconds

Connection = psycopg.Connection[Any]


class MayNotMakeRoles(SurefieldError):
    """The owner of the database has no right to make a login."""

    code = "may_not_make_roles"


class BadLogin(SurefieldError):
    """A login of this name cannot be made."""

    code = "bad_login"


class ReaderUnavailable(SurefieldError):
    """The server does not let the reader in."""

    code = "reader_unavailable"


@dataclass(frozen=True, slots=True, kw_only=True)
class Analyst:
    """A login, as the server knows it."""

    name: str
    connections: int  # open now
    timeout: str | None  # of its statements, as Postgres writes it


def add(owner_url: str, name: str, *, timeout: timedelta, auditor: bool = False) -> URL:
    """Make a login; the address with which its analyst connects, password included.

    timeout: of each statement; an analyst may choose another for their own session
    auditor: it reads ``auditing.security_events``, too

    Raises BadLogin, MayNotMakeRoles.
    """
    if not NAME.fullmatch(name) or name.startswith((OURS, "pg_")):
        raise BadLogin(
            f"{name!r} cannot be a login. Use small letters, digits and _, at most 50, such as"
            " ada_lovelace."
        )
    with _connected(owner_url) as owner:
        if _exists(owner, name):
            raise BadLogin(
                f"There is a role {name} on this server. Choose another name; or, if it is an"
                f" analyst's who lost the password: surefield analyst remove {name}, and add it"
                " again."
            )
        password = secrets.token_urlsafe(24)
        with _rights(name), owner.transaction():
            _ready(owner)
            _make(owner, name, password, timeout)
            if auditor:
                for grant in (
                    "GRANT USAGE ON SCHEMA auditing TO {}",
                    "GRANT SELECT ON auditing.security_events TO {}",
                ):
                    _do(owner, grant, sql.Identifier(name))
            _note(owner, SecurityKind.ANALYST_ADDED, name, auditor=auditor)
    return as_login(owner_url, name, password)


def remove(owner_url: str, name: str) -> None:
    """Drop a login, and end its sessions.

    Raises NotFound, BadLogin when it owns something, MayNotMakeRoles.
    """
    with _connected(owner_url) as owner:
        if name not in {each.name for each in _analysts(owner)}:
            raise NotFound(f"No analyst has the login {name}. See: surefield analyst list")
        named = sql.Identifier(name)
        try:
            with _rights(name), owner.transaction():
                _do(owner, "ALTER ROLE {} NOLOGIN", named)
                # whoever has a role's rights may end its sessions
                _do(owner, "GRANT {} TO CURRENT_USER", named)
                owner.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = %s",
                    [name],
                )
                for right in ("ALL ON auditing.security_events", "ALL ON SCHEMA auditing"):
                    _do(owner, "REVOKE {} FROM {}", sql.SQL(right), named)
                _do(owner, "DROP ROLE {}", named)
                _note(owner, SecurityKind.ANALYST_REMOVED, name)
        except errors.DependentObjectsStillExist as error:
            raise BadLogin(
                f"{name} has rights or objects that Surefield did not give. As an administrator:"
                f" DROP OWNED BY {name}; and remove it again."
            ) from error


def analysts(owner_url: str) -> list[Analyst]:
    """Every login that reads the views."""
    with _connected(owner_url) as owner:
        return _analysts(owner)


@contextmanager
def reader(owner_url: str, reader_url: str | None, *, timeout: timedelta) -> Iterator[Connection]:
    """A connection that reads the views and nothing else, in one read-only transaction.

    reader_url: of a login that was made elsewhere; None: the own one is made when it is missing,
                and gets a password for this connection alone

    Raises MayNotMakeRoles, ReaderUnavailable.
    """
    if reader_url is not None:
        connection = _enter(psycopg_url(reader_url), timeout)
    else:
        with _connected(owner_url) as owner:
            # the connection, and with it the lock, ends when the reader is in
            _lock(owner)
            connection = _enter(_own_login(owner, owner_url, timeout), timeout)
    try:
        yield connection
    finally:
        connection.close()  # there is nothing to commit


def _lock(owner: Connection) -> None:
    """One reader is let in after the other.

    Raises ReaderUnavailable when somebody holds the lock for long, and says who.
    """
    owner.execute(sql.SQL("SET lock_timeout = {}").format(sql.Literal(LOCK_WITHIN)))
    try:
        owner.execute("SELECT pg_advisory_lock(%s)", [LOCK])
    except psycopg.errors.LockNotAvailable as error:
        holder = owner.execute(
            "SELECT a.pid, a.usename FROM pg_locks AS l JOIN pg_stat_activity AS a USING (pid)"
            " WHERE l.locktype = 'advisory' AND l.granted AND l.objid = %s",
            [LOCK & 0xFFFFFFFF],
        ).fetchone()
        pid, name = holder or (None, "somebody")
        raise ReaderUnavailable(
            f"{name} (pid {pid}) has held the lock of readers for {LOCK_WITHIN}. End that session:"
            f" SELECT pg_terminate_backend({pid});"
        ) from error


def as_login(owner_url: str, name: str, password: str) -> URL:
    """The owner's address with another login, as every Postgres client reads it."""
    return psycopg_url(owner_url).set(drivername="postgresql", username=name, password=password)


def _own_login(owner: Connection, owner_url: str, timeout: timedelta) -> URL:
    # roles belong to the whole server, locks to a database: so each database has a login of its own
    number = _one(owner, "SELECT oid FROM pg_database WHERE datname = current_database()")
    name, password = f"{OURS}sql_{number}", secrets.token_urlsafe(24)
    with _rights(name), owner.transaction():
        _ready(owner)
        if not _exists(owner, name):
            _make(owner, name, password, timeout)
        soon: datetime = _one(owner, "SELECT now() + make_interval(secs => %s)", FOR_SECONDS)
        _do(
            owner,
            "ALTER ROLE {} PASSWORD {} VALID UNTIL {}",
            sql.Identifier(name),
            _hashed(owner, name, password),
            sql.Literal(soon.isoformat()),
        )
    return as_login(owner_url, name, password)


def _enter(url: URL, timeout: timedelta) -> Connection:
    try:
        connection = _open(
            url,
            {
                "default_transaction_read_only": "on",
                "statement_timeout": str(milliseconds(timeout)),
                "lock_timeout": "5s",
                "search_path": "reporting",
                "timezone": "UTC",
            },
        )
    except psycopg.OperationalError as error:
        raise ReaderUnavailable(
            f"The server does not let {url.username} in: {_first_line(error)}. Name a login that it"
            " lets in as SUREFIELD_READER_URL; surefield analyst add makes one."
        ) from error
    connection.read_only = True
    return connection


def _open(url: URL, settings: Mapping[str, str]) -> Connection:
    address = url.set(drivername="postgresql").render_as_string(hide_password=False)
    options = " ".join(f"-c {name}={value}" for name, value in settings.items())
    return psycopg.connect(
        address, connect_timeout=10, application_name="surefield-reader", options=options
    )


@contextmanager
def _connected(owner_url: str) -> Iterator[Connection]:
    connection = _open(psycopg_url(owner_url), {"statement_timeout": "30s", "lock_timeout": "5s"})
    connection.autocommit = True
    with connection:
        yield connection


def _ready(owner: Connection) -> None:
    """The role of all readers is there and may read."""
    if not _exists(owner, READER):
        _do(owner, "CREATE ROLE {} NOLOGIN", sql.Identifier(READER))
    if not _one(owner, "SELECT has_schema_privilege(%s, 'reporting', 'USAGE')", READER):
        for grant in (
            "GRANT USAGE ON SCHEMA reporting TO {}",
            "GRANT SELECT ON ALL TABLES IN SCHEMA reporting TO {}",
            "ALTER DEFAULT PRIVILEGES IN SCHEMA reporting GRANT SELECT ON TABLES TO {}",
        ):
            _do(owner, grant, sql.Identifier(READER))


def _make(owner: Connection, name: str, password: str, timeout: timedelta) -> None:
    named = sql.Identifier(name)
    _do(
        owner,
        "CREATE ROLE {} LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION CONNECTION LIMIT {}"
        " PASSWORD {}",
        named,
        sql.Literal(MOST_CONNECTIONS),
        _hashed(owner, name, password),
    )
    _do(owner, "COMMENT ON ROLE {} IS {}", named, sql.Literal(ABOUT))
    _do(owner, "GRANT {} TO {}", sql.Identifier(READER), named)
    for setting, value in {
        "default_transaction_read_only": "on",
        "statement_timeout": milliseconds(timeout),
        "idle_in_transaction_session_timeout": milliseconds(2 * timeout),
        "search_path": "reporting",
    }.items():
        _do(owner, "ALTER ROLE {} SET {} = {}", named, sql.SQL(setting), sql.Literal(value))


def _note(owner: Connection, kind: SecurityKind, name: str, **details: Any) -> None:
    by = acting.now()
    owner.execute(
        "INSERT INTO public.security_events (kind, who, address, about, details)"
        " VALUES (%s, %s, %s, %s, %s)",
        [kind, by.who, by.address, name, Json(details)],
    )


def _hashed(owner: Connection, name: str, password: str) -> sql.Literal:
    """The password as the server keeps it, so that no log of statements shows it."""
    hashed = owner.pgconn.encrypt_password(password.encode(), name.encode(), b"scram-sha-256")
    return sql.Literal(hashed.decode())


def _analysts(owner: Connection) -> list[Analyst]:
    rows = owner.execute(
        "SELECT r.rolname, (SELECT count(*) FROM pg_stat_activity WHERE usename = r.rolname),"
        " (SELECT split_part(one, '=', 2) FROM unnest(r.rolconfig) AS one"
        " WHERE one LIKE 'statement_timeout=%%')"
        " FROM pg_roles AS r JOIN pg_auth_members AS m ON m.member = r.oid"
        " JOIN pg_roles AS g ON g.oid = m.roleid"
        " WHERE g.rolname = %s AND NOT starts_with(r.rolname, %s) AND r.rolcanlogin"
        " AND shobj_description(r.oid, 'pg_authid') = %s"
        " ORDER BY r.rolname",
        [READER, OURS, ABOUT],
    )
    return [Analyst(name=name, connections=number, timeout=time) for name, number, time in rows]


@contextmanager
def _rights(name: str) -> Iterator[None]:
    try:
        yield
    except errors.InsufficientPrivilege as error:
        raise MayNotMakeRoles(
            f"The owner of the database may not do that on this server: {_first_line(error)}."
            f" Ask an administrator for it (CREATE ROLE {READER} NOLOGIN, if there is none;"
            f" CREATE ROLE {name} LOGIN PASSWORD '…' IN ROLE {READER}), and name that login as"
            " SUREFIELD_READER_URL."
        ) from error


def _exists(owner: Connection, name: str) -> bool:
    return bool(_one(owner, "SELECT EXISTS (SELECT FROM pg_roles WHERE rolname = %s)", name))


def _one(owner: Connection, query: LiteralString, *values: object) -> Any:
    row = owner.execute(query, values).fetchone()
    return None if row is None else row[0]


def _do(owner: Connection, statement: LiteralString, *parts: sql.Composable) -> None:
    owner.execute(sql.SQL(statement).format(*parts))


def _first_line(error: psycopg.Error) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(".")
