"""A document's way: submitted once, claimed by one worker at a time, finished, or failed with a
reason.
"""

from collections.abc import Collection
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    Interval,
    Row,
    Update,
    bindparam,
    case,
    func,
    null,
    or_,
    select,
    update,
)
from sqlalchemy.orm import InstrumentedAttribute

from extractors.documents.types import DocumentType
from worker.db import Tx
from worker.errors import ClaimLost
from worker.store import document_types, installation, transitions
from worker.store.bulk import table_of
from worker.store.codec import storable
from worker.store.types import MAX_ATTEMPTS, Claim, Failure
from worker.tables.documents import Document, Secret, Status
from worker.tables.evidence import Page, PageStatus

LONGEST_MESSAGE = 2_000
LONGEST_BACKOFF = 64  # times the first pause
A_MOMENT, LONGEST_ASIDE = timedelta(seconds=1), timedelta(minutes=5)


def claim(
    tx: Tx,
    document_id: UUID,
    *,
    at: Status,
    stage: str,
    lease: timedelta,
    max_attempts: int = MAX_ATTEMPTS,
) -> Claim | None:
    """Take the document for one attempt of this stage, or None if it is not there to take.

    A lease that ran out counts as a failed attempt; at the cap the document is left for the sweeper
    to fail.
    """
    asked = {"document": document_id, "at": at, "lease": lease, "most": max_attempts}
    row = tx.session.connection().execute(CLAIM, asked).one_or_none()
    if row is None:
        return None
    return claim_of(document_id, row, at=at, stage=stage)


def claim_of(document_id: UUID, row: Row[Any], *, at: Status, stage: str) -> Claim:
    """What was taken, from the row that came back."""
    return Claim(
        document_id=document_id,
        claim_no=row.claim_no,
        at=at,
        stage=stage,
        document_type=row.document_type,
        type_version=row.type_version,
        sha256=row.sha256,
        media_type=row.media_type,
        generation=row.working_generation,
        failures=row.failures,
        received=row.created_at.date(),
    )


def renew(tx: Tx, held: Claim, lease: timedelta) -> bool:
    """Hold on for another lease; False when the claim is lost."""
    row = tx.session.execute(
        update(Document)
        .where(*_held(held))
        .values(lease_until=func.now() + lease)
        .returning(Document.id)
    ).one_or_none()
    return row is not None


def finish(
    tx: Tx,
    held: Claim,
    *,
    to: Status,
    page_count: int | None = None,
    pin: DocumentType | None = None,
) -> None:
    """The claimed work is done and the document moves on; ``page_count`` where it was found out.

    It may come first in the transaction: from then on the document's row is locked, and what is
    saved is saved under the claim.

    pin: the type that the document is read under from now on, in this version

    Raises ClaimLost if another worker took over meanwhile, or the document failed.
    """
    found_out: dict[str, Any] = {"page_count": page_count}
    if pin is not None:
        found_out |= {"document_type": pin.name, "type_version": document_types.keep(tx, pin)}
    moved = transitions.move(
        tx,
        [held.document_id],
        at=[held.at],
        to=to,
        by=transitions.WORKER,
        stage=held.stage,
        claim_no=held.claim_no,
        also={name: value for name, value in found_out.items() if value is not None},
    )
    if not moved:
        raise _lost(held)
    tx.held.add(held)


def release(tx: Tx, held: Claim) -> None:
    """Give the claim back as if it had never been taken, also where the sweeper counted it as
    abandoned meanwhile; a lost claim stays lost.
    """
    tx.session.execute(
        update(Document)
        .where(*_held(held))
        .values(lease_until=null(), failures=held.failures, next_attempt_at=null())
    )


def give_turn_back(tx: Tx, held: Claim, *, stored_bytes: int, waited_s: float) -> None:
    """Some pages are rendered and saved: the document goes on later, behind what waits now.

    stored_bytes, waited_s: what rendering has cost by now, in all of its turns

    Raises ClaimLost if another worker took over meanwhile.
    """
    row = tx.session.execute(
        update(Document)
        .where(*_held(held))
        .values(
            claim_no=Document.claim_no + 1,  # no heartbeat renews it any more
            lease_until=null(),
            turn=Document.turn + 1,
            rendered_bytes=stored_bytes,
            rendering_s=waited_s,
            failures=0,
            error_code=null(),
            error_message=null(),
        )
        .returning(Document.id)
    ).one_or_none()
    if row is None:
        raise _lost(held)
    tx.move(held.document_id, held.at)


def give_back(tx: Tx, held: Claim, failure: Failure, *, pause: timedelta) -> None:
    """Nobody's attempt: the installation is wrong. The row says why, and is taken when the stage
    has paused and others went first; a lost claim stays lost.
    """
    tx.session.execute(
        update(Document)
        .where(*_held(held))
        .values(
            error_code=failure.code,
            error_message=message_of(failure, 1),
            lease_until=null(),
            next_attempt_at=func.now() + aside(pause, Document.updated_at),
        )
    )


def aside(pause: timedelta, updated_at: Any) -> ColumnElement[Any]:
    """How long a document stands aside that met an error of the installation: a moment longer than
    the stage, so that others go first, and longer the longer it has stood, since it may be the only
    one that meets it.
    """
    stood_s = func.extract("epoch", func.now() - updated_at)
    aside_s = func.least(stood_s * 0.25, LONGEST_ASIDE.total_seconds())
    seconds = func.greatest((pause + A_MOMENT).total_seconds(), aside_s)
    return func.make_interval(0, 0, 0, 0, 0, 0, seconds)


