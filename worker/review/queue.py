"""The queue that people work off: what waits, in which order, and who holds what."""

from collections.abc import Collection
from datetime import timedelta
from functools import lru_cache
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    ColumnElement,
    Executable,
    Interval,
    Row,
    ScalarSelect,
    Select,
    Uuid,
    all_,
    bindparam,
    func,
    literal_column,
    null,
    or_,
    select,
    update,
)

from worker.db import Tx
from worker.errors import NotFound
from worker.review.errors import InvalidDecision, ReviewConflict
from worker.review.tables import ItemState, ReviewItem, ReviewSkip
from worker.review.types import Item, ItemFilter
from worker.store.codec import boxes_in, is_storable
from worker.tables.documents import Document
from worker.tables.evidence import FieldEvidence
from worker.tables.results import Result

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
# no parameter: a prepared plan must see that the index serves
OPEN: ColumnElement[str] = literal_column(f"'{ItemState.OPEN}'")
WHO, LEASE, BESIDES = "who", "lease", "besides"
FILTERS: dict[str, ColumnElement[bool]] = {
    "document_id": ReviewItem.document_id == bindparam("asked_document_id", type_=Uuid()),
    "document_type": Document.document_type == bindparam("asked_document_type"),
    "field": Result.name == bindparam("asked_field"),
    "reason": ReviewItem.reason == bindparam("asked_reason"),
    "older_than": (
        ReviewItem.created_at < func.now() - bindparam("asked_older_than", type_=Interval())
    ),
    "least_priority": ReviewItem.priority >= bindparam("asked_least_priority"),
}


def list_items(
    tx: Tx, filters: ItemFilter = ANY, *, limit: int = 100, closed: bool = False
) -> list[Item]:
    """Items in the order in which people should see them; the open ones, unless the closed ones are
    asked for.
    """
    state = ItemState.CLOSED if closed else ItemState.OPEN
    rows = tx.session.execute(
        _items()
        .where(ReviewItem.state == state, Result.generation == Document.generation)
        .where(*matching(filters))
        .order_by(*ORDER)
        .limit(limit),
        asked_of(filters),
    )
    return [_item(row) for row in rows]


def item(tx: Tx, item_id: UUID) -> Item:
    """One item.

    Raises NotFound.
    """
    row = tx.session.execute(_ITEM, {"item_id": item_id}).one_or_none()
    if row is None:
        raise NotFound(
            f"There is no review item {item_id}. List what waits: surefield review list."
        )
    return _item(row)


def counting(tx: Tx, item_id: UUID) -> Item:
    """One item of the answer that counts.

    Raises NotFound, ReviewConflict when the document was answered anew since.
    """
    found = item(tx, item_id)
    if not found.is_current:
        raise ReviewConflict(
            f"Document {found.document_id} was answered anew since this field was shown. Load it"
            " again and look at what it is now."
        )
    return found


def claim_item(
    tx: Tx, who: str, *, lease: timedelta, filters: ItemFilter = ANY, besides: Collection[UUID] = ()
) -> Item | None:
    """Lease the next open item to a person; what they hold already comes first, what others hold is
    passed over.

    What they skipped lately is passed over too, and so is ``besides``: what they see already.
    """
    check_name(who)
    about = {WHO: who, LEASE: lease, BESIDES: list(besides), **asked_of(filters)}
    row = tx.session.execute(_claim(frozenset(set_in(filters))), about).one_or_none()
    return None if row is None else item(tx, row.id)


def release_item(tx: Tx, item_id: UUID, who: str) -> None:
    """Give an item back undecided, if this person holds it."""
    tx.session.execute(
        update(ReviewItem)
        .where(ReviewItem.id == item_id, ReviewItem.leased_by == who)
        .values(leased_by=null(), lease_until=null())
    )


def matching(filters: ItemFilter) -> list[ColumnElement[bool]]:
    """The filters as conditions on review items joined with their results and documents; their
    parameters are ``asked_of``.
    """
    return [FILTERS[name] for name in set_in(filters)]


def asked_of(filters: ItemFilter) -> dict[str, Any]:
    """The parameters of ``matching``."""
    return {f"asked_{name}": getattr(filters, name) for name in set_in(filters)}


def set_in(filters: ItemFilter) -> list[str]:
    """The names of the filters that are set."""
    return [name for name in FILTERS if getattr(filters, name) is not None]


def check_name(who: str) -> None:
    """Raises InvalidDecision when this is nobody's name."""
    if not 1 <= len(who) <= 200 or not is_storable(who):
        raise InvalidDecision(
            "Reviewing needs the name of who does it, at most 200 characters. Log in, or pass"
            " --who."
        )


def unleased() -> ColumnElement[bool]:
    """Nobody holds the item now."""
    return or_(ReviewItem.lease_until.is_(None), ReviewItem.lease_until < func.now())


@lru_cache(maxsize=1 << len(FILTERS))
def _claim(asked: frozenset[str]) -> Executable:
    """The claim as one statement.

    It is built once: putting it together takes longer than the database needs to run it.

    The second search runs only when the first finds nothing, and each follows an index to its first
    row, however long the queue is.
    """
    mine = ReviewItem.leased_by == bindparam(WHO), ReviewItem.lease_until >= func.now()
    picked = func.coalesce(_first(asked, *mine), _first(asked, unleased()))
    until = func.now() + bindparam(LEASE, type_=Interval())
    return (
        update(ReviewItem)
        .where(ReviewItem.id == picked)
        .values(leased_by=bindparam(WHO), lease_until=until)
        .returning(ReviewItem.id)
    )


def _first(asked: frozenset[str], *among: ColumnElement[bool]) -> ScalarSelect[UUID]:
    """The first open item among these, its row locked."""
    skipped = select(ReviewSkip.item_id).where(
        ReviewSkip.item_id == ReviewItem.id,
        ReviewSkip.who == bindparam(WHO),
        ReviewSkip.until > func.now(),
    )
    query = select(ReviewItem.id).join(Result, ReviewItem.result_id == Result.id)
    if "document_type" in asked:
        query = query.join(Document, ReviewItem.document_id == Document.id)
    return (
        query.where(ReviewItem.state == OPEN, *among, *(FILTERS[name] for name in sorted(asked)))
        .where(ReviewItem.id != all_(bindparam(BESIDES, type_=ARRAY(Uuid()))), ~skipped.exists())
        .order_by(*ORDER)
        .limit(literal_column("1"))
        .with_for_update(of=ReviewItem, skip_locked=True)
        .correlate(None)  # it stands in an UPDATE of the same table
        .scalar_subquery()
    )


def _items() -> Select[*tuple[Any, ...]]:
    return (
        select(
            ReviewItem.id.label("item_id"),
            ReviewItem.version,
            ReviewItem.state.label("item_state"),
            ReviewItem.document_id,
            Document.document_type,
            ReviewItem.type_version,
            Result.name.label("field"),
            Result.ordinal,
            Result.kind,
            Result.page,
            Result.state,
            Result.text,
            Result.value,
            Result.currency,
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
            Result.decision.label("outcome"),
            (Result.generation == Document.generation).label("is_current"),
            FieldEvidence.boxes,
        )
        .join(Result, ReviewItem.result_id == Result.id)
        .join(Document, ReviewItem.document_id == Document.id)
        .outerjoin(FieldEvidence, Result.field_id == FieldEvidence.id)
    )


def _item(row: Row[Any]) -> Item:
    return Item(**{**row._mapping, "boxes": boxes_in(row.boxes)})


_ITEM = _items().where(ReviewItem.id == bindparam("item_id", type_=Uuid()))
