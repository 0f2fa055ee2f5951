"""The queue inside Postgres: pgmq's own functions, over one connection."""

import json
from collections.abc import Callable
from typing import Any, TypeVar

import psycopg
from psycopg import sql

from worker.embedded.queues import conninfo, create_missing, entity_name
from worker.mailboxes.enveloped import opened
from worker.mailboxes.names import events_queue_of
from worker.mailboxes.types import AGAIN_AFTER_S, TOLD_MOST, BrokerUnavailable, Parcel

T = TypeVar("T")

TAKE = "SELECT msg_id, read_ct, message FROM pgmq.read(%s, %s, 1)"
DONE = "SELECT pgmq.delete(%s, %s::bigint)"
BACK = "UPDATE {} SET vt = clock_timestamp(), read_ct = greatest(read_ct - 1, 0) WHERE msg_id = %s"
TIMEOUT_S = 10


class PgmqMailbox:
    """One connection, made when it is needed and made anew after it broke."""

    dead: str | None = None

    def __init__(self, url: str) -> None:
        self._conninfo = conninfo(url)
        self._connection: psycopg.Connection[Any] | None = None

    def make(self, queue: str) -> None:
        """Make its table."""
        self._asked(lambda connection: create_missing(connection, [entity_name(queue)]))

    def take(self, queue: str) -> Parcel | None:
        """Read the oldest, and hide it for a while."""
        try:
            row = self._one(TAKE, entity_name(queue), AGAIN_AFTER_S)
        except (psycopg.errors.UndefinedTable, psycopg.errors.InvalidSchemaName):
            return None
        if row is None:
            return None
        number, taken, message = row
        raw = json.dumps(message, separators=(",", ":"), ensure_ascii=False).encode()
        return opened(raw, queue, tag=number, taken=taken)

    def done(self, parcel: Parcel) -> None:
        """Delete it."""
        self._one(DONE, entity_name(parcel.queue), parcel.tag)

    def give_back(self, parcel: Parcel) -> None:
        """Show it again.  It was read without harm: only readings that ended a reader count."""
        table = sql.Identifier("pgmq", f"q_{entity_name(parcel.queue)}")
        self._asked(lambda one: one.execute(sql.SQL(BACK).format(table), [parcel.tag]))

    def put(self, queue: str, body: bytes) -> None:
        """The body as it is: no envelope is needed."""
        self._one("SELECT pgmq.send(%s, %s::jsonb)", entity_name(queue), body.decode())

    def tell(self, upstream: str, body: bytes) -> None:
        """In a queue, of which the oldest are deleted."""
        queue = events_queue_of(upstream)
        table = sql.Identifier("pgmq", f"q_{entity_name(queue)}")
        self.make(queue)
        number = self._one("SELECT pgmq.send(%s, %s::jsonb)", entity_name(queue), body.decode())[0]
        old = sql.SQL("DELETE FROM {} WHERE msg_id <= %s").format(table)
        self._asked(lambda connection: connection.execute(old, [number - TOLD_MOST]))

    def waiting(self, queue: str) -> int | None:
        """In its table."""
        table = sql.Identifier("pgmq", f"q_{entity_name(queue)}")
        try:
            row = self._one(sql.SQL("SELECT count(*) FROM {}").format(table))
        except (psycopg.errors.UndefinedTable, psycopg.errors.InvalidSchemaName):
            return None
        return None if row is None else int(row[0])

    def lacks(self) -> list[str]:
        """It is as safe as the database."""
        return []

    def close(self) -> None:
        """Let the connection go."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    def _one(self, query: Any, *values: Any) -> Any:
        return self._asked(lambda connection: connection.execute(query, values).fetchone())

    def _asked(self, work: Callable[[psycopg.Connection[Any]], T]) -> T:
        try:
            if self._connection is None:
                self._connection = psycopg.connect(
                    self._conninfo, autocommit=True, connect_timeout=TIMEOUT_S
                )
            return work(self._connection)
        except psycopg.OperationalError as error:
            self.close()
            raise BrokerUnavailable(
                f"The database of the queues does not answer ({type(error).__name__}). Check"
                " SUREFIELD_BROKER_URL and SUREFIELD_DATABASE_URL, and that it runs."
            ) from error
        except psycopg.errors.InsufficientPrivilege as error:
            raise BrokerUnavailable(
                f"A queue may not be read or made ({error.diag.message_primary}). Run: surefield"
                " roles"
            ) from error
