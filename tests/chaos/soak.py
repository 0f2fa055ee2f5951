"""``make soak``: half an hour under load that the machine can carry, and what has grown.

``python -m tests.chaos.soak [--minutes N] [--seed N]``
"""

import argparse
import json
import random
import signal
import sys
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import replace
from statistics import linear_regression

import psutil
from rich.console import Console
from sqlalchemy import text

from tests.chaos import findings
from tests.chaos.__main__ import log_to, rest, throughput, webhooks_end
from tests.chaos.findings import Finding
from tests.chaos.house import House, client, house
from tests.chaos.plan import FULL, KINDS
from worker.embedded.orphans import MARK, mark_of, marked

console = Console(highlight=False, soft_wrap=True)
MINUTES = 35.0
JUDGED = 4 / 7  # of the time, its end: 20 minutes of 35
LOAD = 0.5  # of the throughput that was measured first
EVERY_S = 5.0
MOST_MB_A_MINUTE = 0.1
MOST_MB = 1.0  # that a table takes more, which should not grow
# History and what belongs to a document: one row or more for each, for ever. Dead letters stay
# for 30 days, messages about events until a webhook is removed.
GROW = frozenset(
    """
    documents submissions document_events document_type_versions pages render_findings readings
    fields witnesses candidates classifications einvoices scores results routings review_items
    questions audits events deliveries dead_letters security_events
    """.split()
)
SIZES = """
SELECT schemaname || '.' || relname AS name, pg_total_relation_size(relid) / 1e6 AS mb
FROM pg_stat_user_tables
"""
Samples = Mapping[str, list[tuple[float, float]]]  # a process -> minutes, MB


def main(arguments: list[str]) -> int:
    """1 where something grew, or got stuck."""
    parser = argparse.ArgumentParser(prog="tests.chaos.soak")
    parser.add_argument("--minutes", type=float, default=MINUTES)
    parser.add_argument("--seed", type=int, default=random.randrange(1_000_000))
    asked = parser.parse_args(arguments)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that all is ended as by Ctrl-C
    with house("pgmq", FULL, asked.seed) as found:
        log_to(found.folder / "tool.log")
        results = list(soak(found, asked.minutes, asked.seed))
    for one in results:
        mark = "holds" if one.holds else "BROKEN"
        words = f": {one.words}" if one.words else ""
        console.print(f"{one.found:>8.3f}  {one.what} (goal {one.goal:g})  {mark}{words}")
    return 0 if all(one.holds for one in results) else 1


def soak(found: House, minutes: float, seed: int) -> Iterator[Finding]:
    """Documents at an even pace, and what the processes hold meanwhile."""
    rate = LOAD * throughput(found, FULL, seed)
    lasts_s = 60 * minutes
    file = found.folder / "clients.json"
    each = int(rate * lasts_s / len(KINDS))
    file.write_text(
        json.dumps({**json.loads(file.read_text()), "documents": each, "lasts_s": lasts_s})
    )
    console.print(f"{rate:.2f} documents a second for {minutes:g} minutes, seed {seed}")
    clients = {kind: client(found, kind) for kind in KINDS}
    try:
        for one in clients.values():
            one.start()
        samples, before = _watched(found, minutes)
        yield rest(found, clients, replace(FULL, documents=each * len(KINDS)), rate)
    finally:
        for one in clients.values():
            one.kill()
    yield webhooks_end(found, FULL)
    yield from _slopes(samples, minutes)
    for name, mb in sorted(sizes(found).items()):
        if name.partition(".")[2] not in GROW:
            grew = mb - before.get(name, 0.0)
            if grew > MOST_MB / 10:
                yield Finding(what=f"MB that {name} takes more", found=grew, goal=MOST_MB)
    yield from findings.all_of(found)


def _watched(found: House, minutes: float) -> tuple[Samples, Mapping[str, float]]:
    """What each process holds over time, and each table when judging begins."""
    samples: dict[str, list[tuple[float, float]]] = defaultdict(list)
    before: Mapping[str, float] = {}
    began = time.monotonic()
    while (now := (time.monotonic() - began) / 60) < minutes:
        if now >= minutes * (1 - JUDGED):
            before = before or sizes(found)
            for name, mb in memory(found):
                samples[name].append((now, mb))
        time.sleep(EVERY_S)
    return samples, before


def memory(found: House) -> Iterator[tuple[str, float]]:
    """Each process by its name, and what it holds, in MB.  One that was started again has another
    name.
    """
    mark = mark_of(found.settings.state_dir)
    for one in marked(mark):
        try:
            name = one.environ()[MARK].removeprefix(mark).strip() or "other"
            for process in (one, *one.children()):
                child = "" if process is one else f"'s {process.name()}"
                yield f"{name}{child} ({process.pid})", process.memory_info().rss / 1e6
        except psutil.Error:
            continue


def _slopes(samples: Samples, minutes: float) -> Iterator[Finding]:
    whole = max(map(len, samples.values()))
    for name, points in sorted(samples.items()):
        if len(points) < max(3, whole / 2):
            yield Finding(what=f"{name} did not live as long", found=1.0)
            continue
        slope, _ = linear_regression([at for at, _ in points], [mb for _, mb in points])
        yield Finding(
            what=f"MB a minute: {name}",
            found=slope,
            goal=MOST_MB_A_MINUTE,
            words=f"{points[0][1]:.1f} to {points[-1][1]:.1f} MB",
        )


def sizes(found: House) -> dict[str, float]:
    """MB of each table, with its indexes."""
    with found.rt.sessions() as session:
        return {row.name: float(row.mb) for row in session.execute(text(SIZES))}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
