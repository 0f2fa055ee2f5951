"""What a burst does to an urgent document, and a long line to everybody: how long urgent ones wait
among ten thousand of another upstream, when the first of many is finished, how many wake-ups a line
of twenty thousand makes, and what it costs.

The real machine with the scripted backend. ``SUREFIELD_BENCH_BURST=0.05`` makes the lines and the
windows shorter, to try the benchmark itself.
"""

import base64
import json
import os
import shutil
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx2
from sqlalchemy import text

from extractors.page.ocr.engines import Engine
from tests.chaos.clients import a_document
from tests.embedded.processes import eventually
from tests.faults.work import upstream
from worker import bootstrap
from worker.accounts import store as accounts
from worker.cli import local
from worker.embedded.postgres import EmbeddedPostgres
from worker.embedded.supervisor import Supervisor
from worker.mailboxes import open_mailbox
from worker.mailboxes.names import queue_of
from worker.pipeline.flow import CPU, FLOW, WAKE_UPS
from worker.runtime import Runtime
from worker.settings import Settings

SCALE = float(os.environ.get("SUREFIELD_BENCH_BURST", "1"))
BULK, BACKLOG = int(10_000 * SCALE), int(20_000 * SCALE)
URGENT, AT_ONCE = 10, 150  # by each door; submitted together
AWAY_S, WINDOW_S, WINDOWS = 120 * SCALE, 120 * SCALE, 3
FED = 60  # documents that wait at least while there is no backlog
TIMES_IDLE, TIMES_FIRST, MOST_WAKE_UPS, LEAST_RATE = 4.0, 3.0, 100, 0.9
FILES = 200  # files that a long line repeats

ADD = text("""
WITH made AS (
    INSERT INTO documents (sha256, media_type, document_type, status, upstream, turn)
    SELECT (CAST(:files AS text[]))[1 + n % cardinality(CAST(:files AS text[]))], 'application/pdf',
        'slip', 'submitted', :upstream, :turn + n
    FROM generate_series(1, :count) AS n RETURNING id
), known AS (
    INSERT INTO submissions (upstream, key, document_id, document_type)
    SELECT :upstream, id::text, id, 'slip' FROM made
)
INSERT INTO document_events (document_id, to_status, stage, actor)
SELECT id, 'submitted', 'submit', 'upstream:' || :upstream FROM made
""")
# Each claim, with what its statement saw: a function that is STABLE looks with its caller's eyes.
WATCH = """
CREATE TABLE bench_claims (
    id bigserial PRIMARY KEY, document_id uuid, status text, saw pg_snapshot,
    at timestamptz DEFAULT clock_timestamp(), pid int DEFAULT pg_backend_pid(),
    xid xid8 DEFAULT pg_current_xact_id());
CREATE FUNCTION bench_look() RETURNS trigger LANGUAGE plpgsql STABLE AS
    $$ BEGIN NEW.bench_saw := pg_current_snapshot(); RETURN NEW; END $$;
CREATE FUNCTION bench_document() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$ BEGIN
    INSERT INTO public.bench_claims (document_id, status, saw)
    VALUES (NEW.id, NEW.status, NEW.bench_saw); RETURN NULL; END $$;
CREATE FUNCTION bench_page() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$ BEGIN
    INSERT INTO public.bench_claims (document_id, status, saw)
    VALUES (NEW.document_id, 'rendered', NEW.bench_saw); RETURN NULL; END $$;
ALTER TABLE documents ADD COLUMN bench_saw pg_snapshot;
ALTER TABLE pages ADD COLUMN bench_saw pg_snapshot;
CREATE TRIGGER bench_look BEFORE UPDATE ON documents FOR EACH ROW
    WHEN (NEW.claim_no > OLD.claim_no) EXECUTE FUNCTION bench_look();
CREATE TRIGGER bench_look BEFORE UPDATE ON pages FOR EACH ROW
    WHEN (NEW.claim_no > OLD.claim_no) EXECUTE FUNCTION bench_look();
CREATE TRIGGER bench_note AFTER UPDATE ON documents FOR EACH ROW
    WHEN (NEW.claim_no > OLD.claim_no AND NEW.lease_until IS NOT NULL)
    EXECUTE FUNCTION bench_document();
CREATE TRIGGER bench_note AFTER UPDATE ON pages FOR EACH ROW
    WHEN (NEW.claim_no > OLD.claim_no AND NEW.lease_until IS NOT NULL)
    EXECUTE FUNCTION bench_page();
"""
# Bulk documents that somebody took who saw an urgent one waiting for the same kind of worker. Who
# has a document in hand goes on with it: that is no taking.
OVERTAKEN = text("""
WITH claims AS (
    SELECT c.*, d.upstream, lag(c.document_id) OVER (PARTITION BY c.pid ORDER BY c.id) AS before
    FROM bench_claims c JOIN documents d ON d.id = c.document_id
), urgent AS (
    SELECT e.document_id, e.to_status, e.xid, first.at, first.xid AS claimed
    FROM document_events e JOIN documents d ON d.id = e.document_id
    CROSS JOIN LATERAL (
        SELECT at, xid FROM bench_claims c
        WHERE c.document_id = e.document_id AND c.status = e.to_status ORDER BY id LIMIT 1
    ) AS first
    WHERE d.upstream = 'urgent'
)
SELECT b.status, u.to_status, count(*) AS times FROM claims b JOIN urgent u
    ON pg_visible_in_snapshot(u.xid, b.saw) AND b.at < u.at
    AND u.claimed >= pg_snapshot_xmax(b.saw) AND u.claimed <> b.xid
    AND (b.status = 'rendered') = (u.to_status = 'rendered')
WHERE b.upstream = 'bulk' AND b.before IS DISTINCT FROM b.document_id
GROUP BY b.status, u.to_status ORDER BY 3 DESC
""")
WAITED = text("""
SELECT extract(epoch FROM max(e.at) - min(e.at))::float AS waited_s
FROM document_events e JOIN submissions s USING (document_id)
WHERE s.upstream = 'urgent' AND s.key LIKE :run GROUP BY e.document_id
""")
RESTED = "SELECT count(*) FROM document_events WHERE to_status IN ('accepted', 'in_review')"


