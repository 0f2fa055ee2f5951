"""Commands about documents whose type a person must name."""

import json
from dataclasses import asdict
from typing import Annotated
from uuid import UUID

import typer
from rich.console import Console

from worker.cli import ids, local, tables
from worker.review import actions, document_types
from worker.review.types import Untyped
from worker.runtime import Runtime
from worker.store.types import Piece


def waiting(
    limit: Annotated[int, typer.Option(help="At most so many.")] = 50,
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
) -> None:
    """Documents that came as `auto` and whose words do not say what they are."""
    with local.house() as rt, rt.transaction() as tx:
        rows = document_types.untyped(tx, limit=limit)
    if as_json:
        typer.echo(json.dumps([asdict(row) for row in rows], indent=1, default=str))
    else:
        tables.untyped(tables.console(), rows)


def choose(
    document: Annotated[str, typer.Argument(help="The document's id, or its beginning.")],
    type: Annotated[str, typer.Argument(help="What it is; see: surefield types")],
    who: Annotated[str | None, typer.Option(help="Your name; without it, your login.")] = None,
) -> None:
    """Say what a document is; it goes on as that type."""
    with local.house() as rt:
        spec = actions.choose_type(local.actor(rt, who), _id(rt, document), type, rt)
    Console().print(f"It is a {spec.title}, and goes on.")


def split(
    document: Annotated[str, typer.Argument(help="The document's id, or its beginning.")],
    pieces: Annotated[
        list[str],
        typer.Argument(help="Its pages and what they are, such as: 1-2=invoice 3=receipt"),
    ],
    who: Annotated[str | None, typer.Option(help="Your name; without it, your login.")] = None,
) -> None:
    """Say which documents a file holds; each goes on as a document of its own."""
    named = [_piece(one) for one in pieces]
    with local.house() as rt:
        made = actions.split(local.actor(rt, who), _id(rt, document), named, rt)
    Console().print(f"It goes on as {len(made)} documents: {', '.join(map(str, made))}")


def _id(rt: Runtime, document: str) -> UUID:
    with rt.transaction() as tx:
        return ids.document(tx, document)


def _piece(said: str) -> Piece:
    pages, _, document_type = said.partition("=")
    first, _, last = pages.partition("-")
    try:
        return Piece(first=int(first), last=int(last or first), document_type=document_type)
    except ValueError:
        raise typer.BadParameter(
            f"{said!r} does not name pages and a type. Write them so: 1-2=invoice 3=receipt"
        ) from None


def most_like(row: Untyped) -> str:
    """What the machine made of it, in a sentence."""
    if len(row.parts) == 1:
        return f"{_likeliest(row)} But some of its pages look like another document."
    if row.parts:
        return (
            f"It looks like several documents: pages {', pages '.join(row.parts)}. Part it:"
            f" surefield review split {row.document_id} ..."
        )
    return _likeliest(row)


def _likeliest(row: Untyped) -> str:
    if row.confidence is None:
        return "It has no words that say what it is."
    return f"Most like {row.likeliest}, with a confidence of {row.confidence:.2f}."
