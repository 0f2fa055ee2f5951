"""Commands about who may come in: people with their sign-in links, upstream systems with their
keys; and about the key of the installation itself.
"""

import json
from base64 import b64encode
from contextlib import closing
from datetime import timedelta
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from worker import bootstrap, sealing
from worker.accounts import store
from worker.accounts.store import KeyRow, Person
from worker.actor import Role
from worker.cli import ids, local, tables
from worker.cli.documents import AsJson
from worker.cli.tables import plain
from worker.delivery import webhooks
from worker.errors import NotFound
from worker.mailboxes.names import queue_of
from worker.mailboxes.types import BrokerUnavailable
from worker.questions import store as questions
from worker.runtime import Runtime
from worker.sealing import KeyUnusable
from worker.settings import Settings
from worker.store import documents, installation

user = typer.Typer(help="People who review.", no_args_is_help=True)
key = typer.Typer(
    help="Keys of upstream systems, and the installation's own.", no_args_is_help=True
)

LINK_LASTS = timedelta(days=3)
Name = Annotated[str, typer.Argument(help="Their name.")]


def sign_in_url(
    rt: Runtime,
    name: str,
    url: str,
    *,
    role: Role = Role.ADMIN,
    lasts: timedelta = LINK_LASTS,
    then: str | None = "/review",
) -> str:
    """The address that signs this person in, once; the person is made when there is none of that
    name.

    url:  where the web is reached, without a path
    then: the page that it leads to; None: to one's account if there is no password yet
    """
    with rt.transaction() as tx:
        try:
            store.person(tx, name)
        except NotFound:
            store.add_person(tx, name, role)
        secret = store.make_link(tx, name, lasts=lasts)
    return f"{url.rstrip('/')}/sign-in/{secret}" + (f"?next={then}" if then else "")


@user.command("add")
def add(
    name: Name, role: Annotated[Role, typer.Option(help="What they may do.")] = Role.REVIEWER
) -> None:
    """Invite somebody: prints a link that signs them in, once.

    There is no password until they set one.
    """
    settings = Settings()
    with local.house(migrates=True) as rt:
        with rt.transaction() as tx:
            store.add_person(tx, name, role)
        url = sign_in_url(rt, name, settings.web_url, then=None)
    typer.echo(url)


@user.command("link")
def link(name: Name) -> None:
    """A new sign-in link, for whoever forgot the password. It works once, within three days."""
    settings = Settings()
    with local.house() as rt, rt.transaction() as tx:
        secret = store.make_link(tx, name, lasts=LINK_LASTS)
    typer.echo(f"{settings.web_url}/sign-in/{secret}")


@user.command("list")
def list_people(as_json: AsJson = False) -> None:
    """Everybody who may come in."""
    with local.house() as rt, rt.transaction() as tx:
        everybody = store.people(tx)
    if as_json:
        typer.echo(json.dumps([_json(each) for each in everybody], indent=1, ensure_ascii=False))
        return
    table = Table("name", "role", "password", "since", box=None, padding=(0, 1))
    for each in everybody:
        role = f"{each.role.value}{', disabled' if each.disabled_at else ''}"
        table.add_row(
            plain(each.name),
            role,
            "set" if each.has_password else "not set",
            f"{each.created_at:%Y-%m-%d}",
        )
    Console().print(
        table if everybody else "Nobody yet. Invite somebody: surefield user add NAME --role admin"
    )


@user.command("role")
def role(
    name: Name, role: Annotated[Role, typer.Argument(help="What they may do from now on.")]
) -> None:
    """Give somebody another role; their browsers are signed out."""
    _change(name, role=role)


@user.command("disable")
def disable(name: Name) -> None:
    """Shut somebody out, at once and everywhere. Their decisions stay."""
    _change(name, disabled=True)


@user.command("enable")
def enable(name: Name) -> None:
    """Let somebody in again."""
    _change(name, disabled=False)


