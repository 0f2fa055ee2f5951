"""People decide: every decision is kept for ever, and the second of two gets a conflict."""

from collections.abc import Collection
from typing import Any
from uuid import UUID

from sqlalchemy import case, cast, func, literal, null, or_, select, update
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.dialects.postgresql import insert as pg_insert

from extractors.types import FieldState
from worker.db import Tx
from worker.review.errors import InvalidDecision, ReviewConflict
from worker.review.history import FIRST_DECIDED, keep_answer, keep_decision
from worker.review.queue import check_name, counting, item, unleased
from worker.review.settle import hold_document, open_items, settle
from worker.review.tables import Action, ItemState, ReviewItem
from worker.review.types import Decided, Decision, Item
from worker.store.codec import storable, storable_json
from worker.store.documents import hold
from worker.store.types import Claim
from worker.tables.documents import Document
from worker.tables.results import Outcome, Result

CORRECTION = "correction"  # why there is an item about a field that nobody had to look at
ASKED = (
    "result_id",
    "document_id",
    "type_version",
    "reason",
    "priority",
    "deadline",
    "state",
    "version",
    "closed_at",
)
SEEN = ("state", "text", "value", "currency", "score", "reason")


def decide(tx: Tx, decision: Decision) -> Decided:
    """Keep what a person decided and close the item.

    The last one closed ends the review.  ``undo.take_back`` takes a decision back.

    Raises ReviewConflict when the item is another version than the person saw or somebody else
    holds it, InvalidDecision when the decision makes no sense for it, NotFound when there is no
    such item.
    """
    document_id = item(tx, decision.item_id).document_id
    hold_document(tx, document_id)
    # as it is now that nobody else can decide anything of this document
    before = counting(tx, decision.item_id)
    _check(decision, before)
    answer_id = keep_answer(tx, decision)
    verdict(tx, decision, answer_id, before)
    waiting, status = settle(tx, document_id, who=decision.who)
    return Decided(document_id, before.version + 1, waiting, status)


def verdict(tx: Tx, decision: Decision, answer_id: int, before: Item, **seen: Any) -> None:
    """One decision by an answer that is kept already; the document is locked.

    seen: what was before, besides the result itself

    Raises ReviewConflict.
    """
    turn(tx, decision, to=ItemState.CLOSED)
    # from here on ``before`` is known to be the version that the person saw
    keep_decision(tx, decision, answer_id, {**seen_of(before), **seen})
    _apply(tx, decision)


def offer(tx: Tx, decision: Decision, before: Item) -> None:
    """What the sender says stands beside the field until a reviewer decides; the document is
    locked.

    Raises ReviewConflict.
    """
    check_name(decision.who)
    keep_answer(tx, decision)
    turn(tx, decision, to=ItemState.OPEN)
    said = {"said": {"text": storable(decision.text or ""), "who": decision.who}}
    tx.session.execute(
        update(Result)
        .where(Result.id == _result_of(decision))
        .values(decision=Outcome.REVIEW, details=Result.details.op("||")(cast(said, JSONB)))
    )


def decide_by_word(tx: Tx, decision: Decision, before: Item) -> None:
    """What the sender says holds; the document is locked.

    Raises ReviewConflict, InvalidDecision.
    """
    _check(decision, before)
    verdict(tx, decision, keep_answer(tx, decision), before)


def seen_of(before: Item) -> dict[str, Any]:
    """What the result was, for the record and for taking the decision back."""
    return {name: getattr(before, name) for name in SEEN} | {"decision": before.outcome}


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


