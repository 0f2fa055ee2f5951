"""How large a run is: how many documents, and how long each thing is away."""

import os
from dataclasses import dataclass
from datetime import timedelta

KINDS = ("queue", "raw", "http", "library")  # clients: each is an upstream of its own
BROKERS = ("pgmq", "redis", "rabbitmq")
DELIVERY_LIMIT = 5  # of RabbitMQ's queues in a run; Surefield itself asks for 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """One run on one broker; times in seconds."""

    documents: int  # of all clients together
    burst: int  # documents that measure the throughput before the faults
    lasts_s: float  # over which the documents are sent, and faults begin
    postgres_away_s: tuple[float, float]
    connections_used_up_s: float
    blobs_wrong_s: float
    model_away_s: float
    receiver_away_s: float
    receiver_wrong_s: float
    between_receivers_s: float
    met_within_s: float  # until a message has met a receiver that is wrong
    between_kills_s: tuple[float, float]
    webhooks_within_s: float  # after the last document rests: their pauses grow to minutes
    lease: timedelta
    patience: timedelta
    sweep_every: timedelta


FULL = Plan(
    documents=1_000,
    burst=60,
    lasts_s=240.0,
    postgres_away_s=(10.0, 60.0),
    connections_used_up_s=15.0,
    blobs_wrong_s=10.0,
    model_away_s=120.0,
    receiver_away_s=90.0,
    receiver_wrong_s=20.0,
    between_receivers_s=10.0,
    met_within_s=195.0,  # the model may be away, and a killed deliverer holds one for 30
    between_kills_s=(2.0, 8.0),
    webhooks_within_s=800.0,
    lease=timedelta(seconds=20),
    patience=timedelta(seconds=10),
    sweep_every=timedelta(seconds=5),
)
SHORT = Plan(
    documents=100,
    burst=16,
    lasts_s=32.0,
    postgres_away_s=(2.0, 4.0),
    connections_used_up_s=3.0,
    blobs_wrong_s=3.0,
    model_away_s=6.0,
    receiver_away_s=4.0,
    receiver_wrong_s=3.0,
    between_receivers_s=2.0,
    met_within_s=20.0,
    between_kills_s=(2.0, 5.0),
    webhooks_within_s=100.0,  # a killed deliverer holds a message for 30
    lease=timedelta(seconds=5),
    patience=timedelta(seconds=3),
    sweep_every=timedelta(seconds=1),
)
WITHIN_S = 60.0  # all at rest after the last fault, beside the time that the work itself takes


def plan() -> Plan:
    """``SHORT=1`` chooses the short one."""
    return SHORT if os.environ.get("SHORT") else FULL
