"""Celery's messages in tables of Postgres: kombu's ``pgmq`` transport with three changes, each for
a measured reason.

1. *No DDL where the queue exists.* Kombu creates every queue and its trigger anew in every process
that publishes, and those statements
   wait for the readers of the table: 2-8 s for a first publish beside an idle worker. Here one
   query looks first.
2. *The drain comes back in time.* Celery acknowledges only between two drains, which kombu lets
last 2 s: at prefetch 1, a worker did
   1.1 tasks a second. Here a drain lasts 20 ms while messages are unacknowledged, asks the database
   only when there can be news
   (a notification, a message just found, or the polling interval), and costs next to nothing
   otherwise.
3. *Names and fan-out that the SQL accepts.* Queue names are cut to pgmq's 47 characters with a
digest, and ``send_topic`` always gets
   its delay, since no overload without it takes headers.

And three for safety. The connection is made from the whole address: pgmq rebuilds it from five
parts, unquoted; ``sslmode`` would be lost. A message that was read too often is put aside: it has
killed its workers, and would do so for ever. And an acknowledgement that fails gives up its place
in the prefetch window: kombu keeps it, so that a worker whose database was killed has no room and
asks no more.

Written against kombu 5.7.0 and pgmq 1.1.4, which are pinned.
"""

import hashlib
import json
import logging
import time
from collections.abc import Callable
from functools import partial
from queue import Empty
from typing import Any

import psycopg
from kombu.transport import pgmq
from pgmq import PGMQueue
from psycopg import sql
from psycopg_pool import ConnectionPool

from worker.embedded.envelopes import enveloped, is_envelope
from worker.embedded.queues import create_missing, exists

log = logging.getLogger(__name__)

# after a killed worker, or when its task runs longer than the visibility timeout, a message is read
# once more
READS_MAX = 20
NAME_MAX = 47  # characters that pgmq leaves for a queue's own name
BUSY_TICK_S = 0.02  # how late an acknowledgement may be
IDLE_TICK_S = 0.25  # how late a shutdown may be noticed; a notification ends it at once


class Channel(pgmq.Channel):  # type: ignore[misc]  # kombu has no types
    """One channel; queues are made once and names always fit."""

    def entity_name(self, name: str, table: dict[int, int] = pgmq.CHARS_REPLACE_TABLE) -> str:
        """The queue's name as pgmq takes it."""
        entity: str = super().entity_name(name, table)
        if len(entity) <= NAME_MAX:
            return entity
        return f"{entity[: NAME_MAX - 13]}_{hashlib.sha256(entity.encode()).hexdigest()[:12]}"

    def _receive_messages(self, queue: str, *args: Any, **options: Any) -> list[Any]:
        messages: list[Any] = super()._receive_messages(queue, *args, **options)
        kept = []
        for message in messages:
            if message.read_ct > READS_MAX:
                self._archive(queue, message, f"was read {READS_MAX} times")
                continue
            if not is_envelope(message.message):
                body = json.dumps(message.message, separators=(",", ":")).encode()
                message.message = enveloped(body, queue)
            kept.append(message)
        return kept

    def _archive(self, queue: str, message: Any, why: str) -> None:
        name = self._queue_name(queue)
        self.pgmq.archive(name, message.msg_id)
        log.error("message %s %s and is now in pgmq.a_%s", message.msg_id, why, name)

    def basic_ack(self, delivery_tag: str, multiple: bool = False) -> None:
        """Delete the message; if the database is away, it will come again."""
        self._settle(delivery_tag, partial(super().basic_ack, delivery_tag, multiple=multiple))

    def basic_reject(self, delivery_tag: str, requeue: bool = False) -> None:
        """Delete the message or give it back; if the database is away, it will come again.

        One that is given back was read without harm: only readings that ended a worker count.
        """
        if requeue:
            self._settle(delivery_tag, partial(self._uncount, delivery_tag))
        self._settle(delivery_tag, partial(super().basic_reject, delivery_tag, requeue=requeue))

    def _uncount(self, delivery_tag: str) -> None:
        info = self.qos.get(delivery_tag).delivery_info
        name, number = info.get("pgmq_queue"), info.get("pgmq_msg_id")
        if name is None or number is None:
            return
        table = sql.Identifier("pgmq", f"q_{name}")
        count = sql.SQL("UPDATE {} SET read_ct = greatest(read_ct - 1, 0) WHERE msg_id = %s")
        with self.pgmq.pool.connection() as connection:
            connection.execute(count.format(table), [number])

    def _settle(self, delivery_tag: str, tell: Callable[[], None]) -> None:
        """Tell the database, once more over a fresh connection, and go on without it."""
        try:
            tell()
        except psycopg.OperationalError:
            try:
                self.pgmq.pool.check()  # a killed server leaves broken connections behind
                tell()
            except psycopg.OperationalError as error:
                log.warning(
                    "a message could not be settled (%s) and will come again", type(error).__name__
                )
                self.qos.ack(delivery_tag)

    def _new_queue(self, queue: str, **_: Any) -> None:
        name = self._queue_name(queue)
        if name not in self.connection.known_queues:
            with self.pgmq.pool.connection() as connection:
                create_missing(connection, [name])
            self.connection.known_queues.add(name)

    def _maybe_enable_notify(self, queue: str, queue_name: str | None = None) -> None:
        self.connection._register_notify_queue(queue_name or self._queue_name(queue))

    def _has_queue(self, queue: str, **_: Any) -> bool:
        name = self._queue_name(queue)
        if name in self.connection.known_queues:
            return True
        with self.pgmq.pool.connection() as connection:
            return exists(connection, name)

    def _delete(self, queue: str, *args: Any, **kwargs: Any) -> None:
        self.connection.known_queues.discard(self._queue_name(queue))
        super()._delete(queue, *args, **kwargs)

    def _pgmq_send_kwargs(self, message: dict[str, Any]) -> dict[str, Any]:
        return {"headers": {}, "delay": 0, **super()._pgmq_send_kwargs(message)}


