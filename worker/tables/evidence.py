"""Pages, what models read on them, what witnesses say of it, and how sure each method is of it."""

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import (
    CheckConstraint,
    ForeignKey,
    Index,
    Integer,
    SmallInteger,
    Text,
    UniqueConstraint,
    Uuid,
    false,
    func,
)
from sqlalchemy import text as sql
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from extractors.evidence.witnesses import Says
from extractors.rendering.findings import Severity
from extractors.types import FieldState
from worker.tables.base import Base, belongs_to, closed, new_id, one_of
from worker.tables.documents import under_version


class PageStatus(StrEnum):
    """Where a page stands: it waits for the model, it was read, it is not worth reading, or its
    document failed.
    """

    RENDERED = "rendered"
    READ = "read"
    LEFT_OUT = "left_out"
    FAILED = "failed"


class Page(Base):
    """One rendered page; the model reads pages, so they have claims of their own."""

    __tablename__ = "pages"
    __table_args__ = (
        UniqueConstraint("document_id", "number"),
        one_of("status", PageStatus),
        CheckConstraint("number >= 1", name="number"),
        CheckConstraint("rank >= 1", name="rank"),
        CheckConstraint("(document_id IS NULL) <> (replaced_in IS NULL)", name="of_a_document"),
        Index(
            "pages_replaced_in_idx", "replaced_in", postgresql_where=sql("replaced_in IS NOT NULL")
        ),
        CheckConstraint(
            "width_pt > 0 AND height_pt > 0 AND model_width_px > 0 AND model_height_px > 0",
            name="size",
        ),
        CheckConstraint("claim_no >= 0 AND failures >= 0", name="counters"),
        CheckConstraint(
            "contrast BETWEEN 0 AND 1 AND ink BETWEEN 0 AND 1 AND sharpness BETWEEN 0 AND 1",
            name="image_quality",
        ),
        CheckConstraint("layer_coverage BETWEEN 0 AND 1", name="layer_coverage"),
        CheckConstraint("turned IN (0, 90, 180, 270)", name="turned"),
        Index(
            "pages_unread_idx", "document_id", "number", postgresql_where=sql("status = 'rendered'")
        ),
        Index("pages_lease_idx", "lease_until", postgresql_where=sql("lease_until IS NOT NULL")),
    )

    id: Mapped[UUID] = new_id()
    # NULL: of a scan that a better one has replaced
    document_id: Mapped[UUID] = mapped_column(
        ForeignKey("documents.id", ondelete="CASCADE"), nullable=True
    )
    # the document that it was a page of, until then
    replaced_in: Mapped[UUID | None] = mapped_column(ForeignKey("documents.id", ondelete="CASCADE"))
    number: Mapped[int]  # 1-based
    status: Mapped[PageStatus] = mapped_column(
        closed(PageStatus), server_default=PageStatus.RENDERED
    )
    claim_no: Mapped[int] = mapped_column(server_default="0")
    lease_until: Mapped[datetime | None]
    failures: Mapped[int] = mapped_column(SmallInteger, server_default="0")
    next_attempt_at: Mapped[datetime | None]
    width_pt: Mapped[float]
    height_pt: Mapped[float]
    model_sha256: Mapped[str]  # the rendition for the model
    model_width_px: Mapped[int]
    model_height_px: Mapped[int]
    view_sha256: Mapped[str]  # the rendition for people
    # [[text, x0, y0, x1, y1], ...] in points
    words: Mapped[list[Any]] = mapped_column(JSONB, server_default=sql("'[]'"))
    words_source: Mapped[str] = mapped_column(server_default="text-layer")  # or "ocr"
    # the share of what is printed that the text layer covers; NULL: not measured
    layer_coverage: Mapped[float | None]
    # the print's direction in degrees clockwise; NULL: nobody looked, or it cannot be told
    turned: Mapped[int | None] = mapped_column(SmallInteger)
    # 1: its words promise the most; NULL: nobody had to choose, or it has no words to go by
    rank: Mapped[int | None]
    ranked_by: Mapped[str | None]  # the method, and the model where one had a say
    # of the rendition for the model, 0..1; NULL: not measured
    contrast: Mapped[float | None]  # between paper and print
    ink: Mapped[float | None]  # share of the pixels that are print
    sharpness: Mapped[float | None]  # NULL also for a blank page


