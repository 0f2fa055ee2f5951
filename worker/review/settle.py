"""Where a document stands after people decided something of it."""

from uuid import UUID

from sqlalchemy import func, select

from worker.db import Tx
from worker.errors import NotFound
from worker.review.errors import ReviewConflict
from worker.review.tables import ItemState, ReviewItem
from worker.store import transitions
from worker.store.results import current
from worker.tables.documents import ANSWERED, Document, Status
from worker.tables.results import Outcome, Result

STAGE = "review"
CORRECTED = "corrected"  # code of the event: decided again, and it stays reviewed
# where a decision of a person or of the sender, or taking it back, may lead from
BEFORE = {
    Status.IN_REVIEW: frozenset({Status.REVIEWED, Status.NEEDS_INPUT}),
    Status.REVIEWED: frozenset({Status.IN_REVIEW, Status.ACCEPTED, Status.NEEDS_INPUT}),
    Status.ACCEPTED: frozenset({Status.REVIEWED, Status.NEEDS_INPUT}),
}


def hold_document(tx: Tx, document_id: UUID) -> Status:
    """Lock the document for the rest of the transaction; returns its status.

    Raises NotFound, ReviewConflict when its fields are nobody's to decide now.
    """
    status = tx.session.execute(
        select(Document.status).where(Document.id == document_id).with_for_update()
    ).scalar_one_or_none()
    if status is None:
        raise NotFound(f"There is no document {document_id}. List them: surefield list.")
    if status not in ANSWERED:
        raise ReviewConflict(
            f"Document {document_id} is {status}: nothing of it can be decided now. Look at it:"
            f" surefield show {document_id}."
        )
    return Status(status)


def settle(
    tx: Tx, document_id: UUID, *, who: str, by: str | None = None, stage: str = STAGE
) -> tuple[int, Status]:
    """Move the document where it belongs by what is open and decided now; its row is locked.

    by: the actor, as events name it; None: the person ``who``

    Returns how many items are open, and the status.
    """
    waiting = open_items(tx, document_id)
    to = Status.IN_REVIEW if waiting else _ended(tx, document_id)
    by = transitions.person(who) if by is None else by
    moved = transitions.move(tx, [document_id], at=BEFORE[to], to=to, by=by, stage=stage)
    if not moved and to is Status.REVIEWED:
        transitions.note(tx, document_id, at=to, by=by, stage=stage, code=CORRECTED)
    return waiting, to


def open_items(tx: Tx, document_id: UUID) -> int:
    """How many items of the document are open."""
    return tx.session.execute(
        select(func.count())
        .select_from(ReviewItem)
        .where(ReviewItem.document_id == document_id, ReviewItem.state == ItemState.OPEN)
    ).scalar_one()


def _ended(tx: Tx, document_id: UUID) -> Status:
    """With nothing open: REVIEWED when a person decided anything of it, else ACCEPTED."""
    by_a_person = tx.session.execute(
        select(Result.id).where(current(document_id), Result.decision == Outcome.REVIEWED).limit(1)
    ).one_or_none()
    return Status.ACCEPTED if by_a_person is None else Status.REVIEWED
