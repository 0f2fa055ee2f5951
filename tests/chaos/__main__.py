"""``make test-chaos``: real processes under faults, and the proof that nothing was lost.

``python -m tests.chaos [BROKER …] [--seed N] [--keep FOLDER]``; ``SHORT=1`` in the environment is
the short form.
"""

import argparse
import logging
import random
import shutil
import signal
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import structlog
from rich.console import Console
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from tests.chaos import findings
from tests.chaos.clients import a_document
from tests.chaos.faults import Faults
from tests.chaos.findings import Finding
from tests.chaos.house import House, Process, client, house
from tests.chaos.plan import BROKERS, KINDS, WITHIN_S, Plan, plan
from tests.faults.work import counts, wait_until_resting
from worker.intake import actions, sources

console = Console(highlight=False, soft_wrap=True)
LONGER = 3  # times the goal: what takes longer is not waited for


def main(arguments: list[str]) -> int:
    """Run on each broker; 1 where something does not hold."""
    parser = argparse.ArgumentParser(prog="tests.chaos")
    parser.add_argument("brokers", nargs="*", default=list(BROKERS), metavar="BROKER")
    parser.add_argument("--seed", type=int, default=random.randrange(1_000_000))
    parser.add_argument("--keep", type=Path, help="a folder for logs and ledgers")
    asked = parser.parse_args(arguments)
    if unknown := set(asked.brokers) - set(BROKERS):
        parser.error(f"no broker {', '.join(sorted(unknown))}; choose from {', '.join(BROKERS)}")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that all is ended as by Ctrl-C
    console.print(f"seed {asked.seed} (the same again: python -m tests.chaos --seed {asked.seed})")
    held = [one_broker(kind, plan(), asked.seed, asked.keep) for kind in asked.brokers]
    return 0 if all(held) else 1


def one_broker(kind: str, chosen: Plan, seed: int, keep: Path | None) -> bool:
    """One run, printed; whether everything holds."""
    began = time.monotonic()
    with house(kind, chosen, seed) as found:
        log_to(found.folder / "tool.log")
        try:
            faults, results = under_faults(found, chosen, seed)
        finally:
            if keep is not None:
                _keep(found, keep / kind)
    console.print(f"\n{kind}, {time.monotonic() - began:.0f} s")
    for what, times in sorted(faults.done.items()):
        console.print(f"  {times:>6}  {what}")
    for broke in faults.broke:
        console.print(f"          the tool itself: {broke}")
    for one in results:
        mark = "holds" if one.holds else "BROKEN"
        goal = f" (goal {one.goal:.0f})" if one.goal else ""
        words = f": {one.words}" if one.words and not one.holds else ""
        console.print(f"  {one.found:>6.4g}  {one.what}{goal}  {mark}{words}")
    return all(one.holds for one in results) and not faults.broke


def under_faults(found: House, chosen: Plan, seed: int) -> tuple[Faults, list[Finding]]:
    """Documents from four clients while faults happen; then all that must be true."""
    rate = throughput(found, chosen, seed)
    clients = {kind: client(found, kind) for kind in KINDS}
    faults = Faults(found, chosen, seed)
    try:
        for one in clients.values():
            one.start()
        faults.run()
        results = [rest(found, clients, chosen, rate), *_clients_ended(clients)]
    finally:
        for one in clients.values():
            one.kill()
    results.append(webhooks_end(found, chosen))
    results += findings.all_of(found)
    sent = sum(len(findings.said_yes(found, kind)) for kind in KINDS)
    faults.done["documents sent"] += sent
    return faults, results


def throughput(found: House, chosen: Plan, seed: int) -> float:
    """Documents a second while nothing is wrong."""
    for number in range(2):  # what is loaded late is loaded now
        _submit(found, f"warm-up-{number}", -1 - number, seed)
    wait_until_resting(found.rt, 2, within_s=60)
    began = time.monotonic()
    for number in range(chosen.burst):
        _submit(found, f"burst-{number}", 1_000_000 + number, seed)
    wait_until_resting(found.rt, 2 + chosen.burst, within_s=120)
    return chosen.burst / (time.monotonic() - began)


def _submit(found: House, key: str, number: int, seed: int) -> None:
    pdf = a_document("library", number, seed).pdf
    request = sources.Request(upstream="library", document_type="slip", content=pdf, key=key)
    actions.submit(request, found.rt)


def rest(found: House, clients: Mapping[str, Process], chosen: Plan, rate: float) -> Finding:
    """How long it took, from when nothing was wrong any more, until every client had sent what it
    had to and every document had come to rest.
    """
    began = time.monotonic()
    left: int | None = None
    goal = WITHIN_S
    while (took_s := time.monotonic() - began) < LONGER * goal:
        try:
            now = _left(found, chosen)
        except SQLAlchemyError:  # a connection of before
            continue
        if left is None:
            left = now
            goal = WITHIN_S + left / rate
        if now == 0 and not any(map(_runs, clients.values())):
            break
        time.sleep(0.3)
    what = f"s until all rested, {left} documents left, {rate:.1f} a second before"
    return Finding(what=what, found=took_s, goal=goal)


def _left(found: House, chosen: Plan) -> int:
    """Documents that were not sent yet, that a broker holds, or that do not rest."""
    sent = {(kind, key) for kind in KINDS for key in findings.said_yes(found, kind)}
    with found.rt.sessions() as session:
        rows = session.execute(text("SELECT upstream, key FROM submissions")).all()
    known = {(row.upstream, row.key) for row in rows}
    unsent = len(KINDS) * (chosen.documents // len(KINDS)) - len(sent)
    return unsent + len(sent - known) + len(known) - counts(found.rt).resting


def _runs(client: Process) -> bool:
    return client.running is not None and client.running.poll() is None


def _clients_ended(clients: Mapping[str, Process]) -> Iterator[Finding]:
    for kind, one in clients.items():
        status = one.running.poll() if one.running is not None else None
        said = one.log.read_text(errors="replace").strip().splitlines()[-1:]
        what = f"client {kind} did not end well"
        yield Finding(what=what, found=float(status != 0), words=f"{status}: {''.join(said)}")


def webhooks_end(found: House, chosen: Plan) -> Finding:
    """Each is told; those that nobody took wait for their next attempt."""
    began = time.monotonic()
    while True:
        with found.rt.sessions() as session:
            query = """SELECT
                (SELECT count(*) FROM deliveries WHERE state = 'waiting') + (
                    SELECT count(*) FROM document_events e JOIN event_relay r ON true
                    WHERE e.xid >= r.published)"""
            waiting = session.execute(text(query)).scalar_one()
        took_s = time.monotonic() - began
        if not waiting or took_s > chosen.webhooks_within_s:
            break
        time.sleep(0.5)
    return Finding(
        what="s until all webhooks were told",
        found=took_s,
        goal=chosen.webhooks_within_s,
        words=f"{waiting} wait",
    )


def log_to(path: Path) -> None:
    """What the libraries of this process say of brokers and databases that are away."""
    logging.basicConfig(filename=path, force=True)
    out = path.open("a")
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(out))


def _keep(found: House, folder: Path) -> None:
    """Logs and ledgers, for whoever looks into what broke."""
    folder.mkdir(parents=True, exist_ok=True)
    ledgers = [*found.folder.glob("*.ledger"), *found.folder.glob("received")]
    for path in [*findings.logs(found.folder), *ledgers]:
        shutil.copy(path, folder / path.name)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
