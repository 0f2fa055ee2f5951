"""What goes into the store and comes out of it: frozen values that state their units."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any
from uuid import UUID, uuid4

from extractors.errors import SurefieldError
from extractors.evidence.gather import Candidate
from extractors.evidence.witnesses import Testimony
from extractors.normalise import Value
from extractors.page.text import TEXT_LAYER, PageText
from extractors.rendering.image_quality import ImageQuality
from extractors.types import Box, FieldReading, FieldState, Word
from worker.tables.documents import Status
from worker.tables.results import Outcome

ATTENTION = "cross-attention"  # a box's source: where the model looked, not where the page says so
MAX_ATTEMPTS = 4  # at one status, when the caller names no cap


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """The right to work on one document until the lease ends."""

    document_id: UUID
    claim_no: int
    at: Status
    stage: str  # whose attempt this is: "render"
    document_type: str
    type_version: str | None  # that it is read under; None before it is pinned
    sha256: str
    media_type: str
    generation: int  # of the answer that is being made
    received: date  # the day that the document came in
    failures: int  # attempts at this status that went wrong before this one
    probes: bool = False  # the stage pauses, and this document is to tell whether it works again


@dataclass(frozen=True, slots=True, kw_only=True)
class PageClaim:
    """The right to read one page until the lease ends."""

    page_id: UUID
    document_id: UUID
    number: int  # 1-based
    claim_no: int
    document_type: str
    type_version: str | None
    width_pt: float
    height_pt: float
    model_width_px: int
    model_height_px: int
    model_sha256: str
    generation: int  # under which the reading is stored
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

        An error of ours says what to do about it. Of any other only the kind is kept, since its
        message may quote the document.
        """
        if isinstance(error, SurefieldError):
            return cls(code=error.code, message=str(error), retry=error.retry)
        message = (
            f"{type(error).__name__} while working on the document. The worker's log has the"
            " traceback; please report it."
        )
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
    quality: ImageQuality | None = None  # of the model's picture
    words: tuple[Word, ...] = ()
    words_source: str = TEXT_LAYER
    # the share of what is printed that the text layer covers; None: not measured
    layer_coverage: float | None = None
    turned: int | None = None  # the print's direction in degrees clockwise; None: not known


@dataclass(frozen=True, slots=True, kw_only=True)
class RenderedBefore:
    """What earlier turns rendered of a document, and what that cost."""

    pages: int = 0  # the first ones
    words: int = 0
    stored_bytes: int = 0  # of their pictures
    waited_s: float = 0.0  # for the render child


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """Pages of a file that go on as a document of their own; page numbers are 1-based and
    inclusive.
    """

    first: int
    last: int
    document_type: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SortedPage:
    """What was decided about one page: whether it is read, and how much its words promise among the
    document's pages.
    """

    number: int  # 1-based
    read: bool
    # 1 is the most promising; None: there was no choice, or it has no words
    rank: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredPage:
    """One page as the evidence about it is made: its words, and its picture if a model read it."""

    number: int  # 1-based
    text: PageText
    left_out: bool  # nobody asked the model to read it
    rank: int | None  # among the pages that were chosen from; None: no choice, or no words
    size_pt: tuple[float, float]  # width and height as displayed
    view_sha256: str  # of the picture for people


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredField:
    """One field of one page, with the id of its evidence."""

    field_id: UUID
    page: int  # 1-based
    in_domain: bool
    fingerprint: str  # of the model that read it
    decode_mode: str
    looked_at_again: bool  # further looks at the page are stored
    reading: FieldReading
    boxes: tuple[Box, ...] = ()
    box_source: str | None = None
    agreement: str | None = None  # None: not looked for, or no words
    value: Any = None  # JSON-able, of the text
    currency: str | None = None
    value_problem: str | None = None
    relevance: float | None = None  # a reranker's raw logit; None when it was not asked
    image_quality: ImageQuality | None = None  # of its page; None: not measured


@dataclass(frozen=True, slots=True)
class SaidByLook:
    """What one further look at a page says."""

    forced: bool  # it holds the first reading's answer, and read nothing
    fields: dict[tuple[str, int], FieldReading] = field(default_factory=dict)  # name and ordinal


@dataclass(frozen=True, slots=True, kw_only=True)
class Gathered:
    """The stored evidence of a document, field by field, before anything is scored."""

    candidates: tuple[Candidate, ...]
    testimony: tuple[Testimony, ...]
    in_domain: bool  # the model was made for this document type, on every page


@dataclass(frozen=True, slots=True)
class NewScore:
    """How sure a method is of one field's value."""

    field_id: UUID
    method: str
    score: float | None  # None: the method could not tell


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """What grounding finds out about one reading of a field."""

    field_id: UUID
    value: Value | None = None  # None: there is no text
    boxes: tuple[Box, ...] = ()  # where the page says it, else where the model looked
    box_source: str | None = None  # "text-layer"
    agreement: str | None = None  # "exact", "normalised" or "none"; None: the page has no words
    relevance: float | None = None  # a reranker's raw logit; None when it was not asked
    reranker: str | None = None  # its fingerprint


@dataclass(frozen=True, slots=True, kw_only=True)
class Decided:
    """What a person had decided about a field when an earlier answer was made."""

    result_id: UUID  # the result in which it was decided
    decision_id: int  # the one that was made then
    answer_id: int  # that it rests on
    who: str
    action: str
    said_text: str | None  # as the decision has it
    said_value: Any
    state: FieldState  # and what the field is by it
    text: str | None
    value: Any
    currency: str | None
    at: datetime


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
    result_id: UUID = field(default_factory=uuid4)
    was_read: bool = True  # False: no page says anything of it, a person had
    place: int | None = None  # the ordinal at which a person put the row; None: as it was read
    removed_at: datetime | None = None  # by a person
    earlier_id: UUID | None = None  # where a person had decided this field before
    carried: Decided | None = None  # that decision, when it holds here too
