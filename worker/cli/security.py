"""``surefield security-events``: what happened to rights, for whoever watches over them."""

import json
from dataclasses import asdict
from datetime import datetime
from typing import Annotated

import typer
from rich.table import Table

from worker.cli import local, tables
from worker.cli.documents import AsJson
from worker.cli.tables import plain
from worker.store import security
from worker.tables.security import SecurityKind


def security_events(
    since: Annotated[
        datetime | None, typer.Option(help="From then on, in this machine's time.")
    ] = None,
    kind: Annotated[list[SecurityKind] | None, typer.Option(help="Only these kinds.")] = None,
    who: Annotated[
        str | None, typer.Option(help="Of whom or about whom; a part of the name is enough.")
    ] = None,
    limit: Annotated[int, typer.Option(min=1, help="At most so many, the newest first.")] = 100,
    as_json: AsJson = False,
) -> None:
    """Sign-ins and those that failed, people, roles, keys, webhooks, what was opened."""
    from_then = None if since is None else since.astimezone()
    with local.house() as rt, rt.transaction() as tx:
        found = security.happened(tx, since=from_then, kinds=kind or None, who=who, limit=limit)
    if as_json:
        typer.echo(json.dumps([asdict(one) for one in found], indent=1, default=str))
        return
    table = Table("at", "what", "who", "from", "about", "", box=None, padding=(0, 1))
    for one in found:
        table.add_row(
            f"{one.at:%Y-%m-%d %H:%M:%S}",
            one.kind,
            plain(one.who),
            one.address or "here",
            plain(one.about or ""),
            plain(", ".join(f"{name} {value}" for name, value in one.details.items() if value)),
        )
    tables.console().print(table if found else "Nothing of that kind.")
