"""Questions to the sender of a document, and what was answered.

A document at ``needs_input`` has at least one open question; whatever moves it on closes them.
"""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, Index, SmallInteger, UniqueConstraint, func
from sqlalchemy import text as sql
from sqlalchemy.orm import Mapped, mapped_column

from worker.tables.base import Base, belongs_to, closed, new_id, one_of
from worker.tables.documents import Status

SHA256 = "~ '^[0-9a-f]{64}$'"


class Wanted(StrEnum):
    """What an answer must be."""

    PASSWORD = "password"  # of an encrypted file
    FILE = "file"  # a better scan of the same paper
    TYPE = "type"  # which of the document types it is
    VALUE = "value"  # of one field
    TEXT = "text"  # words, for a person to read


class QuestionState(StrEnum):
    """What became of a question."""

    OPEN = "open"
    ANSWERED = "answered"
    WITHDRAWN = "withdrawn"  # nobody needs the answer any more
    EXPIRED = "expired"  # nobody answered in time


class Question(Base):
    """One thing that the sender of a document is asked."""

    __tablename__ = "questions"
    __table_args__ = (
        UniqueConstraint("token_sha256"),
        one_of("wanted", Wanted),
        one_of("state", QuestionState),
        one_of("back", Status),
        CheckConstraint(f"token_sha256 {SHA256}", name="token"),
        CheckConstraint(f"file_sha256 {SHA256}", name="file"),
        CheckConstraint("length(text) BETWEEN 1 AND 4000", name="text"),
        CheckConstraint("(wanted = 'value') = (field IS NOT NULL)", name="field"),
        CheckConstraint("page >= 1", name="page"),
        CheckConstraint("reminders >= 0", name="reminders"),
        CheckConstraint(
            "(state = 'open') = (closed_at IS NULL) AND (closed_at IS NULL) = (closed_by IS NULL)",
            name="closed",
        ),
        CheckConstraint("(state = 'answered') = (door IS NOT NULL)", name="answered"),
        CheckConstraint("state = 'open' OR token_sealed IS NULL", name="token_forgotten"),
        Index("questions_document_id_idx", "document_id"),
        Index(
            "questions_open_idx",
            "document_id",
            "wanted",
            sql("coalesce(field, '')"),
            "ordinal",
            unique=True,
            postgresql_where=sql("state = 'open'"),
        ),
        Index("questions_expires_at_idx", "expires_at", postgresql_where=sql("state = 'open'")),
    )

    id: Mapped[UUID] = new_id()
    document_id: Mapped[UUID] = belongs_to("documents.id")
    generation: Mapped[int] = mapped_column(SmallInteger)  # that was made last when it was asked
    wanted: Mapped[Wanted] = mapped_column(closed(Wanted))
    doubt: Mapped[str]  # why it is asked, as a code: "encrypted_pdf", "required_absent"
    field: Mapped[str | None]  # of which a value is wanted: "total", "items.amount"
    ordinal: Mapped[int] = mapped_column(server_default="0")  # row of a list, from 0
    text: Mapped[str]  # as the sender reads it
    page: Mapped[int | None]  # that is shown with it; NULL: none is
    asked_by: Mapped[str]  # "worker", "person:ada"
    asked_at: Mapped[datetime] = mapped_column(server_default=func.now())
    expires_at: Mapped[datetime]
    reminders: Mapped[int] = mapped_column(SmallInteger, server_default="0")
    reminded_at: Mapped[datetime | None]
    # where the document goes when nobody answers; what it fails with there
    back: Mapped[Status] = mapped_column(closed(Status))
    fails_with: Mapped[str | None]
    fails_because: Mapped[str | None]
    token_sha256: Mapped[str]  # of the link that was given out last
    # for the process that tells it; read only where it is asked for
    token_sealed: Mapped[bytes | None] = mapped_column(deferred=True)
    state: Mapped[QuestionState] = mapped_column(
        closed(QuestionState), server_default=QuestionState.OPEN
    )
    closed_at: Mapped[datetime | None]
    closed_by: Mapped[str | None]  # "upstream:erp", "person:ada", "sweeper"
    door: Mapped[str | None]  # through which it was answered: "link", "api", "command", "queue"
    answer: Mapped[str | None]  # never a password
    file_sha256: Mapped[str | None]  # of the better scan


class QuestionTry(Base):
    """Somebody opened or answered a link; what its rate limit counts."""

    __tablename__ = "question_tries"
    __table_args__ = (
        Index("question_tries_token_idx", "token_sha256", "tried_at"),
        Index("question_tries_address_idx", "address", "tried_at"),
    )

    id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    token_sha256: Mapped[str]
    address: Mapped[str]
    tried_at: Mapped[datetime] = mapped_column(server_default=func.now())
