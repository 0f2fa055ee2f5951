"""Documents: the rows that move through the pipeline, and what came in with them.

Kinds that grow (document type, method, reason) are text. Sets that are closed are CHECKs, and a
test holds them equal to the enums here.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
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

from worker.tables.base import Base, Xid8, belongs_to, closed, is_in, new_id, one_of


class Status(StrEnum):
    """Where a document stands on its way through."""

    SUBMITTED = "submitted"
    UNTRIAGED = "untriaged"  # its pages are there; its type, or which of them to read, is open
    NEEDS_TYPE = "needs_type"  # its words do not say what it is: a person must
    NEEDS_INPUT = "needs_input"  # its sender is asked, and it goes on from the answer
    RENDERED = "rendered"
    EXTRACTED = "extracted"
    GROUNDED = "grounded"  # all evidence is stored, and nothing is scored yet
    SCORED = "scored"
    ACCEPTED = "accepted"
    IN_REVIEW = "in_review"
    REVIEWED = "reviewed"
    REJECTED = (
        "rejected"  # not ours, illegible, a duplicate, or its sender cancelled it: error_code
    )
    SPLIT = "split"  # several documents in one file: its parts go on as documents of their own
    FAILED = "failed"


# nothing more happens by itself
FINAL = frozenset({Status.ACCEPTED, Status.REVIEWED, Status.REJECTED, Status.SPLIT, Status.FAILED})
# routing made an answer, and it counts
ANSWERED = frozenset({Status.ACCEPTED, Status.IN_REVIEW, Status.REVIEWED})
# where the slow work waits: rendering, and the model
WAITS = frozenset({Status.SUBMITTED, Status.UNTRIAGED, Status.RENDERED})
# where a document may stand whose type nobody knows yet
TYPE_IS_OPEN = frozenset(
    {
        Status.SUBMITTED,
        Status.UNTRIAGED,
        Status.NEEDS_TYPE,
        Status.NEEDS_INPUT,
        Status.REJECTED,
        Status.SPLIT,
        Status.FAILED,
    }
)
# where a person may say what a whole document is
JUDGED = ANSWERED | {Status.NEEDS_TYPE}
# an answered document is read, grounded, scored or routed once more
AGAIN = frozenset({Status.UNTRIAGED, Status.EXTRACTED, Status.GROUNDED, Status.SCORED})
# how work on a document may end before its time: it fails, or its sender cancels it
ENDS = frozenset({Status.FAILED, Status.REJECTED})
# where the sender may be asked about a document
MAY_ASK = ANSWERED | {Status.SUBMITTED, Status.NEEDS_TYPE, Status.FAILED}

# Every move there is, by where it begins; None is where a document comes into being.
ALLOWED: Mapping[Status | None, frozenset[Status]] = {
    None: frozenset({Status.SUBMITTED, Status.UNTRIAGED}),  # a part begins with its pages there
    Status.SUBMITTED: ENDS | {Status.UNTRIAGED, Status.RENDERED, Status.NEEDS_INPUT},
    Status.UNTRIAGED: ENDS | {Status.NEEDS_TYPE, Status.RENDERED, Status.SPLIT},
    Status.NEEDS_TYPE: frozenset(
        {Status.UNTRIAGED, Status.NEEDS_INPUT, Status.SPLIT, Status.REJECTED}
    ),
    # on from the answer, or back to where it was asked about
    Status.NEEDS_INPUT: ENDS | ANSWERED | {Status.SUBMITTED, Status.UNTRIAGED, Status.NEEDS_TYPE},
    Status.RENDERED: ENDS | {Status.EXTRACTED},
    Status.EXTRACTED: ENDS | {Status.GROUNDED},
    Status.GROUNDED: ENDS | {Status.SCORED},
    Status.SCORED: ENDS | ANSWERED,
    Status.ACCEPTED: AGAIN
    | {Status.REVIEWED, Status.NEEDS_INPUT, Status.REJECTED},  # a person corrects what was accepted
    Status.IN_REVIEW: AGAIN | {Status.REVIEWED, Status.NEEDS_INPUT, Status.REJECTED},
    Status.REVIEWED: AGAIN
    # and takes that back
    | {Status.IN_REVIEW, Status.ACCEPTED, Status.NEEDS_INPUT, Status.REJECTED},
    Status.REJECTED: JUDGED,  # taken back
    Status.SPLIT: frozenset(),
    # back to where it failed, once what was wrong is mended
    Status.FAILED: AGAIN | {Status.SUBMITTED, Status.RENDERED, Status.NEEDS_INPUT},
}


def under_version() -> Any:
    """The version of the document type that a row was made under; NULL: by a release without."""
    return mapped_column(ForeignKey("document_type_versions.sha256"))


class Document(Base):
    """One document on its way through."""

    __tablename__ = "documents"
    __table_args__ = (
        one_of("status", Status),
        CheckConstraint("sha256 ~ '^[0-9a-f]{64}$'", name="sha256"),
        CheckConstraint("status <> 'failed' OR error_code IS NOT NULL", name="failed_says_why"),
        CheckConstraint(
            "status <> 'rejected' OR coalesce(error_code IN ('not_ours', 'illegible', 'duplicate',"
            " 'cancelled'), false)",
            name="rejected_says_why",
        ),
        CheckConstraint(f"(finished_at IS NOT NULL) = ({is_in('status', FINAL)})", name="finished"),
        CheckConstraint("claim_no >= 0 AND failures >= 0", name="counters"),
        CheckConstraint(
            "generation BETWEEN 1 AND working_generation AND reading_generation BETWEEN 1 AND"
            " working_generation",
            name="generations",
        ),
        CheckConstraint(
            f"document_type <> 'auto' OR {is_in('status', TYPE_IS_OPEN)}", name="type_is_known"
        ),
        CheckConstraint(
            "(part_of IS NULL) = (first_page IS NULL) AND first_page >= 1", name="part"
        ),
        Index("documents_part_of_idx", "part_of", postgresql_where=sql("part_of IS NOT NULL")),
        CheckConstraint("priority BETWEEN 0 AND 9", name="priority"),
        Index(
            "documents_queue_idx",
            "status",
            sql("priority DESC"),
            "deadline",
            "turn",
            "created_at",
            "id",
        ),
        Index("documents_upstream_idx", "upstream", "turn"),
        Index("documents_turn_idx", "turn", postgresql_where=sql(is_in("status", WAITS))),
        Index(
            "documents_lease_idx", "lease_until", postgresql_where=sql("lease_until IS NOT NULL")
        ),
        Index("documents_sha256_idx", "sha256"),
        Index("documents_created_at_idx", "created_at"),
    )

    id: Mapped[UUID] = new_id()
    sha256: Mapped[str]  # of the original's bytes, and where the blob store keeps them
    media_type: Mapped[str]  # "application/pdf"
    document_type: Mapped[str]  # "auto" until its words, or a person, say what it is
    type_version: Mapped[str | None] = under_version()  # pinned before the first page is read
    status: Mapped[Status] = mapped_column(closed(Status))  # only store.transitions writes it
    # fences off a worker that lost its lease
    claim_no: Mapped[int] = mapped_column(server_default="0")
    lease_until: Mapped[datetime | None]  # NULL: nobody works on it
    failures: Mapped[int] = mapped_column(SmallInteger, server_default="0")  # at this status
    error_code: Mapped[str | None]  # of the last failed attempt, or of the end
    error_message: Mapped[str | None]
    next_attempt_at: Mapped[datetime | None]  # not before
    # the answer that counts; while a further one is made, the one before
    generation: Mapped[int] = mapped_column(SmallInteger, server_default="1")
    # the answer that is being made, or was made last
    working_generation: Mapped[int] = mapped_column(SmallInteger, server_default="1")
    # whose readings that answer is made from
    reading_generation: Mapped[int] = mapped_column(SmallInteger, server_default="1")
    # 0 the lowest, 9 the highest, 4 the usual one: as JMS and AMQP have it
    priority: Mapped[int] = mapped_column(SmallInteger, server_default="4")
    deadline: Mapped[datetime | None]
    upstream: Mapped[str] = mapped_column(server_default="")  # whoever sent it
    # its place among those of all upstreams: see store.order
    turn: Mapped[int] = mapped_column(BigInteger, server_default="0")
    page_count: Mapped[int | None]
    # what rendering cost in earlier turns: bytes of pictures, and seconds
    rendered_bytes: Mapped[int] = mapped_column(BigInteger, server_default="0")
    rendering_s: Mapped[float] = mapped_column(server_default="0")
    # the file of several documents
    part_of: Mapped[UUID | None] = mapped_column(ForeignKey("documents.id", ondelete="CASCADE"))
    first_page: Mapped[int | None]  # of that file, with which this part begins
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    # of the last change of status
    updated_at: Mapped[datetime] = mapped_column(server_default=func.now())
    finished_at: Mapped[datetime | None]


class DocumentEvent(Base):
    """One move of one document.  Append-only: a trigger refuses UPDATE and TRUNCATE."""

    __tablename__ = "document_events"
    __table_args__ = (
        one_of("from_status", Status),
        one_of("to_status", Status),
        CheckConstraint("(from_status IS NULL) = (duration IS NULL)", name="first"),
        Index("document_events_document_id_idx", "document_id", "id"),
        Index("document_events_xid_idx", "xid"),
    )

    id: Mapped[int] = mapped_column(BigInteger, primary_key=True)  # the order of the moves
    document_id: Mapped[UUID] = belongs_to("documents.id")
    at: Mapped[datetime] = mapped_column(server_default=func.now())
    from_status: Mapped[Status | None] = mapped_column(closed(Status))  # NULL: it came into being
    to_status: Mapped[Status] = mapped_column(closed(Status))
    stage: Mapped[str | None]  # what moved it: "render", "review", "sweep"
    claim_no: Mapped[int | None]  # of the attempt; NULL: no claim on the document was needed
    # the answer that is being made
    generation: Mapped[int] = mapped_column(SmallInteger, server_default="1")
    duration: Mapped[timedelta | None]  # since the event before: the time spent at from_status
    code: Mapped[str | None]  # of the error, or of why it goes another way
    actor: Mapped[str]  # "worker", "sweeper", "person:ada", "upstream:erp"
    # of the transaction: tells when no earlier event can come any more; NULL: from before
    xid: Mapped[str | None] = mapped_column(
        Xid8(), server_default=sql("pg_current_xact_id()"), deferred=True
    )


class Submission(Base):
    """What an upstream sent: its key names one document for ever, however often the message
    comes.
    """

    __tablename__ = "submissions"
    __table_args__ = (
        UniqueConstraint("upstream", "key"),
        UniqueConstraint("document_id"),
        CheckConstraint(
            "length(upstream) BETWEEN 1 AND 100 AND length(key) BETWEEN 1 AND 200", name="names"
        ),
        CheckConstraint("sha256 ~ '^[0-9a-f]{64}$'", name="sha256"),
    )

    id: Mapped[UUID] = new_id()
    upstream: Mapped[str]
    key: Mapped[str]
    document_id: Mapped[UUID] = mapped_column(
        # Deferred, because the submission goes first: whoever inserts it may create the document.
        ForeignKey("documents.id", ondelete="CASCADE", deferrable=True, initially="DEFERRED")
    )
    # as the upstream asked; "auto" stays here when the document has found its type
    document_type: Mapped[str]
    filename: Mapped[str | None]
    # of the file as it came first, where a better scan has taken its place
    sha256: Mapped[str | None]
    metadata_: Mapped[dict[str, Any]] = mapped_column("metadata", JSONB, server_default=sql("'{}'"))
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())


class Secret(Base):
    """A password, from the submission until the pages are rendered, and no longer; sealed for the
    installation's key.
    """

    __tablename__ = "secrets"

    document_id: Mapped[UUID] = mapped_column(
        ForeignKey("documents.id", ondelete="CASCADE"), primary_key=True
    )
    sealed: Mapped[bytes]


class DocumentTypeVersion(Base):
    """A document type as it was when a document was read under it.  Data, never executed."""

    __tablename__ = "document_type_versions"
    __table_args__ = (CheckConstraint("sha256 ~ '^[0-9a-f]{64}$'", name="sha256"),)

    sha256: Mapped[str] = mapped_column(primary_key=True)  # of the definition
    name: Mapped[str]
    definition: Mapped[dict[str, Any]] = mapped_column(JSONB)
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())


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
    # every type's own score
    fits: Mapped[dict[str, Any]] = mapped_column(JSONB, server_default=sql("'{}'"))
    who: Mapped[str | None]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
