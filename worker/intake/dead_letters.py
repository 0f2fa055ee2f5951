"""Dead letters: written when a message is put aside, read by whoever looks for it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import delete, func, select
from sqlalchemy.dialects.postgresql import insert as pg_insert

from worker.db import Tx
from worker.intake.tables import DeadLetter
from worker.store.codec import storable

LONGEST_NAME, LONGEST_MESSAGE = 200, 2_000


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


def keep(tx: Tx, letter: Letter) -> None:
    """Put a message aside; the same one again is counted."""
    row = pg_insert(DeadLetter).values(
        digest=letter.digest,
        size=letter.size,
        queue=_name(letter.queue) or "?",
        task=_name(letter.task),
        upstream=_name(letter.upstream),
        key=_name(letter.key),
        code=letter.code,
        message=storable(letter.message)[:LONGEST_MESSAGE],
    )
    tx.session.execute(
        row.on_conflict_do_update(
            index_elements=["digest", "queue", "code"],
            set_={"times": DeadLetter.times + 1, "last_at": func.now()},
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


def _name(text: str | None) -> str | None:
    return None if text is None else storable(str(text))[:LONGEST_NAME]


def _kept(row: DeadLetter) -> Kept:
    columns: dict[str, Any] = {name: getattr(row, name) for name in Kept.__dataclass_fields__}
    return Kept(**columns)
