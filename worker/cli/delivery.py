"""Commands about what upstream systems are told: events, webhooks, and the process that sends."""

import json
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from worker import bootstrap
from worker.cli import ids, local, operations
from worker.cli.documents import AsJson
from worker.cli.tables import console, plain
from worker.delivery import delivering, events, over_broker, trials, webhooks
from worker.delivery.events import Told
from worker.delivery.sending import LONGEST_ERROR
from worker.runtime import Runtime
from worker.settings import Settings
from worker.store import transitions

app = typer.Typer(help="Addresses that upstream systems are told at.", no_args_is_help=True)
Id = Annotated[str, typer.Argument(help="The webhook's id, or its beginning.")]
Who = Annotated[str | None, typer.Option(help="Your name; without it, your login.")]
LOOK_EVERY_S = 1.0


def show_events(
    upstream: Annotated[str | None, typer.Option(help="Only this upstream's.")] = None,
    after: Annotated[int, typer.Option(min=0, help="Only those after this one.")] = 0,
    follow: Annotated[bool, typer.Option("--follow", help="Wait for more, until Ctrl-C.")] = False,
    as_json: AsJson = False,
) -> None:
    """What became of documents, in the order in which upstream systems are told."""
    with local.house() as rt:
        for one in _events(rt, upstream, after, follow=follow):
            typer.echo(json.dumps(one.as_json()) if as_json else _line(one))


def _events(rt: Runtime, upstream: str | None, after: int, *, follow: bool) -> Iterator[Told]:
    while True:
        with rt.transaction() as tx:
            events.publish(tx)
        with rt.transaction() as tx:
            found = events.since(tx, after=after, upstream=upstream, limit=events.MOST)
        yield from found
        if found:
            after = found[-1].id
        elif not follow:
            return
        else:
            time.sleep(LOOK_EVERY_S)


def _line(one: Told) -> str:
    code = f"  {one.code}" if one.code else ""
    return (
        f"{one.id:>8}  {one.at:%Y-%m-%d %H:%M:%S}  {one.type:<19}  {one.document_id}"
        f"  {plain(one.upstream)}/{plain(one.key)}{code}"
    )


def deliverer() -> None:
    """Tell webhooks what becomes of documents, and the broker where it is asked to, as `surefield
    up` does besides all else.
    """
    settings = Settings()
    local.leave_root(settings)
    stop = operations.stop_event()
    with local.runtime(settings) as rt, closing(bootstrap.open_mailbox(settings)) as mailbox:
        told = threading.Thread(target=over_broker.run, args=(rt, mailbox, stop))
        beside = [told] if settings.broker_events else []
        for thread in beside:
            thread.start()
        delivering.run(rt, stop, allowed=settings.webhook_networks)
        for thread in beside:
            thread.join()


@app.command("add")
def add(
    upstream: Annotated[str, typer.Argument(help="Whose documents it is told of.")],
    url: Annotated[str, typer.Argument(help="Where to, such as https://example.org/hook.")],
    event: Annotated[
        list[str] | None, typer.Option(help="Only this kind (again for more): accepted, failed.")
    ] = None,
    values: Annotated[
        bool, typer.Option("--values", help="Send what the fields say, too.")
    ] = False,
    who: Who = None,
) -> None:
    """Tell an address; prints the secret that its messages are signed with, this once."""
    with local.house() as rt:
        by = transitions.person(local.actor(rt, who).name)
        with rt.transaction() as tx:
            made, secret = webhooks.add(
                tx, upstream, url, by=by, kinds=event or None, with_values=values
            )
    typer.echo(f"webhook {made}")
    typer.echo(f"secret  {secret}")


@app.command("list")
def list_webhooks(
    upstream: Annotated[str | None, typer.Option(help="Only this upstream's.")] = None,
    as_json: AsJson = False,
) -> None:
    """Every webhook, what waits for it, and what went wrong last."""
    with local.house() as rt, rt.transaction() as tx:
        found = webhooks.rows(tx, upstream)
    if as_json:
        typer.echo(json.dumps([_json(one) for one in found], indent=1))
        return
    table = Table(
        "webhook", "upstream", "address", "events", "state", "waiting", "given up", "last"
    )
    for one in found:
        table.add_row(
            str(one.webhook_id)[:8],
            plain(one.upstream),
            plain(one.url),
            "all" if one.kinds is None else ", ".join(one.kinds),
            plain(one.disabled_because or one.state),
            str(one.waiting),
            str(one.given_up),
            plain(one.last_error or ""),
        )
    console().print(table)


@app.command("test")
def test(webhook: Id) -> None:
    """Send a message of the type webhook.test, now and once, and say what came back."""
    settings = Settings()
    with local.house() as rt, rt.transaction() as tx:
        trial = trials.trial_of(tx, ids.webhook(tx, webhook), rt.key_file)
    answer = trial.send(allowed=settings.webhook_networks)
    Console(soft_wrap=True).print(
        plain(answer.error or f"HTTP {answer.status}", longest=LONGEST_ERROR)
    )
    raise typer.Exit(0 if answer.took else 1)


@app.command("rotate")
def rotate(webhook: Id) -> None:
    """A new secret, printed this once; for a day messages carry the old one's signature, too."""
    with local.house() as rt, rt.transaction() as tx:
        found = webhooks.own(tx, ids.webhook(tx, webhook)).id
        secret = webhooks.rotate(tx, found)
    typer.echo(f"secret  {secret}")


@app.command("disable")
def disable(
    webhook: Id, because: Annotated[str, typer.Option(help="Why.")] = "", who: Who = None
) -> None:
    """Send it nothing until it is enabled."""
    with local.house() as rt:
        name = local.actor(rt, who).name
        with rt.transaction() as tx:
            found = webhooks.own(tx, ids.webhook(tx, webhook)).id
            webhooks.disable(tx, found, f"{name}: {because}" if because else f"by {name}")
    typer.echo("disabled")


@app.command("enable")
def enable(webhook: Id) -> None:
    """Send again; what waited goes on. What happened meanwhile: surefield webhook replay."""
    with local.house() as rt, rt.transaction() as tx:
        webhooks.enable(tx, webhooks.own(tx, ids.webhook(tx, webhook)).id)
    typer.echo("enabled")


@app.command("remove")
def remove(webhook: Id) -> None:
    """Forget it, and what waits for it."""
    with local.house() as rt, rt.transaction() as tx:
        webhooks.remove(tx, ids.webhook(tx, webhook))
    typer.echo("removed")


@app.command("replay")
def replay(
    webhook: Id,
    since: Annotated[
        datetime,
        typer.Option(
            formats=["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S"], help="Events from this time (UTC) on."
        ),
    ],
) -> None:
    """Tell it once more what happened since then; ids of messages stay as they were."""
    with local.house() as rt, rt.transaction() as tx:
        found = webhooks.own(tx, ids.webhook(tx, webhook)).id
        count = webhooks.replay(tx, found, since.replace(tzinfo=UTC))
    typer.echo(f"{count} events go out again")


def _json(one: webhooks.WebhookRow) -> dict[str, object]:
    last = one.last_delivered_at
    return {
        "webhook": str(one.webhook_id),
        "upstream": one.upstream,
        "url": one.url,
        "events": one.kinds,
        "values": one.with_values,
        "state": one.state,
        "disabled_because": one.disabled_because,
        "made_by": one.made_by,
        "made_at": one.made_at.isoformat(),
        "waiting": one.waiting,
        "given_up": one.given_up,
        "last_delivered_at": None if last is None else last.isoformat(),
        "last_error": one.last_error,
    }
