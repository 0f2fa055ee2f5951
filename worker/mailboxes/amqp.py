"""RabbitMQ: quorum queues, whose messages outlive a server, and one place for those that were taken
too often.

A message is asked for (``basic.get``) and not pushed: so nothing is held that nobody works on, and
queues get their turns from whoever asks.
"""

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import amqp
import kombu
import structlog

from worker.embedded.broker import broker_options
from worker.mailboxes.names import EVENTS, part_of
from worker.mailboxes.types import TAKEN_MOST, BrokerUnavailable, Parcel

log = structlog.get_logger()
T = TypeVar("T")

DEAD = "surefield.dead"  # the exchange and the queue of what was taken too often
QUORUM: Mapping[str, Any] = {
    "x-queue-type": "quorum",
    "x-delivery-limit": TAKEN_MOST,
    "x-dead-letter-exchange": DEAD,
    "x-dead-letter-strategy": "at-least-once",  # which needs reject-publish
    "x-overflow": "reject-publish",
}
TIMEOUT_S = 10.0
OFTEN = TAKEN_MOST // 2  # times that a message was taken, from which on it goes back as a new one
COUNTS = ("x-delivery-count", "x-acquired-count")
PERSISTENT = 2


class AmqpMailbox:
    """One connection, made when it is needed and made anew after it broke."""

    dead: str | None = DEAD

    def __init__(self, url: str) -> None:
        self._url = url
        self._connection: kombu.Connection | None = None
        self._channel: Any = None
        self._other_kind: set[str] = set()  # queues that somebody had made before, of another kind

    def make(self, queue: str) -> None:
        """Make the queue, and where its dead letters go."""
        if queue in self._other_kind:
            return
        self._asked(self._make_dead)
        try:
            self._asked(lambda channel: _declare(channel, queue, QUORUM))
        except amqp.exceptions.PreconditionFailed as error:
            self._other_kind.add(queue)
            log.warning("queue_of_another_kind", queue=queue, said=str(error))

    def take(self, queue: str) -> Parcel | None:
        """Ask for the oldest message."""
        try:
            found = self._asked(lambda channel: channel.basic_get(queue))
        except amqp.exceptions.NotFound:
            return None
        if found is None:
            return None
        said = found.properties
        headers = said.get("application_headers") or {}
        return Parcel(
            queue=queue,
            body=_bytes(found.body),
            tag=(self._channel, found.delivery_tag, said),
            headers=headers,
            content_type=said.get("content_type"),
            content_encoding=said.get("content_encoding"),
            taken=_count(headers.get("x-delivery-count")) + 1,
        )

    def done(self, parcel: Parcel) -> None:
        """Acknowledge it; over a connection that broke since, it comes again."""
        self._settle(parcel, lambda channel, tag: channel.basic_ack(tag))

    def give_back(self, parcel: Parcel) -> None:
        """To its old place; one that went there often goes behind all others, as a new message.

        A quorum queue counts each return, and only takers that ended shall count.  The copy is
        there before the first one goes: whoever ends between the two leaves it twice, under one
        key.
        """
        if parcel.taken < OFTEN:
            self._settle(parcel, lambda channel, tag: channel.basic_reject(tag, requeue=True))
            return

        def renew(channel: Any, tag: Any) -> None:
            headers = {name: one for name, one in parcel.headers.items() if name not in COUNTS}
            said = {**parcel.tag[2], "application_headers": headers, "delivery_mode": PERSISTENT}
            message = amqp.Message(parcel.body, channel=channel, **said)
            channel.basic_publish_confirm(message, routing_key=parcel.queue, mandatory=True)
            channel.basic_ack(tag)

        self._settle(parcel, renew)

    def put(self, queue: str, body: bytes) -> None:
        """Publish, and wait until the broker has it."""

        def publish(channel: Any) -> None:
            message = amqp.Message(
                body, content_type="application/json", delivery_mode=PERSISTENT, channel=channel
            )
            channel.basic_publish_confirm(message, routing_key=queue, mandatory=True)

        self._asked(publish)

    def tell(self, upstream: str, body: bytes) -> None:
        """Over a topic exchange, under the upstream's name: whoever binds a queue gets it."""

        def publish(channel: Any) -> None:
            channel.exchange_declare(EVENTS, "topic", durable=True, auto_delete=False)
            message = amqp.Message(
                body, content_type="application/json", delivery_mode=PERSISTENT, channel=channel
            )
            channel.basic_publish_confirm(message, exchange=EVENTS, routing_key=part_of(upstream))

        self._asked(publish)

    def waiting(self, queue: str) -> int | None:
        """As the broker counts."""
        try:
            found = self._asked(lambda channel: channel.queue_declare(queue, passive=True))
        except amqp.exceptions.NotFound:
            return None
        return int(found.message_count)

    def lacks(self) -> list[str]:
        """Queues that ``make`` found there, of a kind that is lost with its server."""
        return [
            f"the queue {queue} is no quorum queue: when it is empty, delete it (rabbitmqctl"
            f" delete_queue {queue}), and it is made anew"
            for queue in sorted(self._other_kind)
        ]

    def close(self) -> None:
        """What was not settled comes again."""
        connection, self._connection, self._channel = self._connection, None, None
        if connection is not None:
            try:
                connection.release()
            except OSError:
                pass

    def _make_dead(self, channel: Any) -> None:
        channel.exchange_declare(DEAD, "fanout", durable=True, auto_delete=False)
        _declare(channel, DEAD, {"x-queue-type": "quorum"})
        channel.queue_bind(DEAD, DEAD)

    def _settle(self, parcel: Parcel, settle: Callable[[Any, Any], None]) -> None:
        channel, tag, _ = parcel.tag
        if channel is not self._channel or channel is None:
            raise BrokerUnavailable("The connection to the broker broke: the message comes again.")
        self._asked(lambda _: settle(channel, tag))

    def _asked(self, work: Callable[[Any], T]) -> T:
        """Do it over the connection; raises what the broker answers, and BrokerUnavailable when it
        does not.
        """
        try:
            if self._channel is None:
                self._channel = self._connect()
            return work(self._channel)
        except (amqp.exceptions.PreconditionFailed, amqp.exceptions.NotFound):
            self._channel = None  # the broker has closed it
            raise
        except (OSError, amqp.exceptions.AMQPError) as error:
            self.close()
            raise BrokerUnavailable(
                f"The broker does not answer ({type(error).__name__}). Check"
                " SUREFIELD_BROKER_URL, and that it runs."
            ) from error

    def _connect(self) -> Any:
        if self._connection is None or not self._connection.connected:
            options = broker_options(self._url)["broker_transport_options"]
            wait = {"read_timeout": TIMEOUT_S, "write_timeout": TIMEOUT_S}
            self._connection = kombu.Connection(
                self._url, connect_timeout=TIMEOUT_S, transport_options={**options, **wait}
            )
            self._connection.connect()
        return self._connection.channel()


def _declare(channel: Any, queue: str, arguments: Mapping[str, Any]) -> None:
    channel.queue_declare(queue, durable=True, auto_delete=False, arguments=dict(arguments))


def _bytes(body: Any) -> bytes:
    return body.encode("utf-8", "surrogateescape") if isinstance(body, str) else bytes(body)


def _count(said: Any) -> int:
    return said if isinstance(said, int) and said >= 0 else 0
