"""Typed reads: what became of documents and fields, and the analysts' views."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime, timedelta
from typing import Any, TypeVar
from uuid import UUID

from sqlalchemy import (
    ColumnClause,
    ColumnElement,
    Row,
    Select,
    Text,
    TextClause,
    case,
    cast,
    column,
    func,
    select,
    table,
    text,
    tuple_,
)

from extractors.decision.certificates import Family
from extractors.decision.policy import UNCERTIFIED
from extractors.types import FieldState
from worker.audits.tables import Certificate
from worker.db import Tx
from worker.review.tables import ReviewDecision
from worker.tables.documents import Document, Status, Submission
from worker.tables.evidence import Page, PageReading, PageStatus
from worker.tables.results import Outcome, Result

T = TypeVar("T")


class JsonRow:
    """A row that programs can read."""

    __slots__ = ()

    def as_json(self) -> dict[str, Any]:
        """The row with times as ISO 8601, durations in seconds and ids as text."""
        row: dict[str, Any] = json.loads(json.dumps(asdict(self), default=_plain))  # type: ignore[call-overload]
        return row


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentRow(JsonRow):
    """One document and how many of its fields went where."""

    document_id: UUID
    upstream: str
    key: str
    filename: str | None
    document_type: str
    status: Status
    generation: int  # of the answer that counts, from 1
    page_count: int | None
    pages_left_out: int  # that nobody asked the model to read
    in_domain: bool | None  # the model was made for its type; None: nothing is read yet
    accepted: int  # fields accepted unseen
    waiting: int  # fields that wait for a person
    reviewed: int  # fields that a person decided
    probability_right: float | None  # that every field is; None: not every field has such a score
    expected_wrong: float | None  # fields, on average
    # of whole documents, that accepted it; "uncertified"; None: it is not accepted
    certificate: str | None
    failures: int  # attempts at this status that went wrong
    error_code: str | None
    error_message: str | None
    metadata: dict[str, Any]  # what the sender attached
    created_at: datetime
    finished_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """Which documents of one upstream are asked for: those that fit all that is set."""

    upstream: str
    types: frozenset[str] | None = None  # None: all
    key: str | None = None
    status: Status | None = None
    document_type: str | None = None
    since: datetime | None = None  # sent then or later
    until: datetime | None = None  # sent before
    before: tuple[datetime, UUID] | None = None  # in the list: what comes after this document


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldRow(JsonRow):
    """The document's answer about one field."""

    document_id: UUID
    filename: str | None
    field: str
    ordinal: int
    page: int | None
    kind: str
    state: FieldState
    text: str | None
    value: Any
    currency: str | None
    score: float | None
    method: str | None
    threshold: float | None
    certificate: str
    decision: Outcome
    reason: str
    message: str  # the reason for people
    read_text: str | None  # what the machine had read
    decided_by: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class BacklogRow(JsonRow):
    """How many fields of a kind wait for a person, and since when."""

    document_type: str
    field: str
    reason: str
    waiting: int
    overdue: int | None  # None: nothing sets a deadline
    oldest: timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class StraightThroughRow(JsonRow):
    """A day's documents of one type."""

    day: date
    document_type: str
    documents: int
    untouched: int  # accepted, and no person decided type, split or any field
    accepted_touched: int
    waiting: int
    reviewed: int
    rejected: int
    failed: int
    in_progress: int
    straight_through: float | None  # of those not in progress: failed ones count
    fields: int
    fields_accepted: int
    fields_accepted_share: float | None
    median_seconds_untouched: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class CalibrationRow(JsonRow):
    """How often people found right what was read with a score in one tenth.

    ``share_right`` is of reviewed fields only; of all fields with such a score it is
    ``drawn_share_right``, estimated from those that were drawn for an audit.
    """

    document_type: str
    method: str
    decile: int | None  # None: the method could not score these fields
    score_from: float | None
    score_to: float | None
    fields: int
    fields_right: int
    share_right: float | None  # None: no such field was reviewed
    mean_score: float | None
    drawn: int
    drawn_judged: int
    drawn_share_right: float | None  # None: not enough of the drawn ones are judged


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditedRow(JsonRow):
    """How many of the accepted fields that people audited are wrong."""

    document_type: str
    model: str | None
    fingerprint: str
    method: str | None
    certificate: str
    drawn: int
    judged: int
    wrong: int
    illegible: int
    not_judged: int
    share_wrong: float | None  # weighted by 1 / rate; None: nobody judged one
    first_drawn_at: datetime
    last_drawn_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class UntouchedRow(JsonRow):
    """How many of the drawn documents that nobody touched have an error."""

    document_type: str
    method: str
    certificate: str  # of whole documents; "uncertified"
    drawn: int
    judged: int
    wrong: int


