"""Commands to clear doubtful fields from the terminal."""

import json
from pathlib import Path
from typing import Annotated
from uuid import UUID

import typer
from rich.console import Console

from worker import reporting
from worker.cli import ids, local, tables
from worker.cli.documents import AsJson
from worker.errors import NotFound
from worker.review import actions, context, queue, verdict_actions
from worker.review.actions import Answer
from worker.review.card import STATES
from worker.review.tables import Action, Verdict
from worker.review.types import ItemFilter
from worker.review.verdict_actions import Said
from worker.runtime import Runtime

app = typer.Typer(help="Clear the fields that wait for a person.", no_args_is_help=True)


@app.command("list")
def list_items(
    document: Annotated[str | None, typer.Option(help="Only this document's.")] = None,
    type: Annotated[str | None, typer.Option(help="Only this document type's.")] = None,
    limit: Annotated[int, typer.Option(help="At most so many.")] = 50,
    as_json: AsJson = False,
) -> None:
    """What waits, in the order in which it should be cleared."""
    with local.house() as rt, rt.transaction() as tx:
        only = None if document is None else ids.document(tx, document)
        items = queue.list_items(tx, ItemFilter(document_id=only, document_type=type), limit=limit)
    if as_json:
        typer.echo(
            json.dumps([tables.item_json(item) for item in items], indent=1, ensure_ascii=False)
        )
    else:
        tables.items(tables.console(), items)


def show_reading(rt: Runtime, item: UUID) -> None:
    """What was read, of which file and page, and how to look at it; on standard error."""
    with rt.transaction() as tx:
        before = context.item_context(tx, item)
    found = before.item
    read = repr(found.text) if found.text is not None else STATES.get(found.state, "nothing")
    where = f"page {before.page.number}" if before.page else "no page that can be shown"
    say = Console(stderr=True, soft_wrap=True, highlight=False, markup=False).print
    say(f"{found.field}[{found.ordinal + 1}]" if "." in found.field else found.field, "reads", read)
    say(f"file: {before.filename or found.document_id}, {where}")
    if before.page:
        say(f"look at it: surefield review page {found.document_id} {before.page.number}")
    say("then decide again with --seen.")


@app.command("page")
def page(
    document: Annotated[str, typer.Argument(help="The document's id, or its beginning.")],
    number: Annotated[int, typer.Argument(help="Which page, from 1.")] = 1,
    to: Annotated[
        Path | None, typer.Option(help="Where to write it; without it, DOCUMENT-NUMBER.png here.")
    ] = None,
) -> None:
    """Write one page of a document as an image, to look at it."""
    with local.house() as rt:
        with rt.transaction() as tx:
            of = ids.document(tx, document)
            found = [each for each in context.pages(tx, of) if each.number == number]
        if not found:
            raise NotFound(f"Document {document} has no page {number}, or it is not rendered yet.")
        path = to or Path(f"{document}-{number}.png")
        path.write_bytes(rt.blobs.get(found[0].view_sha256))
    typer.echo(str(path))


@app.command("decide")
def decide(
    item: Annotated[str, typer.Argument(help="The item's id, or its beginning.")],
    accept: Annotated[bool, typer.Option("--accept", help="The value is right.")] = False,
    text: Annotated[str | None, typer.Option(help="The right text, as printed.")] = None,
    absent: Annotated[
        bool, typer.Option("--absent", help="The document does not have this field.")
    ] = False,
    unreadable: Annotated[bool, typer.Option("--unreadable", help="Nobody can read it.")] = False,
    undo: Annotated[bool, typer.Option("--undo", help="Open it again.")] = False,
    seen: Annotated[
        bool, typer.Option("--seen", help="You looked at the page; it is kept with the decision.")
    ] = False,
    version: Annotated[
        int | None, typer.Option(help="The version you saw; without it, the newest.")
    ] = None,
    who: Annotated[str | None, typer.Option(help="Your name; without it, your login.")] = None,
    as_json: AsJson = False,
) -> None:
    """Decide one field. Decisions are kept for ever; an undo is a further decision.

    Without --seen the reading is printed, and how to look at its page.
    """
    chosen = {
        Action.ACCEPT: accept,
        Action.CORRECT: text is not None,
        Action.ABSENT: absent,
        Action.UNREADABLE: unreadable,
        Action.UNDO: undo,
    }
    action = local.the_one(chosen, "--accept, --text TEXT, --absent, --unreadable, --undo")
    answer = Answer(action=action, version=version, text=text or "", seen=seen)
    with local.house() as rt:
        with rt.transaction() as tx:
            found = ids.item(tx, item)
        if not seen and action not in actions.UNSEEN:
            show_reading(rt, found)
        decided = actions.decide(local.actor(rt, who), found, answer, rt)
    if as_json:
        typer.echo(
            json.dumps(
                {
                    "document": str(decided.document_id),
                    "version": decided.version,
                    "open": decided.open_items,
                    "status": decided.status,
                }
            )
        )
    else:
        Console().print(
            f"{action.value}: {decided.open_items} of the document's fields still wait; it is"
            f" {decided.status.value}."
        )


