"""Failed documents go back to where they failed, once what was wrong is mended."""

from collections import defaultdict
from collections.abc import Collection, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import func, null, select, update
from sqlalchemy.dialects.postgresql import distinct_on

from worker.db import Tx
from worker.store import transitions
from worker.tables.documents import ALLOWED, Document, DocumentEvent, Status
from worker.tables.evidence import Page, PageStatus
from worker.tables.questions import Question, QuestionState, Wanted

STAGE = "retry"
SENT_AGAIN = "submission"  # the door of an answer: the document was sent again, with it
# where a document stands that lacks something
LACKS = frozenset({Status.FAILED, Status.NEEDS_INPUT})
# its pages, if there are any, may be made anew
BEFORE_READ = frozenset({Status.SUBMITTED, Status.UNTRIAGED, Status.RENDERED})


def failed(tx: Tx, *, code: str | None = None, since: datetime | None = None) -> list[UUID]:
    """Documents that failed, the oldest first: with this code, since this moment."""
    query = select(Document.id).where(Document.status == Status.FAILED)
    if code is not None:
        query = query.where(Document.error_code == code)
    if since is not None:
        query = query.where(Document.finished_at >= since)
    return list(tx.session.execute(query.order_by(Document.created_at)).scalars().all())


def retry(tx: Tx, document_ids: Sequence[UUID], *, by: str) -> list[UUID]:
    """Send these documents back to the status at which they failed; returns those that had failed.

    Their pages are read again where they were not read yet. A password is gone: a PDF that needs
    one is submitted again under its key, with it.
    """
    moved: list[UUID] = []
    for status, ids in _by_status(tx, document_ids).items():
        moved += transitions.move(tx, ids, at=[Status.FAILED], to=status, by=by, stage=STAGE)
    _pages_again(tx, moved)
    return moved


def reopen(tx: Tx, document_id: UUID, *, by: str, stage: str, code: str) -> bool:
    """What a document lacked that failed, or whose sender was asked, has come: it is rendered
    again, or goes on where it failed when it had been read.  False: it lacks nothing.

    code: why, for the event
    """
    [failed_at] = _by_status(tx, [document_id])
    to = Status.SUBMITTED if failed_at in BEFORE_READ else failed_at
    lacks = [at for at in LACKS if to in ALLOWED[at]]
    _answered(tx, document_id, by=by)
    moved = transitions.move(tx, [document_id], at=lacks, to=to, by=by, stage=stage, code=code)
    _pages_again(tx, moved)
    return bool(moved)


def _answered(tx: Tx, document_id: UUID, *, by: str) -> None:
    """What its sender was asked for came by itself, if they were."""
    waits = select(Document.id).where(
        Document.id == document_id, Document.status == Status.NEEDS_INPUT
    )
    locked = tx.session.execute(waits.with_for_update()).scalars().all()
    tx.session.execute(
        update(Question)
        .where(
            Question.document_id.in_(locked),
            Question.state == QuestionState.OPEN,
            Question.wanted == Wanted.PASSWORD,
        )
        .values(
            state=QuestionState.ANSWERED,
            closed_at=func.now(),
            closed_by=by,
            door=SENT_AGAIN,
            token_sealed=null(),
        )
    )


def _pages_again(tx: Tx, moved: Sequence[UUID]) -> None:
    tx.session.execute(
        update(Page)
        .where(Page.document_id.in_(moved), Page.status == PageStatus.FAILED)
        .values(status=PageStatus.RENDERED, failures=0, lease_until=null(), next_attempt_at=null())
    )


def _by_status(tx: Tx, document_ids: Collection[UUID]) -> dict[Status, list[UUID]]:
    """Where each failed, by the last event that says so; from the start where none does."""
    last = (
        select(DocumentEvent.document_id, DocumentEvent.from_status)
        .where(
            DocumentEvent.document_id.in_(document_ids),
            DocumentEvent.to_status == Status.FAILED,
            # no answer came: it failed before it was asked about
            DocumentEvent.from_status != Status.NEEDS_INPUT,
        )
        .order_by(DocumentEvent.document_id, DocumentEvent.id.desc())
        .ext(distinct_on(DocumentEvent.document_id))
    )
    known = {row.document_id: row.from_status for row in tx.session.execute(last)}
    found: dict[Status, list[UUID]] = defaultdict(list)
    for document_id in document_ids:
        found[known.get(document_id) or Status.SUBMITTED].append(document_id)
    return found
