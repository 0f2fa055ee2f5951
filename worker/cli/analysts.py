"""Commands about analysts: logins of the database that read the views and nothing else."""

import json
from typing import Annotated

import typer
from rich.table import Table

from worker.accounts import analysts
from worker.cli import local, tables
from worker.cli.documents import AsJson
from worker.settings import Settings

app = typer.Typer(help="Logins of the database for analysts.", no_args_is_help=True)

Name = Annotated[str, typer.Argument(help="The login: small letters, digits and _.")]


@app.command("add")
def add(
    name: Name,
    auditor: Annotated[
        bool, typer.Option("--auditor", help="Reads auditing.security_events, too.")
    ] = False,
) -> None:
    """Make a login that reads the views and nothing else: prints its address, now and never again.

    psql, pandas and every other client of Postgres take the address.
    """
    settings = Settings()
    with local.database(settings) as there:
        url = analysts.add(
            local.administrator_url(settings, there),
            name,
            timeout=there.query_timeout,
            auditor=auditor,
        )
    typer.echo(url.render_as_string(hide_password=False))


@app.command("list")
def list_logins(as_json: AsJson = False) -> None:
    """Every login of an analyst."""
    settings = Settings()
    with local.database(settings) as there:
        found = analysts.analysts(local.administrator_url(settings, there))
    if as_json:
        rows = [
            {"name": each.name, "connections": each.connections, "timeout": each.timeout}
            for each in found
        ]
        typer.echo(json.dumps(rows, indent=1))
        return
    table = Table("login", "open now", "ms a query", box=None, padding=(0, 1))
    for each in found:
        table.add_row(each.name, str(each.connections), each.timeout or "")
    tables.console().print(
        table if found else "No analyst has a login. Make one: surefield analyst add NAME"
    )


@app.command("remove")
def remove(name: Name) -> None:
    """Drop a login; its sessions end at once."""
    settings = Settings()
    with local.database(settings) as there:
        analysts.remove(local.administrator_url(settings, there), name)
