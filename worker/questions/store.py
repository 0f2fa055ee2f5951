"""Questions in the database."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

from sqlalchemy import Select, func, null, select, update
from sqlalchemy.dialects.postgresql import insert as pg_insert

from worker import actor
from worker.accounts.store import sha256_of
from worker.db import Tx
from worker.errors import NotFound
from worker.questions.errors import NoSuchLink
from worker.questions.types import Asked, Link, New
from worker.store import installation
from worker.store.codec import storable
from worker.tables.documents import Document, Status, Submission
from worker.tables.questions import Question, QuestionState
from worker.tables.results import Result


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """A document whose row is locked."""

    document_id: UUID
    status: Status
    upstream: str  # whoever sent it
    document_type: str
    type_version: str | None
    generation: int  # that counts
    working_generation: int
    error_code: str | None
    error_message: str | None
    has_answer: bool

    @property
    def sender(self) -> str:
        """Whoever answers, as decisions and classifications name them."""
        return actor.sender(self.upstream)


def hold(tx: Tx, document_id: UUID, *, lock: bool = True) -> Held:
    """Lock the document for the rest of the transaction: whoever asks, answers or withdraws does so
    first.

    lock: False: only look

    Raises NotFound.
    """
    d = Document
    answered = select(Result.id).where(
        Result.document_id == d.id, Result.generation == d.generation
    )
    query = select(
        d.id.label("document_id"),
        *(d.status, d.upstream, d.document_type, d.type_version, d.generation),
        *(d.working_generation, d.error_code, d.error_message),
        answered.exists().label("has_answer"),
    ).where(d.id == document_id)
    row = tx.session.execute(query.with_for_update(of=d) if lock else query).one_or_none()
    if row is None:
        raise NotFound(f"There is no document {document_id}. List them: surefield list.")
    return Held(**row._mapping)


def insert(
    tx: Tx,
    document: Held,
    new: New,
    *,
    by: str,
    lasts: timedelta,
    back: Status,
    fails_with: str | None,
    fails_because: str | None,
) -> Link | None:
    """Keep a question; None where the same one is open already.  The document is locked."""
    token = secrets.token_urlsafe(32)
    row = (
        pg_insert(Question)
        .values(
            document_id=document.document_id,
            generation=document.working_generation,
            wanted=new.wanted,
            doubt=new.doubt,
            field=new.field,
            ordinal=new.ordinal,
            text=storable(new.text),
            page=new.page,
            asked_by=by,
            expires_at=func.now() + lasts,
            back=back,
            fails_with=fails_with,
            fails_because=fails_because,
            **_kept(tx, token),
        )
        .on_conflict_do_nothing()
        .returning(Question.id)
    )
    made = tx.session.execute(row).scalar_one_or_none()
    return None if made is None else Link(made, token)


def new_link(tx: Tx, question_id: UUID) -> Link:
    """A new link to an open question; the one before ends."""
    token = secrets.token_urlsafe(32)
    tx.session.execute(
        update(Question).where(Question.id == question_id).values(**_kept(tx, token))
    )
    return Link(question_id, token)


def _kept(tx: Tx, token: str) -> dict[str, Any]:
    """A token as it rests: its hash, and sealed for the process that tells it."""
    return {"token_sha256": sha256_of(token), "token_sealed": installation.seal(tx, token)}


def reseal(tx: Tx, key_file: Path) -> None:
    """Links that wait are sealed for the installation's present key.

    Raises KeyUnusable.
    """
    q = Question
    rows = select(q.id, q.token_sealed).where(q.token_sealed.is_not(None)).with_for_update()
    for row in tx.session.execute(rows).all():
        sealed = installation.resealed(tx, key_file, row.token_sealed)
        tx.session.execute(update(q).where(q.id == row.id).values(token_sealed=sealed))


def of_id(tx: Tx, question_id: UUID, *, upstream: str | None = None) -> Asked:
    """One question.

    upstream: the sender who asks for it; another's is not there

    Raises NotFound.
    """
    query = _questions().where(Question.id == question_id)
    if upstream is not None:
        query = query.where(Submission.upstream == upstream)
    row = tx.session.execute(query).one_or_none()
    if row is None:
        raise NotFound(f"There is no question {question_id}. List them: surefield question list.")
    return Asked(**row._mapping)


def of_token(tx: Tx, token: str) -> Asked:
    """The question of a private link.

    Raises NoSuchLink.
    """
    row = tx.session.execute(
        _questions().where(Question.token_sha256 == sha256_of(token))
    ).one_or_none()
    if row is None:
        raise NoSuchLink(
            "Nothing is asked at this address. Open the whole link, or ask whoever sent it for a"
            " new one."
        )
    return Asked(**row._mapping)


def listed(
    tx: Tx,
    *,
    upstream: str | None = None,
    document_id: UUID | None = None,
    state: QuestionState | None = QuestionState.OPEN,
    limit: int = 100,
) -> list[Asked]:
    """Questions, the oldest first."""
    query = _questions().order_by(Question.asked_at, Question.id).limit(limit)
    if upstream is not None:
        query = query.where(Submission.upstream == upstream)
    if document_id is not None:
        query = query.where(Question.document_id == document_id)
    if state is not None:
        query = query.where(Question.state == state)
    return [Asked(**row._mapping) for row in tx.session.execute(query)]


def close(
    tx: Tx,
    question_ids: Sequence[UUID],
    *,
    to: QuestionState,
    by: str,
    door: str | None = None,
    answer: str | None = None,
    file_sha256: str | None = None,
) -> None:
    """Open questions end.  Their document is locked."""
    tx.session.execute(
        update(Question)
        .where(Question.id.in_(question_ids), Question.state == QuestionState.OPEN)
        .values(
            state=to,
            closed_at=func.now(),
            closed_by=by,
            token_sealed=null(),
            door=door,
            answer=None if answer is None else storable(answer),
            file_sha256=file_sha256,
        )
    )


def overdue(tx: Tx, *, limit: int) -> list[UUID]:
    """Documents with a question whose time is over."""
    query = (
        select(Question.document_id)
        .where(Question.state == QuestionState.OPEN, Question.expires_at <= func.now())
        .distinct()
        .limit(limit)
    )
    return list(tx.session.execute(query).scalars())


def unreminded(tx: Tx, *, every: timedelta, limit: int) -> list[UUID]:
    """Documents whose sender is to be reminded."""
    last = func.coalesce(Question.reminded_at, Question.asked_at)
    query = (
        select(Question.document_id)
        .where(
            Question.state == QuestionState.OPEN,
            Question.expires_at > func.now(),
            last <= func.now() - every,
        )
        .distinct()
        .limit(limit)
    )
    return list(tx.session.execute(query).scalars())


def note_reminder(tx: Tx, document_id: UUID, *, every: timedelta) -> bool:
    """Count a reminder of each question that is due one; False where none is.  The document is
    locked.
    """
    last = func.coalesce(Question.reminded_at, Question.asked_at)
    rows = tx.session.execute(
        update(Question)
        .where(
            Question.document_id == document_id,
            Question.state == QuestionState.OPEN,
            Question.expires_at > func.now(),
            last <= func.now() - every,
        )
        .values(reminders=Question.reminders + 1, reminded_at=func.now())
        .returning(Question.id)
    )
    return bool(rows.all())


def _questions() -> Select[*tuple[Any, ...]]:
    q = Question
    return (
        select(
            q.id.label("question_id"),
            q.document_id,
            Submission.upstream,
            Submission.key,
            Submission.filename,
            Document.document_type,
            Document.type_version,
            *(q.generation, q.wanted, q.doubt, q.field, q.ordinal, q.text, q.page),
            *(q.asked_by, q.asked_at, q.expires_at, q.reminders, q.back),
            *(q.fails_with, q.fails_because, q.state),
            (q.expires_at <= func.now()).label("overdue"),
            *(q.closed_at, q.closed_by, q.door, q.answer, q.file_sha256),
        )
        .join(Document, Document.id == q.document_id)
        .join(Submission, Submission.document_id == q.document_id)
    )
