"""Events that upstream systems learn of, who is told by webhook, and each telling."""

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ForeignKey,
    Identity,
    Index,
    SmallInteger,
    Text,
    UniqueConstraint,
    func,
)
from sqlalchemy import text as sql
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from worker.tables.base import Base, Xid8, belongs_to, closed, new_id, one_of
from worker.tables.documents import Status


class Kind(StrEnum):
    """What an event says of a document; outside it is called ``document.accepted``."""

    ACCEPTED = "accepted"  # all of it, without a person
    IN_REVIEW = "in_review"  # a person is asked
    NEEDS_INPUT = "needs_input"  # the sender is asked; again with the code "reminder"
    COMPLETED = "completed"  # a person decided the last of it
    CORRECTED = "corrected"  # after it was accepted or completed
    REJECTED = "rejected"  # a person says: not ours, illegible, or a duplicate
    SPLIT = "split"  # several documents in one file
    FAILED = "failed"


class WebhookState(StrEnum):
    """Whether a webhook is told."""

    ENABLED = "enabled"
    DISABLED = "disabled"


class DeliveryState(StrEnum):
    """What became of one telling."""

    WAITING = "waiting"
    DELIVERED = "delivered"
    GIVEN_UP = "given_up"  # three days long nobody took it


class Event(Base):
    """One thing that an upstream may learn; its id is its place in the order of all."""

    __tablename__ = "events"
    __table_args__ = (
        UniqueConstraint("document_event_id"),
        one_of("kind", Kind),
        one_of("status", Status),
        Index("events_upstream_idx", "upstream", "id"),
        Index("events_document_id_idx", "document_id"),
    )

    # given by one publisher at a time: whoever read up to one has seen all before it
    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    document_event_id: Mapped[int] = mapped_column(BigInteger)
    document_id: Mapped[UUID] = belongs_to("documents.id")
    upstream: Mapped[str]
    key: Mapped[str]  # under which it was sent
    kind: Mapped[Kind] = mapped_column(closed(Kind))
    status: Mapped[Status] = mapped_column(closed(Status))
    code: Mapped[str | None]  # of why it failed or was rejected
    document_type: Mapped[str]
    generation: Mapped[int] = mapped_column(SmallInteger)
    at: Mapped[datetime]  # when it happened


class EventRelay(Base):
    """Up to which transaction moves of documents became events: one row."""

    __tablename__ = "event_relay"
    __table_args__ = (CheckConstraint("id = 1", name="one_row"),)

    id: Mapped[int] = mapped_column(SmallInteger, primary_key=True, server_default="1")
    published: Mapped[Any] = mapped_column(Xid8(), server_default=sql("'0'"))
    # the event that was told over the broker last; NULL: none ever was
    told: Mapped[int | None] = mapped_column(BigInteger)


class Webhook(Base):
    """An address that one upstream is told at."""

    __tablename__ = "webhooks"
    __table_args__ = (
        one_of("state", WebhookState),
        CheckConstraint("length(url) BETWEEN 1 AND 2000", name="url"),
        CheckConstraint("length(upstream) BETWEEN 1 AND 100", name="upstream"),
        CheckConstraint("(old_secret IS NULL) = (old_secret_until IS NULL)", name="old_secret"),
        Index("webhooks_upstream_idx", "upstream"),
    )

    id: Mapped[UUID] = new_id()
    upstream: Mapped[str]
    url: Mapped[str]
    # signs; sealed for the installation's key.  Read only where it is asked for: the web may not.
    secret: Mapped[bytes] = mapped_column(deferred=True)
    # signs beside it for a while after a rotation; a trigger keeps it
    old_secret: Mapped[bytes | None] = mapped_column(deferred=True)
    old_secret_until: Mapped[datetime | None]
    kinds: Mapped[list[str] | None] = mapped_column(ARRAY(Text()))  # NULL: all
    with_values: Mapped[bool] = mapped_column(server_default=sql("false"))  # of fields
    state: Mapped[WebhookState] = mapped_column(
        closed(WebhookState), server_default=WebhookState.ENABLED
    )
    disabled_because: Mapped[str | None]
    trial_wanted_at: Mapped[datetime | None]  # the deliverer sends a test message
    tried_at: Mapped[datetime | None]  # and keeps what came back
    trial_status: Mapped[int | None] = mapped_column(SmallInteger)  # of HTTP
    trial_error: Mapped[str | None]
    made_by: Mapped[str]
    made_at: Mapped[datetime] = mapped_column(server_default=func.now())


class Delivery(Base):
    """One event on its way to one webhook."""

    __tablename__ = "deliveries"
    __table_args__ = (
        UniqueConstraint("webhook_id", "event_id"),
        one_of("state", DeliveryState),
        CheckConstraint("(state = 'delivered') = (delivered_at IS NOT NULL)", name="delivered"),
        CheckConstraint("attempts >= 0", name="attempts"),
        Index(
            "deliveries_waiting_idx",
            "webhook_id",
            "next_at",
            "event_id",
            postgresql_where=sql("state = 'waiting'"),
        ),
        Index(
            "deliveries_document_id_idx",
            "document_id",
            "webhook_id",
            "event_id",
            postgresql_where=sql("state = 'waiting'"),
        ),
        Index("deliveries_event_id_idx", "event_id"),
    )

    id: Mapped[UUID] = new_id()
    webhook_id: Mapped[UUID] = belongs_to("webhooks.id")
    event_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("events.id", ondelete="CASCADE"))
    document_id: Mapped[UUID]  # of the event: of one document, one after the other
    state: Mapped[DeliveryState] = mapped_column(
        closed(DeliveryState), server_default=DeliveryState.WAITING
    )
    attempts: Mapped[int] = mapped_column(SmallInteger, server_default="0")
    since: Mapped[datetime] = mapped_column(server_default=func.now())  # it waits, or waits again
    next_at: Mapped[datetime] = mapped_column(server_default=func.now())
    lease_until: Mapped[datetime | None]
    last_status: Mapped[int | None] = mapped_column(SmallInteger)  # of HTTP; NULL: no answer
    last_error: Mapped[str | None]
    delivered_at: Mapped[datetime | None]
