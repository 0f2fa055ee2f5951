"""What goes into the store and comes out of it: frozen values that state their units."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from extractors.errors import InvalidSubmission, SurefieldError
from extractors.page_text import TEXT_LAYER
from extractors.types import Box, FieldReading, FieldState, Word
from worker.models import Action, ItemState, Outcome, Status

LOOKED = "cross-attention"  # a box's source: where the model looked, not where the page says so
MAX_ATTEMPTS = 4  # at one status, when the caller names no cap


class KeyReused(InvalidSubmission):
    """The same upstream used the same key for other bytes or another document type."""

    code = "key_reused"


class ClaimLost(SurefieldError):
    """Another worker took over: nothing this attempt did may be saved."""

    code = "claim_lost"


class ReviewConflict(SurefieldError):
    """Somebody else decided or holds this item."""

    code = "review_conflict"


class InvalidDecision(SurefieldError):
    """A reviewer's decision contradicts itself or the item."""

    code = "invalid_decision"


class NotFound(SurefieldError):
    """No row has this id."""

    code = "not_found"


@dataclass(frozen=True, slots=True, kw_only=True)
class Submission:
    """One document as an upstream sends it; its bytes are in the blob store already."""

    upstream: str
    sha256: str
    media_type: str
    document_type: str
    key: str | None = None  # None: the bytes and the type are the key
    priority: int = 0  # higher first, -100..100
    deadline: datetime | None = None
    password: str | None = field(default=None, repr=False)
    filename: str | None = None
    metadata: Mapping[str, Any] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class Submitted:
    """The document that a submission stands for."""

    document_id: UUID
    created: bool  # False: this upstream had sent this key before


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """The right to work on one document until the lease ends."""

    document_id: UUID
    claim_no: int
    at: Status
    document_type: str
    sha256: str
    media_type: str
    failures: int  # attempts at this status that went wrong before this one


@dataclass(frozen=True, slots=True, kw_only=True)
class PageClaim:
    """The right to read one page until the lease ends."""

    page_id: UUID
    document_id: UUID
    number: int  # 1-based
    claim_no: int
    document_type: str
    width_pt: float
    height_pt: float
    model_width_px: int
    model_height_px: int
    model_sha256: str
    failures: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """Why an attempt went wrong, as the document's row will say it."""

    code: str
    message: str
    retry: bool

    @classmethod
    def of(cls, error: BaseException) -> "Failure":
        """The failure that an exception stands for.

        An error of ours says what to do about it.  Of any other only the kind is kept, since its message may quote the document.
        """
        if isinstance(error, SurefieldError):
            return cls(code=error.code, message=str(error), retry=error.retry)
        message = f"{type(error).__name__} while working on the document. The worker's log has the traceback; please report it."
        return cls(code=SurefieldError.code, message=message, retry=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class NewPage:
    """One rendered page, its images in the blob store already."""

    number: int  # 1-based
    width_pt: float
    height_pt: float
    model_width_px: int
    model_height_px: int
    model_sha256: str
    view_sha256: str
    words: tuple[Word, ...] = ()
    words_source: str = TEXT_LAYER


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """Pages of a file that go on as a document of their own; page numbers are 1-based and inclusive."""

    first: int
    last: int
    document_type: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Untyped:
    """A document whose type a person must name, and what its words are most like."""

    document_id: UUID
    filename: str | None
    page_count: int | None
    likeliest: str | None
    confidence: float | None  # None: it has no words
    parts: Mapping[str, float | None]  # "1-2 invoice" -> confidence, where the file looks like several documents
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class SortedPage:
    """What was decided about one page: whether it is read, and how much its words promise among the document's pages."""

    number: int  # 1-based
    read: bool
    rank: int | None = None  # 1 is the most promising; None: there was no choice, or it has no words


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredField:
    """One field of one page, with the id of its evidence."""

    field_id: UUID
    page: int  # 1-based
    in_domain: bool
    reading: FieldReading
    boxes: tuple[Box, ...] = ()
    box_source: str | None = None
    agreement: str | None = None


@dataclass(frozen=True, slots=True)
class NewScore:
    """How sure a method is of one field's value."""

    field_id: UUID
    method: str
    score: float | None  # None: the method could not tell


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundAt:
    """Where the page says a value, and whether it says the same."""

    field_id: UUID
    boxes: tuple[Box, ...]
    source: str  # "text-layer"
    agreement: str  # "exact", "normalised" or "none"


@dataclass(frozen=True, slots=True, kw_only=True)
class NewResult:
    """The document's answer about one field, as routing decides it."""

    name: str
    ordinal: int = 0
    position: int = 0  # of this row in the document's answer
    kind: str
    state: FieldState
    text: str | None = None  # as printed
    value: Any = None  # JSON-able
    currency: str | None = None
    field_id: UUID | None = None  # the evidence it came from
    page: int | None = None
    score: float | None = None
    method: str | None = None
    threshold: float | None = None
    certificate: str = "uncertified"
    decision: Outcome
    reason: str
    details: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemFilter:
    """Which review items to look at; None means any."""

    document_id: UUID | None = None
    document_type: str | None = None
    field: str | None = None
    reason: str | None = None
    older_than: timedelta | None = None
    least_priority: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One field that waits, or waited, for a person."""

    item_id: UUID
    version: int
    item_state: ItemState
    document_id: UUID
    document_type: str
    field: str
    ordinal: int
    kind: str
    page: int | None
    state: FieldState
    text: str | None
    value: Any
    currency: str | None
    score: float | None
    threshold: float | None
    reason: str
    details: Mapping[str, Any]
    priority: int
    deadline: datetime | None
    created_at: datetime
    lease_until: datetime | None
    leased_by: str | None
    field_id: UUID | None
    boxes: tuple[Box, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What a person says about one item."""

    item_id: UUID
    version: int  # of the item as the person saw it
    who: str
    action: Action
    text: str | None = None  # for a correction
    value: Any = None  # what the text means, normalised by the caller
    currency: str | None = None  # of an amount; None: the text names none, and the one that is known stays
    took_ms: int | None = None


@dataclass(frozen=True, slots=True)
class Decided:
    """What a decision led to."""

    document_id: UUID
    version: int  # of the item now
    open_items: int  # of the document
    status: Status  # of the document
