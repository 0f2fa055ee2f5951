"""The command that watches a folder."""

from pathlib import Path
from typing import Annotated

import structlog
import typer

from worker.cli import local
from worker.cli.operations import stop_event
from worker.intake.outages import is_outage
from worker.intake.watching import REFUSED, Watched
from worker.settings import Settings

log = structlog.get_logger()

LONGEST_PAUSE_S = 60.0


def watch(
    folder: Annotated[
        Path, typer.Argument(exists=True, file_okay=False, help="Where other programs write.")
    ],
    type: Annotated[
        str | None,
        typer.Option(
            help="Document type of every file, or auto; without it each lies in a folder with its"
            " type's name."
        ),
    ] = None,
    upstream: Annotated[
        str | None, typer.Option(help="Whose documents they are; SUREFIELD_UPSTREAM without it.")
    ] = None,
    every: Annotated[
        float,
        typer.Option(
            min=0.1, help="Seconds between two looks; a file is taken that looks the same in both."
        ),
    ] = 3.0,
    once: Annotated[bool, typer.Option("--once", help="Two looks, then end.")] = False,
) -> None:
    """Hand in what comes into a folder, until Ctrl-C.

    Files that were taken lie in its folder taken afterwards; those that were refused in refused,
    each with the reason beside it.
    """
    stop = stop_event()
    with (
        local.database(Settings(), migrates=True) as settings,
        local.runtime(settings) as rt,
    ):
        if type is not None:
            rt.check_type(type)  # a misspelt type is said at once
        watched = Watched(
            folder.resolve(), rt, upstream=upstream or settings.upstream, document_type=type
        )
        if once:
            watched.look()
            stop.wait(every)
            raise typer.Exit(1 if watched.look()[REFUSED] else 0)
        pause_s = every
        while not stop.is_set():
            try:
                watched.look()
                pause_s = every
            except Exception as error:
                if not is_outage(error):
                    raise
                pause_s = min(2 * pause_s, LONGEST_PAUSE_S)
                log.warning("folder_waits", error=error.__class__.__name__, said=str(error)[:200])
            stop.wait(pause_s)
