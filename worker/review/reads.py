"""What reviewers and managers look up: what waits, who decided how much, what may be undone."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import case, func, select

from worker.db import Tx
from worker.errors import NotFound
from worker.review.history import standing
from worker.review.queue import asked_of, matching
from worker.review.tables import Action, ItemState, ReviewDecision, ReviewItem, ReviewSkip
from worker.review.types import ItemFilter
from worker.store.results import current
from worker.tables.documents import ANSWERED, Document
from worker.tables.results import Result

UNDO_WITHIN = timedelta(hours=24)
MOST_BACK = 200  # decisions that are looked through for one that still stands


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How fast somebody decides."""

    who: str
    today: int
    last_hour: int
    median_s: float | None  # from seeing a field to deciding it
    last: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """How many fields of a kind wait for one reason, and since when."""

    document_type: str
    field: str
    reason: str
    waiting: int
    overdue: int | None  # None: nothing sets a deadline
    oldest: datetime


@dataclass(frozen=True, slots=True)
class LastDecision:
    """What a person decided last."""

    item_id: UUID
    version: int
    at: datetime


def last_decision(tx: Tx, who: str) -> LastDecision | None:
    """What this person decided last, if it still stands and is not older than a day.

    After an undo it is the decision before that one.
    """
    d = ReviewDecision
    recent = tx.session.execute(
        select(d.item_id, d.version, ReviewItem.version.label("now"), d.decided_at.label("at"))
        .join(ReviewItem, ReviewItem.id == d.item_id)
        .join(Result, Result.id == d.result_id)
        .join(Document, Document.id == Result.document_id)
        .where(Result.generation == Document.generation, Document.status.in_(ANSWERED))
        .where(d.who == who, d.decided_at > func.now() - UNDO_WITHIN, d.action != Action.UNDO)
        .order_by(d.decided_at.desc(), d.id.desc())
        .limit(MOST_BACK)
    )
    for row in recent:
        stands = standing(tx, row.item_id)
        if stands is not None and stands.version == row.version:
            return LastDecision(row.item_id, row.now, row.at)
    return None


def backlog(tx: Tx, filters: ItemFilter) -> list[Waiting]:
    """What waits and fits these filters, by type, field and reason, the most first."""
    groups = (Document.document_type, Result.name, ReviewItem.reason)
    late = func.count().filter(ReviewItem.deadline < func.now())
    rows = tx.session.execute(
        select(
            Document.document_type,
            Result.name.label("field"),
            ReviewItem.reason,
            func.count().label("waiting"),
            case((func.count(ReviewItem.deadline) > 0, late)).label("overdue"),
            func.min(ReviewItem.created_at).label("oldest"),
        )
        .join(Result, ReviewItem.result_id == Result.id)
        .join(Document, ReviewItem.document_id == Document.id)
        .where(ReviewItem.state == ItemState.OPEN, *matching(filters))
        .group_by(*groups)
        .order_by(func.count().desc(), *groups),
        asked_of(filters),
    )
    return [Waiting(**row._mapping) for row in rows]


def pace(tx: Tx, who: str | None = None) -> list[Pace]:
    """How fast people decided today (UTC), the busiest first; only ``who`` when named.

    An undo is no progress.
    """
    d = ReviewDecision
    hour_ago = func.now() - timedelta(hours=1)
    query = (
        select(
            d.who,
            func.count().label("today"),
            func.count().filter(d.decided_at > hour_ago).label("last_hour"),
            (func.percentile_cont(0.5).within_group(d.took_ms) / 1000).label("median_s"),
            func.max(d.decided_at).label("last"),
        )
        .where(
            d.decided_at >= func.date_trunc("day", func.now()),
            d.action != Action.UNDO,
            d.carried_from.is_(None),
        )
        .group_by(d.who)
        .order_by(func.count().desc(), d.who)
    )
    rows = tx.session.execute(query if who is None else query.where(d.who == who))
    return [Pace(**row._mapping) for row in rows]


def skipped(tx: Tx, who: str) -> int:
    """How many open items this person has put aside for now."""
    return tx.session.execute(
        select(func.count())
        .select_from(ReviewSkip)
        .join(ReviewItem, ReviewItem.id == ReviewSkip.item_id)
        .where(
            ReviewSkip.who == who, ReviewSkip.until > func.now(), ReviewItem.state == ItemState.OPEN
        )
    ).scalar_one()


def items_of(tx: Tx, document_id: UUID) -> dict[tuple[str, int], tuple[UUID, int, ItemState]]:
    """The review items of a document: (field, ordinal) -> (item, version, state)."""
    rows = tx.session.execute(
        select(Result.name, Result.ordinal, ReviewItem.id, ReviewItem.version, ReviewItem.state)
        .join(Result, ReviewItem.result_id == Result.id)
        .where(current(document_id), Result.removed_at.is_(None))
    )
    return {(row.name, row.ordinal): (row.id, row.version, row.state) for row in rows}


def result_of(tx: Tx, document_id: UUID, field: str, ordinal: int) -> UUID:
    """The document's answer about one field.

    Raises NotFound.
    """
    found = tx.session.execute(
        select(Result.id).where(
            current(document_id),
            Result.name == field,
            Result.ordinal == ordinal,
            Result.removed_at.is_(None),
        )
    ).scalar_one_or_none()
    if found is None:
        raise NotFound(
            f"Document {document_id} has no field {field!r}, row {ordinal + 1}. Its fields:"
            f" surefield show {document_id}."
        )
    return found


def type_of(tx: Tx, document_id: UUID) -> tuple[str, str | None]:
    """The document's type, and the version of it that it is read under.

    Raises NotFound.
    """
    found = tx.session.execute(
        select(Document.document_type, Document.type_version).where(Document.id == document_id)
    ).one_or_none()
    if found is None:
        raise NotFound(f"There is no document {document_id}. List them: surefield list.")
    return found.document_type, found.type_version
