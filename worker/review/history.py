"""What people said and what was decided by it: written once, never changed, read as a stack."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import Row, Select, insert, literal, select
from sqlalchemy.dialects.postgresql import insert as pg_insert

from worker.db import Tx
from worker.review.tables import Action, ReviewAnswer, ReviewDecision, ReviewItem
from worker.review.types import Decision
from worker.store.bulk import given, rows_like, table_of
from worker.store.codec import storable, storable_json
from worker.store.types import NewResult
from worker.tables.documents import Document
from worker.tables.results import Result

FIRST_DECIDED = 2  # the version of an item after its first decision
CARRIED = (
    "result_id",
    "answer_id",
    "who",
    "action",
    "text",
    "value",
    "seen",
    "decided_at",
    "carried_from",
)
_new = rows_like(table_of(ReviewDecision), CARRIED)
CARRY = (
    pg_insert(table_of(ReviewDecision))
    .from_select(
        ["item_id", "version", *CARRIED],
        select(ReviewItem.id, literal(FIRST_DECIDED), *(_new.c[name] for name in CARRIED)).join(
            _new, ReviewItem.result_id == _new.c.result_id
        ),
    )
    .on_conflict_do_nothing(index_elements=["item_id", "version"])
)


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


def keep_carried(tx: Tx, results: Sequence[NewResult]) -> bool:
    """The decisions that an answer takes over from the one before, each with what is read now.

    Returns whether there are any.
    """
    carried = [_carried_row(each, results) for each in results if each.carried is not None]
    if carried:
        tx.session.execute(CARRY, given(carried))
    return bool(carried)


def _carried_row(result: NewResult, results: Sequence[NewResult]) -> dict[str, Any]:
    decided = result.carried
    assert decided is not None, "nothing is carried over to this result"
    seen = {name: getattr(result, name) for name in ("state", "text", "value", "currency")}
    seen |= {"score": result.score, "reason": result.reason, "decision": result.decision}
    if decided.action == Action.ROWS:  # an undo puts the rows where they were read
        seen |= {"list": result.name, "arrangement": _as_read(result.name, results)}
    return {
        "result_id": str(result.result_id),
        "answer_id": decided.answer_id,
        "who": decided.who,
        "action": decided.action,
        "text": decided.said_text,
        "value": decided.said_value,
        "seen": storable_json(seen),
        "decided_at": decided.at.isoformat(),
        "carried_from": decided.decision_id,
    }


def _as_read(group: str, results: Sequence[NewResult]) -> list[dict[str, Any]]:
    read = [
        each
        for each in results
        if each.was_read and (each.name == group or each.name.startswith(f"{group}."))
    ]
    first = min((each.position for each in read), default=0)
    read.sort(key=lambda each: (each.ordinal, each.position))
    return [
        {
            "result_id": str(each.result_id),
            "ordinal": each.ordinal,
            "position": first + at,
            "removed": False,
        }
        for at, each in enumerate(read)
    ]


def decided_by(tx: Tx, answer_id: int) -> list[Kept]:
    """All that one answer decided of the document's answer that counts."""
    rows = tx.session.execute(
        _decisions()
        .join(Result, Result.id == ReviewDecision.result_id)
        .join(Document, Document.id == Result.document_id)
        .where(ReviewDecision.answer_id == answer_id, Result.generation == Document.generation)
        .order_by(ReviewDecision.id)
    )
    return [_kept(row) for row in rows]


def _decisions() -> Select[*tuple[Any, ...]]:
    d = ReviewDecision
    return select(d.item_id, d.result_id, d.answer_id, d.version, d.who, d.action, d.seen)


def _kept(row: Row[Any]) -> Kept:
    return Kept(**row._mapping)
