"""Real files nobody here wrote, through the whole machine: nothing wrong may be accepted.

``hostile`` beside this sends the damaged ones.

Needs ``SUREFIELD_CORPUS``. The bundled model knows none of these pages; it is also asked about
receipts as if they were slips, which is what a mislabelled submission does, and where only the
confidence and the checks stand between a guess and a row.
"""

import json
import os
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import UUID

import psutil

from extractors.backends import scripted
from extractors.documents import BUILT_IN
from extractors.documents.spec import Kind
from extractors.normalise import normalise
from tests.factories import rows_of
from worker import reporting
from worker.cli import local
from worker.cli.documents import submit_files
from worker.pipeline import flow
from worker.runtime import Runtime
from worker.settings import Settings
from worker.tables.documents import Status

# Which label of the corpus is the truth of which field.
RECEIPT = {"company": "company", "date": "date_iso", "total": "total_dec", "address": "address"}
INVOICE = {
    "number": "invoice_number",
    "date": "date",
    "total": "amount",
    "seller": "issuer",
    "currency": "currency",
    "iban": "iban",
}
E_INVOICE = {
    "number": "invoice_number",
    "date": "issue_date_iso",
    "total": "grand_total",
    "seller": "seller_name",
    "currency": "currency",
}
AS_SLIP = {"date": "date_iso", "total": "total_dec", "payee": "company"}
Case = tuple[str, str, dict[str, str]]  # folder, document type it is submitted as, labels
CASES: tuple[Case, ...] = (
    ("receipts", "receipt", RECEIPT),
    ("invoices", "invoice", INVOICE),
    ("einvoices", "invoice", E_INVOICE),
    ("receipts", "slip", AS_SLIP),
)


def run() -> list[dict[str, Any]]:
    """The measurements, or none without the corpus."""
    named = os.environ.get("SUREFIELD_CORPUS")
    if not named:
        print("corpus: skipped, SUREFIELD_CORPUS is not set")
        return []
    corpus = Path(named)
    return _labelled(corpus)


def _row(
    metric: str, value: float, unit: str, goal: float | None = None, holds: bool = True
) -> dict[str, Any]:
    return {"metric": metric, "value": value, "unit": unit, "goal": goal, "holds": holds}


@contextmanager
def _machine(**changes: Any) -> Iterator[Runtime]:
    with tempfile.TemporaryDirectory(prefix="surefield-corpus-") as folder:
        settings = Settings(state_dir=Path(folder), **changes)
        with (
            local.database(settings, migrates=True) as ready,
            local.running(ready),
            local.runtime(ready) as rt,
        ):
            yield rt


def hostile(corpus: Path) -> list[dict[str, Any]]:
    files = sorted(path for path in (corpus / "hostile").rglob("*") if path.suffix == ".pdf")
    with _machine(reader=scripted.Options()) as rt:
        ids, refused = submit_files(files, "slip", rt, upstream="hostile")
        time.sleep(2)
        before = _workers()
        largest = 0
        while waiting := [
            row
            for row in rows_of(reporting.documents, rt.sessions, ids)
            if row.status not in flow.RESTING
        ]:
            largest = max([largest, *(_rss(child) for child in _render_children())])
            time.sleep(0.2 if len(waiting) < 50 else 1)
        died = len(before - _workers())
        rows = rows_of(reporting.documents, rt.sessions, ids)
        with rt.sessions() as session:
            slowest = session.connection().exec_driver_sql(SLOWEST).scalar_one()
    ended = len(rows)
    failed = sum(row.status is Status.FAILED for row in rows)
    return [
        _row(
            "hostile files that ended",
            ended,
            f"of {len(files)}",
            len(files),
            ended == len(files) and refused == 0,
        ),
        _row("hostile files that failed with a code", failed, "files"),
        _row("worker processes that died", died, "processes", 0, died == 0),
        _row("largest render child", largest / 1e6, "MB"),
        _row("longest from submission to end", float(slowest), "s"),
    ]


SLOWEST = "SELECT coalesce(max(extract(epoch FROM updated_at - created_at)), 0) FROM documents"


def _workers() -> set[int]:
    return {
        process.pid
        for process in psutil.Process().children(recursive=True)
        if "celery" in " ".join(_argv(process))
    }


def _render_children() -> list[psutil.Process]:
    return [
        process
        for process in psutil.Process().children(recursive=True)
        if "worker.rendering.child" in " ".join(_argv(process))
    ]


def _argv(process: psutil.Process) -> Sequence[str]:
    try:
        argv: list[str] = process.cmdline()
        return argv
    except psutil.Error:
        return ()


def _rss(process: psutil.Process) -> int:
    try:
        return int(process.memory_info().rss)
    except psutil.Error:
        return 0


def _labelled(corpus: Path) -> list[dict[str, Any]]:
    truths = {
        label["file"]: {**label["truth"], **label}
        for label in map(json.loads, (corpus / "truth.jsonl").open(encoding="utf-8"))
    }
    rows = []
    with _machine() as rt:
        for folder, document_type, labels in CASES:
            files = [
                corpus / name
                for name in truths
                if name.startswith(f"{folder}/") and not name.endswith(".txt")
            ]
            ids, _ = submit_files(files, document_type, rt, upstream=f"{folder} as {document_type}")
            while any(
                row.status not in flow.RESTING
                for row in rows_of(reporting.documents, rt.sessions, ids)
            ):
                time.sleep(1)
            name = f"{folder} as {document_type}"
            rows += _judged(
                name, rt, dict(zip(ids, files, strict=True)), truths, labels, document_type, corpus
            )
    return rows


def _judged(
    name: str,
    rt: Runtime,
    files: dict[UUID, Path],
    truths: dict[str, Any],
    labels: dict[str, str],
    document_type: str,
    corpus: Path,
) -> list[dict[str, Any]]:
    accepted = wrong = sure = 0
    for row in rows_of(reporting.fields, rt.sessions, list(files)):
        truth = truths[str(files[row.document_id].relative_to(corpus))].get(
            labels.get(row.field, "")
        )
        sure += row.score is not None and row.score >= 0.7 and row.state == "value"
        if row.decision == "accepted" and row.field in labels:
            accepted += 1
            wrong += not agrees(row, truth, document_type)
    return [
        _row(f"{name}: wrong of {accepted} accepted", wrong, "fields", 0, wrong == 0),
        _row(f"{name}: values that the score alone would have accepted", sure, "fields"),
    ]


def agrees(row: reporting.FieldRow, truth: object, document_type: str) -> bool:
    if row.state == "absent":
        return truth in (None, "")
    if truth in (None, ""):
        return False
    spec = BUILT_IN[document_type]
    field = spec.field(row.field)
    meant = normalise(str(truth), field, spec)
    if field.kind is Kind.AMOUNT:
        return (
            meant.value is not None
            and row.value is not None
            and float(str(meant.value)) == float(str(row.value))
        )
    return (
        str(row.value).casefold()
        == str(meant.value if meant.value is not None else truth).casefold()
    )


if __name__ == "__main__":
    print(json.dumps(run(), indent=1))
