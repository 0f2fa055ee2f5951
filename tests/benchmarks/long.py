"""A document of 100 pages whose fields stand on pages 3 and 97: how many pages the model is shown,
and what memory 20 and 100 pages take.

Each document goes its whole way in a process of its own, stage after stage, with the scripted
backend: the peaks are the processes' own.
"""

import json
import subprocess
import sys
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import UUID

from extractors.backends import scripted
from tests.pipeline.long import a_long_pdf, a_type_file, told
from worker.cli import local
from worker.intake import actions, sources
from worker.pipeline import flow
from worker.reporting import fields
from worker.settings import Settings
from worker.tables.documents import Status

FEW, MANY = 20, 100
MOST_READ = 10
# a hundred pages may take so much more memory than twenty: their words and evidence, but never
# their images
FLAT = 1.25
RIGHT = {
    "payee": "Foo Ltd",
    "date": "03/04/2026",
    "number": "A-17",
    "total": "12.50",
    "currency": "EUR",
}


def run() -> list[dict[str, Any]]:
    """The measurements of this benchmark."""
    chosen, few, many = _measured(MANY, MOST_READ), _measured(FEW, None), _measured(MANY, None)
    rows = [
        _row(
            "fields right and accepted, 10 of 100 pages read",
            chosen["right"],
            "fields",
            len(RIGHT),
            chosen["right"] == len(RIGHT),
        ),
        _row(
            "pages sent to the model, selection on",
            chosen["pages"],
            "pages",
            MOST_READ,
            chosen["pages"] <= MOST_READ,
        ),
        _row(
            "fields right and accepted, all pages read",
            many["right"],
            "fields",
            len(RIGHT),
            many["right"] == len(RIGHT),
        ),
        _row(
            "pages sent to the model, selection off",
            many["pages"],
            "pages",
            MANY,
            many["pages"] == MANY,
        ),
    ]
    for who in ("worker", "render child"):
        rows += [
            _row(f"{who}, peak over {pages} pages", one[who], "MB")
            for pages, one in ((FEW, few), (MANY, many))
        ]
        ratio = many[who] / few[who]
        rows.append(
            _row(f"{who}, peak over {MANY} pages against {FEW}", ratio, "x", FLAT, ratio <= FLAT)
        )
    return rows


def _row(
    metric: str, value: float, unit: str, goal: float | None = None, holds: bool = True
) -> dict[str, Any]:
    return {"metric": metric, "value": value, "unit": unit, "goal": goal, "holds": holds}


def _measured(pages: int, most_read: int | None) -> dict[str, float]:
    argv = [sys.executable, "-m", "tests.benchmarks.long", str(pages), str(most_read or "")]
    found: dict[str, float] = json.loads(
        subprocess.run(argv, check=True, capture_output=True, text=True).stdout.splitlines()[-1]
    )
    return found


def one_document(pages: int, most_read: int | None) -> dict[str, float]:
    """One document's way through this process, and what it took."""
    with tempfile.TemporaryDirectory(prefix="surefield-bench-") as folder:
        (Path(folder) / "types").mkdir()
        (Path(folder) / "types" / "long.py").write_text(a_type_file(most_read))
        settings = Settings(
            state_dir=Path(folder) / "state",
            reader=scripted.Options(),
            document_types=Path(folder) / "types",
        )
        with local.database(settings, migrates=True) as ready, local.runtime(ready) as plain:
            waiting: list[tuple[UUID, Status]] = []
            backend = told(plain.canvas("long_slip"), foot=pages - 3)
            rt = replace(
                plain,
                announce=lambda *moved: waiting.append(moved),
                backend=lambda document_type: backend,
            )
            pdf = a_long_pdf(pages, foot=pages - 3, size=(595, 842), repeat=12)
            document = actions.submit(
                sources.Request(upstream="bench", document_type="long_slip", content=pdf), rt
            ).document_id
            while waiting:
                moved, status = waiting.pop(0)
                if status in flow.STEP_AT:
                    flow.STEP_AT[status].run(moved, rt)
            with rt.transaction() as tx:
                rows = fields(tx, [document])
            found = {row.field: row.text for row in rows if row.decision == "accepted"}
            child = rt.renderer().child_pid
            peaks = {"worker": _peak_mb("self"), "render child": _peak_mb(str(child))}
            rt.renderer().close()
    right = sum(found.get(name) == text for name, text in RIGHT.items())
    return {"right": right, "pages": sum(map(len, backend.calls)), **peaks}


def _peak_mb(process: str) -> float:
    """The most memory that the process ever held."""
    status = Path(f"/proc/{process}/status").read_text()
    return (
        int(next(line.split()[1] for line in status.splitlines() if line.startswith("VmHWM")))
        / 1024
    )


if __name__ == "__main__":
    print(
        json.dumps(
            one_document(
                int(sys.argv[1]), int(sys.argv[2]) if sys.argv[2:] and sys.argv[2] else None
            )
        )
    )
