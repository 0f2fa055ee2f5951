"""Commands to promise how many accepted values are wrong, and to test the promise."""

import json
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from worker.audits import certificates, certify
from worker.audits.types import Planned
from worker.cli import ids, local
from worker.cli.documents import AsJson
from worker.cli.tables import console, plain

app = typer.Typer(help="Thresholds that keep a tested promise.", no_args_is_help=True)
Who = Annotated[str | None, typer.Option(help="Your name; without it, your login.")]
Id = Annotated[str, typer.Argument(help="The certificate's id, or its beginning.")]


@app.command("plan")
def plan(
    document_type: Annotated[str, typer.Argument(help="Of which document type.")],
    size: Annotated[
        int | None, typer.Option(min=1, help="Drawn rows that each test looks at.")
    ] = None,
    who: Who = None,
) -> None:
    """Fix thresholds and the size of a test before any label is seen: one for money and one for the
    rest, of documents that read alike. Only rows that are drawn later count.
    """
    with local.house() as rt:
        made = certify.plan(local.actor(rt, who), document_type, rt, size=size)
    _print(made)


@app.command("test")
def run_test(certificate: Id, who: Who = None) -> None:
    """Test a plan, once, when all of its rows are judged."""
    with local.house() as rt:
        with rt.transaction() as tx:
            found = ids.certificate(tx, certificate)
        done = certify.run_test(local.actor(rt, who), found, rt)
    _print([done])


@app.command("list")
def list_plans(
    type: Annotated[str | None, typer.Option(help="Only this document type's.")] = None,
    as_json: AsJson = False,
) -> None:
    """Every promise: planned, certified, not held or withdrawn."""
    with local.house() as rt, rt.transaction() as tx:
        found = certificates.list_plans(tx, type)
    if as_json:
        typer.echo(json.dumps([_json(one) for one in found], indent=1))
    else:
        _print(found)


@app.command("withdraw")
def withdraw(
    certificate: Id, because: Annotated[str, typer.Option(help="Why.")] = "", who: Who = None
) -> None:
    """Accept nothing by it any more; what was accepted stays."""
    with local.house() as rt:
        with rt.transaction() as tx:
            found = ids.certificate(tx, certificate)
        certify.withdraw(local.actor(rt, who), found, because, rt)
    Console().print("withdrawn")


def _print(found: list[Planned]) -> None:
    table = Table("certificate", "of", "promise", "state", "judged", "at most", "from")
    for one in found:
        tested = one.tested
        table.add_row(
            str(one.certificate_id)[:8],
            plain(f"{one.promise.document_type}, {one.promise.family}, {one.promise.band}"),
            f"{100 * one.plan.alpha:g} %",
            one.state.value.replace("_", " "),
            f"{one.drawn - one.unjudged} of {one.size}"
            if tested is None
            else f"{tested.judged}, {tested.wrong} wrong",
            "" if tested is None else f"{100 * tested.bound:.2f} %",
            "" if tested is None or tested.threshold is None else f"{tested.threshold:.4f}",
        )
    console().print(table)
    if found:
        Console().print("Of twenty promises that hold, one may be wrong.")


def _json(one: Planned) -> dict[str, object]:
    tested = one.tested
    return {
        "certificate": str(one.certificate_id),
        "document_type": one.promise.document_type,
        "family": one.promise.family,
        "band": one.promise.band,
        "method": one.promise.method,
        "conditions": one.promise.conditions,
        "alpha": one.plan.alpha,
        "state": one.state,
        "size": one.size,
        "drawn": one.drawn,
        "unjudged": one.unjudged,
        "threshold": tested.threshold if tested else None,
        "judged": tested.judged if tested else None,
        "wrong": tested.wrong if tested else None,
        "bound": tested.bound if tested else None,
        "valid_until": one.valid_until.isoformat() if one.valid_until else None,
    }