CONFIDENCE = table(
    "document_confidence",
    column("document_id"),
    column("probability_right"),
    column("expected_wrong"),
    schema="reporting",
)


def documents(tx: Tx, ids: Sequence[UUID]) -> list[DocumentRow]:
    """These documents, in the order of the ids; an unknown id is left out."""
    rows = {row.document_id: row for row in _read(tx, DocumentRow, _documents(list(ids)))}
    return [rows[document_id] for document_id in ids if document_id in rows]


def recent(tx: Tx, *, status: Status | None = None, limit: int = 50) -> list[DocumentRow]:
    """The newest documents, newest first."""
    newest = select(Document.id).order_by(Document.created_at.desc(), Document.id).limit(limit)
    if status is not None:
        newest = newest.where(Document.status == status)
    return _read(
        tx, DocumentRow, _documents(newest).order_by(Document.created_at.desc(), Document.id)
    )


def sent(tx: Tx, asked: Sent, *, limit: int) -> list[DocumentRow]:
    """Documents of one upstream, the newest first."""
    wanted: dict[str, ColumnElement[bool] | None] = {
        "types": None if asked.types is None else Document.document_type.in_(asked.types),
        "key": None if asked.key is None else Submission.key == asked.key,
        "status": None if asked.status is None else Document.status == asked.status,
        "type": None
        if asked.document_type is None
        else Document.document_type == asked.document_type,
        "since": None if asked.since is None else Document.created_at >= asked.since,
        "until": None if asked.until is None else Document.created_at < asked.until,
        "before": None
        if asked.before is None
        else tuple_(Document.created_at, Document.id) < tuple_(*asked.before),
    }
    newest = (
        select(Document.id)
        .join(Submission, Submission.document_id == Document.id)
        .where(Submission.upstream == asked.upstream)
        .where(*(each for each in wanted.values() if each is not None))
        .order_by(Document.created_at.desc(), Document.id.desc())
        .limit(limit)
    )
    ordered = _documents(newest).order_by(Document.created_at.desc(), Document.id.desc())
    return _read(tx, DocumentRow, ordered)


def fields(tx: Tx, ids: Sequence[UUID]) -> list[FieldRow]:
    """Every field of these documents, the documents in the order of the ids, their fields in the
    order of their type.
    """
    decided_by = (
        select(ReviewDecision.who)
        .where(ReviewDecision.result_id == Result.id, Result.decision == Outcome.REVIEWED)
        .order_by(ReviewDecision.id.desc())
        .limit(1)
        .scalar_subquery()
    )
    rows = _read(
        tx,
        FieldRow,
        select(
            Result.document_id,
            Submission.filename,
            Result.name.label("field"),
            Result.ordinal,
            Result.page,
            Result.kind,
            Result.state,
            Result.text,
            Result.value,
            Result.currency,
            Result.score,
            Result.method,
            Result.threshold,
            Result.certificate,
            Result.decision,
            Result.reason,
            func.coalesce(Result.details["message"].astext, Result.reason).label("message"),
            Result.read_text,
            decided_by.label("decided_by"),
        )
        .outerjoin(Submission, Submission.document_id == Result.document_id)
        .join(Document, Document.id == Result.document_id)
        .where(Result.generation == Document.generation, Result.removed_at.is_(None))
        .where(Document.id.in_(list(ids)))
        .order_by(Result.position, Result.ordinal, Result.name),
    )
    place = {document_id: at for at, document_id in enumerate(ids)}
    # stable: within a document the order stays
    return sorted(rows, key=lambda row: place[row.document_id])


def backlog(tx: Tx) -> list[BacklogRow]:
    """What waits for people, the most first."""
    return _read(
        tx,
        BacklogRow,
        text(
            "SELECT document_type, field, reason, count(*) AS waiting,"
            " CASE WHEN count(deadline) > 0 THEN count(*) FILTER (WHERE overdue) END AS overdue,"
            " max(waiting_for) AS oldest FROM reporting.review_backlog"
            " GROUP BY 1, 2, 3 ORDER BY waiting DESC, 1, 2, 3"
        ),
    )


def straight_through(tx: Tx, *, days: int = 30) -> list[StraightThroughRow]:
    """How many documents no person touched, by day and type, the newest day first."""
    return _read(
        tx,
        StraightThroughRow,
        text(
            "SELECT * FROM reporting.straight_through WHERE day > current_date - :days ORDER BY day"
            " DESC, document_type"
        ),
        {"days": days},
    )


