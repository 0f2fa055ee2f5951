"""``surefield roles``: the rights of workers, web and analysts in the database."""

from typing import Annotated

import typer
from rich.console import Console

from worker import bootstrap
from worker.cli import local
from worker.roles import force
from worker.settings import Settings


def roles(
    print_only: Annotated[
        bool,
        typer.Option("--print", help="Only say what is missing, as SQL for an administrator."),
    ] = False,
) -> None:
    """Make the database's roles and give each its rights, no more and no less: prints what it
    changed.

    The embedded Postgres gets them whenever it is used. To your own Postgres connect as a login
    that may make roles, then give surefield_worker and surefield_web a password.
    """
    settings, said = Settings(), Console(stderr=True, soft_wrap=True)
    done: list[str] = []
    with local.database(settings, done=done) as there:
        if not settings.embedded:
            work = force.missing if print_only else force.put_in_force
            done += work(bootstrap.database_url(there), ours=False)
    for statement in done:
        typer.echo(f"{statement};")
    if not done:
        said.print("Every role has its rights, and nothing else.")
