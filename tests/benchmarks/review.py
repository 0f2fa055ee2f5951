"""How long a reviewer waits for the next field, in a short queue and in a very long one.

The queue has five fields a document, three priorities and deadlines for a third of them; twenty
people hold two fields each. What is timed is the claim's whole transaction, as the review page
makes it. SUREFIELD_BENCH_ITEMS shortens the long queue.
"""

import os
import statistics
import tempfile
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session, sessionmaker

from worker.db import open_engine, open_sessions, transaction
from worker.embedded.postgres import EmbeddedPostgres
from worker.migrate import migrate
from worker.review import queue

SHORT, LONG = 10_000, int(os.environ.get("SUREFIELD_BENCH_ITEMS", "1000000"))
FIELDS, CLAIMS, PEOPLE = 5, 200, 20
LEASE = timedelta(minutes=2)
MEDIAN_MS, RATIO = 5.0, 1.5

QUEUE = """
INSERT INTO documents (id, sha256, media_type, document_type, status, priority,
    deadline, created_at)
SELECT gen_random_uuid(), repeat('0', 64), 'application/pdf', 'slip', 'in_review', n % 3,
       CASE WHEN n % 3 = 0 THEN now() + n * interval '1 s' END, now() - n * interval '1 s'
FROM generate_series(1, :documents) n;
INSERT INTO results (document_id, name, ordinal, position, kind, state, text, value,
    read_state, read_text, read_value, score, method,
                     threshold, decision, reason, details)
SELECT d.id, 'total', f, f, 'amount', 'value', '12.50', '"12.50"', 'value', '12.50', '"12.50"',
    0.41, 'weakest-token/1', 0.7, 'review',
       'low_score', '{"message": "weakest token 0.41, below 0.70"}'
FROM documents d, generate_series(1, :fields) f;
INSERT INTO review_items (result_id, document_id, reason, priority, deadline, created_at)
SELECT r.id, d.id, r.reason, d.priority, d.deadline, d.created_at
FROM results r JOIN documents d ON d.id = r.document_id
"""


def run() -> list[dict[str, Any]]:
    """The measurements of this benchmark."""
    with tempfile.TemporaryDirectory(prefix="surefield-bench-") as folder:
        server = EmbeddedPostgres(Path(folder), durable=False)
        try:
            short, long = _claims(server, SHORT), _claims(server, LONG)
        finally:
            server.stop()
    ratio = statistics.median(long) / statistics.median(short)
    return [
        _row(f"claim next of {SHORT:,}, median", statistics.median(short), "ms", None),
        _row(f"claim next of {LONG:,}, median", statistics.median(long), "ms", MEDIAN_MS),
        _row(f"claim next of {LONG:,}, p95", statistics.quantiles(long, n=20)[18], "ms", None),
        _row("long queue to short queue", ratio, "times", RATIO),
    ]


def _row(metric: str, value: float, unit: str, goal: float | None) -> dict[str, Any]:
    return {
        "metric": metric,
        "value": value,
        "unit": unit,
        "goal": goal,
        "holds": goal is None or value <= goal,
    }


def _claims(server: EmbeddedPostgres, items: int) -> list[float]:
    """Milliseconds of each claim in a queue of so many."""
    url = server.start(f"queue_{items}")
    migrate(url)
    engine = open_engine(url, statement_timeout=timedelta(minutes=10))
    try:
        sessions = open_sessions(engine)
        for statement in QUEUE.split(";"):
            with sessions.begin() as session:
                session.execute(text(statement), {"documents": items // FIELDS, "fields": FIELDS})
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.exec_driver_sql("VACUUM ANALYZE")
        return [_claim(sessions, number) for number in range(CLAIMS)][PEOPLE:]
    finally:
        engine.dispose()


def _claim(sessions: sessionmaker[Session], number: int) -> float:
    """One person asks for the field after the one on his desk; the one before was decided."""
    who = f"reviewer {number % PEOPLE}"
    began = time.perf_counter()
    with transaction(sessions, lambda document_id, status: None) as tx:
        found = queue.claim_item(tx, who, lease=LEASE)
    took = (time.perf_counter() - began) * 1000
    assert found is not None
    with sessions.begin() as session:
        session.execute(
            text(
                "UPDATE review_items SET state = 'closed', closed_at = now(), leased_by = NULL,"
                " lease_until = NULL WHERE id = :id"
            ),
            {"id": found.item_id},
        )
    return took
