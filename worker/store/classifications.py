"""What kind of document it is: guessed by a method, said by a person; both are kept."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import ColumnElement, func, insert, literal, select
from sqlalchemy.dialects.postgresql import insert as pg_insert

from extractors.triage.classify import Guess
from extractors.triage.split import METHOD as PARTS_NOW
from extractors.triage.split import Part
from worker.db import Tx
from worker.store import transitions
from worker.store.documents import hold
from worker.store.types import Claim, Piece
from worker.tables.base import Base
from worker.tables.documents import Classification, Status, Submission
from worker.tables.evidence import Page

PARTS = "parts/%"  # every version of what says where the next document of a file begins
SAME_IN_PARTS = ("sha256", "media_type", "priority", "deadline", "upstream", "turn")


def save_guess(tx: Tx, held: Claim, guess: Guess) -> None:
    """What a method takes the document for; what it said before stays, since a method's version
    never changes its mind.

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
            confidence=min(
                (part.guess.confidence for part in parts if part.guess.confidence is not None),
                default=None,
            ),
            fits={
                f"{part.first}-{part.last} {part.guess.document_type or 'unknown'}": (
                    part.guess.confidence
                )
                for part in parts
            },
        )
        .on_conflict_do_nothing(index_elements=["document_id", "method"])
    )


def split(tx: Tx, held: Claim, pieces: Sequence[Piece]) -> list[UUID]:
    """Each piece becomes a document of its own, with its pages, under the submitter's key with the
    piece's pages behind it.

    Raises ClaimLost if another worker took over meanwhile.
    """
    hold(tx, held)
    return [
        make_part(tx, held.document_id, piece, by=transitions.WORKER, stage=held.stage)
        for piece in pieces
    ]


def make_part(tx: Tx, file_id: UUID, piece: Piece, *, by: str, stage: str) -> UUID:
    """One part, at the status at which pages are chosen; the images stay where they are, and so
    does the original.
    """
    made = uuid4()
    transitions.create(
        tx,
        made,
        {
            "document_type": piece.document_type,
            "page_count": piece.last - piece.first + 1,
            "part_of": file_id,
            "first_page": piece.first,
        },
        at=Status.UNTRIAGED,
        by=by,
        stage=stage,
        like=file_id,
        same=SAME_IN_PARTS,
    )
    key = func.left(Submission.key, 150) + f"#{piece.first}-{piece.last}"
    named = {
        "document_id": literal(made),
        "key": key,
        "document_type": literal(piece.document_type),
    }
    _copy(
        tx,
        Submission,
        named,
        ("upstream", "filename", "metadata_"),
        Submission.document_id == file_id,
    )
    inside = (Page.document_id == file_id) & Page.number.between(piece.first, piece.last)
    numbered = {"document_id": literal(made), "number": Page.number - (piece.first - 1)}
    same = (
        "width_pt",
        "height_pt",
        "model_sha256",
        "model_width_px",
        "model_height_px",
        "view_sha256",
        "words",
        "words_source",
    )
    _copy(tx, Page, numbered, same, inside)
    return made


def _copy(
    tx: Tx,
    table: type[Base],
    changed: Mapping[str, Any],
    same: Sequence[str],
    where: ColumnElement[bool],
) -> None:
    """Rows again, with some columns changed, some the same, and the others at their defaults."""
    columns = {**changed, **{name: getattr(table, name) for name in same}}
    names = [getattr(table, name).property.columns[0].name for name in columns]
    tx.session.execute(insert(table).from_select(names, select(*columns.values()).where(where)))