class RenderFinding(Base):
    """What rendering found out about a page, or about the file as a whole."""

    __tablename__ = "render_findings"
    __table_args__ = (
        UniqueConstraint("document_id", "page", "code", postgresql_nulls_not_distinct=True),
        one_of("severity", Severity),
        CheckConstraint("page >= 1", name="page"),
    )

    id: Mapped[UUID] = new_id()
    document_id: Mapped[UUID] = belongs_to("documents.id")
    page: Mapped[int | None]  # 1-based; NULL: the file as a whole
    code: Mapped[str]  # "content_damaged"
    severity: Mapped[Severity] = mapped_column(closed(Severity))


class EInvoiceRow(Base):
    """The XML of an e-invoice inside the PDF, as plain values."""

    __tablename__ = "einvoices"

    document_id: Mapped[UUID] = mapped_column(
        ForeignKey("documents.id", ondelete="CASCADE"), primary_key=True
    )
    header: Mapped[dict[str, Any]] = mapped_column(JSONB)  # {"total": "529.87", ...}
    lines: Mapped[list[Any]] = mapped_column(JSONB)  # [{"description": ...}, ...]


class PageReading(Base):
    """One page, read once by one model."""

    __tablename__ = "readings"
    __table_args__ = (
        UniqueConstraint("page_id", "generation", "look"),
        CheckConstraint("generation >= 1", name="generation"),
        CheckConstraint("look >= 0", name="look"),
        CheckConstraint("look > 0 OR NOT forced", name="forced"),
    )

    id: Mapped[UUID] = new_id()
    page_id: Mapped[UUID] = belongs_to("pages.id")
    # of the document: each time that it is read again is the next one
    generation: Mapped[int] = mapped_column(SmallInteger, server_default="1")
    # 0: the reading that the answer is made from; from 1: further looks at the page, moved a little
    look: Mapped[int] = mapped_column(SmallInteger, server_default="0")
    # nothing was read: the first reading's answer was held against this look's picture
    forced: Mapped[bool] = mapped_column(server_default=false())
    model: Mapped[str]
    fingerprint: Mapped[str]
    prompt_hash: Mapped[str]
    type_version: Mapped[str | None] = under_version()
    decode_mode: Mapped[str]
    in_domain: Mapped[bool]
    settings: Mapped[dict[str, Any]] = mapped_column(JSONB, server_default=sql("'{}'"))
    answer: Mapped[str]  # what the model wrote, one generation a line
    stop_reasons: Mapped[list[str]] = mapped_column(ARRAY(Text))
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())


class FieldEvidence(Base):
    """What one page says about one field: the evidence, never the opinion."""

    __tablename__ = "fields"
    __table_args__ = (
        UniqueConstraint("reading_id", "name", "ordinal"),
        one_of("state", FieldState),
        CheckConstraint("ordinal >= 0", name="ordinal"),
        CheckConstraint("(relevance IS NULL) = (reranker IS NULL)", name="relevance"),
        CheckConstraint("value IS NULL OR value_problem IS NULL", name="value"),
    )

    id: Mapped[UUID] = new_id()
    reading_id: Mapped[UUID] = belongs_to("readings.id")
    name: Mapped[str]
    ordinal: Mapped[int]
    state: Mapped[FieldState] = mapped_column(closed(FieldState))
    text: Mapped[str | None]  # as printed
    tokens: Mapped[list[Any]] = mapped_column(JSONB)  # compact; store.compact reads and writes it
    ends: Mapped[bool]
    # natural logs of raw probabilities where the value and null part ways: of the token that was
    # written, and of all that would have gone the other way; NULL: it was fed, or nobody told
    opening: Mapped[float | None]
    opening_other: Mapped[float | None]
    stop_reason: Mapped[str]
    problem: Mapped[str | None]
    # [[x0, y0, x1, y1], ...] in points
    boxes: Mapped[list[Any] | None] = mapped_column(JSONB(none_as_null=True))
    box_source: Mapped[str | None]  # "text-layer"
    # what the text means; NULL with its problem, or when nothing was made of it (yet)
    value: Mapped[Any | None] = mapped_column(JSONB(none_as_null=True))
    currency: Mapped[str | None]  # of an amount that names it
    value_problem: Mapped[str | None]  # "ambiguous_date", "checksum_failed", ...
    agreement: Mapped[str | None]  # "exact", "normalised" or "none": does the source say the same
    # a reranker's raw logit of "field: value" and the line that says it; NULL: it was not asked
    relevance: Mapped[float | None]
    reranker: Mapped[str | None]  # its fingerprint