@key.command("add")
def add_key(
    upstream: Annotated[str, typer.Argument(help="The name under which the system submits.")],
    document_type: Annotated[
        list[str] | None,
        typer.Option("--type", help="A document type that it sends and sees; none: all."),
    ] = None,
    per_minute: Annotated[
        int | None, typer.Option(min=1, help="Requests that it may make; none: any number.")
    ] = None,
) -> None:
    """A new key for an upstream system, printed now and never again; and its queue."""
    with local.database(Settings(), migrates=True) as settings, local.runtime(settings) as rt:
        for name in document_type or ():
            rt.check_type(name)
        with rt.transaction() as tx:
            made = store.make_key(
                tx, upstream, document_types=document_type or None, per_minute=per_minute
            )
        typer.echo(made)
        queue = queue_of(upstream)
        with closing(bootstrap.open_mailbox(settings)) as mailbox:
            try:
                mailbox.make(queue)
            except BrokerUnavailable as error:
                typer.echo(f"{error} The inbox makes the queue {queue} when it can.", err=True)
            else:
                typer.echo(f"Its queue: {queue}", err=True)


@key.command("list")
def list_keys() -> None:
    """All keys, by their first characters."""
    with local.house() as rt, rt.transaction() as tx:
        found = store.keys(tx)
    columns = ("id", "upstream", "key", "for", "made", "last used", "")
    table = Table(*columns, box=None, padding=(0, 1))
    for each in found:
        used = f"{each.last_used_at:%Y-%m-%d %H:%M}" if each.last_used_at else "never"
        state = "revoked" if each.revoked_at else ""
        table.add_row(
            str(each.key_id),
            plain(each.upstream),
            f"{each.hint}…",
            _for(each),
            f"{each.created_at:%Y-%m-%d}",
            used,
            state,
        )
    shown = table if found else "No key yet. Make one: surefield key add UPSTREAM"
    tables.console().print(shown)


@key.command("revoke")
def revoke(
    id: Annotated[str, typer.Argument(help="The key's id, or its beginning.")],
) -> None:
    """The key opens nothing from now on."""
    with local.house() as rt, rt.transaction() as tx:
        store.revoke_key(tx, ids.key(tx, id))


@key.command("public")
def public() -> None:
    """Print the installation's public key, 32 bytes in base64: what whoever sends a password over a
    queue seals it with.
    """
    with local.house() as rt, rt.transaction() as tx:
        found = installation.public_key(tx)
    if found is None:
        raise KeyUnusable("This installation has no key yet. Make it: surefield migrate")
    typer.echo(b64encode(found).decode())


@key.command("rotate")
def rotate(
    lost: Annotated[
        bool,
        typer.Option(
            "--lost", help="The key file is gone or damaged: what was sealed for it is lost."
        ),
    ] = False,
) -> None:
    """A new key for the installation; the file keeps the old one below it, for what was sealed
    before.

    Copy the file to the other machines that work for this installation.
    """
    with local.house() as rt:
        with rt.transaction() as tx:
            if lost:
                installation.check_lost(tx, rt.key_file)
            else:
                installation.check_key(tx, rt.key_file)
        made = sealing.add_key(rt.key_file, lost=lost)
        with rt.transaction() as tx:
            installation.change_public_key(tx, made)
            documents.reseal(tx, rt.key_file)
            webhooks.reseal(tx, rt.key_file)
            questions.reseal(tx, rt.key_file)
    typer.echo(b64encode(made).decode())
    typer.echo(f"The key file: {rt.key_file}", err=True)


def _for(each: KeyRow) -> str:
    """What a key may do."""
    types = "all types" if each.document_types is None else ", ".join(each.document_types)
    return types if each.per_minute is None else f"{types}; {each.per_minute:,} a minute"


def _change(name: str, *, role: Role | None = None, disabled: bool | None = None) -> None:
    with local.house() as rt, rt.transaction() as tx:
        store.change_person(tx, name, role=role, disabled=disabled)


def _json(each: Person) -> dict[str, object]:
    return {
        "name": each.name,
        "role": each.role.value,
        "has_password": each.has_password,
        "disabled": each.disabled_at is not None,
    }
