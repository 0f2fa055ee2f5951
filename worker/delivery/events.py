"""Moves of documents become events that upstream systems may learn of.

Numbers of rows are given before their transactions commit: whoever reads up to the newest would
miss one that commits a moment later with a smaller number.  So one publisher at a time copies moves
of transactions before which none is running any more; its own numbers come in the order in which
they can be seen.  A transaction that stays open holds events back, and loses none; one in another
database of the server does not.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select, text

from worker.db import Tx
from worker.delivery.tables import Event, Kind
from worker.tables.documents import Status

MOST = 500  # events that are read at once

# what a move says, by where it leads to; a reviewed document may have been corrected
KINDS: Mapping[Status, Kind] = {
    Status.ACCEPTED: Kind.ACCEPTED,
    Status.NEEDS_TYPE: Kind.IN_REVIEW,
    Status.IN_REVIEW: Kind.IN_REVIEW,
    Status.NEEDS_INPUT: Kind.NEEDS_INPUT,
    Status.REVIEWED: Kind.COMPLETED,
    Status.REJECTED: Kind.REJECTED,
    Status.SPLIT: Kind.SPLIT,
    Status.FAILED: Kind.FAILED,
}
CORRECTED_FROM = (Status.ACCEPTED, Status.REVIEWED)

# ``until``: the first transaction that may still write here.  The snapshot lists all that run; only
# one that is known to be of another database is left out, so that what is not known is waited for.
TURN = text("""
SELECT published::text AS since, coalesce(
    (
        SELECT running FROM pg_snapshot_xip(pg_current_snapshot()) AS running
        WHERE NOT EXISTS (
            SELECT FROM pg_stat_activity AS a JOIN pg_database AS d ON d.oid = a.datid
            WHERE a.backend_xid = running::xid AND d.datname <> current_database()
        ) AND NOT EXISTS (
            SELECT FROM pg_prepared_xacts AS p
            WHERE p.transaction = running::xid AND p.database <> current_database()
        )
        ORDER BY running LIMIT 1
    ), pg_snapshot_xmax(pg_current_snapshot())
)::text AS until
FROM event_relay WHERE id = 1 FOR UPDATE SKIP LOCKED
""")
PUBLISH = text("""
WITH kinds AS (
    SELECT * FROM unnest(CAST(:statuses AS text[]), CAST(:kinds AS text[])) AS k (status, kind)
), made AS (
    INSERT INTO events (document_event_id, document_id, upstream, key, kind, status, code,
        document_type, generation, at)
    SELECT e.id, e.document_id, s.upstream, s.key,
        CASE WHEN e.to_status = 'reviewed' AND e.from_status = ANY(:corrected_from)
            THEN 'corrected' ELSE k.kind END,
        e.to_status, e.code, d.document_type, e.generation, e.at
    FROM document_events AS e
    JOIN kinds AS k ON k.status = e.to_status
    JOIN documents AS d ON d.id = e.document_id
    JOIN submissions AS s ON s.document_id = e.document_id
    WHERE e.xid >= CAST(:since AS xid8) AND e.xid < CAST(:until AS xid8)
    ORDER BY e.id
    ON CONFLICT (document_event_id) DO NOTHING
    RETURNING id, upstream, kind, document_id
), told AS (
    INSERT INTO deliveries (webhook_id, event_id, document_id)
    SELECT w.id, made.id, made.document_id FROM made
    JOIN webhooks AS w ON w.upstream = made.upstream AND w.state = 'enabled'
        AND (w.kinds IS NULL OR made.kind = ANY(w.kinds))
), ahead AS (
    UPDATE event_relay SET published = greatest(published, CAST(:until AS xid8)) WHERE id = 1
)
SELECT count(*) FROM made
""")


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """One event, as upstream systems see it."""

    id: int  # whoever has read up to it has seen all before it
    kind: Kind
    at: datetime
    document_id: UUID
    upstream: str
    key: str
    status: Status  # where the document stood from then on
    code: str | None
    document_type: str
    generation: int

    @property
    def type(self) -> str:
        """As it is called outside."""
        return f"document.{self.kind}"

    def as_json(self) -> dict[str, Any]:
        """The body of a message about it, as Standard Webhooks has it."""
        return {
            "id": self.id,
            "type": self.type,
            "timestamp": self.at.isoformat(),
            "data": {
                "document_id": str(self.document_id),
                "upstream": self.upstream,
                "key": self.key,
                "status": self.status,
                "code": self.code,
                "document_type": self.document_type,
                "generation": self.generation,
            },
        }


def publish(tx: Tx) -> int:
    """Make events of what happened since the last time, and put them on their way; returns how
    many.  0 where somebody else does it at this moment.
    """
    turn = tx.session.execute(TURN).one_or_none()
    if turn is None or int(turn.since) >= int(turn.until):
        return 0
    return int(
        tx.session.execute(
            PUBLISH,
            {
                "statuses": [status.value for status in KINDS],
                "kinds": [kind.value for kind in KINDS.values()],
                "corrected_from": [status.value for status in CORRECTED_FROM],
                "since": turn.since,
                "until": turn.until,
            },
        ).scalar_one()
    )


def since(
    tx: Tx,
    *,
    after: int,
    upstream: str | None = None,
    types: Collection[str] | None = None,
    limit: int = 100,
) -> list[Told]:
    """Events after this one, the oldest first.

    upstream: only its own; None: everybody's
    types:    only of documents of these types; None: of all
    """
    e = Event
    query = (
        select(
            e.id,
            e.kind,
            e.at,
            e.document_id,
            e.upstream,
            e.key,
            e.status,
            e.code,
            e.document_type,
            e.generation,
        )
        .where(e.id > after)
        .order_by(e.id)
        .limit(min(limit, MOST))
    )
    if upstream is not None:
        query = query.where(e.upstream == upstream)
    if types is not None:
        query = query.where(e.document_type.in_(types))
    return [Told(**row._mapping) for row in tx.session.execute(query)]
