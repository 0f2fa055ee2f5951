"""What people said and what was decided by it: written once, never changed, read as a stack."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import Row, Select, insert, select

from worker.db import Tx
from worker.review.tables import Action, ReviewAnswer, ReviewDecision, ReviewItem
from worker.review.types import Decision
from worker.store.codec import storable, storable_json


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """One decision that holds, or held."""

    item_id: UUID
    result_id: UUID
    answer_id: int
    version: int  # of the item, after the decision
    who: str
    action: Action
    seen: Mapping[str, Any]  # the result as it stood before


def keep_answer(tx: Tx, decision: Decision) -> int:
    """Keep what a person said; returns the answer's number."""
    answer = insert(ReviewAnswer).values(
        item_id=decision.item_id,
        version=decision.version,
        who=decision.who,
        action=decision.action,
        text=None if decision.text is None else storable(decision.text),
        value=storable_json(decision.value),
        currency=decision.currency,
        seen=decision.seen,
        took_ms=decision.took_ms,
    )
    return int(tx.session.execute(answer.returning(ReviewAnswer.id)).scalar_one())


def keep_decision(tx: Tx, decision: Decision, answer_id: int, seen: Mapping[str, Any]) -> None:
    """Keep what was decided about an item, and what its result was before."""
    of_item = select(ReviewItem.result_id).where(ReviewItem.id == decision.item_id)
    tx.session.execute(
        insert(ReviewDecision).values(
            item_id=decision.item_id,
            result_id=of_item.scalar_subquery(),
            answer_id=answer_id,
            version=decision.version + 1,
            who=decision.who,
            action=decision.action,
            text=None if decision.text is None else storable(decision.text),
            value=storable_json(decision.value),
            seen=seen,
            took_ms=decision.took_ms,
        )
    )


def standing(tx: Tx, item_id: UUID) -> Kept | None:
    """The item's last decision that nobody took back."""
    stack: list[Kept] = []
    for row in tx.session.execute(
        _decisions().where(ReviewDecision.item_id == item_id).order_by(ReviewDecision.version)
    ):
        if row.action is Action.UNDO:
            del stack[-1:]
        else:
            stack.append(_kept(row))
    return stack[-1] if stack else None


def decided_by(tx: Tx, answer_id: int) -> list[Kept]:
    """All that one answer decided."""
    rows = tx.session.execute(
        _decisions().where(ReviewDecision.answer_id == answer_id).order_by(ReviewDecision.id)
    )
    return [_kept(row) for row in rows]


def _decisions() -> Select[*tuple[Any, ...]]:
    d = ReviewDecision
    return select(d.item_id, d.result_id, d.answer_id, d.version, d.who, d.action, d.seen)


def _kept(row: Row[Any]) -> Kept:
    return Kept(**row._mapping)