def calibration(tx: Tx, *, method: str | None = None) -> list[CalibrationRow]:
    """What people found right, by type, method and tenth of the score."""
    return _read(
        tx,
        CalibrationRow,
        text(
            "SELECT * FROM reporting.calibration WHERE CAST(:method AS text) IS NULL OR method ="
            " :method ORDER BY document_type, method, decile NULLS FIRST"
        ),
        {"method": method},
    )


def accepted_and_wrong(tx: Tx) -> list[AuditedRow]:
    """What audits found of accepted fields, by type, model and certificate."""
    return _read(
        tx,
        AuditedRow,
        text("SELECT * FROM reporting.accepted_and_wrong ORDER BY 1, 2, 3, 4, 5"),
    )


def untouched_and_wrong(tx: Tx) -> list[UntouchedRow]:
    """What people found of documents that were drawn whole and accepted as they were read."""
    query = """
    SELECT document_type, method, certificate, count(*) AS drawn, count(found) AS judged,
        count(*) FILTER (WHERE found = 'wrong') AS wrong
    FROM reporting.document_audits WHERE was_untouched GROUP BY 1, 2, 3 ORDER BY 1, 2, 3
    """
    return _read(tx, UntouchedRow, text(query))


def _documents(ids: Any) -> Select[*tuple[Any, ...]]:
    def count(outcome: Outcome) -> Any:
        return func.count().filter(Result.decision == outcome)

    counted = (
        select(
            Result.document_id,
            count(Outcome.ACCEPTED).label("accepted"),
            count(Outcome.REVIEW).label("waiting"),
            count(Outcome.REVIEWED).label("reviewed"),
        )
        .join(Document, Document.id == Result.document_id)
        .where(Result.generation == Document.generation, Result.removed_at.is_(None))
        .where(Document.id.in_(ids))
        .group_by(Result.document_id)
        .subquery()
    )
    left_out = (
        select(func.count())
        .where(Page.document_id == Document.id, Page.status == PageStatus.LEFT_OUT)
        .correlate(Document)
        .scalar_subquery()
    )
    in_domain = (
        select(func.bool_and(PageReading.in_domain))
        .join(Page, Page.id == PageReading.page_id)
        .where(
            Page.document_id == Document.id, PageReading.generation == Document.reading_generation
        )
        .correlate(Document)
        .scalar_subquery()
    )

    # a scalar subquery: joined, the view would be made for every document there is
    def confidence(of: ColumnClause[Any]) -> ColumnElement[Any]:
        mine = CONFIDENCE.c.document_id == Document.id
        return select(of).where(mine).correlate(Document).scalar_subquery().label(of.name)

    return (
        select(
            Document.id.label("document_id"),
            Submission.upstream,
            Submission.key,
            Submission.filename,
            Document.document_type,
            Document.status,
            Document.generation,
            Document.page_count,
            left_out.label("pages_left_out"),
            in_domain.label("in_domain"),
            confidence(CONFIDENCE.c.probability_right),
            confidence(CONFIDENCE.c.expected_wrong),
            _certificate().label("certificate"),
            func.coalesce(counted.c.accepted, 0).label("accepted"),
            func.coalesce(counted.c.waiting, 0).label("waiting"),
            func.coalesce(counted.c.reviewed, 0).label("reviewed"),
            Document.failures,
            Document.error_code,
            Document.error_message,
            Submission.metadata_.label("metadata"),
            Document.created_at,
            Document.finished_at,
        )
        .join(Submission, Submission.document_id == Document.id)
        .outerjoin(counted, counted.c.document_id == Document.id)
        .where(Document.id.in_(ids))
    )


def _certificate() -> ColumnElement[Any]:
    """Of an accepted document, what accepted the whole of it."""
    of_whole = (
        select(func.min(Result.certificate))
        .join(Certificate, cast(Certificate.id, Text) == Result.certificate)
        .where(
            Result.document_id == Document.id,
            Result.generation == Document.generation,
            Result.removed_at.is_(None),
            Certificate.family == Family.DOCUMENTS,
        )
        .correlate(Document)
        .scalar_subquery()
    )
    return case((Document.status == Status.ACCEPTED, func.coalesce(of_whole, UNCERTIFIED)))


def _read(
    tx: Tx,
    kind: type[T],
    query: Select[*tuple[Any, ...]] | TextClause,
    values: Mapping[str, Any] | None = None,
) -> list[T]:
    found: Sequence[Row[Any]] = tx.session.execute(query, values or {}).all()
    return [kind(**row._mapping) for row in found]


def _plain(value: object) -> object:
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, timedelta):
        return value.total_seconds()
    return str(value)
