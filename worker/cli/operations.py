"""Commands for who runs the house: up, migrate, sweeper, settings, doctor."""

import signal
import threading
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from extractors.documents import load
from worker.cli import local, tables
from worker.cli.people import sign_in_url
from worker.pipeline import flow
from worker.settings import Reader, Settings
from worker.web.settings import WebSettings


def up() -> None:
    """Run everything on this machine until Ctrl-C: Postgres and broker (unless you named yours),
    workers, sweeper, web.
    """
    console = Console(stderr=True)
    load(WebSettings().document_types)  # a broken type is said before anything starts
    with (
        local.database(WebSettings()) as settings,
        local.running(settings),
        local.runtime(settings) as rt,
    ):
        console.print(
            "Surefield is up. Submit with: surefield submit FILE --type TYPE   (Ctrl-C stops)"
        )
        # a link that signs in belongs on the operator's screen, never in a log
        if console.is_terminal:
            console.print(
                f"Review at: {sign_in_url(rt, 'admin', settings.web_url)}   (signs you in, once)",
                soft_wrap=True,
            )
        until_stopped()
    console.print("stopped")


def migrate() -> None:
    """Bring the database to the newest schema and make the queues."""
    with local.database(Settings()):
        Console().print("the schema is up to date")


def sweeper() -> None:
    """Send again, every few seconds, for whatever should have moved: lost messages and killed
    workers cost time, not documents.
    """
    settings = Settings()
    stop = _stop_event()
    with local.runtime(settings) as rt:
        while not stop.wait(settings.sweep_every.total_seconds()):
            try:
                flow.sweep(rt, patience=settings.patience)
            except (
                Exception
            ) as error:  # the database is away, or the broker: the next sweep tries again
                flow.log.warning("sweep_failed", error=type(error).__name__)


def settings(
    markdown: Annotated[bool, typer.Option(help="As the README's table.")] = False,
) -> None:
    """Every setting, its meaning and its default."""
    rows = settings_rows()
    if markdown:
        typer.echo(settings_markdown())
        return
    table = Table("variable", "default", "meaning", box=None, padding=(0, 1))
    for row in rows:
        table.add_row(*row)
    Console().print(table)


def settings_rows() -> list[tuple[str, str, str]]:
    """(variable, default, meaning) of each setting, those of readers last."""
    fields = sorted(
        Settings.model_fields.items(), key=lambda field: field[0] in Reader.model_fields
    )
    return [
        (f"SUREFIELD_{name.upper()}", _shown(name, info.default), info.description or "")
        for name, info in fields
    ]


def settings_markdown() -> str:
    """The README's table; a test compares the two."""
    lines = ["| variable | default | meaning |", "|---|---|---|"]
    return "\n".join(
        lines
        + [
            f"| `{name}` | {f'`{default}`' if default else ''} | {meaning} |"
            for name, default, meaning in settings_rows()
        ]
    )


def _shown(name: str, default: object) -> str:
    if name == "model":
        return "the bundled model"
    if default is None or default in ((), {}):
        return ""
    seconds = getattr(default, "total_seconds", None)
    return f"{seconds():g} s" if seconds else str(default)


def doctor() -> None:
    """Look at everything this installation needs, and say what to mend."""
    from worker.cli import doctor

    console = tables.console()
    table = Table("check", "state", "what to do", box=None, padding=(0, 1))
    sound = True
    for check in doctor.CHECKS:
        finding = check(Settings())
        sound &= finding.sound
        table.add_row(
            finding.name,
            "[green]ok[/green]" if finding.sound else "[red]broken[/red]",
            escape(finding.words),
        )
    console.print(table)
    raise typer.Exit(0 if sound else 1)


def _stop_event() -> threading.Event:
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    return stop


def until_stopped() -> None:
    """Wait for Ctrl-C or SIGTERM."""
    _stop_event().wait()