def fail(
    tx: Tx, held: Claim, failure: Failure, *, backoff: timedelta, max_attempts: int = MAX_ATTEMPTS
) -> Status:
    """One attempt went wrong: try again after a pause, or end the document.

    Returns the document's status now.

    Raises ClaimLost if another worker took over meanwhile.
    """
    message = message_of(failure, held.failures + 1)
    if not failure.retry or held.failures + 1 >= max_attempts:
        ended = end(
            tx,
            [held.document_id],
            error_code=failure.code,
            error_message=message,
            by=transitions.WORKER,
            stage=held.stage,
            held=held,
        )
        if not ended:
            raise _lost(held)
        return Status.FAILED
    row = tx.session.execute(
        update(Document)
        .where(*_held(held))
        .values(
            error_code=failure.code,
            error_message=message,
            failures=Document.failures + 1,
            lease_until=null(),
            next_attempt_at=pause(backoff, Document.failures),
        )
        .returning(Document.id)
    ).one_or_none()
    if row is None:
        raise _lost(held)
    return held.at


def password_of(tx: Tx, held: Claim, key_file: Path) -> str | None:
    """The password the document was sent with, while it is still needed.

    Raises KeyUnusable, SealedForAnother.
    """
    sealed = tx.session.execute(
        select(Secret.sealed).where(Secret.document_id == held.document_id)
    ).scalar_one_or_none()
    return None if sealed is None else installation.opened(tx, key_file, sealed)


def reseal(tx: Tx, key_file: Path) -> None:
    """Passwords that wait are sealed for the installation's present key.

    Raises KeyUnusable.
    """
    for row in tx.session.execute(select(Secret).with_for_update()).scalars():
        row.sealed = installation.resealed(tx, key_file, row.sealed)


def end(
    tx: Tx,
    document_ids: Collection[UUID],
    *,
    error_code: str,
    error_message: str | ColumnElement[str],
    by: str,
    stage: str,
    held: Claim | None = None,
) -> list[UUID]:
    """Documents that nothing can save: their rows say why, and their pages leave the queue.

    Returns those that were being worked on; the others stay as they are.

    held: under this claim only, of which the attempt was one more failure
    """
    also: dict[str, Any] = {"error_code": error_code, "error_message": error_message}
    if held is not None:
        also["failures"] = Document.failures + 1
    ended = transitions.move(
        tx,
        document_ids,
        at=transitions.WORKED_AT if held is None else [held.at],
        to=Status.FAILED,
        by=by,
        stage=stage,
        code=error_code,
        claim_no=None if held is None else held.claim_no,
        also=also,
    )
    tx.session.execute(
        update(Page)
        .where(Page.document_id.in_(ended), Page.status == PageStatus.RENDERED)
        .values(status=PageStatus.FAILED, lease_until=null(), next_attempt_at=null())
    )
    return ended


def hold(tx: Tx, held: Claim) -> None:
    """Lock the document's row for the rest of the transaction, so that what is saved next is saved
    under the claim.

    Raises ClaimLost if another worker took over meanwhile.
    """
    if held in tx.held:
        return  # the lock lasts until the transaction ends
    if (
        tx.session.execute(select(Document.id).where(*_held(held)).with_for_update()).one_or_none()
        is None
    ):
        raise _lost(held)
    tx.held.add(held)


def message_of(failure: Failure, attempts: int) -> str:
    tried = f" ({attempts} attempts.)" if failure.retry and attempts > 1 else ""
    return storable(failure.message)[:LONGEST_MESSAGE] + tried


def free(
    lease_until: ColumnElement[Any] | InstrumentedAttribute[Any],
    next_attempt_at: ColumnElement[Any] | InstrumentedAttribute[Any],
) -> ColumnElement[bool]:
    """Nobody holds it, and its pause is over."""
    return or_(lease_until.is_(None), lease_until < func.now()) & or_(
        next_attempt_at.is_(None), next_attempt_at <= func.now()
    )


def abandoned(
    lease_until: ColumnElement[Any] | InstrumentedAttribute[Any],
) -> ColumnElement[int]:
    """1 where a lease ran out: whoever held it died without a word; 0 where nobody holds it."""
    return case((lease_until.is_not(None), 1), else_=0)


def pause(backoff: timedelta, failures: InstrumentedAttribute[int]) -> ColumnElement[Any]:
    """When to try again: the pause doubles with every failure."""
    seconds = backoff.total_seconds() * func.least(func.power(2, failures), LONGEST_BACKOFF)
    return func.now() + func.make_interval(0, 0, 0, 0, 0, 0, seconds)


def _held(held: Claim) -> tuple[ColumnElement[bool], ...]:
    return (
        Document.id == held.document_id,
        Document.status == held.at,
        Document.claim_no == held.claim_no,
    )


def _lost(held: Claim) -> ClaimLost:
    return ClaimLost(
        f"Document {held.document_id} was taken over at {held.at}. Nothing is to be done: the other"
        " worker's result counts."
    )


def _claim() -> Update:
    """The statement of ``claim``: built once, since building takes longer than running."""
    d = table_of(Document)
    failures = d.c.failures + abandoned(d.c.lease_until)
    return (
        update(d)
        .where(
            d.c.id == bindparam("document"),
            d.c.status == bindparam("at", type_=d.c.status.type),
            free(d.c.lease_until, d.c.next_attempt_at),
            failures < bindparam("most"),
        )
        .values(
            claim_no=d.c.claim_no + 1,
            lease_until=func.now() + bindparam("lease", type_=Interval()),
            failures=failures,
        )
        .returning(
            *(d.c[name] for name in ("claim_no", "document_type", "type_version", "sha256")),
            *(d.c[name] for name in ("media_type", "working_generation", "failures")),
            d.c.created_at,
        )
    )


CLAIM = _claim()
