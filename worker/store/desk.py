"""A reviewer's desk: what he holds, skips, notes and may undo, and everything that is known about the field before him."""

from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import case, func, insert, null, or_, select, update
from sqlalchemy.dialects.postgresql import insert as pg_insert

from extractors.types import Box, TokenTrace
from worker.db import Tx
from worker.models import Action, Document, FieldEvidence, ItemState, Page, PageReading, Result, ReviewDecision, ReviewItem, Submission
from worker.models_people import ReviewNote, ReviewSkip
from worker.store.compact import boxes_in, storable, tokens_in
from worker.store.queue import asked_of, item, matching
from worker.store.values import LOOKED, InvalidDecision, Item, ItemFilter

UNDO_WITHIN = timedelta(hours=24)
LONGEST_NOTE = 4_000


@dataclass(frozen=True, slots=True)
class Heat:
    """One patch of the page, and how much of the value was read from it."""

    box: Box
    weight: float  # 1 for the patch that most tokens were read from


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What one page says about the field."""

    tokens: tuple[TokenTrace, ...]
    text: str | None
    page: int
    boxes: tuple[Box, ...]
    box_source: str | None

    @property
    def heat(self) -> tuple[Heat, ...]:
        """Where the model looked, when that is all that is known of the place."""
        return heat_of(self.tokens) if self.box_source == LOOKED else ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where on the pages one value stands."""

    page: int
    boxes: tuple[Box, ...]
    source: str | None  # who says so
    heat: tuple[Heat, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PageView:
    """One page as people see it."""

    number: int
    width_pt: float
    height_pt: float
    view_sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """One decision, or note, about an item."""

    who: str
    action: Action | None  # None: a note
    text: str | None
    version: int | None  # of the item after the decision
    at: datetime
    seen: dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Before:
    """All that a person needs to decide one item."""

    item: Item
    evidence: Evidence | None
    page: PageView | None  # the one that the value comes from, else the first
    pages: tuple[PageView, ...]
    filename: str | None
    page_count: int | None
    said: tuple[Said, ...]  # oldest first


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
    overdue: int
    oldest: datetime


def before_deciding(tx: Tx, item_id: UUID) -> Before:
    """Everything that is known about one item.

    Raises NotFound.
    """
    found = item(tx, item_id)
    evidence = _evidence(tx, found.field_id)
    number = found.page or (evidence.page if evidence else 1)
    name = tx.session.execute(
        select(Submission.filename, Document.page_count)
        .join(Document, Submission.document_id == Document.id)
        .where(Submission.document_id == found.document_id)
        .limit(1)
    ).one_or_none()
    every = tuple(pages(tx, found.document_id))
    return Before(
        item=found,
        evidence=evidence,
        page=next((page for page in every if page.number == number), None),
        pages=every,
        filename=name.filename if name else None,
        page_count=name.page_count if name else None,
        said=said_about(tx, item_id),
    )


def pages(tx: Tx, document_id: UUID) -> list[PageView]:
    """The pages of a document, in order."""
    rows = tx.session.execute(
        select(Page.number, Page.width_pt, Page.height_pt, Page.view_sha256).where(Page.document_id == document_id).order_by(Page.number)
    )
    return [PageView(**row._mapping) for row in rows]


def said_about(tx: Tx, item_id: UUID) -> tuple[Said, ...]:
    """Decisions and notes about an item, oldest first."""
    d = ReviewDecision
    decisions = tx.session.execute(select(d.who, d.action, d.text, d.version, d.decided_at.label("at"), d.seen).where(d.item_id == item_id))
    n = ReviewNote
    notes = tx.session.execute(select(n.who, n.text, n.written_at.label("at")).where(n.item_id == item_id))
    found = [Said(**row._mapping) for row in decisions]
    found += [Said(**row._mapping, action=None, version=None, seen={}) for row in notes]
    return tuple(sorted(found, key=lambda each: each.at))


def hold_items(tx: Tx, who: str, item_ids: Collection[UUID], *, lease: timedelta) -> set[UUID]:
    """Hold on to these items for another lease; returns those that are still his.

    One whose lease ran out is his again unless somebody else took it meanwhile.
    """
    free = or_(ReviewItem.lease_until.is_(None), ReviewItem.lease_until < func.now(), ReviewItem.leased_by == who)
    kept = tx.session.execute(
        update(ReviewItem)
        .where(ReviewItem.id.in_(item_ids), ReviewItem.state == ItemState.OPEN, free)
        .values(leased_by=who, lease_until=func.now() + lease)
        .returning(ReviewItem.id)
    )
    return set(kept.scalars())


def release_all(tx: Tx, who: str) -> None:
    """He goes home: what he holds is free for others at once."""
    tx.session.execute(update(ReviewItem).where(ReviewItem.leased_by == who).values(leased_by=null(), lease_until=null()))


def skip_item(tx: Tx, item_id: UUID, who: str) -> None:
    """Give the item back; it does not come to this person again for an hour."""
    tx.session.execute(
        update(ReviewItem).where(ReviewItem.id == item_id, ReviewItem.leased_by == who).values(leased_by=null(), lease_until=null())
    )
    row = pg_insert(ReviewSkip).values(item_id=item_id, who=who)
    again = row.on_conflict_do_update(index_elements=["item_id", "who"], set_={"until": func.now() + timedelta(hours=1)})
    tx.session.execute(again)


def forget_skips(tx: Tx, who: str) -> None:
    """What he skipped may come to him again."""
    tx.session.execute(update(ReviewSkip).where(ReviewSkip.who == who).values(until=func.now()))


def add_note(tx: Tx, item_id: UUID, who: str, text: str) -> None:
    """Keep a remark about an item.

    Raises InvalidDecision when it is empty or too long.
    """
    text = storable(text.strip())
    if not 1 <= len(text) <= LONGEST_NOTE:
        raise InvalidDecision(f"A note has 1 to {LONGEST_NOTE} characters. Shorten it.")
    tx.session.execute(insert(ReviewNote).values(item_id=item_id, who=who, text=text))


def last_decision(tx: Tx, who: str) -> tuple[UUID, int] | None:
    """The item that he decided last and its version, if it still stands and is not older than a day."""
    row = tx.session.execute(
        select(ReviewDecision.item_id, ReviewDecision.version)
        .join(ReviewItem, ReviewItem.id == ReviewDecision.item_id)
        .where(
            ReviewDecision.who == who,
            ReviewDecision.decided_at > func.now() - UNDO_WITHIN,
            ReviewDecision.action != Action.UNDO,
            ReviewDecision.version == ReviewItem.version,
            ReviewItem.state == ItemState.CLOSED,
        )
        .order_by(ReviewDecision.decided_at.desc(), ReviewDecision.id.desc())
        .limit(1)
    ).one_or_none()
    return None if row is None else (row.item_id, row.version)


def backlog(tx: Tx, filters: ItemFilter) -> list[Waiting]:
    """What waits and fits these filters, by type, field and reason, the most first."""
    groups = (Document.document_type, Result.name, ReviewItem.reason)
    rows = tx.session.execute(
        select(
            Document.document_type,
            Result.name.label("field"),
            ReviewItem.reason,
            func.count().label("waiting"),
            func.count().filter(ReviewItem.deadline < func.now()).label("overdue"),
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
    """How fast people decided today (UTC), the busiest first; only ``who`` when named.  An undo is no progress."""
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
        .where(d.decided_at >= func.date_trunc("day", func.now()), d.action != Action.UNDO)
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
        .where(ReviewSkip.who == who, ReviewSkip.until > func.now(), ReviewItem.state == ItemState.OPEN)
    ).scalar_one()


def items_of(tx: Tx, document_id: UUID) -> dict[tuple[str, int], tuple[UUID, int, ItemState]]:
    """The review items of a document: (field, ordinal) -> (item, version, state)."""
    rows = tx.session.execute(
        select(Result.name, Result.ordinal, ReviewItem.id, ReviewItem.version, ReviewItem.state)
        .join(Result, ReviewItem.result_id == Result.id)
        .where(ReviewItem.document_id == document_id)
    )
    return {(row.name, row.ordinal): (row.id, row.version, row.state) for row in rows}


def places_of(tx: Tx, document_id: UUID) -> dict[tuple[str, int], Place]:
    """Where the values of a document stand, by field and ordinal."""
    looked = case((FieldEvidence.box_source == LOOKED, FieldEvidence.tokens))  # the others' tokens stay in the database
    rows = tx.session.execute(
        select(Result.name, Result.ordinal, Result.page, FieldEvidence.boxes, FieldEvidence.box_source, looked.label("tokens"))
        .join(FieldEvidence, Result.field_id == FieldEvidence.id)
        .where(Result.document_id == document_id, Result.page.is_not(None))
    )
    return {
        (row.name, row.ordinal): Place(
            page=row.page, boxes=boxes_in(row.boxes), source=row.box_source, heat=heat_of(tokens_in(row.tokens or ()))
        )
        for row in rows
    }


def heat_of(tokens: Iterable[TokenTrace]) -> tuple[Heat, ...]:
    """A coarse map of the page: the patches that the tokens were read from."""
    counted = Counter(token.looked for token in tokens if token.looked is not None)
    most = max(counted.values(), default=1)
    return tuple(Heat(box, count / most) for box, count in counted.items())


def _evidence(tx: Tx, field_id: UUID | None) -> Evidence | None:
    if field_id is None:
        return None
    row = tx.session.execute(
        select(FieldEvidence.tokens, FieldEvidence.text, FieldEvidence.boxes, FieldEvidence.box_source, Page.number)
        .join(PageReading, FieldEvidence.reading_id == PageReading.id)
        .join(Page, Page.id == PageReading.page_id)
        .where(FieldEvidence.id == field_id)
    ).one_or_none()
    if row is None:
        return None
    return Evidence(tokens=tokens_in(row.tokens), text=row.text, page=row.number, boxes=boxes_in(row.boxes), box_source=row.box_source)
