"""Documents and their fields as people look at them: typed reads for the terminal and, later, the pages."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session, sessionmaker

from extractors.types import FieldState
from worker.models import Document, Outcome, Result, Status, Submission

Sessions = sessionmaker[Session]


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentRow:
    """One document and how far it is."""

    document_id: UUID
    filename: str | None
    document_type: str
    status: Status
    page_count: int | None
    accepted: int  # fields accepted, by proof or by a person
    waiting: int  # fields that wait for a person
    error_code: str | None
    error_message: str | None
    created_at: datetime
    finished_at: datetime | None

    def as_json(self) -> dict[str, Any]:
        """For programs."""
        return {name: _plain(value) for name, value in asdict(self).items()}


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldRow:
    """One field of a document's answer."""

    document_id: UUID
    filename: str | None
    field: str
    ordinal: int
    state: FieldState
    text: str | None
    value: Any
    currency: str | None
    page: int | None
    score: float | None
    method: str | None
    threshold: float | None
    certificate: str
    decision: str
    reason: str
    words: str  # the reason in words

    def as_json(self) -> dict[str, Any]:
        """For programs."""
        return {name: _plain(value) for name, value in asdict(self).items()}


def documents(sessions: Sessions, ids: Sequence[UUID]) -> list[DocumentRow]:
    """These documents, in the order asked for; an id that nobody has is left out."""
    place = {document_id: number for number, document_id in enumerate(ids)}
    return sorted(_documents(sessions, _selected().where(Document.id.in_(place))), key=lambda row: place[row.document_id])


def recent(sessions: Sessions, *, status: Status | None, limit: int) -> list[DocumentRow]:
    """The newest documents first."""
    query = _selected().order_by(Document.created_at.desc(), Document.id).limit(limit)
    return _documents(sessions, query if status is None else query.where(Document.status == status))


def fields(sessions: Sessions, ids: Sequence[UUID]) -> list[FieldRow]:
    """Every field of these documents' answers, in the order of the documents asked for and of their types."""
    place = {document_id: number for number, document_id in enumerate(ids)}
    query = (
        select(Result, _filename())
        .join(Document, Result.document_id == Document.id)
        .where(Document.id.in_(place))
        .order_by(Result.position, Result.ordinal)
    )
    with sessions() as session:
        rows = [_field(result, filename) for result, filename in session.execute(query)]
    return sorted(rows, key=lambda row: place[row.document_id])  # stable: the positions keep their order


def _selected() -> Select[Any]:
    def count(decisions: tuple[Outcome, ...]) -> Any:
        counted = select(func.count()).select_from(Result).where(Result.document_id == Document.id, Result.decision.in_(decisions))
        return counted.correlate(Document).scalar_subquery()

    accepted, waiting = count((Outcome.ACCEPTED, Outcome.REVIEWED)), count((Outcome.REVIEW,))
    return select(Document, _filename(), accepted, waiting)


def _filename() -> Any:
    first = select(Submission.filename).where(Submission.document_id == Document.id).order_by(Submission.created_at).limit(1)
    return first.correlate(Document).scalar_subquery()


def _documents(sessions: Sessions, query: Select[Any]) -> list[DocumentRow]:
    with sessions() as session:
        return [
            DocumentRow(
                document_id=document.id,
                filename=filename,
                document_type=document.document_type,
                status=document.status,
                page_count=document.page_count,
                accepted=accepted,
                waiting=waiting,
                error_code=document.error_code,
                error_message=document.error_message,
                created_at=document.created_at,
                finished_at=document.finished_at,
            )
            for document, filename, accepted, waiting in session.execute(query)
        ]


def _field(result: Result, filename: str | None) -> FieldRow:
    return FieldRow(
        document_id=result.document_id,
        filename=filename,
        field=result.name,
        ordinal=result.ordinal,
        state=result.state,
        text=result.text,
        value=result.value,
        currency=result.currency,
        page=result.page,
        score=result.score,
        method=result.method,
        threshold=result.threshold,
        certificate=result.certificate,
        decision=result.decision.value,
        reason=result.reason,
        words=str(result.details.get("words") or result.reason),
    )


def _plain(value: Any) -> Any:
    return value if value is None or isinstance(value, int | float | str | bool | list | dict) else str(value)
