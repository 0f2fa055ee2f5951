"""Queues of messages from outside, one message at a time: RabbitMQ, Redis, or the database."""

from worker.embedded.broker import Kind, kind_of
from worker.mailboxes.types import Mailbox


def open_mailbox(url: str) -> Mailbox:
    """The mailbox at a broker's URL; nothing connects before its first use.

    Raises InvalidSetting, MissingExtra.
    """
    # each library is imported only by who has such a broker
    match kind_of(url):
        case Kind.PGMQ:
            from worker.mailboxes.pgmq import PgmqMailbox

            return PgmqMailbox(url)
        case Kind.REDIS:
            from worker.mailboxes.redis import RedisMailbox

            return RedisMailbox(url)
        case Kind.AMQP:
            from worker.mailboxes.amqp import AmqpMailbox

            return AmqpMailbox(url)
