"""Events on their way to webhooks: each at least once, in order per document, for three days.

A delivery is held by a lease while it is sent, so that a killed process costs time and no event.
One receiver takes a few of the threads at most, and so holds nobody else up.
"""

import random
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import structlog
from sqlalchemy import case, func, null, select, text, update

from worker.db import Tx
from worker.delivery import events, webhooks
from worker.delivery.asked import asked_in
from worker.delivery.events import Told
from worker.delivery.sending import Answer, body_of, send
from worker.delivery.signing import headers
from worker.delivery.tables import Delivery, DeliveryState, Webhook
from worker.egress.addresses import Network, Resolve, resolve
from worker.sealing import SealedForAnother
from worker.store import installation
from worker.tables.documents import Document
from worker.tables.results import Result

log = structlog.get_logger()

AT_ONCE_EACH = 3  # messages on their way to one webhook
LEASE = timedelta(seconds=30)  # twice as long as a message may take
FOR = timedelta(hours=72)
# after each attempt, in seconds; the last one again and again
PAUSES = (5, 30, 120, 600, 1_800, 3_600, 7_200, 14_400)
JITTER = 0.2  # of a pause, up and down
LONGEST_RETRY_AFTER_S = 86_400
GONE = 410
NO_SECRET = (
    "its secret was sealed for a key that is lost; make it a new one: surefield webhook rotate"
)

