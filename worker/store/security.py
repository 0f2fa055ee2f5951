"""What happened to rights, written in the transaction of the change, and read by auditors."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

from sqlalchemy import Table, insert, or_, select

from worker import acting
from worker.db import Tx
from worker.store.codec import storable, storable_json
from worker.tables.security import SecurityEvent, SecurityKind

EVENTS = cast(Table, SecurityEvent.__table__)
LONGEST = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Happened:
    """One event."""

    id: int
    at: datetime
    kind: SecurityKind
    who: str
    address: str | None
    about: str | None
    details: dict[str, Any]


def note(tx: Tx, kind: SecurityKind, about: object = None, **details: Any) -> None:
    """It happened, by whoever acts now.

    about:   whom, or what: a name or an id, and never a secret
    details: what is to be known besides; the same holds
    """
    by = acting.now()
    row = {
        "kind": kind,
        "who": _short(by.who),
        "address": None if by.address is None else _short(by.address),
        "about": None if about is None else _short(str(about)),
        "details": storable_json(details),
    }
    # inline: its id is not asked for, which whoever writes may not read
    tx.session.connection().execute(insert(EVENTS).values(row).inline())


def happened(
    tx: Tx,
    *,
    since: datetime | None = None,
    kinds: Collection[SecurityKind] | None = None,
    who: str | None = None,
    limit: int = 100,
) -> list[Happened]:
    """What fits all that is asked, the newest first.

    who: of the actor, or of whom it is about, a part of the name
    """
    e = SecurityEvent
    query = select(e.id, e.at, e.kind, e.who, e.address, e.about, e.details)
    if since is not None:
        query = query.where(e.at >= since)
    if kinds is not None:
        query = query.where(e.kind.in_(kinds))
    if who is not None:
        named = [column.contains(who, autoescape=True) for column in (e.who, e.about)]
        query = query.where(or_(*named))
    rows = tx.session.execute(query.order_by(e.id.desc()).limit(limit))
    return [Happened(**row._mapping) for row in rows]


def _short(text: str) -> str:
    return storable(text)[:LONGEST]
