"""What kind of document it is: guessed by a method, said by a person; both are kept."""

from uuid import UUID

from sqlalchemy import func, insert, null, select, update
from sqlalchemy.dialects.postgresql import insert as pg_insert

from extractors.classify import Guess
from worker.db import Tx
from worker.models import Classification, Document, Status, Submission
from worker.store.compact import is_storable
from worker.store.documents import hold
from worker.store.values import Claim, InvalidDecision, NotFound, ReviewConflict, Untyped

PERSON = "person"


def save_guess(tx: Tx, held: Claim, guess: Guess) -> None:
    """What a method takes the document for; what it said before stays, since a method's version never changes its mind.

    Raises ClaimLost if another worker took over meanwhile.
    """
    hold(tx, held)
    tx.session.execute(
        pg_insert(Classification)
        .values(
            document_id=held.document_id,
            method=guess.method,
            document_type=guess.document_type,
            confidence=guess.confidence,
            fits=dict(guess.fits),
        )
        .on_conflict_do_nothing(index_elements=["document_id", "method"])
    )


def choose_type(tx: Tx, document_id: UUID, document_type: str, *, who: str) -> None:
    """A person says what the document is, and it goes on.  The caller knows that there is such a type.

    Raises NotFound, ReviewConflict when its type is not open (any more), InvalidDecision for an unusable name of a person.
    """
    if not 1 <= len(who) <= 200 or not is_storable(who):
        raise InvalidDecision("Reviewing needs the name of who does it, at most 200 characters. Log in, or pass --who.")
    status = tx.session.execute(select(Document.status).where(Document.id == document_id).with_for_update()).scalar_one_or_none()
    if status is None:
        raise NotFound(f"There is no document {document_id}. List what waits for its type: surefield review types.")
    if status is not Status.NEEDS_TYPE:
        raise ReviewConflict(
            f"The type of document {document_id} is not open: it is {status}. Look at it again: surefield show {document_id}."
        )
    tx.session.execute(insert(Classification).values(document_id=document_id, method=PERSON, document_type=document_type, who=who))
    tx.session.execute(
        update(Document)
        .where(Document.id == document_id)
        .values(status=Status.UNSORTED, document_type=document_type, failures=0, announced_at=null(), updated_at=func.now())
    )
    tx.move(document_id, Status.UNSORTED)


def untyped(tx: Tx, *, document_id: UUID | None = None, limit: int = 50) -> list[Untyped]:
    """Documents whose type a person must name, the most urgent first, with the newest guess."""
    guess = (
        select(Classification.document_type, Classification.confidence)
        .where(Classification.document_id == Document.id)
        .order_by(Classification.created_at.desc())
        .limit(1)
        .lateral()
    )
    query = (
        select(
            Document.id.label("document_id"),
            Submission.filename,
            Document.page_count,
            guess.c.document_type.label("likeliest"),
            guess.c.confidence,
            Document.created_at,
        )
        .outerjoin(Submission, Submission.document_id == Document.id)
        .outerjoin(guess, Document.id.is_not(None))
        .where(Document.status == Status.NEEDS_TYPE)
        .order_by(Document.priority.desc(), Document.created_at, Document.id)
        .limit(limit)
    )
    if document_id is not None:
        query = query.where(Document.id == document_id)
    return [Untyped(**row._mapping) for row in tx.session.execute(query)]