class CandidateRow(Base):
    """One distinct answer to one field: what its readings say, before anything is scored."""

    __tablename__ = "candidates"
    __table_args__ = (
        UniqueConstraint("document_id", "generation", "name", "ordinal", "number"),
        one_of("state", FieldState),
        CheckConstraint("generation >= 1 AND ordinal >= 0 AND number >= 0", name="place"),
        CheckConstraint("state <> 'absent' OR (text IS NULL AND value IS NULL)", name="absent"),
        CheckConstraint("state <> 'unreadable' OR problem IS NOT NULL", name="unreadable_says_why"),
    )

    id: Mapped[UUID] = new_id()
    document_id: Mapped[UUID] = belongs_to("documents.id")
    generation: Mapped[int] = mapped_column(SmallInteger, server_default="1")
    name: Mapped[str]  # a list's own name stands for the list as a whole
    ordinal: Mapped[int]  # row of a list in the document, 0-based
    number: Mapped[int] = mapped_column(SmallInteger)  # among the field's candidates
    state: Mapped[FieldState] = mapped_column(closed(FieldState))
    text: Mapped[str | None]  # as printed where it was found first
    value: Mapped[Any | None] = mapped_column(JSONB(none_as_null=True))
    currency: Mapped[str | None]
    problem: Mapped[str | None]
    field_ids: Mapped[list[UUID]] = mapped_column(ARRAY(Uuid))  # the readings that say it
    pages: Mapped[list[int]] = mapped_column(ARRAY(Integer))  # their numbers, from 1


class WitnessRow(Base):
    """What one witness says of one candidate; one that is silent has no row."""

    __tablename__ = "witnesses"
    __table_args__ = (
        UniqueConstraint("candidate_id", "witness", "number"),
        one_of("says", Says),
        CheckConstraint("number >= 0", name="number"),
        CheckConstraint(
            "says <> 'denies' OR (code IS NOT NULL AND message IS NOT NULL)", name="denial_says_why"
        ),
        CheckConstraint("says <> 'offers' OR offers IS NOT NULL", name="offer_has_text"),
        CheckConstraint("boxes IS NULL OR page IS NOT NULL", name="boxes_have_page"),
    )

    id: Mapped[UUID] = new_id()
    candidate_id: Mapped[UUID] = belongs_to("candidates.id")
    witness: Mapped[str]  # "on-page/1"
    number: Mapped[int] = mapped_column(SmallInteger)  # among what it says of this candidate
    says: Mapped[Says] = mapped_column(closed(Says))
    code: Mapped[str | None]  # why; the reason's code when the field goes to review for it
    message: Mapped[str | None]  # for people
    details: Mapped[dict[str, Any]] = mapped_column(JSONB, server_default=sql("'{}'"))
    page: Mapped[int | None]  # where it looked, from 1
    boxes: Mapped[list[Any] | None] = mapped_column(JSONB(none_as_null=True))  # in points
    offers: Mapped[str | None]  # another answer that stands there, which nobody read


class Score(Base):
    """How sure one method is of one field value."""

    __tablename__ = "scores"
    __table_args__ = (
        UniqueConstraint("field_id", "method"),
        CheckConstraint("score BETWEEN 0 AND 1", name="range"),  # refuses NaN too, and allows NULL
    )

    id: Mapped[UUID] = new_id()
    field_id: Mapped[UUID] = belongs_to("fields.id")
    method: Mapped[str]  # "weakest-token/1"
    score: Mapped[float | None]  # NULL: the method could not tell
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
