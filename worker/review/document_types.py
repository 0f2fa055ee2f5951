"""Documents whose type is open: a person names the type, or splits a file of several documents."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import func, insert, literal, null, select
from sqlalchemy.dialects.postgresql import JSONB

from worker.db import Tx
from worker.errors import NotFound
from worker.review import store
from worker.review.errors import InvalidDecision, ReviewConflict
from worker.review.tables import Verdict
from worker.review.types import Untyped
from worker.store import generations, transitions
from worker.store.classifications import PARTS, make_part
from worker.store.codec import is_storable
from worker.store.types import Piece
from worker.tables.documents import ANSWERED, Classification, Document, Status, Submission

PERSON = "person"
STAGE = "review"


def choose_type(tx: Tx, document_id: UUID, document_type: str, *, who: str) -> None:
    """A person says what the document is, and it goes on.

    The caller knows that there is such a type.

    Raises NotFound, ReviewConflict when its type is not open (any more), InvalidDecision for an
    unusable name of a person.
    """
    _hold_open(tx, document_id, who)
    tx.session.execute(
        insert(Classification).values(
            document_id=document_id, method=PERSON, document_type=document_type, who=who
        )
    )
    transitions.move(
        tx,
        [document_id],
        at=[Status.NEEDS_TYPE],
        to=Status.UNTRIAGED,
        by=transitions.person(who),
        stage=STAGE,
        also={"document_type": document_type},
    )


def read_as(tx: Tx, document_id: UUID, document_type: str, *, who: str) -> None:
    """A person says that a document that was read is of another type: it is read again as that, and
    its open fields wait for nobody any more.

    The caller holds the document, and knows that there is such a type.

    Raises ReviewConflict when it has no answer (yet), InvalidDecision when it is of that type.
    """
    found = tx.session.execute(
        select(Document.status, Document.document_type).where(Document.id == document_id)
    ).one()
    if found.status not in ANSWERED:
        raise ReviewConflict(
            f"Document {document_id} is {found.status}: it can be read as another type when it"
            " waits for a person, or has its answer."
        )
    if found.document_type == document_type:
        raise InvalidDecision(
            f"Document {document_id} was read as {document_type} already. To have it read once"
            f" more: surefield reread {document_id}."
        )
    begun = generations.read_again(
        tx,
        [document_id],
        by=transitions.person(who),
        code=Verdict.OTHER_TYPE.value,
        document_type=document_type,
    )
    store.supersede(tx, begun)


def split_by_hand(tx: Tx, document_id: UUID, pieces: Sequence[Piece], *, who: str) -> list[UUID]:
    """A person says which documents a file holds, and they go on.

    The caller knows that there are such types.

    Raises NotFound, ReviewConflict when its type is not open (any more), InvalidDecision when a
    page is in no piece or in two.
    """
    page_count = _hold_open(tx, document_id, who)
    named = [number for piece in pieces for number in range(piece.first, piece.last + 1)]
    if (
        len(pieces) < 2
        or named != list(range(1, page_count + 1))
        or any(piece.first > piece.last for piece in pieces)
    ):
        raise InvalidDecision(
            f"Document {document_id} has {page_count} pages, and each must be in exactly one of at"
            " least two pieces, in their order. Name them all, or say what the whole of it is:"
            " surefield review type."
        )
    said = {f"{piece.first}-{piece.last} {piece.document_type}": None for piece in pieces}
    tx.session.execute(
        insert(Classification).values(
            document_id=document_id, method=PERSON, document_type=null(), fits=said, who=who
        )
    )
    by = transitions.person(who)
    made = [make_part(tx, document_id, piece, by=by, stage=STAGE) for piece in pieces]
    transitions.move(tx, [document_id], at=[Status.NEEDS_TYPE], to=Status.SPLIT, by=by, stage=STAGE)
    return made


def _hold_open(tx: Tx, document_id: UUID, who: str) -> int:
    """Lock a document whose type is open, for a person to say it; how many pages it has."""
    if not 1 <= len(who) <= 200 or not is_storable(who):
        raise InvalidDecision(
            "Reviewing needs the name of who does it, at most 200 characters. Log in, or pass"
            " --who."
        )
    found = tx.session.execute(
        select(Document.status, Document.page_count)
        .where(Document.id == document_id)
        .with_for_update()
    ).one_or_none()
    if found is None:
        raise NotFound(
            f"There is no document {document_id}. List what waits for its type: surefield review"
            " types."
        )
    if found.status is not Status.NEEDS_TYPE:
        raise ReviewConflict(
            f"The type of document {document_id} is not open: it is {found.status}. Look at it"
            f" again: surefield show {document_id}."
        )
    return int(found.page_count)


def untyped(tx: Tx, *, document_id: UUID | None = None, limit: int = 50) -> list[Untyped]:
    """Documents whose type a person must name, the most urgent first, with the newest guess."""
    guess = (
        select(Classification.document_type, Classification.confidence)
        .where(Classification.document_id == Document.id, Classification.method.not_like(PARTS))
        .order_by(Classification.created_at.desc())
        .limit(1)
        .lateral()
    )
    parts = (
        select(Classification.fits)
        .where(Classification.document_id == Document.id, Classification.method.like(PARTS))
        .order_by(Classification.created_at.desc())
        .limit(1)
        .scalar_subquery()
    )
    query = (
        select(
            Document.id.label("document_id"),
            Submission.filename,
            Document.page_count,
            guess.c.document_type.label("likeliest"),
            guess.c.confidence,
            func.coalesce(parts, literal({}, JSONB)).label("parts"),
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
