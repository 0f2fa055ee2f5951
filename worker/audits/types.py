"""What audits take and give: frozen values."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from extractors.decision.certificates import Band, Family, Plan, Tested
from extractors.types import FieldState
from worker.audits.tables import Found, Noticed, PlanState


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawn:
    """One row of an answer that is drawn."""

    result_id: UUID
    rate: float  # the probability that it was drawn
    fingerprint: str  # of the model that read it
    conditions: str  # what a certificate of it is tied to
    method: str  # of the score
    score: float
    family: Family
    band: Band
    was_accepted: bool
    with_document: bool = False  # only with its whole document
    of_list: str | None = None  # about the number of rows of this list
    rows_read: int | None = None  # that the machine read
    plants: bool = False  # a planted error is shown before the reading


@dataclass(frozen=True, slots=True, kw_only=True)
class DrawnWhole:
    """One document that is drawn whole."""

    rate: float  # the probability that it was drawn
    conditions: str
    method: str
    score: float  # that all of it is right
    band: Band
    was_untouched: bool
    certificate: str  # of whole documents; "uncertified"


@dataclass(frozen=True, slots=True, kw_only=True)
class Promise:
    """What one certificate is about."""

    document_type: str
    family: Family
    band: Band
    conditions: str
    method: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Covered:
    """What a certificate of one document rests on."""

    document_type: str
    conditions: str  # model, prompt, decode mode, version of the type, further looks
    method: str  # of the scores
    scores: Mapping[UUID, float | None]  # of the readings
    band: Band
    weakest: float | None  # the least score of its rows; None: no row has one
    below: tuple[int, ...] | None  # rows that score below each cut of the watch; None: as weakest
    all_right: float | None  # the score of the whole document; None: one row has no score


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """A certificate that was tested, and not withdrawn, of documents read like this one."""

    certificate_id: UUID
    family: Family
    band: Band
    state: PlanState
    method: str
    threshold: float
    is_valid: bool  # its time is not over
    window_documents: int | None  # between its plan and its test; None: nobody counted
    window_doubtful: int | None
    window_at_least: Sequence[int] | None  # by cut and number of rows; None: only that was counted
    watched_since: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Alarm:
    """What was said of a certificate when it was suspended, and what audits say since."""

    since: datetime
    because: str
    changed_at: datetime  # audits of rows from then on settle it
    judged: int  # of these, the first ones; it takes twenty
    wrong: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Released:
    """One row that was accepted without a person."""

    document_id: UUID
    filename: str | None
    field: str
    ordinal: int
    text: str | None
    score: float | None
    certificate: str  # its id; "uncertified", "provisional"
    accepted_at: datetime
    audit: UUID | None  # it was drawn for one
    found: Found | None  # by that audit


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """One test of a promise, and what became of it."""

    certificate_id: UUID
    promise: Promise
    fingerprint: str
    plan: Plan
    size: int  # drawn rows, or documents, at the loosest threshold or above, to be tested by
    state: PlanState
    planned_at: datetime
    # of these, those that were drawn since, at most ``size``; 0 when it is tested already
    drawn: int
    unjudged: int  # of these, those that nobody has looked at yet
    tested: Tested | None
    valid_until: datetime | None
    alarm: Alarm | None  # the last one


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """One accepted row that a person shall look at; people see nothing of what was read."""

    audit_id: UUID
    document_id: UUID
    document_type: str
    type_version: str | None
    field: str
    ordinal: int
    page: int | None  # that the value was read on
    filename: str | None
    drawn_at: datetime
    found: Found | None
    # what the machine read, for comparing
    result_id: UUID
    state: FieldState
    text: str | None
    value: Any
    currency: str | None
    of_list: str | None  # about the number of rows of this list, and not about a value
    rows_read: int | None  # that the machine read
    plants: bool  # a planted error is shown before the reading
    is_current: bool  # it is accepted still, and belongs to the answer that counts
    certificate: UUID | None  # that it was accepted by


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How many audits wait, and what those that are done found."""

    waiting: int
    right: int
    wrong: int
    illegible: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """What became of a person's answer."""

    audit_id: UUID
    document_id: UUID
    field: str
    found: Found | None  # None: it differs from the reading; the person compares, and says again
    read: str | None  # what the machine read; None: nothing
    typed: str | None  # what the person says; None: nothing
    of_list: str | None = None  # it is about the rows of this list, which are set right apart
    noticed: Noticed | None = None  # what they had compared with was planted