class Transport(pgmq.Transport):  # type: ignore[misc]
    """One connection to the queues of one database."""

    Channel = Channel
    polling_interval = 1.0  # seconds; for delayed and abandoned messages, which nobody announces

    def __init__(self, client: Any, **kwargs: Any) -> None:
        super().__init__(client, **kwargs)
        self.known_queues: set[str] = set()
        self._next_poll = 0.0
        self._notify_waiter: Any = None
        self._answered = float("-inf")

    def _create_pgmq_client(self) -> PGMQueue:
        options = self.client.transport_options
        pool = ConnectionPool(
            options["conn_string"],
            min_size=1,
            max_size=options["pool_size"],
            timeout=options["pool_timeout"],
            open=True,
        )
        client = PGMQueue(
            conn_string=options["conn_string"],
            pool=pool,
            vt=options["visibility_timeout"],
            init_extension=False,
        )
        client._own_pool = True  # close it with the client
        return client

    def establish_connection(self) -> Any:
        """Connect, and install pgmq where it is missing: kombu's look at its tables would fail
        there.
        """
        with self._get_pgmq_client().pool.connection() as connection:
            create_missing(connection, [])
        return super(pgmq.Transport, self).establish_connection()

    def verify_connection(self, connection: Any) -> bool:
        """Whether the database answers.

        Kombu asks before every drain, so an answer of the last moments counts.
        """
        if time.monotonic() - self._answered > 2 * self.polling_interval:
            try:
                self._get_pgmq_client()._execute("select 1")
                self._answered = time.monotonic()
            except psycopg.Error:
                return False
        return True

    def _get_notify_waiter(self) -> Any:
        if self._notify_waiter is None:
            self._notify_waiter = pgmq._NotifyWaiter(self.client.transport_options["conn_string"])
        return self._notify_waiter

    def drain_events(self, connection: Any, timeout: float | None = None) -> None:
        """Deliver what has arrived, or raise TimeoutError after one tick, however long the caller
        would wait.
        """
        busy = any(
            len(channel.qos._delivered) > len(channel.qos._dirty) for channel in self.channels
        )
        tick = BUSY_TICK_S if busy else IDLE_TICK_S
        until = None if timeout is None else time.monotonic() + min(timeout, tick)
        while True:
            if self._poll():
                return
            now = time.monotonic()
            if until is not None and now >= until:
                raise TimeoutError
            if self._get_notify_waiter().wait(tick if until is None else until - now):
                self._next_poll = 0.0

    def _poll(self) -> bool:
        """Ask the database if it can have news and a consumer has room; True when something was
        delivered.
        """
        room = any(channel._consumers and channel.qos.can_consume() for channel in self.channels)
        if not room or time.monotonic() < self._next_poll:
            # without room the news stays news: the next poll is due as soon as there is some
            return False
        try:
            self.cycle.get(self._deliver)
        except Empty:
            self._answered = time.monotonic()
            self._next_poll = self._answered + self.polling_interval
            return False
        self._next_poll = 0.0
        return True
