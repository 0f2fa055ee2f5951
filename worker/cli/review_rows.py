"""Setting the rows of a list right from the terminal."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from worker.cli import ids, local, tables
from worker.cli.documents import AsJson
from worker.review import list_actions
from worker.review.list_actions import ListShown
from worker.review.row_texts import TypedRow

Rows = list[dict[str, Any]]


def rows(
    document: Annotated[str, typer.Argument(help="The document's id, or its beginning.")],
    field: Annotated[str, typer.Argument(help="The list, such as: items")],
    set: Annotated[
        list[str] | None, typer.Option("--set", help="A cell, such as: 2.amount=12.50")
    ] = None,
    remove: Annotated[list[int] | None, typer.Option(help="A row that is not there.")] = None,
    add: Annotated[
        list[str] | None,
        typer.Option(help='A row that is missing: {"description": "Pens", "amount": "3.00"}'),
    ] = None,
    move: Annotated[
        list[str] | None, typer.Option(help="A row to another place, such as: 3:1")
    ] = None,
    file: Annotated[
        Path | None, typer.Option(help="All rows as JSON, in the form that --json prints.")
    ] = None,
    confirm: Annotated[
        bool, typer.Option("--confirm", help="The rows are right as they are.")
    ] = False,
    version: Annotated[
        str | None, typer.Option(help="The version of the list that you saw.")
    ] = None,
    seen: Annotated[bool, typer.Option("--seen", help="You looked at the page.")] = False,
    who: Annotated[str | None, typer.Option(help="Your name; without it, your login.")] = None,
    as_json: AsJson = False,
) -> None:
    """Show the rows of a list, or set them right: edited, removed, moved, added, in this order.

    Numbers are those of the list as it is shown.
    """
    changes = [set, remove, add, move, file, confirm]
    with local.house() as rt:
        with rt.transaction() as tx:
            of = ids.document(tx, document)
        shown = list_actions.show(of, field, rt)
        if not any(changes):
            _print(shown, as_json)
            return
        if file is not None:
            new = _typed(json.loads(file.read_text(encoding="utf-8")))
        else:
            new = _typed(_changed(shown, set or [], remove or [], move or [], add or []))
        decided = list_actions.set_rows(
            local.actor(rt, who), of, field, new, rt, version=version, seen=seen
        )
        after = list_actions.show(of, field, rt)
    _print(after, as_json)
    Console(stderr=True).print(
        f"{decided.open_items} of the document's fields still wait; it is {decided.status.value}."
    )


def _changed(
    shown: ListShown, set: list[str], remove: list[int], move: list[str], add: list[str]
) -> Rows:
    """The rows after these changes; every number is a row as it was shown."""
    found: Rows = shown.as_json()["rows"]
    by_number = {row["was"] + 1: row for row in found}
    for said in set:
        place, _, text = said.partition("=")
        number, _, member = place.partition(".")
        _row(by_number, number)["cells"][member] = text
    for gone in remove:
        found.remove(_row(by_number, str(gone)))
    for said in move:
        number, _, to = said.partition(":")
        row = _row(by_number, number)
        if row not in found or not to.isdigit() or not 1 <= int(to) <= len(found):
            raise typer.BadParameter(f"{said!r} does not move a row. Write it so: 3:1")
        found.remove(row)
        found.insert(int(to) - 1, row)
    return found + [{"was": None, "cells": _object(said)} for said in add]


def _row(by_number: dict[int, dict[str, Any]], number: str) -> dict[str, Any]:
    if not number.isdigit() or int(number) not in by_number:
        raise typer.BadParameter(
            f"There is no row {number!r}; the list has {len(by_number)}. A cell is written so:"
            " 2.amount=12.50"
        )
    return by_number[int(number)]


def _object(said: str) -> dict[str, Any]:
    try:
        found = json.loads(said)
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise typer.BadParameter(f'{said!r} is no row. Write it so: {{"amount": "3.00"}}')
    return found


def _typed(sent: Any) -> list[TypedRow]:
    """The rows of a file or of options.

    Raises BadParameter when they are none.
    """
    rows = sent.get("rows") if isinstance(sent, dict) else sent
    try:
        return [
            TypedRow(
                was=None if row.get("was") is None else int(row["was"]),
                cells={
                    str(name): None if text is None else str(text)
                    for name, text in row["cells"].items()
                },
            )
            for row in rows or ()
        ]
    except (AttributeError, KeyError, TypeError, ValueError):
        raise typer.BadParameter(
            "The file does not hold rows. Take the form from: surefield review rows DOCUMENT FIELD"
            " --json"
        ) from None


def _print(shown: ListShown, as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps(shown.as_json(), indent=1, ensure_ascii=False))
    else:
        tables.rows(tables.console(), shown)
