"""People decide: every decision is kept for ever, and the second of two gets a conflict."""

from typing import Any
from uuid import UUID

from sqlalchemy import ScalarSelect, case, func, insert, null, or_, select, update
from sqlalchemy.dialects.postgresql import insert as pg_insert

from extractors.types import FieldState
from worker.db import Tx
from worker.review.errors import InvalidDecision, ReviewConflict
from worker.review.queue import check_name, item, unleased
from worker.review.tables import Action, ItemState, ReviewDecision, ReviewItem
from worker.review.types import Decided, Decision, Item
from worker.store import transitions
from worker.store.codec import storable, storable_json
from worker.store.documents import hold
from worker.store.types import Claim
from worker.tables.documents import Document, Status
from worker.tables.results import Outcome, Result

STAGE = "review"


def decide(tx: Tx, decision: Decision) -> Decided:
    """Keep what a person decided and close the item, or open it again for an undo.

    The last one closed ends the review.

    Raises ReviewConflict when the item is another version than the person saw or somebody else
    holds it, InvalidDecision when the decision makes no sense for it, NotFound when there is no
    such item.
    """
    document_id = item(tx, decision.item_id).document_id
    tx.session.execute(
        select(Document.id).where(Document.id == document_id).with_for_update()
    ).one()
    # as it is now that nobody else can decide anything of this document
    before = item(tx, decision.item_id)
    _check(decision, before)
    # from here on ``before`` is known to be the version that the person saw
    _close_or_open(tx, decision)
    _keep(tx, decision, before)
    _apply(tx, decision)
    return _settle(tx, before, who=decision.who)


def _check(decision: Decision, before: Item) -> None:
    check_name(decision.who)
    if decision.action is Action.CORRECT and not (decision.text or "").strip():
        raise InvalidDecision(
            "A correction needs its text. If the document does not have the field, decide 'absent'."
        )
    if decision.action is not Action.CORRECT and (
        decision.text,
        decision.value,
        decision.currency,
    ) != (None, None, None):
        raise InvalidDecision(
            f"Only a correction has a text; this decision is {decision.action!s}. Send 'correct',"
            " or no text."
        )
    if decision.action is Action.ACCEPT and before.state is FieldState.UNREADABLE:
        raise InvalidDecision(
            "There is no value to accept here. Correct it, or decide 'absent' or 'unreadable'."
        )


def _close_or_open(tx: Tx, decision: Decision) -> None:
    undo = decision.action is Action.UNDO
    row = tx.session.execute(
        update(ReviewItem)
        .where(
            ReviewItem.id == decision.item_id,
            ReviewItem.version == decision.version,
            ReviewItem.state == (ItemState.CLOSED if undo else ItemState.OPEN),
            or_(unleased(), ReviewItem.leased_by == decision.who),
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
        raise ReviewConflict(
            f"Item {decision.item_id} was changed or is held by somebody else. Load it again and"
            " look at what it is now."
        )


def _keep(tx: Tx, decision: Decision, before: Item) -> None:
    names = ("state", "text", "value", "currency", "score", "reason")
    seen = {name: getattr(before, name) for name in names}
    tx.session.execute(
        insert(ReviewDecision).values(
            item_id=decision.item_id,
            result_id=select(ReviewItem.result_id)
            .where(ReviewItem.id == decision.item_id)
            .scalar_subquery(),
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
            **({} if decision.currency is None else {"currency": decision.currency}),
        },
        Action.ABSENT: {"state": FieldState.ABSENT, "text": None, "value": None, "currency": None},
        Action.UNREADABLE: {
            "state": FieldState.UNREADABLE,
            "text": None,
            "value": None,
            "currency": None,
        },
        Action.UNDO: {
            "state": Result.read_state,
            "text": Result.read_text,
            "value": Result.read_value,
            "currency": _currency_read(decision.item_id),
        },
    }
    undo = decision.action is Action.UNDO
    tx.session.execute(
        update(Result)
        .where(
            Result.id
            == select(ReviewItem.result_id)
            .where(ReviewItem.id == decision.item_id)
            .scalar_subquery()
        )
        .values(
            decision=Outcome.REVIEW if undo else Outcome.REVIEWED,
            decided_at=null() if undo else func.now(),
            **answer[decision.action],
        )
    )


def _currency_read(item_id: UUID) -> ScalarSelect[Any]:
    """The currency that the machine had read: what the first decision's author saw."""
    seen = ReviewDecision.seen
    # older ones do not say it
    of_the_first = select(
        case((seen.has_key("currency"), seen["currency"].astext), else_=Result.currency)
    )
    return (
        of_the_first.where(ReviewDecision.item_id == item_id)
        .order_by(ReviewDecision.id)
        .limit(1)
        .correlate(Result)
        .scalar_subquery()
    )


def _settle(tx: Tx, before: Item, *, who: str) -> Decided:
    """Move the document between review and its end, by what is open now; its row is locked."""
    waiting = _waiting(tx, before.document_id)
    at, to = Status.IN_REVIEW, Status.REVIEWED
    if waiting:
        at, to = to, at
    transitions.move(
        tx, [before.document_id], at=[at], to=to, by=transitions.person(who), stage=STAGE
    )
    return Decided(before.document_id, before.version + 1, waiting, to)


def decided_before(tx: Tx, item_id: UUID) -> Decided:
    """What the item's last decision led to, as it is now.

    Raises NotFound.
    """
    found = item(tx, item_id)
    status = tx.session.execute(
        select(Document.status).where(Document.id == found.document_id)
    ).scalar_one()
    return Decided(found.document_id, found.version, _waiting(tx, found.document_id), status)


def _waiting(tx: Tx, document_id: UUID) -> int:
    """How many items of the document are open."""
    return tx.session.execute(
        select(func.count())
        .select_from(ReviewItem)
        .where(ReviewItem.document_id == document_id, ReviewItem.state == ItemState.OPEN)
    ).scalar_one()


def open_review(tx: Tx, held: Claim) -> int:
    """Put every field that routing sent to review before people; returns how many of the document
    wait now.

    Raises ClaimLost if another worker took over meanwhile.
    """
    hold(tx, held)
    waiting = (
        select(
            Result.id,
            Result.document_id,
            Result.type_version,
            Result.reason,
            Document.priority,
            Document.deadline,
        )
        .join(Document, Result.document_id == Document.id)
        .where(Result.document_id == held.document_id, Result.decision == Outcome.REVIEW)
        .order_by(Result.position, Result.ordinal)
    )
    tx.session.execute(
        pg_insert(ReviewItem)
        .from_select(
            ["result_id", "document_id", "type_version", "reason", "priority", "deadline"], waiting
        )
        .on_conflict_do_nothing(index_elements=["result_id"])
    )
    return tx.session.execute(
        select(func.count())
        .select_from(Result)
        .where(Result.document_id == held.document_id, Result.decision == Outcome.REVIEW)
    ).scalar_one()
