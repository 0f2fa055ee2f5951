"""What the sweeper asks: which leases ran out, and which documents should have moved by now."""

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from sqlalchemy import ColumnElement, and_, case, func, literal, null, or_, select, update

from worker.db import Tx
from worker.errors import TooManyAttempts
from worker.store import transitions
from worker.store.documents import abandoned, end, free, pause
from worker.store.types import MAX_ATTEMPTS
from worker.tables.documents import FINAL, Document, Status
from worker.tables.evidence import Page, PageStatus

STAGE = "sweep"


def due(tx: Tx, *, at: Sequence[Status], patience: timedelta, limit: int) -> int:
    """How many documents stand at these statuses for longer than ``patience`` and could be taken
    now; nobody counts further than ``limit``.
    """
    since = func.now() - patience
    found = (
        select(Document.id)
        .where(or_(*(and_(Document.status == each, _takeable(each)) for each in at)))
        .where(Document.updated_at < since)
        .limit(limit)
        .subquery()
    )
    return tx.session.execute(select(func.count()).select_from(found)).scalar_one()


def _takeable(at: Status) -> ColumnElement[bool]:
    if at is not Status.RENDERED:
        return free(Document.lease_until, Document.next_attempt_at)
    page = select(Page.id).where(
        Page.document_id == Document.id,
        Page.status == PageStatus.RENDERED,
        free(Page.lease_until, Page.next_attempt_at),
    )
    return page.exists()


def shorten_leases(tx: Tx, *, lease: timedelta) -> int:
    """No lease is longer than one from now: a clock that was wrong would hold a document for as
    long as it was wrong.  Returns how many were.
    """
    latest = func.now() + lease
    shortened = 0
    for table in (Document, Page):
        rows = tx.session.execute(
            update(table)
            .where(table.lease_until > latest)
            .values(lease_until=latest)
            .returning(table.id)
        )
        shortened += len(rows.all())
    return shortened


def expire_leases(
    tx: Tx, *, backoff: timedelta, max_attempts: int = MAX_ATTEMPTS, limit: int = 500
) -> list[UUID]:
    """Free what dead workers held, counting a failed attempt; end the documents that reached the
    cap. Returns those.

    A free document may be taken by the next wake-up at once; without one, ``due`` counts it.
    """
    ended = _expire_documents(tx, backoff, max_attempts, limit) + _expire_pages(
        tx, backoff, max_attempts, limit
    )
    if ended:
        attempts = (
            f"The work on this document was cut off {max_attempts} times: a worker was killed, or"
            " its machine went away."
        )
        advice = " Look at the workers' logs and memory, then: surefield retry."
        last = case(
            (
                Document.error_message.is_not(None),
                literal(" Last error: ") + Document.error_message,
            ),
            else_="",
        )
        end(
            tx,
            ended,
            error_code=TooManyAttempts.code,
            error_message=literal(attempts + advice) + last,
            by=transitions.SWEEPER,
            stage=STAGE,
        )
    return ended


def _expire_documents(tx: Tx, backoff: timedelta, max_attempts: int, limit: int) -> list[UUID]:
    expired = (
        select(Document.id)
        .where(Document.lease_until < func.now(), Document.status.not_in(FINAL))
        .limit(limit)
        .order_by(Document.id)
        .with_for_update(skip_locked=True)
    )
    rows = tx.session.execute(
        update(Document)
        .where(Document.id.in_(tx.session.execute(expired).scalars().all()))
        .values(
            failures=Document.failures + abandoned(Document.lease_until),
            lease_until=null(),
            next_attempt_at=pause(backoff, Document.failures),
        )
        .returning(Document.id, Document.failures)
    )
    return [row.id for row in rows if row.failures >= max_attempts]


def _expire_pages(tx: Tx, backoff: timedelta, max_attempts: int, limit: int) -> list[UUID]:
    """The pages' documents are locked first, in id order, as everybody does who writes both."""
    held = select(Page.document_id).where(
        Page.lease_until < func.now(), Page.status == PageStatus.RENDERED
    )
    documents: Sequence[UUID] = (
        tx.session.execute(
            select(Document.id)
            .where(Document.id.in_(held))
            .order_by(Document.id)
            .limit(limit)
            .with_for_update(skip_locked=True)
        )
        .scalars()
        .all()
    )
    rows = tx.session.execute(
        update(Page)
        .where(
            Page.document_id.in_(documents),
            Page.lease_until < func.now(),
            Page.status == PageStatus.RENDERED,
        )
        .values(
            failures=Page.failures + abandoned(Page.lease_until),
            lease_until=null(),
            next_attempt_at=pause(backoff, Page.failures),
        )
        .returning(Page.document_id, Page.failures)
    )
    return sorted({row.document_id for row in rows if row.failures >= max_attempts})
