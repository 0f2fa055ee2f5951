"""The tables, and what the database refuses whatever the code does.

Fields are rows, so a new document type needs no migration.  Kinds that grow (document type, method, reason) are text; sets
that are closed (statuses, states, decisions) are CHECKs, and a test holds them equal to the enums here.
"""

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    DateTime,
    Enum,
    Float,
    ForeignKey,
    Index,
    LargeBinary,
    MetaData,
    SmallInteger,
    Text,
    UniqueConstraint,
    func,
)
from sqlalchemy import text as sql
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from extractors.types import FieldState


class Status(StrEnum):
    """Where a document stands on its one way through."""

    SUBMITTED = "submitted"
    UNSORTED = "unsorted"  # its pages are there; its type, or which of them to read, is open
    NEEDS_TYPE = "needs_type"  # its words do not say what it is: a person must
    RENDERED = "rendered"
    EXTRACTED = "extracted"
    SCORED = "scored"
    ACCEPTED = "accepted"
    IN_REVIEW = "in_review"
    REVIEWED = "reviewed"
    SPLIT = "split"  # several documents in one file: its parts go on as documents of their own
    FAILED = "failed"


FINAL = frozenset({Status.ACCEPTED, Status.REVIEWED, Status.SPLIT, Status.FAILED})  # nothing more happens by itself


class PageStatus(StrEnum):
    """Where a page stands: it waits for the model, it was read, it is not worth reading, or its document failed."""

    RENDERED = "rendered"
    READ = "read"
    LEFT_OUT = "left_out"
    FAILED = "failed"


class Outcome(StrEnum):
    """What became of one field of a document."""

    ACCEPTED = "accepted"  # with proof
    REVIEW = "review"  # waits for a person
    REVIEWED = "reviewed"  # a person decided


class ItemState(StrEnum):
    """Whether a review item still waits."""

    OPEN = "open"
    CLOSED = "closed"


class Action(StrEnum):
    """What a reviewer said about a field."""

    ACCEPT = "accept"  # the machine is right
    CORRECT = "correct"  # this is the right text
    ABSENT = "absent"  # the document has no such field
    UNREADABLE = "unreadable"  # no person can read it either
    UNDO = "undo"  # the last decision was a slip of the hand


class Base(DeclarativeBase):
    metadata = MetaData(
        naming_convention={
            "ix": "%(table_name)s_%(column_0_N_name)s_idx",
            "uq": "%(table_name)s_%(column_0_N_name)s_key",
            "ck": "%(table_name)s_%(constraint_name)s_check",
            "fk": "%(table_name)s_%(column_0_N_name)s_fkey",
            "pk": "%(table_name)s_pkey",
        }
    )
    type_annotation_map = {  # noqa: RUF012  SQLAlchemy reads it from the class
        str: Text(),
        datetime: DateTime(timezone=True),
        float: Float(53),
        bytes: LargeBinary(),
    }


def closed(kind: type[StrEnum]) -> Enum:
    """A column type for a closed set; its CHECK stands in the table's arguments, where it has a name."""
    return Enum(kind, native_enum=False, create_constraint=False, length=16, values_callable=lambda k: [str(m) for m in k])


def one_of(column: str, kind: type[StrEnum]) -> CheckConstraint:
    values = ", ".join(f"'{member}'" for member in kind)
    return CheckConstraint(f"{column} IN ({values})", name=column)


def new_id() -> Any:
    return mapped_column(primary_key=True, server_default=func.gen_random_uuid())


def belongs_to(target: str, *, cascade: bool = True) -> Any:
    return mapped_column(ForeignKey(target, ondelete="CASCADE" if cascade else None))


