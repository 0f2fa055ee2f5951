"""A document is answered once more: read again, or scored or routed again from what was read."""

from collections.abc import Collection
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, func, null, select, update
from sqlalchemy.orm import aliased

from worker.db import Tx
from worker.store import transitions
from worker.tables.documents import ANSWERED, Document, Status
from worker.tables.evidence import Page, PageStatus

HAS_PAGES = Document.page_count.is_not(None)  # all of them
HAS_NONE = Document.page_count.is_(None)
STAGE = "again"


def answered(
    tx: Tx,
    *,
    document_type: str | None = None,
    since: datetime | None = None,
    after: UUID | None = None,
    limit: int,
) -> list[UUID]:
    """Documents at rest with an answer, in the order of their ids, from behind ``after`` on.

    since: submitted then or later
    """
    query = select(Document.id).where(Document.status.in_(ANSWERED))
    if document_type is not None:
        query = query.where(Document.document_type == document_type)
    if since is not None:
        query = query.where(Document.created_at >= since)
    if after is not None:
        query = query.where(Document.id > after)
    return list(tx.session.execute(query.order_by(Document.id).limit(limit)).scalars())


def read_again(
    tx: Tx,
    document_ids: Collection[UUID],
    *,
    by: str,
    code: str,
    document_type: str | None = None,
) -> list[UUID]:
    """A new generation of readings, and an answer from them; returns the documents that begin it.

    Pages are chosen and read anew.  A document that failed before it had pages is rendered first.

    document_type: that they are read as from now on, where it is another one
    """
    # old documents that are read again go behind those that wait now
    others = aliased(Document)
    last = select(func.coalesce(func.max(others.turn), 0) + 1).scalar_subquery()
    new: dict[str, Any] = {"reading_generation": Document.working_generation + 1, "turn": last}
    if document_type is not None:
        new["document_type"] = document_type
    with_pages = _begin(
        tx,
        document_ids,
        at=ANSWERED | {Status.FAILED},
        to=Status.UNTRIAGED,
        by=by,
        code=code,
        where=HAS_PAGES,
        also=new,
    )
    without = _begin(
        tx,
        document_ids,
        at=[Status.FAILED],
        to=Status.SUBMITTED,
        by=by,
        code=code,
        where=HAS_NONE,
        also=new,
    )
    tx.session.execute(
        update(Page)
        .where(Page.document_id.in_(with_pages + without))
        .values(
            status=PageStatus.RENDERED,
            claim_no=Page.claim_no + 1,  # fences off whoever still reads it for the answer before
            lease_until=null(),
            failures=0,
            next_attempt_at=null(),
            rank=null(),
            ranked_by=null(),
        )
    )
    return with_pages + without


def answer_again(
    tx: Tx, document_ids: Collection[UUID], *, to: Status, by: str, code: str
) -> list[UUID]:
    """A further answer from the readings that are there; returns the documents that begin it."""
    return _begin(tx, document_ids, at=ANSWERED, to=to, by=by, code=code)


def _begin(
    tx: Tx,
    document_ids: Collection[UUID],
    *,
    at: Collection[Status],
    to: Status,
    by: str,
    code: str,
    where: ColumnElement[bool] | None = None,
    also: dict[str, Any] | None = None,
) -> list[UUID]:
    further = {
        "working_generation": Document.working_generation + 1,
        "claim_no": Document.claim_no + 1,  # fences off whoever still makes the answer before
    }
    return transitions.move(
        tx,
        document_ids,
        at=at,
        to=to,
        by=by,
        stage=STAGE,
        code=code,
        where=where,
        also={**further, **(also or {})},
    )
