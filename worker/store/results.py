"""The document's answer, and what of it waits for a person."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, and_, case, func, select
from sqlalchemy.dialects.postgresql import insert as pg_insert

from worker.db import Tx
from worker.store.bulk import given, rows_like, table_of
from worker.store.codec import storable, storable_json
from worker.store.documents import hold
from worker.store.types import Claim, NewResult
from worker.tables.documents import Document
from worker.tables.results import Outcome, Result

NAMES = (
    "id",
    "document_id",
    "generation",
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
    "read_currency",
    "read_ordinal",
    "earlier_id",
    "removed_at",
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
# when it was decided before; NULL: now, or not yet
_new = rows_like(table_of(Result), [*NAMES, "decided_at"])
INSERT = (
    pg_insert(table_of(Result))
    .from_select(
        [*NAMES, "decided_at"],
        select(
            *(_new.c[name] for name in NAMES),
            func.coalesce(_new.c.decided_at, case((_new.c.decision != Outcome.REVIEW, func.now()))),
        ),
    )
    .on_conflict_do_nothing(index_elements=["document_id", "generation", "name", "ordinal"])
)


def current(document_id: UUID | ColumnElement[UUID]) -> ColumnElement[bool]:
    """The results of the document's answer that counts."""
    counts = select(Document.generation).where(Document.id == document_id).scalar_subquery()
    return and_(Result.document_id == document_id, Result.generation == counts)


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
    read = {
        "state": result.state,
        "text": storable(result.text) if result.text is not None else None,
        "value": storable_json(result.value),
        "currency": result.currency,
    }
    decided = result.carried
    removed_at = result.removed_at
    return {
        "id": str(result.result_id),
        "document_id": str(held.document_id),
        "generation": held.generation,
        "name": result.name,
        "ordinal": result.ordinal if result.place is None else result.place,
        "position": result.position,
        "type_version": held.type_version,
        "kind": result.kind,
        **(read if decided is None else {name: getattr(decided, name) for name in read}),
        **{f"read_{name}": value for name, value in read.items()},
        "read_ordinal": result.ordinal if result.was_read else None,
        "earlier_id": str(result.earlier_id) if result.earlier_id is not None else None,
        "removed_at": removed_at.isoformat() if removed_at is not None else None,
        "decided_at": decided.at.isoformat() if decided is not None else None,
        "field_id": str(result.field_id) if result.field_id is not None else None,
        "page": result.page,
        "score": result.score,
        "method": result.method,
        "threshold": result.threshold,
        "certificate": result.certificate,
        "decision": result.decision if decided is None else Outcome.REVIEWED,
        "reason": result.reason,
        "details": storable_json(result.details),
    }
