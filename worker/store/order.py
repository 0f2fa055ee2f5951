"""Who is next: the order in which documents are taken, whatever the length of the line.

Priority first; then later stages, so that what is begun ends; then deadline, turn and age.  A turn
is the start tag of start-time fair queueing: an upstream that sends a thousand documents at once
gets a thousand turns, and one that sends its first gets the turn that is being served now.
"""

from collections.abc import Iterable, Mapping
from datetime import timedelta
from itertools import product
from typing import Any

from sqlalchemy import text

from worker.db import Tx
from worker.store.documents import claim_of
from worker.store.types import MAX_ATTEMPTS, Claim
from worker.tables.documents import Status

# Among the documents that wait to be rendered, sorted or read, the smallest turn is served now.
# While none waits, that is the largest turn there was, found by a step from upstream to upstream.
NEXT_TURN = text("""
SELECT greatest(
    coalesce((SELECT max(turn) + 1 FROM documents WHERE upstream = :upstream), 0),
    coalesce(
        (SELECT min(turn) FROM documents WHERE status IN ('submitted', 'untriaged', 'rendered')),
        (WITH RECURSIVE names AS (
            SELECT min(upstream) AS name FROM documents
            UNION ALL
            SELECT (SELECT min(upstream) FROM documents WHERE upstream > name)
            FROM names WHERE name IS NOT NULL
        ) SELECT max((SELECT max(turn) FROM documents WHERE upstream = name)) FROM names),
        0
    )
)
""")

# One statement: every priority, and the statuses in their order for each; of the first such pair
# that has a row its best one, locked and claimed.  The join is a loop, so that no row of a later
# pair is looked at or locked; a pair without a row costs one look into the index.
# An upstream that holds all workers but one waits, where there are others.
CLAIM_BEST = text("""
WITH busy AS MATERIALIZED (
    SELECT upstream FROM documents
    WHERE lease_until > now() AND status = ANY(:at)
        AND (SELECT min(upstream) FROM documents) <> (SELECT max(upstream) FROM documents)
    GROUP BY upstream HAVING count(*) >= :at_once
), best AS MATERIALIZED (
    SELECT found.id
    FROM unnest(CAST(:priorities AS int[]), CAST(:stages AS text[])) AS line (priority, at)
    CROSS JOIN LATERAL (
        SELECT d.id FROM documents d
        WHERE d.status = line.at AND d.priority = line.priority
            AND (d.lease_until IS NULL OR d.lease_until < now())
            AND (d.next_attempt_at IS NULL OR d.next_attempt_at <= now())
            AND d.failures + (d.lease_until IS NOT NULL)::int < :most
            AND d.upstream NOT IN (SELECT upstream FROM busy)
        ORDER BY d.deadline, d.turn, d.created_at, d.id
        LIMIT 1 FOR UPDATE SKIP LOCKED
    ) found
    LIMIT 1
)
UPDATE documents d SET
    claim_no = d.claim_no + 1,
    lease_until = now() + :lease,
    failures = d.failures + (d.lease_until IS NOT NULL)::int
FROM best WHERE d.id = best.id
RETURNING d.id AS document_id, d.status, d.claim_no, d.document_type, d.type_version, d.sha256,
    d.media_type, d.working_generation, d.failures, d.created_at
""")

EVERYBODY = 2**31 - 1
PRIORITIES = range(9, -1, -1)


def line_of(stages: Iterable[Status]) -> dict[str, list[Any]]:
    """The parameters of CLAIM_BEST that say where it looks, in its order."""
    at = list(map(str, stages))
    pairs = list(product(PRIORITIES, at))
    return {"at": at, "priorities": [one for one, _ in pairs], "stages": [two for _, two in pairs]}


def next_turn(tx: Tx, upstream: str) -> int:
    """The turn of a document that this upstream sends now."""
    return int(tx.session.execute(NEXT_TURN, {"upstream": upstream}).scalar_one())


def claim_best(
    tx: Tx,
    stages: Mapping[Status, str],
    *,
    lease: timedelta,
    max_attempts: int = MAX_ATTEMPTS,
    at_once: int = EVERYBODY,
) -> Claim | None:
    """Take the next document for one attempt; None where nothing can be taken.

    stages: where it may stand, and the stage that takes it there, the first ones first
    at_once: documents of one upstream that are worked on together, where there are several
    """
    asked = {**line_of(stages), "lease": lease, "most": max_attempts, "at_once": at_once}
    row = tx.session.execute(CLAIM_BEST, asked).one_or_none()
    if row is None:
        return None
    at = Status(row.status)
    return claim_of(row.document_id, row, at=at, stage=stages[at])
