"""The document's answer, and what of it waits for a person."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Boolean, bindparam, case, func, select
from sqlalchemy.dialects.postgresql import insert as pg_insert

from worker.db import Tx
from worker.models import Document, Outcome, Result, ReviewItem
from worker.store.compact import storable, storable_json
from worker.store.documents import hold
from worker.store.values import Claim, NewResult


def save_results(tx: Tx, held: Claim, results: Sequence[NewResult]) -> None:
    """The answer about each field; one that is there already stays, so that a second run changes nothing.

    Raises ClaimLost if another worker took over meanwhile.
    """
    hold(tx, held)
    if results:
        statement = (
            pg_insert(Result)
            .values(decided_at=case((bindparam("settled", type_=Boolean), func.now())))
            .on_conflict_do_nothing(index_elements=["document_id", "name", "ordinal"])
        )
        tx.session.execute(statement, [_row(held, result) for result in results])


def _row(held: Claim, result: NewResult) -> dict[str, Any]:
    text = storable(result.text) if result.text is not None else None
    value = storable_json(result.value)
    return {
        "document_id": held.document_id,
        "name": result.name,
        "ordinal": result.ordinal,
        "position": result.position,
        "kind": result.kind,
        "state": result.state,
        "text": text,
        "value": value,
        "currency": result.currency,
        "read_state": result.state,
        "read_text": text,
        "read_value": value,
        "field_id": result.field_id,
        "page": result.page,
        "score": result.score,
        "method": result.method,
        "threshold": result.threshold,
        "certificate": result.certificate,
        "decision": result.decision,
        "reason": result.reason,
        "details": storable_json(result.details),
        "settled": result.decision is not Outcome.REVIEW,
    }


def open_review(tx: Tx, held: Claim) -> int:
    """Put every field that routing sent to review before people; returns how many of the document wait now.

    Raises ClaimLost if another worker took over meanwhile.
    """
    hold(tx, held)
    waiting = (
        select(Result.id, Result.document_id, Result.reason, Document.priority, Document.deadline)
        .join(Document, Result.document_id == Document.id)
        .where(Result.document_id == held.document_id, Result.decision == Outcome.REVIEW)
        .order_by(Result.position, Result.ordinal)
    )
    tx.session.execute(
        pg_insert(ReviewItem)
        .from_select(["result_id", "document_id", "reason", "priority", "deadline"], waiting)
        .on_conflict_do_nothing(index_elements=["result_id"])
    )
    return tx.session.execute(
        select(func.count()).select_from(Result).where(Result.document_id == held.document_id, Result.decision == Outcome.REVIEW)
    ).scalar_one()
