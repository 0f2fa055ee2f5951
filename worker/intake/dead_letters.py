"""Dead letters: written when a message is put aside, read by whoever looks for it."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any
from uuid import UUID

from sqlalchemy import delete, func, select, update
from sqlalchemy.dialects.postgresql import insert as pg_insert

from worker import sealing
from worker.blobs import Blobs
from worker.db import Tx
from worker.errors import NotFound
from worker.intake.tables import DeadLetter
from worker.store import installation, security
from worker.store.codec import storable
from worker.tables.security import SecurityKind

LONGEST_NAME, LONGEST_MESSAGE = 200, 2_000
KEPT_FOR = timedelta(days=30)


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """One message that became no document."""

    digest: str  # sha256 of its body, hexadecimal
    size: int  # of its body, bytes
    queue: str
    task: str | None
    code: str
    message: str  # for people
    upstream: str | None = None
    key: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept(Letter):
    """One that was kept."""

    id: UUID
    first_at: datetime
    last_at: datetime
    times: int
    sealed: str | None  # the blob with the whole message


def put_aside(
    transaction: Callable[[], AbstractContextManager[Tx]],
    blobs: Blobs,
    letter: Letter,
    content: bytes,
) -> None:
    """Keep a message, and all of it sealed for the installation's owner where there is a key.

    The row names the blob before it is stored: whoever is killed in between leaves a row, and no
    blob that nobody names.  Their message comes again, and is sealed anew.

    Raises BlobsUnavailable: the message is not done then.
    """
    with transaction() as tx:
        sealed = _sealed(tx, letter, content, blobs)
        keep(tx, letter, None if sealed is None else sha256(sealed).hexdigest())
    if sealed is not None:
        blobs.put(sealed)


def _sealed(tx: Tx, letter: Letter, content: bytes, blobs: Blobs) -> bytes | None:
    """What is stored of a whole message; None where there is no key, or it was kept when it came
    before.

    Raises BlobsUnavailable.
    """
    before = tx.session.execute(
        select(DeadLetter.sealed).where(
            DeadLetter.digest == letter.digest,
            DeadLetter.queue == (_name(letter.queue) or "?"),
            DeadLetter.code == letter.code,
        )
    ).scalar_one_or_none()
    key = installation.public_key(tx)
    if key is None or (before is not None and blobs.exists(before)):
        return None
    return sealing.seal(key, content)


def keep(tx: Tx, letter: Letter, sealed: str | None = None) -> None:
    """Put a message aside; the same one again is counted.

    sealed: the name of the blob with all of it, where that is new
    """
    row = pg_insert(DeadLetter).values(
        digest=letter.digest,
        size=letter.size,
        queue=_name(letter.queue) or "?",
        task=_name(letter.task),
        upstream=_name(letter.upstream),
        key=_name(letter.key),
        code=letter.code,
        message=storable(letter.message)[:LONGEST_MESSAGE],
        sealed=sealed,
    )
    tx.session.execute(
        row.on_conflict_do_update(
            index_elements=["digest", "queue", "code"],
            set_={
                "times": DeadLetter.times + 1,
                "last_at": func.now(),
                "sealed": func.coalesce(row.excluded.sealed, DeadLetter.sealed),
            },
        )
    )


def letters(tx: Tx, *, upstream: str | None = None, limit: int = 100) -> list[Kept]:
    """What was put aside, the last first."""
    query = select(DeadLetter).order_by(DeadLetter.last_at.desc(), DeadLetter.id).limit(limit)
    if upstream is not None:
        query = query.where(DeadLetter.upstream == upstream)
    return [_kept(row) for row in tx.session.execute(query).scalars()]


def count(tx: Tx, *, since: timedelta) -> int:
    """How many messages were put aside lately."""
    lately = DeadLetter.last_at >= func.now() - since
    return tx.session.execute(select(func.count()).where(lately)).scalar_one()


def drop(tx: Tx, ids: Sequence[UUID]) -> int:
    """Forget these; returns how many there were."""
    gone = tx.session.execute(
        delete(DeadLetter).where(DeadLetter.id.in_(ids)).returning(DeadLetter.id)
    )
    return len(gone.scalars().all())


def one(tx: Tx, letter_id: UUID) -> Kept:
    """Raises NotFound."""
    row = tx.session.get(DeadLetter, letter_id)
    if row is None:
        raise NotFound(
            f"There is no dead letter {letter_id}. List them: surefield dead-letters list."
        )
    return _kept(row)


def note_opened(tx: Tx, letter_id: UUID, who: str) -> None:
    """Somebody reads the message."""
    tx.session.execute(
        update(DeadLetter)
        .where(DeadLetter.id == letter_id)
        .values(opened_by=who, opened_at=func.now())
    )
    security.note(tx, SecurityKind.LETTER_OPENED, letter_id, by=who)


def expire(tx: Tx) -> int:
    """Forget what came last a month ago; returns how many."""
    gone = delete(DeadLetter).where(DeadLetter.last_at < func.now() - KEPT_FOR)
    return len(tx.session.execute(gone.returning(DeadLetter.id)).all())


def _name(text: str | None) -> str | None:
    return None if text is None else storable(str(text))[:LONGEST_NAME]


def _kept(row: DeadLetter) -> Kept:
    columns: dict[str, Any] = {name: getattr(row, name) for name in Kept.__dataclass_fields__}
    return Kept(**columns)