def run() -> list[dict[str, Any]]:
    """The measurements."""
    folder = Path(tempfile.mkdtemp(prefix="surefield-burst-"))
    settings = Settings(  # type: ignore[call-arg]  # flat names of the reader's options
        state_dir=folder, backend="scripted", ocr=Engine.OFF, web_port=local.free_port(0)
    )
    try:
        with local.database(settings, migrates=True) as ready, upstream(ready) as rt:
            with rt.transaction() as tx:
                key = accounts.make_key(tx, "urgent")
                accounts.make_key(tx, "bulk")
            files = [rt.blobs.put(a_document("bulk", n, 0).pdf) for n in range(FILES)]
            return [*_urgent(ready, rt, key, files), *_line(ready, rt, files)]
    finally:
        EmbeddedPostgres(folder).stop()
        shutil.rmtree(folder, ignore_errors=True)


def _urgent(ready: Settings, rt: Runtime, key: str, files: list[str]) -> Iterator[dict[str, Any]]:
    with _house(ready), ExitStack() as stack:
        http = stack.enter_context(
            httpx2.Client(
                base_url=f"http://127.0.0.1:{ready.web_port}",
                headers={"authorization": f"Bearer {key}"},
                timeout=60,
            )
        )
        mailbox = stack.enter_context(closing(open_mailbox(bootstrap.broker_url(ready))))
        doors: dict[str, Callable[[str, bytes], None]] = {
            "HTTP": lambda name, pdf: _by_http(http, name, pdf),
            "queue": lambda name, pdf: mailbox.put(queue_of("urgent"), _message(name, pdf)),
        }
        for send in doors.values():  # what is loaded late is loaded now
            _waits(rt, send, f"warm {id(send)}", 2)
        idle = {door: _waits(rt, send, f"idle {door}", URGENT) for door, send in doors.items()}
        first = _first_of_many(rt, files)
        yield _row(
            f"first of {AT_ONCE} at once / one alone",
            first / statistics.median(idle["HTTP"]),
            "times",
            most=TIMES_FIRST,
        )
        _execute(rt, WATCH)
        _add(rt, "bulk", BULK, files)
        rt.wake(CPU)
        time.sleep(3)
        for door, send in doors.items():
            busy = _waits(rt, send, f"busy {door}", URGENT)
            ratio = statistics.median(busy) / statistics.median(idle[door])
            what = f"urgent among {BULK:,} by {door} / idle ({statistics.median(idle[door]):.2f} s)"
            yield _row(what, ratio, "times", most=TIMES_IDLE)
        with rt.sessions() as session:
            rows = session.execute(OVERTAKEN).all()
        pairs = ", ".join(f"{row.status} before {row.to_status}: {row.times}" for row in rows)
        what = "bulk documents taken while an urgent one could be"
        yield _row(what + (f" ({pairs})" if pairs else ""), sum(r.times for r in rows), "", most=0)
        _clear(rt)


def _line(ready: Settings, rt: Runtime, files: list[str]) -> Iterator[dict[str, Any]]:
    """Nobody works for two minutes, and then everybody."""
    most = 0
    stop = threading.Event()

    def look() -> None:
        nonlocal most
        while not stop.wait(0.25):
            most = max(most, _wake_ups(rt))

    watcher = threading.Thread(target=look, daemon=True)
    watcher.start()
    try:
        _add(rt, "bulk", BACKLOG, files)
        with _house(ready, only="sweeper"):
            time.sleep(AWAY_S)
        rates: dict[bool, list[float]] = {True: [], False: []}
        with _house(ready):
            for _ in range(WINDOWS):
                rates[True].append(_rate(rt, files, fed=False))
                _clear(rt)
                rates[False].append(_rate(rt, files, fed=True))
                _clear(rt)
                _add(rt, "bulk", BACKLOG, files)
    finally:
        stop.set()
        watcher.join()
    with_line, without = (statistics.median(rates[one]) for one in (True, False))
    yield _row(
        f"most wake-ups in the queues with {BACKLOG:,} waiting", most, "", most=MOST_WAKE_UPS
    )
    yield _row("documents a second without a line", without, "1/s")
    what = f"documents a second with {BACKLOG:,} waiting / without"
    yield _row(what, with_line / without, "of 1", least=LEAST_RATE)


