"""Queues of messages from outside, one message at a time: RabbitMQ, Redis, or the database."""

from collections.abc import Callable, Mapping
from urllib.parse import urlsplit

from extractors.errors import MissingExtra
from extractors.registry import missing
from worker.errors import InvalidSetting
from worker.mailboxes.types import Mailbox


def _amqp(url: str) -> Mailbox:
    from worker.mailboxes.amqp import AmqpMailbox  # here: only who has such a broker needs it

    return AmqpMailbox(url)


def _redis(url: str) -> Mailbox:
    if missing("redis"):
        raise MissingExtra("redis", "The broker at redis:// needs redis")
    from worker.mailboxes.redis import RedisMailbox

    return RedisMailbox(url)


def _pgmq(url: str) -> Mailbox:
    from worker.mailboxes.pgmq import PgmqMailbox

    return PgmqMailbox(url)


BY_SCHEME: Mapping[str, Callable[[str], Mailbox]] = {
    "postgresql": _pgmq,
    "postgres": _pgmq,
    "redis": _redis,
    "rediss": _redis,
    "amqp": _amqp,
    "amqps": _amqp,
}


def open_mailbox(url: str) -> Mailbox:
    """The mailbox at a broker's URL; nothing connects before its first use.

    Raises InvalidSetting, MissingExtra.
    """
    scheme = urlsplit(url).scheme.split("+", 1)[0]
    if scheme not in BY_SCHEME:
        raise InvalidSetting(
            f"SUREFIELD_BROKER_URL begins with {scheme!r}. Use one of"
            f" {', '.join(f'{name}://' for name in BY_SCHEME)}."
        )
    return BY_SCHEME[scheme](url)
