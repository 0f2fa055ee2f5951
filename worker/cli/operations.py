"""Commands for who runs the house: up, migrate, sweeper, settings, doctor."""

import os
import signal
import threading
from contextlib import closing
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from extractors.documents import load
from worker import bootstrap
from worker.cli import local, tables
from worker.cli.people import sign_in_url
from worker.inbox import Inbox
from worker.pipeline import flow
from worker.settings import Settings, table


def up() -> None:
    """Run everything on this machine until Ctrl-C: Postgres and broker (unless you named yours),
    workers, sweeper, web.
    """
    console = Console(stderr=True)
    base = Settings()
    local.leave_root(base)
    load(base.document_types)  # a broken type is said before anything starts
    local.require(base, web=True)  # and what is not installed
    local.check_port(base)
    with (
        local.database(base, migrates=True) as settings,
        local.running(settings, web=True),
        local.runtime(settings) as rt,
    ):
        stop = stop_event()  # before anybody is told that Ctrl-C stops
        console.print(
            "Surefield is up. Submit with: surefield submit FILE --type TYPE   (Ctrl-C stops)"
        )
        # a link that signs in belongs on the operator's screen, never in a log
        if console.is_terminal:
            console.print(
                f"Review at: {sign_in_url(rt, 'admin', settings.web_url)}   (signs you in, once)",
                soft_wrap=True,
            )
        stop.wait()
    console.print("stopped")


def migrate() -> None:
    """Bring the database to the newest schema and make the queues."""
    with local.database(Settings(), migrates=True):
        Console().print("the schema is up to date")


def sweeper() -> None:
    """Send again, every few seconds, for whatever should have moved: lost messages and killed
    workers cost time, not documents.
    """
    settings = Settings()
    local.leave_root(settings)
    stop = stop_event()
    with local.runtime(settings) as rt:
        while not stop.wait(settings.sweep_every.total_seconds()):
            try:
                flow.sweep(rt, patience=settings.patience)
            except (
                Exception
            ) as error:  # the database is away, or the broker: the next sweep tries again
                flow.log.warning("sweep_failed", error=type(error).__name__)


def inbox() -> None:
    """Take in what upstreams send over their queues, as `surefield up` does besides all else."""
    settings = Settings()
    local.leave_root(settings)
    stop = stop_event()
    mailbox = bootstrap.open_mailbox(settings)
    with local.runtime(settings) as rt, closing(mailbox):
        Inbox(
            rt,
            mailbox,
            stop,
            most_waiting=settings.max_waiting,
            open_upstream=settings.open_upstream,
        ).run()


def settings(
    markdown: Annotated[bool, typer.Option(help="As the table of docs/reference.md.")] = False,
) -> None:
    """Every setting, the value in force, and where it came from."""
    if markdown:
        typer.echo(table.markdown())
        return
    shown = Table("variable", "value", "from", "meaning", box=None, padding=(0, 1))
    for row in table.rows(Settings(), os.environ):
        shown.add_row(row.variable, escape(row.value), row.source, escape(row.meaning))
    tables.console().print(shown)


def web() -> None:
    """Serve the review page and the HTTP interface, as `surefield up` does besides all else."""
    serve = local.web_server()
    local.leave_root(Settings())
    local.check_port(Settings())
    with local.database(Settings()) as ready:
        serve(ready.as_web)


def doctor() -> None:
    """Look at everything this installation needs, and say what to mend."""
    from worker.cli import doctor

    found = doctor.findings(Settings())
    shown = Table("check", "state", "what to do", box=None, padding=(0, 1))
    for name, finding in found.items():
        state = "[green]ok[/green]" if finding.sound else "[red]broken[/red]"
        shown.add_row(name, state, escape(finding.words))
    tables.console().print(shown)
    raise typer.Exit(0 if all(finding.sound for finding in found.values()) else 1)


def stop_event() -> threading.Event:
    """Set by Ctrl-C or SIGTERM, however often they come.

    A handler that set it itself would wait for a lock that the code holds in whose middle it runs.
    So the signal writes a byte (``signal.set_wakeup_fd``), and a thread sets it.
    """
    stop = threading.Event()
    heard, told = os.pipe()
    os.set_blocking(told, False)

    def listen() -> None:
        os.read(heard, 1)
        stop.set()

    threading.Thread(target=listen, name="signals", daemon=True).start()
    signal.set_wakeup_fd(told, warn_on_full_buffer=False)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: None)
    return stop
