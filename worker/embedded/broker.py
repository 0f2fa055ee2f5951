"""Celery's settings for each kind of broker. The broker stays one setting: a URL."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any
from urllib.parse import urlsplit

from kombu.transport import TRANSPORT_ALIASES

from extractors.errors import MissingExtra
from extractors.registry import missing
from worker.embedded.queues import conninfo
from worker.errors import InvalidSetting

# imported only by who uses it
TRANSPORT_ALIASES["pgmqx"] = "worker.embedded.pgmq_transport:Transport"
for _scheme in ("redis", "rediss"):
    TRANSPORT_ALIASES[_scheme] = "worker.embedded.redis_transport:Transport"

# a killed worker's messages come back; a copy of one that still runs finds its claim taken and
# returns
REDELIVER_AFTER_S = 60

EVERY_BROKER: Mapping[str, Any] = {
    "task_serializer": "json",
    "accept_content": ["json"],
    "task_ignore_result": True,  # the rows are the result
    "task_acks_late": True,
    "task_reject_on_worker_lost": True,
    "task_publish_retry_policy": {
        "max_retries": 3,
        "interval_start": 0.0,
        "interval_step": 0.5,
        "interval_max": 1.0,
    },
    "broker_connection_retry_on_startup": True,
    "broker_connection_max_retries": None,  # a broker that is away for an hour is no reason to stop
    "broker_connection_timeout": 4.0,
    # their work is guarded by claims, not by the message
    "worker_cancel_long_running_tasks_on_connection_loss": False,
    "worker_hijack_root_logger": False,
    "worker_send_task_events": False,
}
PGMQ: Mapping[str, Any] = {
    # Without an event loop, a prefork worker's processes take tasks from one pipe under one lock,
    # and an idle process waits with the lock held: kill -9 of it stops all the others for good.
    # RabbitMQ and Redis have the loop, and a pipe for each process.
    "worker_pool": "solo",
    "broker_url": "pgmqx://postgres",  # only a name: the address is conn_string
    # replies cannot be routed, and every worker would leave a queue behind
    "worker_enable_remote_control": False,
    "broker_transport_options": {
        "init_extension": False,
        "use_notify": True,
        "wait_time_seconds": 0,  # a long poll is a long transaction on the queue's table
        "pool_timeout": 5.0,  # seconds to wait for a connection when Postgres is away
        "pool_size": 4,
        "visibility_timeout": REDELIVER_AFTER_S,
    },
}
REDIS: Mapping[str, Any] = {
    "broker_transport_options": {
        "visibility_timeout": REDELIVER_AFTER_S,
        "unacked_restore_interval": 10,
        "unacked_restore_throttle": 1,  # with kombu's 10, a killed worker's messages took 91 s
        "socket_keepalive": True,
        "health_check_interval": 10,
    },
}
AMQP: Mapping[str, Any] = {
    # or a message that RabbitMQ never took counts as sent
    "broker_transport_options": {"confirm_publish": True},
    "broker_heartbeat": 10,
}


class Kind(StrEnum):
    """What a broker is."""

    PGMQ = "pgmq"  # the queue inside Postgres
    REDIS = "redis"
    AMQP = "amqp"  # RabbitMQ


OPTIONS: Mapping[Kind, Mapping[str, Any]] = {Kind.PGMQ: PGMQ, Kind.REDIS: REDIS, Kind.AMQP: AMQP}
BY_SCHEME: Mapping[str, Kind] = {
    "postgresql": Kind.PGMQ,
    "postgres": Kind.PGMQ,
    "redis": Kind.REDIS,
    "rediss": Kind.REDIS,
    "amqp": Kind.AMQP,
    "amqps": Kind.AMQP,
}
# For `celery worker`: no worker here needs to know the others, and what workers tell each other
# would fill queues.
WORKER_FLAGS = ("--without-gossip", "--without-mingle", "--without-heartbeat")


def kind_of(url: str) -> Kind:
    """What the broker at ``url`` is.

    Raises InvalidSetting for what is none, MissingExtra where its library is not installed.
    """
    scheme = urlsplit(url).scheme.split("+", 1)[0]
    if scheme not in BY_SCHEME:
        known = ", ".join(f"{name}://" for name in BY_SCHEME)
        raise InvalidSetting(
            f"SUREFIELD_BROKER_URL begins with {scheme!r}. Use one of {known}, or leave it out to"
            " keep the queue in Postgres."
        )
    kind = BY_SCHEME[scheme]
    if kind is Kind.REDIS and missing("redis"):
        raise MissingExtra("redis", "The broker at redis:// needs redis")
    return kind


def broker_options(url: str) -> dict[str, Any]:
    """Celery's settings for the broker at ``url``: RabbitMQ, Redis, or the database itself, by its
    SQLAlchemy URL.

    Raises InvalidSetting, MissingExtra.
    """
    kind = kind_of(url)
    options = {**EVERY_BROKER, "broker_url": url, **OPTIONS[kind]}
    if kind is Kind.PGMQ:
        options["broker_transport_options"] = {
            **PGMQ["broker_transport_options"],
            "conn_string": conninfo(url),
        }
    return options
