"""``make bench``: every benchmark's measurements in one table, and each in ``.bench/<name>.json``.

A benchmark is a module in this folder with ``run() -> list[Measurement-shaped dict]``: metric,
value, unit, goal (or None), holds. Speed is never a test: the machine is shared. Ratios are taken
between two sides that do the same work in one run.
"""

import json
import subprocess
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

NAMES = (
    "render",
    "pipeline",
    "grounding",
    "roundtrip",
    "engine",
    "selection",
    "rerank",
    "long",
    "lists",
    "classify",
    "review",
    "evidence",
    "confidence",
    "certificates",
    "watching",
    "witnesses",
    "hostile",
    "doors",
    "burst",
    "ocr",
    "corpus",
    "out_of_domain",
)
OUT = Path(".bench")
ALONE = "--alone"


def main(only: list[str]) -> int:
    """Run the named benchmarks, or all; 1 when a goal is missed."""
    only = [name.replace("-", "_") for name in only]
    unknown = set(only) - set(NAMES)
    if unknown:
        print(
            f"There is no benchmark {', '.join(sorted(unknown))}. Choose from: {', '.join(NAMES)}.",
            file=sys.stderr,
        )
        return 2
    OUT.mkdir(exist_ok=True)
    table = Table(
        "benchmark",
        "metric",
        "value",
        "unit",
        "goal",
        "holds",
        title="measured in this run, on this machine",
    )
    held = True
    for name in only or NAMES:
        rows = _in_a_process_of_its_own(name)
        held &= all(row["holds"] for row in rows)
        for row in rows:
            goal = "" if row["goal"] is None else f"{row['goal']:g}"
            table.add_row(
                name,
                row["metric"],
                f"{row['value']:,.4g}",
                row["unit"],
                goal,
                "yes" if row["holds"] else "[red]no[/red]",
            )
    Console(width=160 if not sys.stdout.isatty() else None).print(table)
    return 0 if held else 1


def _in_a_process_of_its_own(name: str) -> list[dict[str, Any]]:
    """What one benchmark measures; a machine's settings are a process's, and the next benchmark has
    others.
    """
    subprocess.run([sys.executable, "-m", "tests.benchmarks", ALONE, name], check=True)
    rows: list[dict[str, Any]] = json.loads((OUT / f"{name}.json").read_text())
    return rows


def alone(name: str) -> int:
    """Run one benchmark in this process, into its file."""
    rows = import_module(f"tests.benchmarks.{name}").run()
    (OUT / f"{name}.json").write_text(json.dumps(rows, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(alone(sys.argv[2]) if sys.argv[1:2] == [ALONE] else main(sys.argv[1:]))
