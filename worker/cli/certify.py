"""Commands to promise how many accepted values are wrong, and to test the promise."""

import json
from datetime import UTC, datetime
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from extractors.decision.watching import SETTLING
from worker.audits import certificates, certify
from worker.audits.tables import PlanState
from worker.audits.types import Planned, Released
from worker.cli import ids, local
from worker.cli.documents import AsJson
from worker.cli.tables import console, plain

ALARMED = {
    PlanState.SUSPENDED: "Go on: surefield certify resume ID, or withdraw ID.",
    PlanState.BROKEN: "People decide every field until it is withdrawn: surefield certify withdraw",
}
app = typer.Typer(help="Thresholds that keep a tested promise.", no_args_is_help=True)
Who = Annotated[str | None, typer.Option(help="Your name; without it, your login.")]
Id = Annotated[str, typer.Argument(help="The certificate's id, or its beginning.")]


@app.command("plan")
def plan(
    document_type: Annotated[str, typer.Argument(help="Of which document type.")],
    size: Annotated[
        int | None, typer.Option(min=1, help="Drawn rows, or documents, that each test looks at.")
    ] = None,
    documents: Annotated[
        bool,
        typer.Option(
            "--documents", help="Promise how many documents that nobody touches are wrong."
        ),
    ] = False,
    fit: Annotated[
        str | None,
        typer.Option(help="By the score of these weights (surefield fit), in the shadow or not."),
    ] = None,
    who: Who = None,
) -> None:
    """Fix thresholds and the size of a test before any label is seen: one for money and one for the
    rest, of documents that read alike; with --documents, one for whole documents. Only what is
    drawn later counts.
    """
    with local.house() as rt:
        chosen = None
        if fit is not None:
            with rt.transaction() as tx:
                chosen = ids.fit(tx, fit)
        made = certify.plan(
            local.actor(rt, who), document_type, rt, size=size, fit_id=chosen, documents=documents
        )
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


@app.command("resume")
def resume(
    certificate: Id, because: Annotated[str, typer.Option(help="Why.")] = "", who: Who = None
) -> None:
    """Accept by it again after an alarm: audits found nothing, or the change is known."""
    with local.house() as rt:
        with rt.transaction() as tx:
            found = ids.certificate(tx, certificate)
        certify.resume(local.actor(rt, who), found, because, rt)
    Console().print("resumed")


def recheck(
    since: Annotated[
        datetime | None,
        typer.Option(
            formats=["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S"],
            help="Accepted at this time (UTC) or later; without it, since the certificate's alarm.",
        ),
    ] = None,
    certificate: Annotated[
        str | None, typer.Option(help="Only what this certificate accepted.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """List what was accepted without a person, and let its audits come first."""
    with local.house() as rt:
        found = None
        if certificate is not None:
            with rt.transaction() as tx:
                found = ids.certificate(tx, certificate)
        when = None if since is None else since.replace(tzinfo=UTC)
        rows, urgent = certify.recheck(rt, since=when, certificate_id=found)
    if as_json:
        typer.echo(json.dumps([_released(one) for one in rows], indent=1))
        return
    table = Table("document", "file", "field", "text", "score", "certificate", "audit")
    for one in rows:
        row = f"[{one.ordinal + 1}]" if "." in one.field else ""
        table.add_row(
            str(one.document_id)[:8],
            plain(one.filename or ""),
            plain(one.field + row),
            plain(one.text or ""),
            "" if one.score is None else f"{one.score:.4f}",
            plain(one.certificate[:11]),
            one.found or ("waits" if one.audit else ""),
        )
    console().print(table)
    Console(highlight=False, soft_wrap=True).print(
        f"{len(rows)} fields of {len({one.document_id for one in rows})} documents; {urgent} audits"
        " come first now: surefield audit list. To have people look at all of it, let the rules of"
        " today decide again: surefield reroute --type TYPE --since DAY"
    )


def _released(one: Released) -> dict[str, object]:
    return {
        "document": str(one.document_id),
        "file": one.filename,
        "field": one.field,
        "ordinal": one.ordinal,
        "text": one.text,
        "score": one.score,
        "certificate": one.certificate,
        "accepted_at": one.accepted_at.isoformat(),
        "audit": None if one.audit is None else str(one.audit),
        "found": one.found,
    }


def _print(found: list[Planned]) -> None:
    table = Table("certificate", "of", "score", "promise", "state", "judged", "at most", "from")
    for one in found:
        tested = one.tested
        table.add_row(
            str(one.certificate_id)[:8],
            plain(f"{one.promise.document_type}, {one.promise.family}, {one.promise.band}"),
            one.promise.method,
            f"{100 * one.plan.alpha:g} %",
            one.state.value.replace("_", " "),
            f"{one.drawn - one.unjudged} of {one.size}"
            if tested is None
            else f"{tested.judged}, {tested.wrong} wrong",
            "" if tested is None else f"{100 * tested.bound:.2f} %",
            "" if tested is None or tested.threshold is None else f"{tested.threshold:.4f}",
        )
    console().print(table)
    for one in found:
        if one.alarm is not None and one.state in ALARMED:
            Console(highlight=False, soft_wrap=True).print(
                f"{str(one.certificate_id)[:8]} is {one.state}: {plain(one.alarm.because)}."
                f" {one.alarm.judged} of {SETTLING} {certify.UNITS[one.promise.family]} that settle"
                f" it are judged, {one.alarm.wrong} wrong. {ALARMED[one.state]}"
            )
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
        "alarm": None
        if one.alarm is None
        else {
            "since": one.alarm.since.isoformat(),
            "because": one.alarm.because,
            "changed_at": one.alarm.changed_at.isoformat(),
            "judged": one.alarm.judged,
            "wrong": one.alarm.wrong,
        },
    }
