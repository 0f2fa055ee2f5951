"""The document's answer: one row a field, with the decision about it."""

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import (
    CheckConstraint,
    ForeignKey,
    Index,
    SmallInteger,
    UniqueConstraint,
    func,
)
from sqlalchemy import text as sql
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from extractors.types import FieldState
from worker.tables.base import Base, belongs_to, closed, new_id, one_of
from worker.tables.documents import under_version


class Outcome(StrEnum):
    """What became of one field of a document."""

    ACCEPTED = "accepted"  # with proof
    REVIEW = "review"  # waits for a person
    REVIEWED = "reviewed"  # a person decided


class Result(Base):
    """One answer about one field: what it is now, and what the machine had read.

    The rows of ``documents.generation`` count; those before it are history and never change.
    """

    __tablename__ = "results"
    __table_args__ = (
        UniqueConstraint("document_id", "generation", "name", "ordinal"),
        CheckConstraint("generation >= 1", name="generation"),
        one_of("state", FieldState),
        CheckConstraint("read_state IN ('value', 'absent', 'unreadable')", name="read_state"),
        one_of("decision", Outcome),
        CheckConstraint("score BETWEEN 0 AND 1", name="score"),
        CheckConstraint("threshold BETWEEN 0 AND 1", name="threshold"),
        CheckConstraint("ordinal >= 0", name="ordinal"),
        CheckConstraint("state <> 'value' OR text IS NOT NULL", name="value_has_text"),
        CheckConstraint(
            "state <> 'absent' OR (text IS NULL AND value IS NULL)", name="absent_is_empty"
        ),
        # A value is accepted only with proof.
        CheckConstraint(
            "decision <> 'accepted' OR (state IN ('value', 'absent') AND coalesce(score >="
            " threshold, false))",
            name="accepted_with_proof",
        ),
        CheckConstraint("(decision = 'review') = (decided_at IS NULL)", name="decided"),
        Index("results_field_id_idx", "field_id"),
        Index(
            "results_earlier_id_idx", "earlier_id", postgresql_where=sql("earlier_id IS NOT NULL")
        ),
    )

    id: Mapped[UUID] = new_id()
    document_id: Mapped[UUID] = belongs_to("documents.id")
    generation: Mapped[int] = mapped_column(SmallInteger, server_default="1")
    name: Mapped[str]
    ordinal: Mapped[int] = mapped_column(server_default="0")
    # of this row in the document's answer, for people
    position: Mapped[int] = mapped_column(server_default="0")
    kind: Mapped[str]  # "amount"
    type_version: Mapped[str | None] = under_version()
    state: Mapped[FieldState] = mapped_column(closed(FieldState))
    text: Mapped[str | None]  # as printed, or as a person corrected it
    # "2026-03-04", "1204.50", true
    value: Mapped[Any | None] = mapped_column(JSONB(none_as_null=True))
    currency: Mapped[str | None]
    # what the machine read, written once
    read_state: Mapped[FieldState] = mapped_column(closed(FieldState))
    read_text: Mapped[str | None]
    read_value: Mapped[Any | None] = mapped_column(JSONB(none_as_null=True))
    read_currency: Mapped[str | None]
    read_ordinal: Mapped[int | None]  # people may move rows; NULL: a person added it
    # the result of an earlier generation in which a person decided this field
    earlier_id: Mapped[UUID | None] = mapped_column(ForeignKey("results.id", ondelete="SET NULL"))
    # the evidence it came from
    field_id: Mapped[UUID | None] = mapped_column(ForeignKey("fields.id", ondelete="SET NULL"))
    page: Mapped[int | None]
    score: Mapped[float | None]  # NULL: not scored
    method: Mapped[str | None]
    threshold: Mapped[float | None]
    certificate: Mapped[str] = mapped_column(server_default="uncertified")
    decision: Mapped[Outcome] = mapped_column(closed(Outcome))
    reason: Mapped[str]  # a code
    details: Mapped[dict[str, Any]] = mapped_column(JSONB, server_default=sql("'{}'"))
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    decided_at: Mapped[datetime | None]
    # not part of the answer any more: a row that a person removed, or what was said of a list as a
    # whole before it got rows
    removed_at: Mapped[datetime | None]
