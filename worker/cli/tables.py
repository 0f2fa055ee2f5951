"""How rows look on a terminal.  Every text from a document is shown as text: no markup, no control characters."""

import unicodedata
from collections.abc import Iterable, Sequence
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from extractors.documents import DocumentType
from extractors.types import FieldState
from worker import reporting, store
from worker.models import Status

STATUS_STYLE = {Status.ACCEPTED: "green", Status.REVIEWED: "green", Status.IN_REVIEW: "yellow", Status.FAILED: "red"}
DECISION_STYLE = {"accepted": "green", "reviewed": "green", "review": "yellow"}
LONGEST = 48  # characters of a value in a table


def progress(console: Console) -> Progress:
    """A bar for what takes longer than a second; on a pipe it prints nothing but its end."""
    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    return Progress(*columns, console=console, transient=True)


def plain(text: str | None, *, longest: int = LONGEST) -> Text:
    """Text from a document, made harmless for a terminal: control and direction-changing characters become visible."""
    shown = "".join(c if unicodedata.category(c) not in ("Cc", "Cf", "Cs", "Zl", "Zp") else "\N{REPLACEMENT CHARACTER}" for c in text or "")
    return Text(shown if len(shown) <= longest else shown[: longest - 1] + "…")


def documents(console: Console, rows: Sequence[reporting.DocumentRow]) -> None:
    """One line a document."""
    table = Table("document", "file", "type", "pages", "status", "accepted", "in review", "what to do", box=None, padding=(0, 1))
    for row in rows:
        status = Text(row.status.value, style=STATUS_STYLE.get(row.status, ""))
        problem = f"{row.error_code}: {row.error_message}" if row.status is Status.FAILED else ""
        table.add_row(
            str(row.document_id),
            plain(row.filename),
            row.document_type,
            "" if row.page_count is None else str(row.page_count),
            status,
            str(row.accepted),
            str(row.waiting),
            plain(problem, longest=400),
        )
    console.print(table)


def fields(console: Console, rows: Iterable[reporting.FieldRow], *, names: bool = False) -> None:
    """One line a field; ``names`` puts the file's name in front."""
    head = ("file",) if names else ()
    table = Table(*head, "field", "as printed", "value", "page", "score", "needs", "decision", "why", box=None, padding=(0, 1))
    before = None
    for row in rows:
        lead = (plain(row.filename if row.filename != before else "", longest=28),) if names else ()
        before = row.filename
        name = f"{row.field}[{row.ordinal + 1}]" if "." in row.field else row.field
        table.add_row(
            *lead,
            name,
            plain(row.text) if row.state is not FieldState.ABSENT else Text("—", style="dim"),
            plain(" ".join(str(part) for part in (row.value, row.currency) if part is not None)),
            "" if row.page is None else str(row.page),
            "none" if row.score is None else f"{row.score:.3f}",
            "" if row.threshold is None else f"{row.threshold:.2f}",
            Text(row.decision, style=DECISION_STYLE.get(row.decision, "")),
            plain(row.words, longest=70),
        )
    console.print(table)


def items(console: Console, rows: Sequence[store.Item]) -> None:
    """One line a waiting field."""
    table = Table("item", "type", "field", "as printed", "page", "score", "why", "since", box=None, padding=(0, 1))
    for row in rows:
        name = f"{row.field}[{row.ordinal + 1}]" if "." in row.field else row.field
        score = "none" if row.score is None else f"{row.score:.3f}"
        why = str(row.details.get("words") or row.reason)
        page = "" if row.page is None else str(row.page)
        since = f"{row.created_at:%Y-%m-%d %H:%M}"
        table.add_row(str(row.item_id), row.document_type, name, plain(row.text), page, score, plain(why, longest=70), since)
    console.print(table if rows else "Nothing waits for review.")


def item_json(item: store.Item) -> dict[str, Any]:
    """A waiting field for programs."""
    return {
        "item": str(item.item_id),
        "version": item.version,
        "document": str(item.document_id),
        "document_type": item.document_type,
        "field": item.field,
        "ordinal": item.ordinal,
        "page": item.page,
        "text": item.text,
        "value": item.value,
        "score": item.score,
        "threshold": item.threshold,
        "reason": item.reason,
        "details": dict(item.details),
        "since": item.created_at.isoformat(),
    }


def types(console: Console, found: Iterable[DocumentType]) -> None:
    """Every document type with its fields."""
    table = Table("type", "field", "kind", "accept at", "what", box=None, padding=(0, 1))
    for spec in found:
        for number, field in enumerate(spec.fields):
            accept_at = "" if field.accept_at is None else f"{field.accept_at:g}"
            table.add_row(spec.name if number == 0 else "", field.name, field.kind.value, accept_at, field.description)
            for member in field.members:
                table.add_row("", f"  {member.name}", member.kind.value, "", member.description)
    console.print(table)
