"""What a reviewer holds and skips: leases on items, so that nobody does the same work twice."""

from collections.abc import Collection
from datetime import timedelta
from uuid import UUID

from sqlalchemy import func, insert, null, or_, update
from sqlalchemy.dialects.postgresql import insert as pg_insert

from worker.db import Tx
from worker.review.errors import InvalidDecision
from worker.review.tables import ItemState, ReviewItem, ReviewNote, ReviewSkip
from worker.store.codec import storable

LONGEST_NOTE = 4_000


def hold_items(tx: Tx, who: str, item_ids: Collection[UUID], *, lease: timedelta) -> set[UUID]:
    """Hold on to these items for another lease; returns those that are still theirs.

    One whose lease ran out is theirs again unless somebody else took it meanwhile.
    """
    free = or_(
        ReviewItem.lease_until.is_(None),
        ReviewItem.lease_until < func.now(),
        ReviewItem.leased_by == who,
    )
    kept = tx.session.execute(
        update(ReviewItem)
        .where(ReviewItem.id.in_(item_ids), ReviewItem.state == ItemState.OPEN, free)
        .values(leased_by=who, lease_until=func.now() + lease)
        .returning(ReviewItem.id)
    )
    return set(kept.scalars())


def hold_document(tx: Tx, who: str, document_id: UUID, *, lease: timedelta) -> None:
    """All open items of a document are theirs, whoever holds them now."""
    tx.session.execute(
        update(ReviewItem)
        .where(ReviewItem.document_id == document_id, ReviewItem.state == ItemState.OPEN)
        .values(leased_by=who, lease_until=func.now() + lease)
    )


def release_document(tx: Tx, who: str, document_id: UUID) -> None:
    """What they hold of this document is free for others."""
    tx.session.execute(
        update(ReviewItem)
        .where(ReviewItem.document_id == document_id, ReviewItem.leased_by == who)
        .values(leased_by=null(), lease_until=null())
    )


def release_all(tx: Tx, who: str) -> None:
    """They go home: what they hold is free for others at once."""
    tx.session.execute(
        update(ReviewItem)
        .where(ReviewItem.leased_by == who)
        .values(leased_by=null(), lease_until=null())
    )


def skip_item(tx: Tx, item_id: UUID, who: str) -> None:
    """Give the item back; it does not come to this person again for an hour."""
    tx.session.execute(
        update(ReviewItem)
        .where(ReviewItem.id == item_id, ReviewItem.leased_by == who)
        .values(leased_by=null(), lease_until=null())
    )
    row = pg_insert(ReviewSkip).values(item_id=item_id, who=who)
    again = row.on_conflict_do_update(
        index_elements=["item_id", "who"], set_={"until": func.now() + timedelta(hours=1)}
    )
    tx.session.execute(again)


def forget_skips(tx: Tx, who: str) -> None:
    """What they skipped may come to them again."""
    tx.session.execute(update(ReviewSkip).where(ReviewSkip.who == who).values(until=func.now()))


def add_note(tx: Tx, item_id: UUID, who: str, text: str) -> None:
    """Keep a remark about an item.

    Raises InvalidDecision when it is empty or too long.
    """
    text = storable(text.strip())
    if not 1 <= len(text) <= LONGEST_NOTE:
        raise InvalidDecision(f"A note has 1 to {LONGEST_NOTE} characters. Shorten it.")
    tx.session.execute(insert(ReviewNote).values(item_id=item_id, who=who, text=text))
