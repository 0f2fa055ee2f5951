"""An installation learns its own score from what its people decided."""

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from extractors.errors import MissingExtra
from extractors.registry import missing
from worker.cli import local
from worker.cli.documents import AsJson
from worker.cli.tables import console

if TYPE_CHECKING:
    from worker.evaluation.fits import Compared, Found

MEASURES = {"auroc": "AUROC", "ece": "ECE", "coverage": "at 1 % error", "brier": "Brier"}


def fit(
    type: Annotated[
        str | None, typer.Option(help="By this document type's labels; else by all of them.")
    ] = None,
    until: Annotated[
        datetime | None,
        typer.Option(
            formats=["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S"],
            help="By what was decided before this time (UTC); without it, by all.",
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Fit the weights of the combined score by what people decided here, and say whether that is
    better than what there was.
    """
    if missing("numpy"):
        raise MissingExtra("model", "Fitting needs numpy")
    from worker.evaluation import fits  # here, since it brings numpy

    cut = datetime.now(UTC) if until is None else until.replace(tzinfo=UTC)
    with local.house() as rt:
        found = fits.found(rt, document_type=type, until=cut)
    if as_json:
        typer.echo(json.dumps([_json(one) for one in found], indent=1))
        return
    for one in found:
        _print(one)
    if not found:
        Console(stderr=True, soft_wrap=True).print(
            "Nobody has decided anything yet. See: surefield review list, surefield audit list"
        )
        raise typer.Exit(1)


def _print(one: "Found") -> None:
    say = Console(highlight=False, soft_wrap=True).print
    of = "all types" if one.document_type is None else one.document_type
    say(
        f"Model {one.fingerprint}, {one.decode_mode}, {of}: {one.labels} labels of {one.documents}"
        f" documents, {one.wrong} of them wrong; drawn beforehand {one.drawn},"
        f" {one.drawn_wrong} wrong."
    )
    for name, some in (("all labels", one.by_all), ("drawn ones", one.by_drawn)):
        if some is not None:
            console().print(_table(f"{name}: {some.rows} rows, {some.wrong} wrong", one, some))
    say(_verdict(one))


def _table(title: str, one: "Found", some: "Compared") -> Table:
    shown = Table("", one.before, "fitted here", "better by", title=title, title_justify="left")
    for name, said in MEASURES.items():
        shown.add_row(
            said,
            _measured(some.before[name]),
            _measured(some.after[name]),
            _measured(some.gain[name]) if name in some.gain else "",
        )
    return shown


def _verdict(one: "Found") -> str:
    """What follows, in one sentence."""
    if one.fit is None:
        return (
            "Too few labels: nothing ships for this model, so it takes 500 labels, 20 of them"
            " wrong, with the same number of looks."
        )
    if one.by_all is None:
        return "Too few labels, or all of them are right or wrong: nothing can be compared."
    if one.is_better:
        return "It is better: scores are nearer to what people found, by more than chance."
    return "It is not better: what it gains may be chance, or something else is lost."


def _measured(value: tuple[float, float, float]) -> str:
    return f"{value[0]:.4f} [{value[1]:.4f}, {value[2]:.4f}]"


def _json(one: "Found") -> dict[str, Any]:
    return {
        "document_type": one.document_type,
        "fingerprint": one.fingerprint,
        "decode_mode": one.decode_mode,
        "until": one.until.isoformat(),
        "documents": one.documents,
        "labels": one.labels,
        "wrong": one.wrong,
        "drawn": one.drawn,
        "drawn_wrong": one.drawn_wrong,
        "before": one.before,
        "is_better": one.is_better,
        "all": _compared(one.by_all),
        "drawn_ones": _compared(one.by_drawn),
        "fit": None if one.fit is None else one.fit.model_dump(mode="json"),
    }


def _compared(some: "Compared | None") -> dict[str, Any] | None:
    if some is None:
        return None
    return {
        "rows": some.rows,
        "wrong": some.wrong,
        "before": dict(some.before),
        "after": dict(some.after),
        "gain": dict(some.gain),
    }
