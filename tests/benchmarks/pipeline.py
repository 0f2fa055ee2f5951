"""Documents per second through the whole pipeline with the scripted backend, and where the time
goes.

The whole machine: the real workers, queue, render child and Postgres (durable, as users run it),
on small slips without a table and on A4 invoices with one.
Where the time goes: the same stages one after another in this process, with every wait on the
database, the broker and the render child clocked.
"""

import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import UUID

import pymupdf
from sqlalchemy import Engine, event

from extractors.backends import scripted
from extractors.backends.scripted import Line, ScriptedBackend
from extractors.page.ocr import engines
from worker import reporting
from worker.cli import local
from worker.intake import actions, sources
from worker.pipeline import flow
from worker.runtime import Runtime
from worker.settings import Settings
from worker.tables.documents import Status

DOCUMENTS = 200
GROUND_GOAL = 0.15  # of the time of all stages, database and broker included
ROWS = [
    {
        "description": f"Article {number} of steel",
        "quantity": str(number),
        "unit_price": "10.00",
        "amount": f"{number}0.00",
    }
    for number in range(1, 21)
]
TRUTH = {
    "seller": "Brightwater Tools Ltd",
    "buyer": "Harrow Joinery",
    "number": "BW-30417",
    "date": "March 12, 2026",
    "due_date": "April 11, 2026",
    "currency": "EUR",
    "net": "2,100.00",
    "tax": "399.00",
    "total": "2,499.00",
    "iban": "DE02120300000000202051",
    "lines": ROWS,
}


def run() -> list[dict[str, Any]]:
    """The measurements of this benchmark."""
    with tempfile.TemporaryDirectory(prefix="surefield-bench-") as folder:
        settings = Settings(
            state_dir=Path(folder), reader=scripted.Options(), ocr=engines.Engine.OFF
        )
        with local.database(settings, migrates=True) as ready:
            slips = [_a_slip(number) for number in range(DOCUMENTS)]
            of_slips = _whole_machine(ready, slips, "slip")
            files = [an_invoice(number) for number in range(DOCUMENTS)]
            rate = _whole_machine(ready, files, "invoice")
            shares = _where_the_time_goes(ready, files[:50])
    rows = [
        _row("whole machine: slips", of_slips, "documents/s"),
        _row("whole machine: A4 invoices", rate, "documents/s"),
    ]
    rows += [
        _row(
            f"share of time: {name}", share, "of 1", goal=GROUND_GOAL if name == "ground" else None
        )
        for name, share in shares.items()
    ]
    return rows


def _row(metric: str, value: float, unit: str, *, goal: float | None = None) -> dict[str, Any]:
    holds = goal is None or value <= goal
    return {"metric": metric, "value": value, "unit": unit, "goal": goal, "holds": holds}


def an_invoice(number: int) -> bytes:
    """An A4 invoice with twenty rows and a text layer."""
    document = pymupdf.open()
    page = document.new_page(width=595, height=842)
    header = (
        TRUTH["seller"],
        f"Invoice No. {TRUTH['number']}",
        f"Invoice date: {TRUTH['date']}",
        f"Bill to: {TRUTH['buyer']}",
        f"Due date: {TRUTH['due_date']}",
        f"copy {number}",
    )
    for row, line in enumerate(header):
        page.insert_text((50, 50 + 16 * row), str(line))
    for at, row_ in enumerate(ROWS):
        cells = zip(
            (50, 330, 400, 480),
            (row_["description"], row_["quantity"], row_["unit_price"], row_["amount"]),
            strict=True,
        )
        for x, cell in cells:
            page.insert_text((x, 180 + 22 * at), cell)
    sums = (("Net", "net"), ("Tax", "tax"), ("Total EUR", "total"), ("IBAN", "iban"))
    for at, (label, name) in enumerate(sums):
        page.insert_text((330, 660 + 18 * at), label)
        page.insert_text((430, 660 + 18 * at), str(TRUTH[name]))
    return bytes(document.tobytes())


def _a_slip(number: int) -> bytes:
    """A small page with four lines of text."""
    document = pymupdf.open()
    page = document.new_page(width=320, height=160)
    for row, line in enumerate(("Foo Ltd A-17", "03/04/2026", "Total 12.50 EUR", f"no {number}")):
        page.insert_text((20, 30 + 20 * row), line)
    return bytes(document.tobytes())


def _whole_machine(settings: Settings, files: list[bytes], document_type: str) -> float:
    with local.running(settings), local.runtime(settings) as rt:
        _through(rt, [b"%PDF-warm-up"], document_type, upstream="warm-up")
        began = time.perf_counter()
        _through(rt, files, document_type, upstream=f"bench-{document_type}")
        return len(files) / (time.perf_counter() - began)


def _through(rt: Runtime, files: list[bytes], document_type: str, *, upstream: str) -> None:
    ids = [
        actions.submit(
            sources.Request(upstream=upstream, document_type=document_type, content=data), rt
        ).document_id
        for data in files
    ]
    while True:
        with rt.transaction() as tx:
            rows = reporting.documents(tx, ids)
        if all(row.status in flow.RESTING for row in rows):
            return
        time.sleep(0.1)


def _where_the_time_goes(settings: Settings, files: list[bytes]) -> dict[str, float]:
    spent: dict[str, float] = defaultdict(float)
    waiting: list[tuple[UUID, Status]] = []
    with local.runtime(settings) as plain:
        backend = ScriptedBackend(
            lambda page, spec: Line(truth=TRUTH), canvas=plain.canvas("invoice")
        )
        send = plain.announce

        def announce(document_id: UUID, status: Status) -> None:
            with _clocked(spent, "broker"):
                send(document_id, status)
            waiting.append((document_id, status))

        rt = replace(plain, announce=announce, backend=lambda document_type: backend)
        _clock_database(rt.sessions.kw["bind"], spent)
        rt.renderer()
        began = time.perf_counter()
        for data in files:
            actions.submit(
                sources.Request(upstream="shares", document_type="invoice", content=data), rt
            )
        while waiting:
            document_id, status = waiting.pop(0)
            if status in flow.STEP_AT:
                before = spent["database"] + spent["broker"]
                stage_began = time.perf_counter()
                flow.STEP_AT[status].run(document_id, rt)
                own = (
                    time.perf_counter()
                    - stage_began
                    - (spent["database"] + spent["broker"] - before)
                )
                spent[flow.STEP_AT[status].name] += own
        total = time.perf_counter() - began
        rt.renderer().close()
    spent["submit and the rest"] = total - sum(spent.values())
    return {name: seconds / total for name, seconds in spent.items()}


@contextmanager
def _clocked(spent: dict[str, float], name: str) -> Iterator[None]:
    began = time.perf_counter()
    try:
        yield
    finally:
        spent[name] += time.perf_counter() - began


def _clock_database(engine: Engine, spent: dict[str, float]) -> None:
    started: list[float] = []

    def before(*_: Any) -> None:
        started.append(time.perf_counter())

    def after(*_: Any) -> None:
        spent["database"] += time.perf_counter() - started.pop()

    event.listen(engine, "before_cursor_execute", before)
    event.listen(engine, "after_cursor_execute", after)
    dialect: Any = engine.dialect
    commit: Callable[[Any], None] = dialect.do_commit

    def clocked_commit(connection: Any) -> None:
        with _clocked(spent, "database"):
            commit(connection)

    dialect.do_commit = clocked_commit
