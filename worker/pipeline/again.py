"""Answer documents once more: read them again, or score or route again what was read.

Each makes a new generation of the answer.  Until it is there, the one before counts; afterwards
that one is history.  What people decided is carried over (``worker.review.carry``).
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import select

from worker import store
from worker.db import Tx
from worker.errors import NotAtRest, NotFound
from worker.pipeline.flow import FLOW
from worker.review import store as review_store
from worker.runtime import Runtime
from worker.tables.documents import Document, Status

AT_ONCE = 500  # documents moved by one transaction


class Again(StrEnum):
    """From where on a document is answered once more."""

    REREAD = "reread"  # with the model, and all that follows
    RESCORE = "rescore"  # with the confidence methods of today, and routing
    REROUTE = "reroute"  # with the thresholds of today


@dataclass(frozen=True, slots=True, kw_only=True)
class Which:
    """Documents at rest that have an answer: all that fit what is set."""

    document_type: str | None = None
    since: datetime | None = None  # submitted then or later


def one(rt: Runtime, document_id: UUID, again: Again, *, by: str) -> None:
    """Begin a further answer of one document; one that failed may be read again.

    by: the actor, as events name it

    Raises NotFound, NotAtRest.
    """
    with rt.transaction() as tx:
        if _begin(tx, [document_id], again, by):
            return
        status = tx.session.execute(
            select(Document.status).where(Document.id == document_id)
        ).scalar_one_or_none()
    if status is None:
        raise NotFound(f"There is no document {document_id}. List them: surefield list.")
    hint = (
        f" Read it again: surefield reread {document_id}"
        if status is Status.FAILED
        else " Wait until it rests, and look where it stands: surefield list."
    )
    raise NotAtRest(f"Document {document_id} is {status}: there is nothing to {again}.{hint}")


def many(rt: Runtime, which: Which, again: Again, *, by: str) -> int:
    """Begin a further answer of every document that fits; returns how many.

    by: the actor, as events name it
    """
    return sum(_batches(rt, which, lambda tx, ids: len(_begin(tx, ids, again, by))))


def _batches(
    rt: Runtime, which: Which, begin: Callable[[Tx, Sequence[UUID]], int]
) -> Iterator[int]:
    """One short transaction after the other, so that nobody waits for the whole."""
    after: UUID | None = None
    while True:
        with rt.transaction() as tx:
            ids = store.generations.answered(
                tx,
                document_type=which.document_type,
                since=which.since,
                after=after,
                limit=AT_ONCE,
            )
            if not ids:
                return
            begun = begin(tx, ids)
        yield begun
        after = ids[-1]


def _begin(tx: Tx, ids: Sequence[UUID], again: Again, by: str) -> list[UUID]:
    if again is Again.REREAD:
        begun = store.generations.read_again(tx, ids, by=by, code=again)
    else:
        begun = store.generations.answer_again(tx, ids, to=_start(again), by=by, code=again)
    review_store.supersede(tx, begun)
    return begun


def _start(again: Again) -> Status:
    """Where the stage takes documents that does the first of the work."""
    stage = {Again.RESCORE: "score", Again.REROUTE: "route"}[again]
    return next(step.at for step in FLOW if step.name == stage)
