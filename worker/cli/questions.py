"""Commands to ask the senders of documents, and to answer for them."""

import json
from contextlib import nullcontext
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from worker.cli import ids, local
from worker.cli.documents import AsJson
from worker.cli.review import place_of
from worker.cli.tables import plain
from worker.questions import actions, store
from worker.questions.actions import BY_PERSON
from worker.questions.types import Answer, Asked, New
from worker.tables.questions import QuestionState, Wanted

app = typer.Typer(
    help="Ask the sender of a document; it goes on from the answer.", no_args_is_help=True
)
Id = Annotated[str, typer.Argument(help="The question's id, or its beginning.")]
Who = Annotated[str | None, typer.Option(help="Your name; without it, your login.")]
OPTIONS = ("--field FIELD", "--file", "--password", "--type")
WORDS = {
    Wanted.FILE: "Please send a better scan of this paper.",
    Wanted.PASSWORD: "This file opens with a password only. Which one?",
    Wanted.TYPE: "What kind of document is this?",
}


@app.command("ask")
def ask(
    document: Annotated[str, typer.Argument(help="The document's id, or its beginning.")],
    text: Annotated[str, typer.Argument(help="The question, as the sender reads it.")] = "",
    field: Annotated[
        str | None, typer.Option(help="A value of this field is wanted, such as total.")
    ] = None,
    file: Annotated[bool, typer.Option("--file", help="A better scan is wanted.")] = False,
    password: Annotated[
        bool, typer.Option("--password", help="The file's password is wanted.")
    ] = False,
    type: Annotated[bool, typer.Option("--type", help="Its document type is wanted.")] = False,
    page: Annotated[int | None, typer.Option(min=1, help="Show this page with it.")] = None,
    who: Who = None,
) -> None:
    """Ask the sender; prints the link to answer at, this once.

    Without a wish words are wanted, for a reviewer to read.
    """
    wishes = {
        Wanted.VALUE: field is not None,
        Wanted.FILE: file,
        Wanted.PASSWORD: password,
        Wanted.TYPE: type,
    }
    wanted = local.the_one(wishes, ", ".join(OPTIONS)) if any(wishes.values()) else Wanted.TEXT
    name, row = (None, 0) if field is None else place_of(field)
    words = text or WORDS.get(wanted, "") or (f"What is the {field}?" if field else "")
    new = New(wanted=wanted, text=words, doubt=BY_PERSON, field=name, ordinal=row, page=page)
    with local.house() as rt:
        with rt.transaction() as tx:
            of = ids.document(tx, document)
        link = actions.ask(local.actor(rt, who), of, new, rt)
        _say_link(link.token, rt.web_url)


@app.command("list")
def list_questions(
    document: Annotated[str | None, typer.Option(help="Only about this document.")] = None,
    upstream: Annotated[str | None, typer.Option(help="Only to this upstream.")] = None,
    every: Annotated[bool, typer.Option("--all", help="Those that are over, too.")] = False,
    as_json: AsJson = False,
) -> None:
    """What senders are asked, the oldest first."""
    with local.house() as rt, rt.transaction() as tx:
        of = None if document is None else ids.document(tx, document)
        state = None if every else QuestionState.OPEN
        found = store.listed(tx, upstream=upstream, document_id=of, state=state, limit=500)
    if as_json:
        typer.echo(json.dumps([dict(one.as_json()) for one in found], indent=1, ensure_ascii=False))
        return
    table = Table(
        *("question", "document", "upstream", "wanted", "state", "until", "text"),
        box=None,
        padding=(0, 1),
    )
    for one in found:
        table.add_row(*_row(one))
    Console().print(table if found else "Nobody is asked anything.")


def _row(one: Asked) -> tuple[str | Text, ...]:
    return (
        str(one.question_id)[:8],
        str(one.document_id)[:8],
        plain(one.upstream),
        one.wanted.value + (f" {one.field}" if one.field else ""),
        "expired" if one.overdue and one.state is QuestionState.OPEN else one.state.value,
        f"{one.expires_at:%Y-%m-%d %H:%M}",
        plain(one.text),
    )


@app.command("answer")
def answer(
    question: Id,
    text: Annotated[str | None, typer.Option(help="A value, a type's name, or words.")] = None,
    file: Annotated[
        Path | None, typer.Option(help="A better scan.", exists=True, dir_okay=False)
    ] = None,
    password: Annotated[
        bool, typer.Option("--password", help="Ask for the file's password here, unseen.")
    ] = False,
    who: Who = None,
) -> None:
    """Answer for the sender; the document goes on. There is one answer to a question."""
    given = {"text": text is not None, "file": file is not None, "password": password}
    local.the_one(given, "--text TEXT, --file FILE, --password")
    secret = typer.prompt("Password", hide_input=True) if password else None
    with local.house() as rt, open(file, "rb") if file else nullcontext() as opened:
        with rt.transaction() as tx:
            of = ids.question(tx, question)
        said = Answer(text=text, password=secret, file=opened)
        went = actions.answer(of, said, rt, door="command", who=local.actor(rt, who))
    Console().print(f"answered: the document is {went.status.value}.")


@app.command("withdraw")
def withdraw(question: Id, who: Who = None) -> None:
    """Nobody needs the answer any more: the document goes back to where it was asked about."""
    with local.house() as rt:
        with rt.transaction() as tx:
            of = ids.question(tx, question)
        went = actions.withdraw(local.actor(rt, who), of, rt)
    Console().print(f"withdrawn: the document is {went.status.value}.")


@app.command("link")
def link(question: Id) -> None:
    """A new link to an open question, told this once; the one before ends."""
    with local.house() as rt:
        with rt.transaction() as tx:
            of = ids.question(tx, question)
        _say_link(actions.renew(of, rt).token, rt.web_url)


def _say_link(token: str, web_url: str) -> None:
    typer.echo(f"{web_url}/q/{token}")
