"""The document's answer, and what of it waits for a person."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Boolean, bindparam, case, func
from sqlalchemy.dialects.postgresql import insert as pg_insert

from worker.db import Tx
from worker.store.codec import storable, storable_json
from worker.store.documents import hold
from worker.store.types import Claim, NewResult
from worker.tables.results import Outcome, Result


def save_results(tx: Tx, held: Claim, results: Sequence[NewResult]) -> None:
    """The answer about each field; one that is there already stays, so that a second run changes
    nothing.

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
        "type_version": held.type_version,
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