# The next delivery of a webhook that has room: none of its document waits before it.
CLAIM = text("""
UPDATE deliveries SET lease_until = now() + :lease, attempts = attempts + 1
WHERE id = (
    SELECT next.id FROM webhooks AS w
    CROSS JOIN LATERAL (
        SELECT d.id, d.next_at, d.event_id FROM deliveries AS d
        WHERE d.webhook_id = w.id AND d.state = 'waiting' AND d.next_at <= now()
            AND (d.lease_until IS NULL OR d.lease_until < now())
            AND NOT EXISTS (
                SELECT FROM deliveries AS before
                WHERE before.document_id = d.document_id AND before.webhook_id = d.webhook_id
                    AND before.state = 'waiting' AND before.event_id < d.event_id
            )
        ORDER BY d.next_at, d.event_id LIMIT 1
    ) AS next
    WHERE w.state = 'enabled' AND (
        SELECT count(*) FROM deliveries AS held
        WHERE held.webhook_id = w.id AND held.state = 'waiting' AND held.lease_until > now()
    ) < :each
    ORDER BY next.next_at, next.event_id LIMIT 1
) AND state = 'waiting' AND (lease_until IS NULL OR lease_until < now())
RETURNING id
""")


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One event for one webhook."""

    delivery_id: UUID
    webhook_id: UUID
    url: str
    secrets: tuple[str, ...]  # none: they were sealed for a key that is lost
    attempts: int  # with this one
    told: Told
    values: list[dict[str, Any]] | None  # of fields, where the webhook wants them
    asked: Mapping[str, Any] = field(default_factory=dict, repr=False)  # questions, with links

    @property
    def message_id(self) -> str:
        """The same at each attempt: by it a receiver knows that it had it before."""
        return f"msg_{self.delivery_id.hex}"


def claim(tx: Tx, key_file: Path, *, web_url: str = "") -> Message | None:
    """The next message, ours until the lease ends; None when none is due.

    web_url: where links lead to

    Raises KeyUnusable.
    """
    asked = {"lease": LEASE, "each": AT_ONCE_EACH}
    claimed = tx.session.execute(CLAIM, asked).scalar_one_or_none()
    if claimed is None:
        return None
    row = tx.session.execute(
        select(
            Webhook.id.label("webhook_id"),
            Webhook.url,
            Webhook.secret,
            Webhook.old_secret,
            (Webhook.old_secret_until > func.now()).label("old_signs"),
            Webhook.with_values,
            Delivery.event_id,
            Delivery.attempts,
        )
        .join(Delivery, Delivery.webhook_id == Webhook.id)
        .where(Delivery.id == claimed)
    ).one()
    sealed = (row.secret, row.old_secret) if row.old_signs else (row.secret,)
    (told,) = events.since(tx, after=row.event_id - 1, limit=1)
    return Message(
        delivery_id=claimed,
        webhook_id=row.webhook_id,
        url=row.url,
        secrets=secrets_of(tx, sealed, key_file),
        attempts=row.attempts,
        told=told,
        values=_values(tx, told.document_id) if row.with_values else None,
        asked=asked_in(tx, told, key_file=key_file, web_url=web_url),
    )


def secrets_of(tx: Tx, sealed: Sequence[bytes], key_file: Path) -> tuple[str, ...]:
    """What signs; what was sealed for a key that is lost is left out.

    Raises KeyUnusable.
    """
    found = []
    for one in sealed:
        with suppress(SealedForAnother):
            found.append(installation.opened(tx, key_file, one))
    return tuple(found)


def deliver(message: Message, *, allowed: Sequence[Network], ask: Resolve = resolve) -> Answer:
    """Send it once."""
    said = message.told.as_json()
    said["data"] |= message.asked
    if message.values is not None:
        said["data"]["fields"] = message.values
    return post(message.url, said, message.message_id, message.secrets, allowed=allowed, ask=ask)


def post(
    url: str,
    said: Mapping[str, Any],
    message_id: str,
    secrets: Sequence[str],
    *,
    allowed: Sequence[Network],
    ask: Resolve = resolve,
) -> Answer:
    """Sign a body and send it."""
    if not secrets:
        return Answer(status=None, error=NO_SECRET)
    body = body_of(said)
    signed = headers(message_id, int(time.time()), body, secrets)
    return send(url, body, signed, allowed=allowed, ask=ask)


def settle(tx: Tx, message: Message, answer: Answer) -> None:
    """Keep what the receiver said; a message that nobody took waits longer each time."""
    mine = (Delivery.id == message.delivery_id, Delivery.attempts == message.attempts)
    if answer.took:
        tx.session.execute(
            update(Delivery)
            .where(*mine, Delivery.state == DeliveryState.WAITING)
            .values(
                state=DeliveryState.DELIVERED,
                delivered_at=func.now(),
                lease_until=null(),
                last_status=answer.status,
                last_error=null(),
            )
        )
        return
    error = answer.error or f"HTTP {answer.status}"
    pause = timedelta(seconds=pause_after(message.attempts, answer))
    tx.session.execute(
        update(Delivery)
        .where(*mine, Delivery.state == DeliveryState.WAITING)
        .values(
            state=case(
                (Delivery.since < func.now() - FOR, DeliveryState.GIVEN_UP),
                else_=DeliveryState.WAITING,
            ),
            next_at=func.now() + pause,
            lease_until=null(),
            last_status=answer.status,
            last_error=error,
        )
    )
    if answer.status == GONE:
        webhooks.disable(tx, message.webhook_id, "the receiver said 410 Gone")
    log.warning("webhook_not_taken", webhook=str(message.webhook_id), error=error)


def pause_after(attempts: int, answer: Answer, *, chance: float | None = None) -> float:
    """Seconds until the next attempt.

    chance: 0 to 1, of the jitter; without it, drawn
    """
    if answer.retry_after is not None and answer.status in (429, 503):
        return float(min(answer.retry_after, LONGEST_RETRY_AFTER_S))
    drawn = random.random() if chance is None else chance
    usual = PAUSES[min(attempts, len(PAUSES)) - 1]
    return usual * (1 + JITTER * (2 * drawn - 1))


def _values(tx: Tx, document_id: UUID) -> list[dict[str, Any]]:
    """What the document says now: each field of the answer that counts."""
    rows = tx.session.execute(
        select(
            Result.name,
            Result.ordinal,
            Result.state,
            Result.text,
            Result.value,
            Result.currency,
            Result.score,
            Result.decision,
        )
        .join(Document, Document.id == Result.document_id)
        .where(
            Result.document_id == document_id,
            Result.generation == Document.generation,
            Result.removed_at.is_(None),
        )
        .order_by(Result.position, Result.ordinal)
    )
    return [
        {
            "field": row.name,
            "ordinal": row.ordinal,
            "state": row.state,
            "text": row.text,
            "value": row.value,
            "currency": row.currency,
            "confidence": row.score,
            "decision": row.decision,
        }
        for row in rows
    ]
