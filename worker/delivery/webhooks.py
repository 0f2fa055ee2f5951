"""Webhooks: made, listed, rotated, switched off and on, replayed."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from uuid import UUID

from sqlalchemy import ScalarSelect, func, null, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import undefer

from extractors.errors import SurefieldError
from worker.db import Tx
from worker.delivery.signing import new_secret
from worker.delivery.tables import Delivery, DeliveryState, Kind, Webhook, WebhookState
from worker.egress.addresses import InvalidAddress, target_of
from worker.errors import NotFound
from worker.store import installation, security
from worker.tables.security import SecurityKind

OVERLAP = timedelta(hours=24)  # an old secret still signs for so long
MOST = 20  # of one upstream


class InvalidWebhook(SurefieldError):
    """The webhook cannot be made or changed like this."""

    code = "invalid_webhook"


REPLAY = text("""
INSERT INTO deliveries (webhook_id, event_id, document_id)
SELECT w.id, e.id, e.document_id FROM webhooks AS w
JOIN events AS e ON e.upstream = w.upstream AND (w.kinds IS NULL OR e.kind = ANY(w.kinds))
WHERE w.id = :id AND e.at >= :since
ON CONFLICT (webhook_id, event_id) DO UPDATE SET state = 'waiting', attempts = 0, since = now(),
    next_at = now(), lease_until = NULL, delivered_at = NULL
