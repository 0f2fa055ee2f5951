"""The database: engine, transactions, and what to do when it goes away for a moment.

``transaction`` is the only commit in the code base.
"""

import time
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TypeVar
from uuid import UUID

import psycopg
import structlog
from sqlalchemy import URL, Engine, ExceptionContext, create_engine, event, make_url
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session, sessionmaker

from worker.tables.documents import Status

log = structlog.get_logger()

# connection, what the server lacks (disk, memory, connections), cancelled or shut down, its disk's
# errors, read only for now, serialisation, deadlock, lock timeout
PASSING = ("08", "53", "57", "58", "25006", "40001", "40P01", "55P03")

T = TypeVar("T")
Announce = Callable[[UUID, Status], None]


@dataclass(frozen=True, slots=True)
class Tx:
    """One transaction: what the store writes through, and the documents that moved in it."""

    session: Session
    moved: list[tuple[UUID, Status]] = field(default_factory=list)
    held: set[Hashable] = field(default_factory=set)  # claims whose rows are locked here already

    def move(self, document_id: UUID, status: Status) -> None:
        """Note that the document has a new status, to be announced after the commit."""
        self.moved.append((document_id, status))


def psycopg_url(url: str) -> URL:
    """The URL with the driver we ship, however the user wrote the scheme."""
    parsed = make_url(url)
    if parsed.drivername in {"postgres", "postgresql"}:
        return parsed.set(drivername="postgresql+psycopg")
    return parsed


def open_engine(
    url: str,
    *,
    pool_size: int = 5,
    statement_timeout: timedelta = timedelta(seconds=30),
    lock_timeout: timedelta = timedelta(seconds=5),
    application_name: str = "surefield",
) -> Engine:
    """An engine whose statements cannot hang: every transaction of ours is short, so a long one is
    a fault.
    """
    options = {
        "timezone": "UTC",
        "statement_timeout": milliseconds(statement_timeout),
        "lock_timeout": milliseconds(lock_timeout),
        "idle_in_transaction_session_timeout": milliseconds(2 * statement_timeout),
    }
    engine = create_engine(
        psycopg_url(url),
        pool_size=pool_size,
        max_overflow=pool_size,
        pool_pre_ping=True,
        pool_recycle=1800,
        hide_parameters=True,  # an error message must not carry document text
        connect_args={
            "options": " ".join(f"-c {name}={value}" for name, value in options.items()),
            "application_name": application_name,
            "connect_timeout": 10,
        },
    )
    event.listen(engine, "handle_error", _without_rows)
    return engine


def _without_rows(context: ExceptionContext) -> None:
    """Cut a server's error down to its first line: the lines below quote the row, and messages end
    in logs.
    """
    error, wrapped = context.original_exception, context.sqlalchemy_exception
    if isinstance(error, psycopg.Error) and error.diag.message_primary:
        whole, first = str(error), error.diag.message_primary
        error.args = (first,)
        if wrapped is not None:
            wrapped.args = tuple(
                arg.replace(whole, first) if isinstance(arg, str) else arg for arg in wrapped.args
            )


def open_sessions(engine: Engine) -> sessionmaker[Session]:
    """Sessions of the engine.

    Statements are set-based, so no loaded object needs to be kept in step.
    """
    return sessionmaker(
        engine, expire_on_commit=False, execution_options={"synchronize_session": False}
    )


@contextmanager
def transaction(sessions: sessionmaker[Session], announce: Announce) -> Iterator[Tx]:
    """Commit once at the end, then announce every document that moved.

    A failed announcement loses a message and not the work: the sweeper sends it again.
    """
    with sessions.begin() as session:
        tx = Tx(session)
        yield tx
    for document_id, status in tx.moved:
        try:
            announce(document_id, status)
        except Exception:
            log.warning("announce_failed", document_id=document_id, status=status, exc_info=True)


def is_passing(error: BaseException) -> bool:
    """Whether the same transaction may work when run again: the server went away, or two
    transactions got in each other's way.
    """
    if not isinstance(error, DBAPIError):
        return False
    code = getattr(error.orig, "sqlstate", None)
    if code is None:  # no answer from the server at all
        return error.connection_invalidated or type(error).__name__ == "OperationalError"
    return str(code).startswith(PASSING)


def with_patience(
    work: Callable[[], T], *, patience: timedelta = timedelta(seconds=30), pause_s: float = 0.2
) -> T:
    """Run one whole transaction, again while the database is away, for at most ``patience``.

    For the edges only: ``work`` opens its own transaction, so that running it twice is safe.
    """
    give_up = time.monotonic() + patience.total_seconds()
    while True:
        try:
            return work()
        except DBAPIError as error:
            if not is_passing(error) or time.monotonic() + pause_s > give_up:
                raise
            log.warning("database_away", error=type(error).__name__, again_in_s=pause_s)
        time.sleep(pause_s)
        pause_s = min(2 * pause_s, 3.0)


def milliseconds(duration: timedelta) -> int:
    return round(duration / timedelta(milliseconds=1))
