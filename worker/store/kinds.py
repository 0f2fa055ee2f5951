"""What kind of document it is: guessed by a method, said by a person; both are kept."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import ColumnElement, func, insert, literal, null, select, update
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.dialects.postgresql import insert as pg_insert

from extractors.bundle import METHOD as PARTS_NOW
from extractors.bundle import Part
from extractors.classify import Guess
from worker.db import Tx
from worker.models import Base, Classification, Document, Page, Status, Submission
from worker.store.compact import is_storable
from worker.store.documents import hold
from worker.store.values import Claim, InvalidDecision, NotFound, Piece, ReviewConflict, Untyped

PERSON = "person"
PARTS = "parts/%"  # every version of what says where the next document of a file begins


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


def save_parts(tx: Tx, held: Claim, parts: Sequence[Part]) -> None:
    """What the pages of the file look like, one by one; what was said before stays.

    Raises ClaimLost if another worker took over meanwhile.
    """
    hold(tx, held)
    tx.session.execute(
        pg_insert(Classification)
        .values(
            document_id=held.document_id,
            method=PARTS_NOW,
            confidence=min((part.guess.confidence for part in parts if part.guess.confidence is not None), default=None),
            fits={f"{part.first}-{part.last} {part.guess.document_type or 'unknown'}": part.guess.confidence for part in parts},
        )
        .on_conflict_do_nothing(index_elements=["document_id", "method"])
    )


def split(tx: Tx, held: Claim, pieces: Sequence[Piece]) -> list[UUID]:
    """Each piece becomes a document of its own, with its pages, under the submitter's key with the piece's pages behind it.

    Raises ClaimLost if another worker took over meanwhile.
    """
    hold(tx, held)
    return [_part(tx, held.document_id, piece) for piece in pieces]


def _part(tx: Tx, file_id: UUID, piece: Piece) -> UUID:
    """One part, at the status at which pages are chosen; the images stay where they are, and so does the original."""
    made = uuid4()
    pages = literal(piece.last - piece.first + 1)
    values = {"id": literal(made), "document_type": literal(piece.document_type), "status": literal(Status.UNSORTED.value)}
    values |= {"page_count": pages, "part_of": Document.id, "first_page": literal(piece.first)}
    _copy(tx, Document, values, ("sha256", "media_type", "priority", "deadline"), Document.id == file_id)
    key = func.left(Submission.key, 150) + f"#{piece.first}-{piece.last}"
    named = {"document_id": literal(made), "key": key, "document_type": literal(piece.document_type)}
    _copy(tx, Submission, named, ("upstream", "filename", "metadata_"), Submission.document_id == file_id)
    inside = (Page.document_id == file_id) & Page.number.between(piece.first, piece.last)
    numbered = {"document_id": literal(made), "number": Page.number - (piece.first - 1)}
    same = ("width_pt", "height_pt", "model_sha256", "model_width_px", "model_height_px", "view_sha256", "words", "words_source")
    _copy(tx, Page, numbered, same, inside)
    tx.move(made, Status.UNSORTED)
    return made


def _copy(tx: Tx, table: type[Base], changed: Mapping[str, Any], same: Sequence[str], where: ColumnElement[bool]) -> None:
    """Rows again, with some columns changed, some the same, and the others at their defaults."""
    columns = {**changed, **{name: getattr(table, name) for name in same}}
    names = [getattr(table, name).property.columns[0].name for name in columns]
    tx.session.execute(insert(table.__table__).from_select(names, select(*columns.values()).where(where)))  # type: ignore[arg-type]


def choose_type(tx: Tx, document_id: UUID, document_type: str, *, who: str) -> None:
    """A person says what the document is, and it goes on.  The caller knows that there is such a type.

    Raises NotFound, ReviewConflict when its type is not open (any more), InvalidDecision for an unusable name of a person.
    """
    _hold_open(tx, document_id, who)
    tx.session.execute(insert(Classification).values(document_id=document_id, method=PERSON, document_type=document_type, who=who))
    tx.session.execute(
        update(Document)
        .where(Document.id == document_id)
        .values(status=Status.UNSORTED, document_type=document_type, failures=0, announced_at=null(), updated_at=func.now())
    )
    tx.move(document_id, Status.UNSORTED)


def split_by_hand(tx: Tx, document_id: UUID, pieces: Sequence[Piece], *, who: str) -> list[UUID]:
    """A person says which documents a file holds, and they go on.  The caller knows that there are such types.

    Raises NotFound, ReviewConflict when its type is not open (any more), InvalidDecision when a page is in no piece or in two.
    """
    page_count = _hold_open(tx, document_id, who)
    named = [number for piece in pieces for number in range(piece.first, piece.last + 1)]
    if len(pieces) < 2 or named != list(range(1, page_count + 1)) or any(piece.first > piece.last for piece in pieces):
        raise InvalidDecision(
            f"Document {document_id} has {page_count} pages, and each must be in exactly one of at least two pieces, in their order. "
            "Name them all, or say what the whole of it is: surefield review type."
        )
    said = {f"{piece.first}-{piece.last} {piece.document_type}": None for piece in pieces}
    tx.session.execute(insert(Classification).values(document_id=document_id, method=PERSON, document_type=null(), fits=said, who=who))
    made = [_part(tx, document_id, piece) for piece in pieces]
    ended = {"status": Status.SPLIT, "failures": 0, "announced_at": null(), "updated_at": func.now(), "finished_at": func.now()}
    tx.session.execute(update(Document).where(Document.id == document_id).values(ended))
    tx.move(document_id, Status.SPLIT)
    return made


def _hold_open(tx: Tx, document_id: UUID, who: str) -> int:
    """Lock a document whose type is open, for a person to say it; how many pages it has."""
    if not 1 <= len(who) <= 200 or not is_storable(who):
        raise InvalidDecision("Reviewing needs the name of who does it, at most 200 characters. Log in, or pass --who.")
    found = tx.session.execute(
        select(Document.status, Document.page_count).where(Document.id == document_id).with_for_update()
    ).one_or_none()
    if found is None:
        raise NotFound(f"There is no document {document_id}. List what waits for its type: surefield review types.")
    if found.status is not Status.NEEDS_TYPE:
        raise ReviewConflict(
            f"The type of document {document_id} is not open: it is {found.status}. Look at it again: surefield show {document_id}."
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
