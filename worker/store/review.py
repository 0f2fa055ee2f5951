"""People decide: items are leased one by one, every decision is kept for ever, and the second of two gets a conflict."""

from collections.abc import Collection
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Row, Select, and_, func, insert, null, or_, select, update

from extractors.types import FieldState
from worker.db import Tx
from worker.models import Action, Document, FieldEvidence, ItemState, Outcome, Result, ReviewDecision, ReviewItem, Status
from worker.models_people import ReviewSkip
from worker.store.compact import boxes_in, is_storable, storable, storable_json
from worker.store.values import Decided, Decision, InvalidDecision, Item, ItemFilter, NotFound, ReviewConflict

ANY = ItemFilter()
ORDER = (
    ReviewItem.priority.desc(),
    ReviewItem.deadline.asc().nulls_last(),
    ReviewItem.created_at,
    ReviewItem.document_id,  # a document's items stay together
    Result.position,
    Result.ordinal,
    ReviewItem.id,
)


def list_items(tx: Tx, filters: ItemFilter = ANY, *, limit: int = 100, closed: bool = False) -> list[Item]:
    """Items in the order in which people should see them; the open ones, unless the closed ones are asked for."""
    state = ItemState.CLOSED if closed else ItemState.OPEN
    rows = tx.session.execute(_items().where(ReviewItem.state == state, *matching(filters)).order_by(*ORDER).limit(limit))
    return [_item(row) for row in rows]


def item(tx: Tx, item_id: UUID) -> Item:
    """One item.

    Raises NotFound.
    """
    row = tx.session.execute(_items().where(ReviewItem.id == item_id)).one_or_none()
    if row is None:
        raise NotFound(f"There is no review item {item_id}. List what waits: surefield review list.")
    return _item(row)


def claim_item(tx: Tx, who: str, *, lease: timedelta, filters: ItemFilter = ANY, besides: Collection[UUID] = ()) -> Item | None:
    """Lease the next open item to a person; what he holds already comes first, what others hold is passed over.

    What he skipped lately is passed over too, and so is ``besides``: what lies on his desk already.
    """
    _check_name(who)
    mine = and_(ReviewItem.leased_by == who, ReviewItem.lease_until >= func.now())
    # Two questions rather than one: each can follow an index to its first row, however long the queue is.
    picked = _first(tx, mine, who, filters, besides) or _first(tx, _unleased(), who, filters, besides)
    if picked is None:
        return None
    tx.session.execute(update(ReviewItem).where(ReviewItem.id == picked).values(leased_by=who, lease_until=func.now() + lease))
    return item(tx, picked)


def _first(tx: Tx, among: ColumnElement[bool], who: str, filters: ItemFilter, besides: Collection[UUID]) -> UUID | None:
    """The first open item among these, its row locked."""
    skipped = select(ReviewSkip.item_id).where(ReviewSkip.item_id == ReviewItem.id, ReviewSkip.who == who, ReviewSkip.until > func.now())
    return tx.session.execute(
        select(ReviewItem.id)
        .join(Result, ReviewItem.result_id == Result.id)
        .join(Document, ReviewItem.document_id == Document.id)
        .where(ReviewItem.state == ItemState.OPEN, among, *matching(filters), ReviewItem.id.not_in(besides), ~skipped.exists())
        .order_by(*ORDER)
        .limit(1)
        .with_for_update(of=ReviewItem, skip_locked=True)
    ).scalar_one_or_none()


def release_item(tx: Tx, item_id: UUID, who: str) -> None:
    """Give an item back undecided, if this person holds it."""
    tx.session.execute(
        update(ReviewItem).where(ReviewItem.id == item_id, ReviewItem.leased_by == who).values(leased_by=null(), lease_until=null())
    )


def decide(tx: Tx, decision: Decision) -> Decided:
    """Keep what a person decided and close the item, or open it again for an undo.  The last one closed ends the review.

    Raises ReviewConflict when the item is another version than the person saw or somebody else holds it, InvalidDecision when
    the decision makes no sense for it, NotFound when there is no such item.
    """
    document_id = item(tx, decision.item_id).document_id
    tx.session.execute(select(Document.id).where(Document.id == document_id).with_for_update()).one()
    before = item(tx, decision.item_id)  # as it is now that nobody else can decide anything of this document
    _check(decision, before)
    _close_or_open(tx, decision)  # from here on ``before`` is known to be the version that the person saw
    _keep(tx, decision, before)
    _apply(tx, decision)
    return _settle(tx, before)


def _check(decision: Decision, before: Item) -> None:
    _check_name(decision.who)
    if decision.action is Action.CORRECT and not (decision.text or "").strip():
        raise InvalidDecision("A correction needs its text. If the document does not have the field, decide 'absent'.")
    if decision.action is not Action.CORRECT and (decision.text is not None or decision.value is not None):
        raise InvalidDecision(f"Only a correction has a text; this decision is {decision.action!s}. Send 'correct', or no text.")
    if decision.action is Action.ACCEPT and before.state is FieldState.UNREADABLE:
        raise InvalidDecision("There is no value to accept here. Correct it, or decide 'absent' or 'unreadable'.")


