"""What is true after a run, judged from the clients' ledgers and the receiver's."""

import os
import re
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import text

from tests.chaos import ledger, receiver
from tests.chaos.house import House
from tests.chaos.plan import KINDS
from tests.embedded.processes import ROOT
from worker.settings.table import environment_of
from worker.store import blob_names

COME_WITHIN_S = 8.0  # what a killed worker held comes again at once, or a minute later
OLD_S = 2 * 86_400  # blobs are made to look so old that none counts as one on its way


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that must be 0, or within its goal."""

    what: str
    found: float
    goal: float = 0
    words: str = ""

    @property
    def holds(self) -> bool:
        """Whether it is as it must be."""
        return self.found <= self.goal


# what must have no row -> the query
NEVER = {
    "documents that stand for the same bytes": """
        SELECT sha256 FROM documents GROUP BY sha256 HAVING count(*) > 1""",
    "pages read twice": """
        SELECT page_id FROM readings GROUP BY page_id, generation, look HAVING count(*) > 1""",
    "values twice in an answer": """
        SELECT document_id FROM results GROUP BY document_id, generation, name, ordinal
        HAVING count(*) > 1""",
    "ends told twice": """
        SELECT document_id FROM events WHERE kind IN ('accepted', 'in_review')
        GROUP BY document_id, generation HAVING count(*) > 1""",
    "documents without all of their pages": """
        SELECT d.id FROM documents d WHERE d.status IN ('accepted', 'in_review')
            AND d.page_count <> (SELECT count(*) FROM pages p WHERE p.document_id = d.id)""",
    "answers without a value": """
        SELECT d.id FROM documents d WHERE d.status IN ('accepted', 'in_review')
            AND NOT EXISTS (SELECT FROM results r WHERE r.document_id = d.id)""",
    "good documents failed": """
        SELECT error_code || ': ' || left(error_message, 200) FROM documents
        WHERE status = 'failed'""",
    "documents that wait for their sender": """
        SELECT upstream FROM documents WHERE status = 'needs_input'""",
    "leases of documents that nobody works on": """
        SELECT id FROM documents WHERE lease_until IS NOT NULL
        UNION ALL SELECT id FROM pages WHERE lease_until IS NOT NULL""",
    "dead letters of an outage": """
        SELECT message FROM dead_letters WHERE code = 'ends_its_taker'""",
    "webhooks given up": """
        SELECT last_error FROM deliveries WHERE state = 'given_up'""",
    "stages that pause": "SELECT code FROM stage_pauses",
}


def all_of(house: House) -> Iterator[Finding]:
    """Every finding, in the order in which people ask."""
    yield from _lost(house)
    with house.rt.sessions() as session:
        for what, query in NEVER.items():
            rows = session.execute(text(query)).all()
            words = "; ".join(sorted({str(row[0]) for row in rows})[:3])
            yield Finding(what=what, found=len(rows), words=words)
    yield from _nonsense(house)
    yield from _told(house)
    yield _unreferenced(house)


def said_yes(house: House, kind: str) -> set[str]:
    """Keys of documents that the system said yes to."""
    lines = ledger.read(house.folder / f"{kind}.ledger")
    return {one["key"] for one in lines if one.get("yes") and "nonsense" not in one["key"]}


def _lost(house: House) -> Iterator[Finding]:
    with house.rt.sessions() as session:
        query = "SELECT s.upstream, s.key FROM submissions s JOIN documents d ON d.id = document_id"
        known = {(row.upstream, row.key) for row in session.execute(text(query))}
    sent = {(kind, key) for kind in KINDS for key in said_yes(house, kind)}
    yield Finding(
        what="documents lost", found=len(sent - known), words=str(sorted(sent - known)[:3])
    )
    refused = [
        one["refused"]
        for kind in KINDS
        for one in ledger.read(house.folder / f"{kind}.ledger")
        if "refused" in one
    ]
    yield Finding(what="documents refused", found=len(refused), words="; ".join(refused[:3]))


def _nonsense(house: House) -> Iterator[Finding]:
    """Each message that is none becomes a dead letter, and no other one does."""
    for file, ours in (("raw.ledger", True), ("wake-ups.ledger", False)):
        said = {one["key"] for one in ledger.read(house.folder / file) if one.get("yes")}
        sent = len({key for key in said if "nonsense" in key})
        until = time.monotonic() + COME_WITHIN_S
        while (found := _letters(house, submissions=ours)) < sent and time.monotonic() < until:
            time.sleep(0.5)
        held = 0 if ours or found >= sent else house.held("nonsense")
        what = f"dead letters too few or too many ({file[:-7]}: {sent})"
        yield Finding(what=what, found=abs(found + held - sent), words=f"{found}, {held} held")


def _letters(house: House, *, submissions: bool) -> int:
    query = """SELECT count(*) FROM dead_letters
        WHERE (queue LIKE 'surefield%submissions%') = :submissions"""
    with house.rt.sessions() as session:
        return int(session.execute(text(query), {"submissions": submissions}).scalar_one())


def _told(house: House) -> Iterator[Finding]:
    got: dict[str, list[dict[str, object]]] = defaultdict(list)
    forged = 0
    for one in ledger.read(receiver.received(house.folder)):
        forged += "forged" in one
        if "forged" not in one:
            got[str(one["path"])].append(one)
    with house.rt.sessions() as session:
        rows = session.execute(text("SELECT upstream, id FROM events")).all()
    missing = {(row.upstream, row.id) for row in rows} - {
        (path, one["event"]) for path, many in got.items() for one in many
    }
    yield Finding(what="signatures that do not verify", found=forged)
    yield Finding(what="webhooks missing", found=len(missing), words=str(sorted(missing)[:3]))
    yield Finding(what="webhooks out of order", found=sum(map(out_of_order, got.values())))
    ids: dict[object, set[object]] = defaultdict(set)
    for path, many in got.items():
        for one in many:
            ids[path, one["event"]].add(one["message"])
    doubled = sum(len(many) > 1 for many in ids.values())
    yield Finding(what="events under two message ids", found=doubled)


def out_of_order(many: list[dict[str, object]]) -> int:
    """Messages that came first after a later one of their document."""
    newest: dict[object, int] = {}
    seen: set[object] = set()
    wrong = 0
    for one in many:
        event = int(str(one["event"]))
        if event not in seen:
            wrong += event < newest.get(one["document"], 0)
            newest[one["document"]] = max(event, newest.get(one["document"], 0))
            seen.add(event)
    return wrong


def _unreferenced(house: House) -> Finding:
    """As the command says it, of blobs that it may not take for ones on their way."""
    old = time.time() - OLD_S
    for path in house.blobs.rglob("*"):
        os.utime(path, (old, old))
    command = [sys.executable, "-m", "worker", "blobs", "--unreferenced"]
    env = {**os.environ, **environment_of(house.settings), "PYTHONPATH": str(ROOT)}
    said = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, check=True)
    found = re.match(r"(\d+) blobs", said.stdout)
    assert found, said.stdout
    with house.rt.transaction() as tx:
        stored = {path.name: path for path in house.blobs.rglob("*/*/*") if path.is_file()}
        orphans = stored.keys() - blob_names.named(tx, list(stored))
    sizes = ", ".join(f"{stored[one].stat().st_size} bytes" for one in sorted(orphans)[:5])
    return Finding(what="blobs that nobody names", found=int(found[1]), words=sizes)


def logs(folder: Path) -> list[Path]:
    """What the processes wrote."""
    return sorted([*folder.glob("*.log"), *folder.glob("state/logs/*")])
