"""Commands about messages that became no document: look at them, forget them."""

import json
from collections.abc import Mapping
from contextlib import closing
from typing import Annotated, Any

import typer
from rich.markup import escape
from rich.table import Table

from worker import bootstrap, sealing, tasks
from worker.actor import Forbidden, Role
from worker.cli import ids, local, tables
from worker.errors import NotFound
from worker.intake import dead_letters, messages
from worker.intake.errors import InvalidSubmission
from worker.runtime import Runtime
from worker.settings import Settings

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


@app.command()
def show(
    letter: Annotated[str, typer.Argument(help="Its id, or the first characters.")],
    who: Annotated[
        str | None, typer.Option(help="An administrator's name; without it, your login.")
    ] = None,
) -> None:
    """Print the whole message as JSON. It needs the key file, and is noted: it may hold a password
    and what a document says.
    """
    with local.house() as rt:
        _, content = _opened(rt, letter, who)
    typer.echo(json.dumps(content, indent=1, ensure_ascii=False))


@app.command()
def replay(
    letter: Annotated[str, typer.Argument(help="Its id, or the first characters.")],
    who: Annotated[
        str | None, typer.Option(help="An administrator's name; without it, your login.")
    ] = None,
) -> None:
    """Send a refused submission again, once what it was refused for is mended, and forget it."""
    with local.database(Settings()) as settings, local.runtime(settings) as rt:
        kept, content = _opened(rt, letter, who)
        if "kwargs" not in content:
            raise InvalidSubmission(
                "It could not be read, and could not be read again. Look at it (surefield"
                " dead-letters show), and have it sent as docs/queue.md describes."
            )
        _send(content, settings)
        with rt.transaction() as tx:
            dead_letters.drop(tx, [kept.id])
    tables.console().print("sent again")


def _send(content: Mapping[str, Any], settings: Settings) -> None:
    """To the queue where it came from."""
    queue = content["queue"]
    if queue == messages.QUEUE:
        celery = tasks.create_celery(settings)
        celery.send_task(messages.TASK, content["args"], content["kwargs"], queue=queue)
        return
    with closing(bootstrap.open_mailbox(settings)) as mailbox:
        mailbox.make(queue)
        mailbox.put(queue, messages.plain(content["args"], content["kwargs"]))


def _opened(rt: Runtime, given: str, who: str | None) -> tuple[dead_letters.Kept, dict[str, Any]]:
    actor = local.actor(rt, who)
    if not actor.role.covers(Role.ADMIN):
        raise Forbidden(
            f"Administrators read messages, and {actor.name} is none. Name one: --who NAME"
        )
    with rt.transaction() as tx:
        kept = dead_letters.one(tx, ids.letter(tx, given))
        if kept.sealed is None:
            raise NotFound("Its message was not kept: there was no key then. surefield migrate")
        content = sealing.opened(Settings().key_path, rt.blobs.get(kept.sealed))
        dead_letters.note_opened(tx, kept.id, actor.name)
    return kept, json.loads(content)
