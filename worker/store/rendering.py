"""What rendering found out besides pictures and words: losses, and the e-invoice in the file."""

from collections.abc import Collection
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert as pg_insert

from extractors.rendering.einvoice import EInvoice
from extractors.rendering.findings import Finding
from worker.db import Tx
from worker.store.codec import storable_json
from worker.store.documents import hold
from worker.store.types import Claim
from worker.tables.evidence import EInvoiceRow, RenderFinding


def save(tx: Tx, held: Claim, findings: Collection[Finding], einvoice: EInvoice | None) -> None:
    """Keep them; what an earlier attempt kept stays.

    Raises ClaimLost if another worker took over meanwhile.
    """
    hold(tx, held)
    if findings:
        rows = [
            {
                "document_id": held.document_id,
                "page": found.page,
                "code": found.code,
                "severity": found.severity,
            }
            for found in dict.fromkeys(findings)
        ]
        tx.session.execute(pg_insert(RenderFinding).on_conflict_do_nothing(), rows)
    if einvoice is not None:
        tx.session.execute(
            pg_insert(EInvoiceRow)
            .values(
                document_id=held.document_id,
                header=storable_json(dict(einvoice.header)),
                lines=storable_json([dict(line) for line in einvoice.lines]),
            )
            .on_conflict_do_nothing()
        )


def findings_of(tx: Tx, document_id: UUID) -> tuple[Finding, ...]:
    """What rendering found out: of the file first, then page by page."""
    rows = tx.session.execute(
        select(RenderFinding.code, RenderFinding.page)
        .where(RenderFinding.document_id == document_id)
        .order_by(RenderFinding.page.nulls_first(), RenderFinding.code)
    )
    return tuple(Finding(row.code, row.page) for row in rows)


def einvoice_of(tx: Tx, document_id: UUID) -> EInvoice | None:
    """The e-invoice inside the file; None when there is none."""
    row = tx.session.execute(
        select(EInvoiceRow.header, EInvoiceRow.lines).where(EInvoiceRow.document_id == document_id)
    ).one_or_none()
    return None if row is None else EInvoice(header=row.header, lines=tuple(row.lines))
