"""Commands about messages that became no document: look at them, forget them."""

from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Table

from worker.cli import ids, local, tables
from worker.intake import dead_letters

app = typer.Typer(help="Messages that became no document.", no_args_is_help=True)


@app.command("list")
def list_(
    upstream: Annotated[str | None, typer.Option(help="Only those of this upstream.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="At most so many.")] = 50,
) -> None:
    """What was put aside, the last first: why, when, how often, and the sha256 of its body, by
    which its sender knows it.
    """
    with local.house() as rt, rt.transaction() as tx:
        found = dead_letters.letters(tx, upstream=upstream, limit=limit)
    shown = Table("id", "last", "times", "upstream", "key", "task", "why", "sha256", box=None)
    for one in found:
        shown.add_row(
            str(one.id)[:8],
            f"{one.last_at:%Y-%m-%d %H:%M:%S}",
            str(one.times),
            escape(one.upstream or "-"),
            escape(one.key or "-"),
            escape(one.task or "-"),
            escape(f"{one.code}: {one.message}"),
            one.digest[:12],
        )
    tables.console().print(shown if found else "no message was put aside")


@app.command()
def drop(letter: Annotated[str, typer.Argument(help="Its id, or the first characters.")]) -> None:
    """Forget one, once it is mended."""
    with local.house() as rt, rt.transaction() as tx:
        dead_letters.drop(tx, [ids.letter(tx, letter)])
    tables.console().print("forgotten")