RETURNING id
""")


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookRow:
    """One webhook, and how its deliveries fare."""

    webhook_id: UUID
    upstream: str
    url: str
    kinds: list[str] | None  # None: all
    with_values: bool
    state: WebhookState
    disabled_because: str | None
    made_by: str
    made_at: datetime
    waiting: int
    given_up: int
    last_delivered_at: datetime | None
    last_error: str | None  # of what waits
    trial_wanted_at: datetime | None  # a test message is to be sent
    tried_at: datetime | None
    trial_status: int | None  # what its receiver said; None: nothing
    trial_error: str | None


def add(
    tx: Tx,
    upstream: str,
    url: str,
    *,
    by: str,
    kinds: Sequence[str] | None = None,
    with_values: bool = False,
) -> tuple[UUID, str]:
    """Tell this address of what becomes of the upstream's documents from now on.

    Returns its id and its secret, which is told this once: as Standard Webhooks spells it,
    ``whsec_`` and base64.

    Raises InvalidWebhook, KeyUnusable.
    """
    try:
        target_of(url)
    except InvalidAddress as error:
        raise InvalidWebhook(str(error)) from error
    if not 1 <= len(upstream) <= 100:
        raise InvalidWebhook("The name of the upstream has 1 to 100 characters.")
    if unknown := sorted(set(kinds or ()) - set(Kind)):
        raise InvalidWebhook(
            f"There is no event {', '.join(unknown)[:100]}. Choose from: {', '.join(Kind)}."
        )
    there = select(func.count()).where(Webhook.upstream == upstream)
    if tx.session.execute(there).scalar_one() >= MOST:
        raise InvalidWebhook(f"{upstream} has {MOST} webhooks. Remove one first.")
    secret = new_secret()
    made = insert(Webhook).values(
        upstream=upstream,
        url=url,
        secret=installation.seal(tx, secret),
        kinds=None if kinds is None else sorted(set(kinds)),
        with_values=with_values,
        made_by=by,
    )
    webhook_id = tx.session.execute(made.returning(Webhook.id)).scalar_one()
    security.note(tx, SecurityKind.WEBHOOK_MADE, webhook_id, upstream=upstream)
    return webhook_id, secret


def rows(tx: Tx, upstream: str | None = None) -> list[WebhookRow]:
    """All webhooks, or those of one upstream; the newest first."""
    of = Delivery.webhook_id == Webhook.id

    def count(state: DeliveryState) -> ScalarSelect[int]:
        return select(func.count()).where(of, Delivery.state == state).scalar_subquery()

    query = select(
        Webhook.id.label("webhook_id"),
        Webhook.upstream,
        Webhook.url,
        Webhook.kinds,
        Webhook.with_values,
        Webhook.state,
        Webhook.disabled_because,
        Webhook.made_by,
        Webhook.made_at,
        count(DeliveryState.WAITING).label("waiting"),
        count(DeliveryState.GIVEN_UP).label("given_up"),
        select(func.max(Delivery.delivered_at))
        .where(of)
        .scalar_subquery()
        .label("last_delivered_at"),
        select(Delivery.last_error)
        .where(of, Delivery.state != DeliveryState.DELIVERED, Delivery.last_error.is_not(None))
        .order_by(Delivery.next_at.desc())
        .limit(1)
        .scalar_subquery()
        .label("last_error"),
        Webhook.trial_wanted_at,
        Webhook.tried_at,
        Webhook.trial_status,
        Webhook.trial_error,
    ).order_by(Webhook.made_at.desc(), Webhook.id)
    if upstream is not None:
        query = query.where(Webhook.upstream == upstream)
    return [WebhookRow(**row._mapping) for row in tx.session.execute(query)]


def own(tx: Tx, webhook_id: UUID, upstream: str | None = None) -> Webhook:
    """The webhook, locked; another upstream's is not there.

    Raises NotFound.
    """
    query = select(Webhook).where(Webhook.id == webhook_id).with_for_update()
    if upstream is not None:
        query = query.where(Webhook.upstream == upstream)
    found = tx.session.execute(query).scalar_one_or_none()
    if found is None:
        raise NotFound(f"There is no webhook {webhook_id}. List them: surefield webhook list.")
    return found


def rotate(tx: Tx, webhook_id: UUID) -> str:
    """A new secret; the old one signs beside it for a day.

    The table keeps the old one itself: the web, which may rotate, may not read it.

    Raises KeyUnusable.
    """
    secret = new_secret()
    tx.session.execute(
        update(Webhook)
        .where(Webhook.id == webhook_id)
        .values(secret=installation.seal(tx, secret), old_secret_until=func.now() + OVERLAP)
    )
    security.note(tx, SecurityKind.WEBHOOK_ROTATED, webhook_id)
    return secret


def reseal(tx: Tx, key_file: Path) -> None:
    """All secrets are sealed for the installation's present key; they stay what they are.

    Raises KeyUnusable.
    """
    all_of_it = select(Webhook).options(undefer(Webhook.secret), undefer(Webhook.old_secret))
    for row in tx.session.execute(all_of_it.with_for_update()).scalars():
        row.secret = installation.resealed(tx, key_file, row.secret)
        if row.old_secret is not None:
            row.old_secret = installation.resealed(tx, key_file, row.old_secret)


def disable(tx: Tx, webhook_id: UUID, because: str) -> None:
    """Nothing is sent to it any more, and nothing that happens from now on waits for it."""
    tx.session.execute(
        update(Webhook)
        .where(Webhook.id == webhook_id)
        .values(state=WebhookState.DISABLED, disabled_because=because)
    )
    security.note(tx, SecurityKind.WEBHOOK_CHANGED, webhook_id, disabled=True)


def enable(tx: Tx, webhook_id: UUID) -> None:
    """It is told again; what waited goes on, and has three days from now."""
    tx.session.execute(
        update(Webhook)
        .where(Webhook.id == webhook_id)
        .values(state=WebhookState.ENABLED, disabled_because=null())
    )
    security.note(tx, SecurityKind.WEBHOOK_CHANGED, webhook_id, disabled=False)
    tx.session.execute(
        update(Delivery)
        .where(Delivery.webhook_id == webhook_id, Delivery.state == DeliveryState.WAITING)
        .values(since=func.now(), next_at=func.now(), attempts=0)
    )


def remove(tx: Tx, webhook_id: UUID) -> None:
    """Forget it, and what waits for it."""
    tx.session.delete(own(tx, webhook_id))
    security.note(tx, SecurityKind.WEBHOOK_REMOVED, webhook_id)


def replay(tx: Tx, webhook_id: UUID, since: datetime) -> int:
    """Tell it once more what happened since then; returns how many events."""
    asked = {"id": webhook_id, "since": since}
    return len(tx.session.execute(REPLAY, asked).all())