@app.command("correct")
def correct(
    document: Annotated[str, typer.Argument(help="The document's id, or its beginning.")],
    field: Annotated[str, typer.Argument(help="The field, such as: total or items.amount[2]")],
    text: Annotated[str | None, typer.Option(help="The right text, as printed.")] = None,
    absent: Annotated[
        bool, typer.Option("--absent", help="The document does not have this field.")
    ] = False,
    unreadable: Annotated[bool, typer.Option("--unreadable", help="Nobody can read it.")] = False,
    seen: Annotated[
        bool, typer.Option("--seen", help="You looked at the page; it is kept with the decision.")
    ] = False,
    version: Annotated[
        int | None, typer.Option(help="The version you saw; without it, the newest.")
    ] = None,
    who: Annotated[str | None, typer.Option(help="Your name; without it, your login.")] = None,
) -> None:
    """Correct a field that was accepted, or decided, already; an undo brings back what it was."""
    said = {Action.CORRECT: text is not None, Action.ABSENT: absent, Action.UNREADABLE: unreadable}
    name, row = place_of(field)
    action = local.the_one(said, "--text TEXT, --absent, --unreadable")
    answer = Answer(action=action, version=version, text=text or "", seen=seen)
    with local.house() as rt:
        with rt.transaction() as tx:
            of = ids.document(tx, document)
        decided = actions.correct(local.actor(rt, who), of, name, row, answer, rt)
    Console().print(
        f"{action.value}: {decided.open_items} of the document's fields still wait; it is"
        f" {decided.status.value}."
    )


def place_of(field: str) -> tuple[str, int]:
    """A field and its row, from 0, as `surefield show` writes them.

    Raises BadParameter.
    """
    name, bracket, row = field.removesuffix("]").partition("[")
    if bracket and not (row.isdigit() and int(row) >= 1):
        raise typer.BadParameter(f"{field!r} names no row. Write it so: items.amount[2]")
    return name, int(row) - 1 if bracket else 0


@app.command("verdict")
def verdict(
    document: Annotated[str, typer.Argument(help="The document's id, or its beginning.")],
    other_type: Annotated[
        str | None, typer.Option(help="It is of this type, and is read again as that.")
    ] = None,
    not_ours: Annotated[bool, typer.Option("--not-ours", help="It is not ours.")] = False,
    illegible: Annotated[bool, typer.Option("--illegible", help="Nobody can read it.")] = False,
    duplicate_of: Annotated[
        str | None, typer.Option(help="It says the same as this document.")
    ] = None,
    undo: Annotated[bool, typer.Option("--undo", help="Take the last verdict back.")] = False,
    seen: Annotated[bool, typer.Option("--seen", help="You looked at its pages.")] = False,
    who: Annotated[str | None, typer.Option(help="Your name; without it, your login.")] = None,
) -> None:
    """Say what a whole document is; it rests then, and nothing of it waits any more."""
    said = {
        Verdict.OTHER_TYPE: other_type is not None,
        Verdict.NOT_OURS: not_ours,
        Verdict.ILLEGIBLE: illegible,
        Verdict.DUPLICATE: duplicate_of is not None,
        Verdict.UNDO: undo,
    }
    chosen = local.the_one(
        said, "--other-type TYPE, --not-ours, --illegible, --duplicate-of DOCUMENT, --undo"
    )
    with local.house() as rt:
        with rt.transaction() as tx:
            of = ids.document(tx, document)
            original = ids.document(tx, duplicate_of) if duplicate_of else None
        judged = Said(verdict=chosen, document_type=other_type, duplicate_of=original, seen=seen)
        verdict_actions.judge(local.actor(rt, who), of, judged, rt)
        with rt.transaction() as tx:
            row = reporting.documents(tx, [of])[0]
    Console().print(f"{chosen.value}: the document is {row.status.value}.")
