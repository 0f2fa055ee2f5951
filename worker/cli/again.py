"""Commands that answer documents once more: reread, rescore, reroute."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Annotated
from uuid import UUID

import typer
from rich.console import Console

from worker.cli import local
from worker.pipeline import again
from worker.pipeline.again import Again
from worker.settings import Settings
from worker.store import transitions

Documents = Annotated[list[UUID] | None, typer.Argument(help="The documents' ids.")]
Type = Annotated[str | None, typer.Option(help="All answered documents of this type.")]
Since = Annotated[
    datetime | None,
    typer.Option(
        formats=["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S"],
        help="All answered documents submitted at this time (UTC) or later.",
    ),
]
Who = Annotated[str | None, typer.Option(help="Your name; without it, your login.")]


def _command(kind: Again, does: str) -> Callable[..., None]:
    def run(
        documents: Documents = None,
        type: Type = None,
        since: Since = None,
        who: Who = None,
    ) -> None:
        if bool(documents) == bool(type or since):
            raise typer.BadParameter("Name documents, or give --type, --since or both.")
        with local.database(Settings()) as settings, local.runtime(settings) as rt:
            by = transitions.person(local.actor(rt, who).name)
            for document in documents or ():
                again.one(rt, document, kind, by=by)
            begun = len(documents or ())
            if type or since:
                when = since.replace(tzinfo=UTC) if since else None
                which = again.Which(document_type=type, since=when)
                begun = again.many(rt, which, kind, by=by)
        Console().print(f"{kind.value}: {begun} documents")

    run.__doc__ = does
    return run


reread = _command(
    Again.REREAD,
    "Read documents again. What people decided stays where the new reading says the same; else"
    " they are asked once more.",
)
rescore = _command(
    Again.RESCORE,
    "Score documents again by the confidence methods of today, and route them; needs no model.",
)
reroute = _command(
    Again.REROUTE, "Route documents again by the thresholds of today; needs no model."
)
