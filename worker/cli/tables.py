"""How rows look on a terminal.

Every text from a document is shown as text: no markup, no control characters.
"""

import unicodedata
from collections.abc import Collection, Iterable, Sequence
from typing import Any

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TextColumn,
    TimeElapsedColumn,
)
from rich.table import Table
from rich.text import Text

from extractors.documents import DocumentType
from extractors.types import FieldState
from worker import reporting
from worker.review.list_actions import ListShown
from worker.review.types import Item, Untyped
from worker.tables.documents import Status

STATUS_STYLE = {
    Status.ACCEPTED: "green",
    Status.REVIEWED: "green",
    Status.IN_REVIEW: "yellow",
    Status.NEEDS_TYPE: "yellow",
    Status.NEEDS_INPUT: "yellow",
    Status.REJECTED: "red",
    Status.FAILED: "red",
}
DECISION_STYLE = {"accepted": "green", "reviewed": "green", "review": "yellow"}
LONGEST = 48  # characters of a value in a table
WIDE = 160  # columns where there is no terminal


def progress(console: Console) -> Progress:
    """A bar for what takes longer than a second; on a pipe it prints nothing but its end."""
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    return Progress(*columns, console=console, transient=True)


def plain(text: str | None, *, longest: int = LONGEST) -> Text:
    """Text from a document, made harmless for a terminal: control and direction-changing characters
    become visible.
    """
    shown = "".join(
        c
        if unicodedata.category(c) not in ("Cc", "Cf", "Cs", "Zl", "Zp")
        else "\N{REPLACEMENT CHARACTER}"
        for c in text or ""
    )
    return Text(shown if len(shown) <= longest else shown[: longest - 1] + "…")


def console() -> Console:
    """The terminal, or a page wide enough for every column when the output goes elsewhere."""
    terminal = Console()
    return terminal if terminal.is_terminal else Console(width=WIDE)


def _table(*columns: str, whole: Collection[str] = ()) -> Table:
    """A plain table; the columns in ``whole`` are never cut, since people copy from them."""
    table = Table(box=None, padding=(0, 1), pad_edge=False)
    for name in columns:
        table.add_column(name, no_wrap=name in whole, overflow="fold")
    return table


def documents(console: Console, rows: Sequence[reporting.DocumentRow]) -> None:
    """One line a document, and beneath them what to do about each that failed."""
    table = _table(
        "document",
        "file",
        "type",
        "pages",
        "status",
        "accepted",
        "in review",
        whole=("document", "status"),
    )
    for row in rows:
        table.add_row(
            str(row.document_id),
            plain(row.filename),
            row.document_type,
            _pages(row),
            Text(row.status.value, style=STATUS_STYLE.get(row.status, "")),
            str(row.accepted),
            str(row.waiting),
        )
    console.print(table)
    for row in rows:
        if row.status is Status.FAILED:
            said = Text.assemble(
                (f"{row.error_code}", "bold red"), ": ", plain(row.error_message, longest=1000)
            )
            console.print(Text.assemble(plain(row.filename or str(row.document_id)), ": ", said))


def confidence(console: Console, row: reporting.DocumentRow) -> None:
    """How probable it is that all of a document is right, where that is known."""
    if row.probability_right is not None and row.expected_wrong is not None:
        console.print(
            f"All fields are right with {100 * row.probability_right:.1f} %; on average"
            f" {row.expected_wrong:.2f} are wrong."
        )
    if row.certificate is not None:
        console.print(f"Certificate of the whole document: {row.certificate}.")


def _pages(row: reporting.DocumentRow) -> str:
    if row.page_count is None:
        return ""
    return (
        f"{row.page_count - row.pages_left_out} of {row.page_count}"
        if row.pages_left_out
        else str(row.page_count)
    )


def fields(console: Console, rows: Iterable[reporting.FieldRow], *, names: bool = False) -> None:
    """One line a field; ``names`` puts the file's name in front."""
    head = ("file",) if names else ()
    table = _table(
        *head,
        "field",
        "as printed",
        "value",
        "page",
        "score",
        "needs",
        "decision",
        "why",
        whole=("score", "decision"),
    )
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
            plain(row.message, longest=70),
        )
    console.print(table)


def items(console: Console, rows: Sequence[Item]) -> None:
    """One line a waiting field."""
    table = _table(
        "item",
        "type",
        "field",
        "as printed",
        "page",
        "score",
        "why",
        "since",
        whole=("item", "score", "since"),
    )
    for row in rows:
        name = f"{row.field}[{row.ordinal + 1}]" if "." in row.field else row.field
        score = "none" if row.score is None else f"{row.score:.3f}"
        why = str(row.details.get("message") or row.reason)
        page = "" if row.page is None else str(row.page)
        since = f"{row.created_at:%Y-%m-%d %H:%M}"
        table.add_row(
            str(row.item_id),
            row.document_type,
            name,
            plain(row.text),
            page,
            score,
            plain(why, longest=70),
            since,
        )
    console.print(table if rows else "Nothing waits for review.")


def untyped(console: Console, rows: Sequence[Untyped]) -> None:
    """One line a document whose type a person must name."""
    table = _table(
        "document", "file", "pages", "most like", "confidence", "since", whole=("document", "since")
    )
    for row in rows:
        sure = "none" if row.confidence is None else f"{row.confidence:.2f}"
        since = f"{row.created_at:%Y-%m-%d %H:%M}"
        table.add_row(
            str(row.document_id),
            plain(row.filename),
            str(row.page_count or ""),
            row.likeliest or "",
            sure,
            since,
        )
    console.print(table if rows else "Every document's type is known.")


def item_json(item: Item) -> dict[str, Any]:
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


def rows(console: Console, shown: ListShown) -> None:
    """The rows of a list, and what they add up to."""
    members = [member.name for member in shown.group.members]
    table = _table("row", *members)
    for number, row in enumerate(shown.as_json()["rows"], 1):
        cells = [row["cells"][name] + (" ?" if name in row["waits"] else "") for name in members]
        table.add_row(str(number), *(plain(cell) for cell in cells))
    console.print(table)
    for each in shown.sums:
        printed = ", ".join(f"{name} {amount}" for name, amount in each.printed.items())
        verdict = {True: "as printed", False: "not what is printed", None: ""}[each.agrees]
        total = "not all can be read" if each.total is None else str(each.total)
        console.print(f"{each.member}: {total} {verdict} {printed}".rstrip())
    console.print(f"version {shown.rows.version}; ? waits for a person")


def types(console: Console, found: Iterable[DocumentType]) -> None:
    """Every document type with its fields."""
    table = _table("type", "field", "kind", "accept at", "what")
    for spec in found:
        for number, field in enumerate(spec.fields):
            accept_at = "" if field.accept_at is None else f"{field.accept_at:g}"
            table.add_row(
                spec.name if number == 0 else "",
                field.name,
                field.kind.value,
                accept_at,
                field.description,
            )
            for member in field.members:
                table.add_row("", f"  {member.name}", member.kind.value, "", member.description)
    console.print(table)


def answer(console: Console, names: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    """What a query says."""
    table = _table(*names)
    for row in rows:
        table.add_row(
            *(Text("—", style="dim") if value is None else plain(_short(value)) for value in row)
        )
    console.print(table)


def _short(value: object) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)