def _close_or_open(tx: Tx, decision: Decision) -> None:
    undo = decision.action is Action.UNDO
    row = tx.session.execute(
        update(ReviewItem)
        .where(
            ReviewItem.id == decision.item_id,
            ReviewItem.version == decision.version,
            ReviewItem.state == (ItemState.CLOSED if undo else ItemState.OPEN),
            or_(_unleased(), ReviewItem.leased_by == decision.who),
        )
        .values(
            version=ReviewItem.version + 1,
            state=ItemState.OPEN if undo else ItemState.CLOSED,
            closed_at=null() if undo else func.now(),
            leased_by=null(),
            lease_until=null(),
        )
        .returning(ReviewItem.id)
    ).one_or_none()
    if row is None:
        raise ReviewConflict(f"Item {decision.item_id} was changed or is held by somebody else. Load it again and look at what it is now.")


def _keep(tx: Tx, decision: Decision, before: Item) -> None:
    seen = {"state": before.state, "text": before.text, "value": before.value, "score": before.score, "reason": before.reason}
    tx.session.execute(
        insert(ReviewDecision).values(
            item_id=decision.item_id,
            result_id=select(ReviewItem.result_id).where(ReviewItem.id == decision.item_id).scalar_subquery(),
            version=before.version + 1,
            who=decision.who,
            action=decision.action,
            text=storable(decision.text) if decision.text is not None else None,
            value=storable_json(decision.value),
            seen=seen,
            took_ms=decision.took_ms,
        )
    )


def _apply(tx: Tx, decision: Decision) -> None:
    answer: dict[Action, dict[str, Any]] = {
        Action.ACCEPT: {},
        Action.CORRECT: {
            "state": FieldState.VALUE,
            "text": storable(decision.text or ""),
            "value": storable_json(decision.value),
        },
        Action.ABSENT: {"state": FieldState.ABSENT, "text": None, "value": None, "currency": None},
        Action.UNREADABLE: {"state": FieldState.UNREADABLE, "text": None, "value": None, "currency": None},
        Action.UNDO: {"state": Result.read_state, "text": Result.read_text, "value": Result.read_value},
    }
    undo = decision.action is Action.UNDO
    tx.session.execute(
        update(Result)
        .where(Result.id == select(ReviewItem.result_id).where(ReviewItem.id == decision.item_id).scalar_subquery())
        .values(
            decision=Outcome.REVIEW if undo else Outcome.REVIEWED,
            decided_at=null() if undo else func.now(),
            **answer[decision.action],
        )
    )


def _settle(tx: Tx, before: Item) -> Decided:
    """Move the document between review and its end, by what is open now; its row is locked."""
    waiting = tx.session.execute(
        select(func.count()).select_from(ReviewItem).where(ReviewItem.document_id == before.document_id, ReviewItem.state == ItemState.OPEN)
    ).scalar_one()
    to = Status.IN_REVIEW if waiting else Status.REVIEWED
    moved = tx.session.execute(
        update(Document)
        .where(Document.id == before.document_id, Document.status.in_([Status.IN_REVIEW, Status.REVIEWED]), Document.status != to)
        .values(status=to, updated_at=func.now(), finished_at=null() if waiting else func.now(), announced_at=null())
        .returning(Document.id)
    ).one_or_none()
    if moved is not None:
        tx.move(before.document_id, to)
    return Decided(before.document_id, before.version + 1, waiting, to)


def _items() -> Select[*tuple[Any, ...]]:
    return (
        select(
            ReviewItem.id.label("item_id"),
            ReviewItem.version,
            ReviewItem.state.label("item_state"),
            ReviewItem.document_id,
            Document.document_type,
            Result.name.label("field"),
            Result.ordinal,
            Result.kind,
            Result.page,
            Result.state,
            Result.text,
            Result.value,
            Result.score,
            Result.threshold,
            ReviewItem.reason,
            Result.details,
            ReviewItem.priority,
            ReviewItem.deadline,
            ReviewItem.created_at,
            ReviewItem.lease_until,
            ReviewItem.leased_by,
            Result.field_id,
            FieldEvidence.boxes,
        )
        .join(Result, ReviewItem.result_id == Result.id)
        .join(Document, ReviewItem.document_id == Document.id)
        .outerjoin(FieldEvidence, Result.field_id == FieldEvidence.id)
    )


def _item(row: Row[Any]) -> Item:
    return Item(**{**row._mapping, "boxes": boxes_in(row.boxes)})


def _check_name(who: str) -> None:
    if not 1 <= len(who) <= 200 or not is_storable(who):
        raise InvalidDecision("Reviewing needs the name of who does it, at most 200 characters. Log in, or pass --who.")


def matching(filters: ItemFilter) -> list[ColumnElement[bool]]:
    """The filters as conditions on review items joined with their results and documents."""
    columns = {
        ReviewItem.document_id: filters.document_id,
        Document.document_type: filters.document_type,
        Result.name: filters.field,
        ReviewItem.reason: filters.reason,
    }
    wanted = [column == value for column, value in columns.items() if value is not None]
    if filters.older_than is not None:
        wanted.append(ReviewItem.created_at < func.now() - filters.older_than)
    if filters.least_priority is not None:
        wanted.append(ReviewItem.priority >= filters.least_priority)
    return wanted


def _unleased() -> ColumnElement[bool]:
    return or_(ReviewItem.lease_until.is_(None), ReviewItem.lease_until < func.now())