class Document(Base):
    """One document on its way through."""

    __tablename__ = "documents"
    __table_args__ = (
        one_of("status", Status),
        CheckConstraint("sha256 ~ '^[0-9a-f]{64}$'", name="sha256"),
        CheckConstraint("status <> 'failed' OR error_code IS NOT NULL", name="failed_says_why"),
        CheckConstraint("(finished_at IS NOT NULL) = (status IN ('accepted', 'reviewed', 'split', 'failed'))", name="finished"),
        CheckConstraint("claim_no >= 0 AND failures >= 0", name="counters"),
        CheckConstraint(
            "document_type <> 'auto' OR status IN ('submitted', 'unsorted', 'needs_type', 'split', 'failed')", name="type_is_known"
        ),
        CheckConstraint("(part_of IS NULL) = (first_page IS NULL) AND first_page >= 1", name="part"),
        Index("documents_part_of_idx", "part_of", postgresql_where=sql("part_of IS NOT NULL")),
        Index("documents_queue_idx", "status", sql("priority DESC"), "created_at", "id"),
        Index("documents_lease_idx", "lease_until", postgresql_where=sql("lease_until IS NOT NULL")),
        Index("documents_sha256_idx", "sha256"),
        Index("documents_created_at_idx", "created_at"),
    )

    id: Mapped[UUID] = new_id()
    sha256: Mapped[str]  # of the original's bytes, and where the blob store keeps them
    media_type: Mapped[str]  # "application/pdf"
    document_type: Mapped[str]  # "auto" until its words, or a person, say what it is
    status: Mapped[Status] = mapped_column(closed(Status), server_default=Status.SUBMITTED)
    claim_no: Mapped[int] = mapped_column(server_default="0")  # fences off a worker that lost its lease
    lease_until: Mapped[datetime | None]  # NULL: nobody works on it
    failures: Mapped[int] = mapped_column(SmallInteger, server_default="0")  # at this status
    error_code: Mapped[str | None]  # of the last failed attempt, or of the end
    error_message: Mapped[str | None]
    next_attempt_at: Mapped[datetime | None]  # not before
    announced_at: Mapped[datetime | None]  # when the sweeper last sent a message for it
    priority: Mapped[int] = mapped_column(SmallInteger, server_default="0")  # higher first
    deadline: Mapped[datetime | None]
    page_count: Mapped[int | None]
    part_of: Mapped[UUID | None] = mapped_column(ForeignKey("documents.id", ondelete="CASCADE"))  # the file of several documents
    first_page: Mapped[int | None]  # of that file, with which this part begins
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    updated_at: Mapped[datetime] = mapped_column(server_default=func.now())  # of the last change of status
    finished_at: Mapped[datetime | None]


class Submission(Base):
    """What an upstream sent: its key names one document for ever, however often the message comes."""

    __tablename__ = "submissions"
    __table_args__ = (
        UniqueConstraint("upstream", "key"),
        UniqueConstraint("document_id"),
        CheckConstraint("length(upstream) BETWEEN 1 AND 100 AND length(key) BETWEEN 1 AND 200", name="names"),
    )

    id: Mapped[UUID] = new_id()
    upstream: Mapped[str]
    key: Mapped[str]
    document_id: Mapped[UUID] = mapped_column(
        # Deferred, because the submission goes first: whoever inserts it may create the document.
        ForeignKey("documents.id", ondelete="CASCADE", deferrable=True, initially="DEFERRED")
    )
    document_type: Mapped[str]  # as the upstream asked; "auto" stays here when the document has found its type
    filename: Mapped[str | None]
    metadata_: Mapped[dict[str, Any]] = mapped_column("metadata", JSONB, server_default=sql("'{}'"))
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())


class Secret(Base):
    """A password, from the submission until the pages are rendered, and no longer."""

    __tablename__ = "secrets"

    document_id: Mapped[UUID] = mapped_column(ForeignKey("documents.id", ondelete="CASCADE"), primary_key=True)
    password: Mapped[bytes]


class Classification(Base):
    """What kind of document somebody took it for: a method, by its words, or a person."""

    __tablename__ = "classifications"
    __table_args__ = (
        UniqueConstraint("document_id", "method"),
        CheckConstraint("confidence BETWEEN 0 AND 1", name="confidence"),
        CheckConstraint("(method = 'person') = (who IS NOT NULL)", name="who"),
    )

    id: Mapped[UUID] = new_id()
    document_id: Mapped[UUID] = belongs_to("documents.id")
    method: Mapped[str]  # "words/1", or "person"
    document_type: Mapped[str | None]  # NULL: nothing speaks for any
    confidence: Mapped[float | None]  # NULL: there was nothing to judge by, or a person said so
    fits: Mapped[dict[str, Any]] = mapped_column(JSONB, server_default=sql("'{}'"))  # every type's own score
    who: Mapped[str | None]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())