def turn(tx: Tx, decision: Decision, *, to: ItemState) -> None:
    """The item becomes its next version, open or closed.

    Raises ReviewConflict when it is not the version that the person saw, or is somebody else's.
    """
    is_now = ItemState.CLOSED if decision.again else ItemState.OPEN
    row = tx.session.execute(
        update(ReviewItem)
        .where(
            ReviewItem.id == decision.item_id,
            ReviewItem.version == decision.version,
            ReviewItem.state == is_now,
            or_(unleased(), ReviewItem.leased_by == decision.who),
        )
        .values(
            version=ReviewItem.version + 1,
            state=to,
            closed_at=null() if to is ItemState.OPEN else func.now(),
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


def _apply(tx: Tx, decision: Decision) -> None:
    nothing = {"text": None, "value": None, "currency": None}
    answer: dict[Action, dict[str, Any]] = {
        Action.CORRECT: {
            "state": FieldState.VALUE,
            "text": storable(decision.text or ""),
            "value": storable_json(decision.value),
            **({} if decision.currency is None else {"currency": decision.currency}),
        },
        Action.ABSENT: {"state": FieldState.ABSENT, **nothing},
        Action.UNREADABLE: {"state": FieldState.UNREADABLE, **nothing},
    }
    tx.session.execute(
        update(Result)
        .where(Result.id == _result_of(decision))
        .values(decision=Outcome.REVIEWED, decided_at=func.now(), **answer.get(decision.action, {}))
    )


def _result_of(decision: Decision) -> Any:
    of_item = select(ReviewItem.result_id).where(ReviewItem.id == decision.item_id)
    return of_item.scalar_subquery()


def item_about(tx: Tx, result_id: UUID) -> UUID:
    """The review item of a result; one that nobody had to look at gets a closed one."""
    tx.session.execute(
        pg_insert(ReviewItem)
        .from_select(
            ["result_id", "document_id", "type_version", "reason", "state", "closed_at"],
            select(
                Result.id,
                Result.document_id,
                Result.type_version,
                literal(CORRECTION),
                literal(ItemState.CLOSED.value),
                func.now(),
            ).where(Result.id == result_id),
        )
        .on_conflict_do_nothing(index_elements=["result_id"])
    )
    found = select(ReviewItem.id).where(ReviewItem.result_id == result_id)
    return tx.session.execute(found).scalar_one()


def decided_before(tx: Tx, item_id: UUID) -> Decided:
    """What the item's last decision led to, as it is now.

    Raises NotFound.
    """
    found = item(tx, item_id)
    status = tx.session.execute(
        select(Document.status).where(Document.id == found.document_id)
    ).scalar_one()
    return Decided(found.document_id, found.version, open_items(tx, found.document_id), status)


def open_review(tx: Tx, held: Claim) -> int:
    """Put every field that routing sent to review before people; returns how many of the document
    wait now.

    What was carried over has an item too, decided already, so that it can be taken back.

    Raises ClaimLost if another worker took over meanwhile.
    """
    hold(tx, held)
    this = (Result.document_id == held.document_id, Result.generation == held.generation)
    carried = Result.decision == Outcome.REVIEWED
    asked = (
        select(
            Result.id,
            Result.document_id,
            Result.type_version,
            Result.reason,
            Document.priority,
            Document.deadline,
            case((carried, ItemState.CLOSED), else_=ItemState.OPEN),
            case((carried, FIRST_DECIDED), else_=1),
            Result.decided_at,
        )
        .join(Document, Result.document_id == Document.id)
        .where(*this, Result.decision != Outcome.ACCEPTED)
        .order_by(Result.position, Result.ordinal)
    )
    tx.session.execute(
        pg_insert(ReviewItem)
        .from_select(ASKED, asked)
        .on_conflict_do_nothing(index_elements=["result_id"])
    )
    return tx.session.execute(
        select(func.count()).select_from(Result).where(*this, Result.decision == Outcome.REVIEW)
    ).scalar_one()


def supersede(tx: Tx, document_ids: Collection[UUID]) -> None:
    """Nobody decides the open fields of these documents any more: a further answer is made."""
    tx.session.execute(
        update(ReviewItem)
        .where(ReviewItem.document_id.in_(document_ids), ReviewItem.state == ItemState.OPEN)
        .values(state=ItemState.SUPERSEDED, leased_by=null(), lease_until=null())
    )