@contextmanager
def _house(ready: Settings, *, only: str | None = None) -> Iterator[None]:
    """Everything that `surefield up` starts, or one process of it."""
    children = [one for one in local.children(ready, web=True) if only is None or one.name == only]
    postgres = EmbeddedPostgres(ready.state_dir)
    with Supervisor(
        ready.state_dir,
        [replace(one, ready_within_s=120) for one in children],
        postgres=postgres,
        tell=lambda said: None,
    ):
        yield


def _by_http(http: httpx2.Client, name: str, pdf: bytes) -> None:
    body = {"document_type": "slip", "priority": 9}
    body["content_base64"] = base64.b64encode(pdf).decode()
    http.post("/v1/documents", json=body, headers={"idempotency-key": name}).raise_for_status()


def _message(name: str, pdf: bytes) -> bytes:
    content = base64.b64encode(pdf).decode()
    said = {"type": "slip", "key": name, "priority": 9, "content_base64": content}
    return json.dumps(said).encode()


def _waits(rt: Runtime, send: Callable[[str, bytes], None], run: str, count: int) -> list[float]:
    """Seconds from the row to its rest, of documents that are sent one after the other."""
    for number in range(count):
        send(f"{run} {number}", a_document(run, number, 0).pdf)
        eventually(lambda number=number: _rests(rt, f"{run} {number}"), within_s=300)  # type: ignore[misc]
    with rt.sessions() as session:
        return [row.waited_s for row in session.execute(WAITED, {"run": f"{run} %"})]


def _rests(rt: Runtime, name: str) -> bool:
    query = """SELECT status IN ('accepted', 'in_review') FROM documents d
        JOIN submissions s ON s.document_id = d.id WHERE s.upstream = 'urgent' AND s.key = :key"""
    with rt.sessions() as session:
        return bool(session.execute(text(query), {"key": name}).scalar_one_or_none())


def _first_of_many(rt: Runtime, files: list[str]) -> float:
    began, before = time.monotonic(), _rested(rt)
    _add(rt, "bulk", AT_ONCE, files)
    rt.wake(CPU)
    eventually(lambda: _rested(rt) > before, within_s=300, every_s=0.01)
    took_s = time.monotonic() - began
    eventually(lambda: _rested(rt) >= before + AT_ONCE, within_s=600)
    return took_s


def _rate(rt: Runtime, files: list[str], *, fed: bool) -> float:
    """Documents a second over one window; without a line, just as many wait as keep all busy."""
    if fed:
        _add(rt, "bulk", FED, files)
        rt.wake(CPU)
    time.sleep(min(5.0, WINDOW_S / 4))
    before, began = _rested(rt), time.monotonic()
    while time.monotonic() - began < WINDOW_S:
        time.sleep(0.5)
        if fed and (lacks := FED - _waiting(rt)) > FED / 4:
            _add(rt, "bulk", lacks, files)
            rt.wake(CPU)
    return (_rested(rt) - before) / (time.monotonic() - began)


def _add(rt: Runtime, name: str, count: int, files: list[str]) -> None:
    with rt.transaction() as tx:
        turn = "SELECT coalesce(max(turn), 0) FROM documents"
        asked = {"files": files, "upstream": name, "count": count}
        asked["turn"] = tx.session.execute(text(turn)).scalar_one()
        tx.session.execute(ADD, asked)


def _clear(rt: Runtime) -> None:
    """What waits and is not begun is gone; what is begun ends."""
    query = """DELETE FROM documents WHERE upstream = 'bulk' AND status = 'submitted'
        AND lease_until IS NULL"""
    _execute(rt, query)
    began = tuple(step.at.value for step in FLOW)
    query = f"SELECT count(*) FROM documents WHERE status IN {began}"
    eventually(lambda: not _count(rt, query), within_s=300)


def _wake_ups(rt: Runtime) -> int:
    queues = sorted(set(WAKE_UPS.values()))
    return sum(_count(rt, f"SELECT count(*) FROM pgmq.q_{name}") for name in queues)


def _rested(rt: Runtime) -> int:
    return _count(rt, RESTED)


def _waiting(rt: Runtime) -> int:
    return _count(rt, "SELECT count(*) FROM documents WHERE status = 'submitted'")


def _count(rt: Runtime, query: str) -> int:
    with rt.sessions() as session:
        return int(session.execute(text(query)).scalar_one())


def _execute(rt: Runtime, statements: str) -> None:
    with rt.transaction() as tx:
        tx.session.connection().exec_driver_sql(statements)


def _row(
    metric: str, value: float, unit: str, *, most: float | None = None, least: float | None = None
) -> dict[str, Any]:
    holds = (most is None or value <= most) and (least is None or value >= least)
    goal = most if most is not None else least
    print(f"{metric}: {value:.3g} {unit}", file=sys.stderr)  # an hour is long
    return {"metric": metric, "value": value, "unit": unit, "goal": goal, "holds": holds}