class Page(Base):
    """One rendered page; the model reads pages, so they have claims of their own."""

    __tablename__ = "pages"
    __table_args__ = (
        UniqueConstraint("document_id", "number"),
        one_of("status", PageStatus),
        CheckConstraint("number >= 1", name="number"),
        CheckConstraint("rank >= 1", name="rank"),
        CheckConstraint("width_pt > 0 AND height_pt > 0 AND model_width_px > 0 AND model_height_px > 0", name="size"),
        CheckConstraint("claim_no >= 0 AND failures >= 0", name="counters"),
        Index("pages_unread_idx", "document_id", "number", postgresql_where=sql("status = 'rendered'")),
        Index("pages_lease_idx", "lease_until", postgresql_where=sql("lease_until IS NOT NULL")),
    )

    id: Mapped[UUID] = new_id()
    document_id: Mapped[UUID] = belongs_to("documents.id")
    number: Mapped[int]  # 1-based
    status: Mapped[PageStatus] = mapped_column(closed(PageStatus), server_default=PageStatus.RENDERED)
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
    words: Mapped[list[Any]] = mapped_column(JSONB, server_default=sql("'[]'"))  # [[text, x0, y0, x1, y1], ...] in points
    words_source: Mapped[str] = mapped_column(server_default="text-layer")  # or "ocr"
    rank: Mapped[int | None]  # 1: its words promise the most; NULL: nobody had to choose, or it has no words to go by
    ranked_by: Mapped[str | None]  # the method, and the model where one had a say


class PageReading(Base):
    """One page, read once by one model."""

    __tablename__ = "readings"
    __table_args__ = (UniqueConstraint("page_id", "generation"), CheckConstraint("generation >= 1", name="generation"))

    id: Mapped[UUID] = new_id()
    page_id: Mapped[UUID] = belongs_to("pages.id")
    generation: Mapped[int] = mapped_column(SmallInteger, server_default="1")  # a later run of a newer model is the next one
    model: Mapped[str]
    fingerprint: Mapped[str]
    prompt_hash: Mapped[str]
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
    )

    id: Mapped[UUID] = new_id()
    reading_id: Mapped[UUID] = belongs_to("readings.id")
    name: Mapped[str]
    ordinal: Mapped[int]
    state: Mapped[FieldState] = mapped_column(closed(FieldState))
    text: Mapped[str | None]  # as printed
    tokens: Mapped[list[Any]] = mapped_column(JSONB)  # compact; store.compact reads and writes it
    ends: Mapped[bool]
    stop_reason: Mapped[str]
    problem: Mapped[str | None]
    boxes: Mapped[list[Any] | None] = mapped_column(JSONB(none_as_null=True))  # [[x0, y0, x1, y1], ...] in points
    box_source: Mapped[str | None]  # "text-layer"
    agreement: Mapped[str | None]  # "exact", "normalised" or "none": does the source say the same
    relevance: Mapped[float | None]  # a reranker's raw logit of "field: value" and the line that says it; NULL: it was not asked
    reranker: Mapped[str | None]  # its fingerprint


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


