"""Plant faults that a seed draws, one at a time, and print which of them the tests notice."""

import argparse
import json
import tempfile
import threading
import time
from collections import Counter
from pathlib import Path
from queue import Empty, SimpleQueue

from tests.conftest import server_in
from tests.mutation.areas import AREAS, ROOT
from tests.mutation.mutants import Mutant, drawn, mutants
from tests.mutation.reach import Reach, measured
from tests.mutation.trial import Fate, copy_of_the_tree, tried

FOLDER = ROOT / ".mutation"


def main() -> None:
    """Draw, try what no earlier run with this seed tried, and print the table."""
    parser = argparse.ArgumentParser(prog="python -m tests.mutation", description=__doc__)
    parser.add_argument("--mutants", type=int, default=308, help="how many, over all areas")
    parser.add_argument("--seed", type=int, default=20261127, help="draws them; printed")
    parser.add_argument("--minutes", type=float, default=120, help="begin no trial after that")
    parser.add_argument("--only", default="", help="only mutants whose name holds this")
    given = parser.parse_args()
    FOLDER.mkdir(exist_ok=True)
    chosen = [
        each
        for each in drawn(mutants(), number=given.mutants, seed=given.seed)
        if given.only in each.name
    ]
    reach = measured(FOLDER)
    print(f"seed {given.seed}: {len(chosen)} mutants of {len(mutants())}", flush=True)
    kept = FOLDER / f"fates-{given.seed}.jsonl"
    fates = {} if given.only else _kept(kept)
    _try_all(
        [each for each in chosen if each.name not in fates],
        reach,
        fates,
        kept,
        seed=given.seed,
        until=time.monotonic() + 60 * given.minutes,
    )
    _print(chosen, fates)


def _kept(path: Path) -> dict[str, Fate]:
    lines = path.read_text("utf-8").splitlines() if path.exists() else []
    return {told["name"]: Fate(told["fate"]) for told in map(json.loads, lines)}


def _try_all(
    waiting: list[Mutant],
    reach: Reach,
    fates: dict[str, Fate],
    kept: Path,
    *,
    seed: int,
    until: float,
) -> None:
    """Two at a time, each in a copy of its own, on one server."""
    line: SimpleQueue[Mutant] = SimpleQueue()
    for each in waiting:
        line.put(each)
    state = Path(tempfile.mkdtemp(prefix="surefield-mutation-"))
    server = server_in(state)

    def work(tree: Path) -> None:
        copy_of_the_tree(tree)
        while time.monotonic() < until:
            try:
                mutant = line.get_nowait()
            except Empty:
                return
            began = time.monotonic()
            tests = reach.tests_of(mutant)
            patience = reach.patience(tests)
            fate = tried(mutant, tests, tree=tree, state=state, seed=seed, patience=patience)
            fates[mutant.name] = fate
            with kept.open("a", encoding="utf-8") as file:
                file.write(json.dumps({"name": mutant.name, "fate": fate}) + "\n")
            print(f"{fate:9} {time.monotonic() - began:4.0f} s  {mutant.name}", flush=True)

    workers = [
        threading.Thread(target=work, args=(FOLDER / f"tree-{number}",)) for number in (1, 2)
    ]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    server.stop()


def _print(chosen: list[Mutant], fates: dict[str, Fate]) -> None:
    counted = Counter((each.area, fates.get(each.name)) for each in chosen)
    print("\n| area | mutants | caught | survived | no test runs it | not tried | caught % |")
    print("|---|---|---|---|---|---|---|")
    for area in (*AREAS, None):
        row = {fate: sum(n for (a, f), n in counted.items() if f == fate and area in (a, None))
               for fate in (*Fate, None)}  # fmt: skip
        done = sum(row.values()) - row[None]
        share = f"{100 * row[Fate.CAUGHT] / done:.0f}" if done else "-"
        print(
            f"| {area or 'all'} | {sum(row.values())} | {row[Fate.CAUGHT]} | {row[Fate.SURVIVED]} |"
            f" {row[Fate.UNREACHED]} | {row[None]} | {share} |"
        )
    missed = [each for each in chosen if fates.get(each.name) in (Fate.SURVIVED, Fate.UNREACHED)]
    print("\nWhat no test noticed:")
    for each in sorted(missed, key=lambda one: one.name):
        print(f"  {fates[each.name]} {each.name}")


if __name__ == "__main__":
    main()
