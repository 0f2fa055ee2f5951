"""What questions take and give: frozen values."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, BinaryIO
from uuid import UUID

from worker.tables.documents import Status
from worker.tables.questions import QuestionState, Wanted


@dataclass(frozen=True, slots=True, kw_only=True)
class New:
    """What a sender is to be asked."""

    wanted: Wanted
    text: str  # as the sender reads it
    doubt: str  # why, as a code
    field: str | None = None  # of which a value is wanted
    ordinal: int = 0
    page: int | None = None  # that is shown with it


@dataclass(frozen=True, slots=True)
class Link:
    """A question's private link; its token is told this once."""

    question_id: UUID
    token: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One question and what became of it."""

    question_id: UUID
    document_id: UUID
    upstream: str
    key: str
    filename: str | None
    document_type: str
    type_version: str | None
    generation: int
    wanted: Wanted
    doubt: str
    field: str | None
    ordinal: int
    text: str
    page: int | None
    asked_by: str
    asked_at: datetime
    expires_at: datetime
    reminders: int
    back: Status
    fails_with: str | None
    fails_because: str | None
    state: QuestionState
    overdue: bool  # it expires, and nobody has closed it yet
    closed_at: datetime | None
    closed_by: str | None
    door: str | None
    answer: str | None
    file_sha256: str | None

    @property
    def is_open(self) -> bool:
        """An answer would be taken now."""
        return self.state is QuestionState.OPEN and not self.overdue

    def as_json(self) -> Mapping[str, Any]:
        """As upstream systems see it."""
        return {
            "question_id": str(self.question_id),
            "document_id": str(self.document_id),
            "key": self.key,
            "wanted": self.wanted.value,
            "doubt": self.doubt,
            "field": self.field,
            "ordinal": self.ordinal,
            "text": self.text,
            "asked_at": self.asked_at.isoformat(),
            "expires_at": self.expires_at.isoformat(),
            "state": self.state.value,
            "closed_at": None if self.closed_at is None else self.closed_at.isoformat(),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a sender says; exactly one of these, and the one that was asked for."""

    text: str | None = None  # a value as printed, a type's name, or words
    password: str | None = field(default=None, repr=False)
    file: BinaryIO | None = field(default=None, repr=False)  # open, and the caller's to close


@dataclass(frozen=True, slots=True, kw_only=True)
class Meant:
    """An answer that fits its question, ready to be kept."""

    text: str | None = None
    password: str | None = field(default=None, repr=False)
    sha256: str | None = None  # of a better scan that is in the blob store
    media_type: str | None = None


@dataclass(frozen=True, slots=True)
class Went:
    """What an answer led to."""

    document_id: UUID
    status: Status  # of the document
    open_questions: int  # about it
