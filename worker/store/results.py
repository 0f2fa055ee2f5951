"""The document's answer, and what of it waits for a person."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import case, func, select
from sqlalchemy.dialects.postgresql import insert as pg_insert

from worker.db import Tx
from worker.store.bulk import given, rows_like, table_of
from worker.store.codec import storable, storable_json
from worker.store.documents import hold
from worker.store.types import Claim, NewResult
from worker.tables.results import Outcome, Result

NAMES = (
    "document_id",
    "name",
    "ordinal",
    "position",
    "type_version",
    "kind",
    "state",
    "text",
    "value",
    "currency",
    "read_state",
    "read_text",
    "read_value",
    "field_id",
    "page",
    "score",
    "method",
    "threshold",
    "certificate",
    "decision",
    "reason",
    "details",
)
_new = rows_like(table_of(Result), NAMES)
INSERT = (
    pg_insert(table_of(Result))
    .from_select(
        [*NAMES, "decided_at"],
        select(
            *(_new.c[name] for name in NAMES),
            case((_new.c.decision != Outcome.REVIEW, func.now())),
        ),
    )
    .on_conflict_do_nothing(index_elements=["document_id", "name", "ordinal"])
)


def save_results(tx: Tx, held: Claim, results: Sequence[NewResult]) -> None:
    """The answer about each field; one that is there already stays, so that a second run changes
    nothing.

    Raises ClaimLost if another worker took over meanwhile.
    """
    hold(tx, held)
    if results:
        rows = [_row(held, result) for result in results]
        tx.session.connection().execute(INSERT, given(rows))


def _row(held: Claim, result: NewResult) -> dict[str, Any]:
    text = storable(result.text) if result.text is not None else None
    value = storable_json(result.value)
    return {
        "document_id": str(held.document_id),
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
        "field_id": str(result.field_id) if result.field_id is not None else None,
        "page": result.page,
        "score": result.score,
        "method": result.method,
        "threshold": result.threshold,
        "certificate": result.certificate,
        "decision": result.decision,
        "reason": result.reason,
        "details": storable_json(result.details),
    }