class Result(Base):
    """The document's answer about one field: what it is now, and what the machine had read."""

    __tablename__ = "results"
    __table_args__ = (
        UniqueConstraint("document_id", "name", "ordinal"),
        one_of("state", FieldState),
        CheckConstraint("read_state IN ('value', 'absent', 'unreadable')", name="read_state"),
        one_of("decision", Outcome),
        CheckConstraint("score BETWEEN 0 AND 1", name="score"),
        CheckConstraint("threshold BETWEEN 0 AND 1", name="threshold"),
        CheckConstraint("ordinal >= 0", name="ordinal"),
        CheckConstraint("state <> 'value' OR text IS NOT NULL", name="value_has_text"),
        CheckConstraint("state <> 'absent' OR (text IS NULL AND value IS NULL)", name="absent_is_empty"),
        # A value is accepted only with proof.
        CheckConstraint(
            "decision <> 'accepted' OR (state IN ('value', 'absent') AND coalesce(score >= threshold, false))",
            name="accepted_with_proof",
        ),
        CheckConstraint("(decision = 'review') = (decided_at IS NULL)", name="decided"),
        Index("results_field_id_idx", "field_id"),
    )

    id: Mapped[UUID] = new_id()
    document_id: Mapped[UUID] = belongs_to("documents.id")
    name: Mapped[str]
    ordinal: Mapped[int] = mapped_column(server_default="0")
    position: Mapped[int] = mapped_column(server_default="0")  # of this row in the document's answer, for people
    kind: Mapped[str]  # "amount"
    state: Mapped[FieldState] = mapped_column(closed(FieldState))
    text: Mapped[str | None]  # as printed, or as a person corrected it
    value: Mapped[Any | None] = mapped_column(JSONB(none_as_null=True))  # "2026-03-04", "1204.50", true
    currency: Mapped[str | None]
    read_state: Mapped[FieldState] = mapped_column(closed(FieldState))  # what the machine read, written once
    read_text: Mapped[str | None]
    read_value: Mapped[Any | None] = mapped_column(JSONB(none_as_null=True))
    field_id: Mapped[UUID | None] = mapped_column(ForeignKey("fields.id", ondelete="SET NULL"))  # the evidence it came from
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


class ReviewItem(Base):
    """One field that waits for a person."""

    __tablename__ = "review_items"
    __table_args__ = (
        UniqueConstraint("result_id"),
        one_of("state", ItemState),
        CheckConstraint("(state = 'closed') = (closed_at IS NOT NULL)", name="closed"),
        CheckConstraint("(leased_by IS NULL) = (lease_until IS NULL)", name="lease"),
        Index("review_items_document_id_idx", "document_id"),
        Index("review_items_leased_by_idx", "leased_by", postgresql_where=sql("leased_by IS NOT NULL")),
        Index("review_items_queue_idx", sql("priority DESC"), "deadline", "created_at", postgresql_where=sql("state = 'open'")),
    )

    id: Mapped[UUID] = new_id()
    result_id: Mapped[UUID] = belongs_to("results.id")
    document_id: Mapped[UUID] = belongs_to("documents.id")
    reason: Mapped[str]
    priority: Mapped[int] = mapped_column(SmallInteger, server_default="0")
    deadline: Mapped[datetime | None]
    lease_until: Mapped[datetime | None]
    leased_by: Mapped[str | None]
    version: Mapped[int] = mapped_column(server_default="1")  # rises with every decision: the second of two gets a conflict
    state: Mapped[ItemState] = mapped_column(closed(ItemState), server_default=ItemState.OPEN)
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    closed_at: Mapped[datetime | None]


class ReviewDecision(Base):
    """What a person decided.  Append-only: a trigger refuses UPDATE, DELETE and TRUNCATE."""

    __tablename__ = "review_decisions"
    __table_args__ = (
        UniqueConstraint("item_id", "version"),
        one_of("action", Action),
        CheckConstraint("action <> 'correct' OR text IS NOT NULL", name="correction_has_text"),
        CheckConstraint("length(who) BETWEEN 1 AND 200", name="who"),
        Index("review_decisions_result_id_idx", "result_id"),
        Index("review_decisions_who_idx", "who", "decided_at"),  # a person's pace, and his last decision to undo
    )

    id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    item_id: Mapped[UUID] = belongs_to("review_items.id", cascade=False)
    result_id: Mapped[UUID] = belongs_to("results.id", cascade=False)
    version: Mapped[int]  # of the item, after this decision
    who: Mapped[str]
    action: Mapped[Action] = mapped_column(closed(Action))
    text: Mapped[str | None]
    value: Mapped[Any | None] = mapped_column(JSONB(none_as_null=True))
    seen: Mapped[dict[str, Any]] = mapped_column(JSONB)  # the result as it stood before
    took_ms: Mapped[int | None]
    decided_at: Mapped[datetime] = mapped_column(server_default=func.now())
