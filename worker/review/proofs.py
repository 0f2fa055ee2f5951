"""What stands behind each field of a document's answer: where it stands on its page, the tokens it
was read as, what each witness says, and every score.
"""

from collections import defaultdict
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import select

from worker.db import Tx
from worker.store.codec import tokens_in
from worker.tables.documents import Document
from worker.tables.evidence import (
    CandidateRow,
    FieldEvidence,
    Page,
    PageReading,
    Score,
    WitnessRow,
)
from worker.tables.results import Result


@dataclass(frozen=True, slots=True)
class Piece:
    """One token of the value, as the model generated it."""

    text: str
    logprob: float  # raw, natural logarithm
    forced: bool  # fed, not chosen by the model


@dataclass(frozen=True, slots=True)
class Testified:
    """What one witness says of the value."""

    witness: str  # "on-page/1"
    says: str  # "agrees", "contradicts", ...
    code: str | None
    message: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """The evidence of one field, of the reading that its value was taken from."""

    page: int  # from 1
    boxes: list[list[float]]  # left, top, right, bottom, as shares of the page's width and height
    box_source: str | None  # who says so
    tokens: list[Piece]
    witnesses: list[Testified]
    scores: dict[str, float | None]  # by method; None: it could not tell


def proofs(tx: Tx, document_id: UUID) -> dict[tuple[str, int], Proof]:
    """By field and ordinal; a field that nobody read, or a person added, has none."""
    rows = tx.session.execute(
        select(
            Result.name,
            Result.ordinal,
            FieldEvidence.id.label("field_id"),
            FieldEvidence.tokens,
            FieldEvidence.boxes,
            FieldEvidence.box_source,
            Page.number,
            Page.width_pt,
            Page.height_pt,
        )
        .join(Document, Document.id == Result.document_id)
        .join(FieldEvidence, FieldEvidence.id == Result.field_id)
        .join(PageReading, PageReading.id == FieldEvidence.reading_id)
        .join(Page, Page.id == PageReading.page_id)
        .where(
            Result.document_id == document_id,
            Result.generation == Document.generation,
            Result.removed_at.is_(None),
        )
    ).all()
    fields = [row.field_id for row in rows]
    said, scored = _witnesses(tx, document_id, fields), _scores(tx, fields)
    return {
        (row.name, row.ordinal): Proof(
            page=row.number,
            boxes=[_share(box, row.width_pt, row.height_pt) for box in row.boxes or ()],
            box_source=row.box_source,
            tokens=[
                Piece(each.text.decode("utf-8", "replace"), each.logprob, each.forced)
                for each in tokens_in(row.tokens)
            ],
            witnesses=said[row.field_id],
            scores=scored[row.field_id],
        )
        for row in rows
    }


def _witnesses(tx: Tx, document_id: UUID, fields: list[UUID]) -> dict[UUID, list[Testified]]:
    found: dict[UUID, list[Testified]] = defaultdict(list)
    rows = tx.session.execute(
        select(
            CandidateRow.field_ids,
            WitnessRow.witness,
            WitnessRow.says,
            WitnessRow.code,
            WitnessRow.message,
        )
        .join(Document, Document.id == CandidateRow.document_id)
        .join(WitnessRow, WitnessRow.candidate_id == CandidateRow.id)
        .where(
            CandidateRow.document_id == document_id,
            CandidateRow.generation == Document.generation,
            CandidateRow.field_ids.overlap(fields),
        )
        .order_by(WitnessRow.witness, WitnessRow.number)
    )
    for row in rows:
        for field in row.field_ids:
            found[field].append(Testified(row.witness, row.says, row.code, row.message))
    return found


def _scores(tx: Tx, fields: list[UUID]) -> dict[UUID, dict[str, float | None]]:
    found: dict[UUID, dict[str, float | None]] = defaultdict(dict)
    rows = tx.session.execute(
        select(Score.field_id, Score.method, Score.score)
        .where(Score.field_id.in_(fields))
        .order_by(Score.method)
    )
    for row in rows:
        found[row.field_id][row.method] = row.score
    return found


def _share(box: Any, width: float, height: float) -> list[float]:
    sizes = (width, height, width, height)
    return [round(at / size, 5) for at, size in zip(box, sizes, strict=True)]
