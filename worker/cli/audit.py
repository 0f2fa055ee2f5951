"""Commands to look at accepted values that were drawn for an audit."""

import json
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from extractors.decision.bounds import upper_bound
from extractors.decision.planted import LEAST_SHOWN, missed_share
from worker import reporting
from worker.audits import actions, store
from worker.audits.actions import Said
from worker.audits.tables import Found
from worker.cli import ids, local
from worker.cli.documents import AsJson
from worker.cli.tables import console, plain
from worker.review.tables import Action

app = typer.Typer(help="Measure how many accepted values are wrong.", no_args_is_help=True)


@app.command("list")
def list_waiting(
    limit: Annotated[int, typer.Option(help="At most so many.")] = 50, as_json: AsJson = False
) -> None:
    """What was drawn and waits, without what was read: say first what the page says."""
    with local.house() as rt, rt.transaction() as tx:
        waiting = store.list_waiting(tx, limit=limit)
    if as_json:
        typer.echo(
            json.dumps(
                [
                    {
                        "audit": str(one.audit_id),
                        "document": str(one.document_id),
                        "field": one.field,
                        "ordinal": one.ordinal,
                        "asks": "value" if one.of_list is None else "rows",
                        "page": one.page,
                    }
                    for one in waiting
                ],
                indent=1,
            )
        )
        return
    table = Table("audit", "document", "file", "field", "page")
    for one in waiting:
        row = f"[{one.ordinal + 1}]" if "." in one.field else ""
        table.add_row(
            str(one.audit_id)[:8],
            str(one.document_id)[:8],
            plain(one.filename or ""),
            plain(one.field + (": how many rows" if one.of_list else row)),
            str(one.page or ""),
        )
    console().print(table)


@app.command("answer")
def answer(
    audit: Annotated[str, typer.Argument(help="The audit's id, or its beginning.")],
    text: Annotated[str | None, typer.Option(help="What the page says, as printed.")] = None,
    absent: Annotated[
        bool, typer.Option("--absent", help="The document does not have this field.")
    ] = False,
    unreadable: Annotated[bool, typer.Option("--unreadable", help="Nobody can read it.")] = False,
    machine: Annotated[
        bool, typer.Option("--machine-is-right", help="After comparing: you were wrong.")
    ] = False,
    compared: Annotated[
        bool, typer.Option("--compared", help="You know what was read: correct the value.")
    ] = False,
    seen: Annotated[bool, typer.Option("--seen", help="You looked at the page.")] = False,
    who: Annotated[str | None, typer.Option(help="Your name; without it, your login.")] = None,
) -> None:
    """Say what the page says. Where the machine read something else, both are printed; say it again
    with --compared, or --machine-is-right.
    """
    chosen = {
        Action.CORRECT: text is not None,
        Action.ABSENT: absent,
        Action.UNREADABLE: unreadable,
        Action.ACCEPT: machine,
    }
    action = local.the_one(chosen, "--text TEXT, --absent, --unreadable, --machine-is-right")
    said = Said(action=action, text=text or "", seen=seen, compared=compared or machine)
    with local.house() as rt:
        with rt.transaction() as tx:
            found = ids.audit(tx, audit)
        answered = actions.answer(local.actor(rt, who), found, said, rt)
    say = Console(highlight=False, markup=False, soft_wrap=True).print
    if answered.found is None:
        say(f"{answered.field}: the machine read {answered.read!r}, you say {answered.typed!r}.")
        say("Look again, and say it with --compared, or --machine-is-right.")
        raise typer.Exit(2)
    if answered.found is Found.WRONG and answered.of_list is not None:
        say(f"{answered.field}: wrong. Set its rows right: surefield review rows --help")
        return
    if answered.noticed is not None:
        say(actions.TOLD[answered.noticed])
    done = {Found.WRONG: "wrong, and corrected", Found.RIGHT: "right", Found.ILLEGIBLE: "illegible"}
    say(f"{answered.field}: {done[answered.found]}.")


@app.command("report")
def report(as_json: AsJson = False) -> None:
    """How many accepted values are wrong: what was judged, and the most that it allows for."""
    with local.house() as rt, rt.transaction() as tx:
        rows = reporting.accepted_and_wrong(tx)
        shown, overlooked = store.overlooked(tx)
    missed = missed_share(shown, overlooked)
    bounds = [upper_bound(row.wrong, row.judged) for row in rows]
    if as_json:
        found = [
            {**row.as_json(), "at_most": bound} for row, bound in zip(rows, bounds, strict=True)
        ]
        typer.echo(json.dumps(found, indent=1))
        return
    table = Table("type", "model", "certificate", "drawn", "judged", "wrong", "at most (95 %)")
    for row, bound in zip(rows, bounds, strict=True):
        table.add_row(
            plain(row.document_type),
            plain(row.model or row.fingerprint),
            plain(row.certificate),
            str(row.drawn),
            str(row.judged),
            str(row.wrong),
            "not measured" if not row.judged else f"{100 * bound:.2f} %",
        )
    console().print(table)
    known = (
        f"people overlook at most {100 * missed:.1f} % of all errors (95 %)"
        if shown >= LEAST_SHOWN
        else f"before {LEAST_SHOWN} were shown, certificates take it that people overlook"
        f" {100 * missed:.0f} % of all errors"
    )
    Console(highlight=False, soft_wrap=True).print(
        f"Planted errors: {overlooked} of {shown} overlooked; {known}."
    )
    if not rows:
        Console().print("Nothing was drawn yet. See SUREFIELD_AUDIT_RATE: surefield settings")
