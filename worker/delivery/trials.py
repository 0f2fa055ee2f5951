"""A webhook is tried: one message of the type ``webhook.test``, sent once and by the deliverer.

Whoever asks for it may be the web, which can read no secret.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID, uuid4

from sqlalchemy import func, null, select, update

from worker.db import Tx
from worker.delivery import deliver, webhooks
from worker.delivery.sending import Answer
from worker.delivery.tables import Webhook
from worker.egress.addresses import Network, Resolve, resolve

TYPE = "webhook.test"


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """One webhook that is to be tried."""

    webhook_id: UUID
    upstream: str
    url: str
    secrets: tuple[str, ...]

    def send(self, *, allowed: Sequence[Network], ask: Resolve = resolve) -> Answer:
        """Now, and once; also to a webhook that is disabled."""
        now = datetime.now(UTC).isoformat()
        said = {"type": TYPE, "timestamp": now, "data": {"upstream": self.upstream}}
        return deliver.post(
            self.url, said, f"msg_{uuid4().hex}", self.secrets, allowed=allowed, ask=ask
        )


def trial_of(tx: Tx, webhook_id: UUID, key_file: Path) -> Trial:
    """Raises NotFound, KeyUnusable."""
    one = webhooks.own(tx, webhook_id)
    return Trial(
        webhook_id=one.id,
        upstream=one.upstream,
        url=one.url,
        secrets=deliver.secrets_of(tx, (one.secret,), key_file),
    )


def want(tx: Tx, webhook_id: UUID) -> None:
    """Let the deliverer try it; what the last trial said is forgotten."""
    tx.session.execute(
        update(Webhook)
        .where(Webhook.id == webhook_id)
        .values(
            trial_wanted_at=func.now(), tried_at=null(), trial_status=null(), trial_error=null()
        )
    )


def claim(tx: Tx, key_file: Path) -> Trial | None:
    """The next one that is wanted, which nobody else gets then; None where there is none.

    Raises KeyUnusable.
    """
    wanted = select(Webhook.id).where(Webhook.trial_wanted_at.is_not(None))
    first = wanted.order_by(Webhook.trial_wanted_at).limit(1).with_for_update(skip_locked=True)
    found = tx.session.execute(first).scalar_one_or_none()
    if found is None:
        return None
    tx.session.execute(update(Webhook).where(Webhook.id == found).values(trial_wanted_at=null()))
    return trial_of(tx, found, key_file)


def settle(tx: Tx, trial: Trial, answer: Answer) -> None:
    """Keep what came back."""
    tx.session.execute(
        update(Webhook)
        .where(Webhook.id == trial.webhook_id)
        .values(tried_at=func.now(), trial_status=answer.status, trial_error=answer.error)
    )
