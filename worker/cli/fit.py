"""An installation learns its own score from what its people decided."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any
from uuid import UUID

import typer
from rich.console import Console
from rich.table import Table

from extractors.errors import MissingExtra
from extractors.registry import missing
from worker.audits import certificates
from worker.audits.tables import PlanState
from worker.audits.types import Planned
from worker.cli import ids, local
from worker.cli.documents import AsJson
from worker.cli.tables import console, plain
from worker.fits import actions, store
from worker.fits.types import Kept

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
    say_only: Annotated[
        bool, typer.Option("--say-only", help="Keep nothing, say only what would be.")
    ] = False,
    because: Annotated[
        str, typer.Option(help="Why: to keep what is not better, to use or to take back.")
    ] = "",
    use: Annotated[
        str | None, typer.Option(help="Let the weights of this id decide; fit nothing.")
    ] = None,
    take_back: Annotated[
        str | None, typer.Option(help="Let the weights of this id decide no more; fit nothing.")
    ] = None,
    list_all: Annotated[
        bool, typer.Option("--list", help="Say what was kept; fit nothing.")
    ] = False,
    who: Annotated[str | None, typer.Option(help="Your name; without it, your login.")] = None,
    as_json: AsJson = False,
) -> None:
    """Fit the weights of the combined score by what people decided here, say whether that is better
    than what there was, and keep what is. It decides nothing until a person says --use.
    """
    if (use is not None) + (take_back is not None) + list_all > 1:
        raise typer.BadParameter("Give at most one of --use, --take-back and --list.")
    if use is not None or take_back is not None:
        with local.house() as rt:
            with rt.transaction() as tx:
                chosen = ids.fit(tx, use or take_back or "")
            act = actions.use if use is not None else actions.take_back
            done = act(local.actor(rt, who), chosen, because, rt)
            with rt.transaction() as tx:
                plans = certificates.list_plans(tx)
        _list([done], as_json=as_json)
        if use is not None and not as_json:
            _certified(done, plans)
        return
    if list_all:
        with local.house() as rt, rt.transaction() as tx:
            rows = store.listed(tx)
        _list(rows, as_json=as_json)
        return
    _fit(type, until, because, who, say_only=say_only, as_json=as_json)


def _fit(
    type: str | None,
    until: datetime | None,
    because: str,
    who: str | None,
    *,
    say_only: bool,
    as_json: bool,
) -> None:
    if missing("numpy"):
        raise MissingExtra("model", "Fitting needs numpy")
    from worker.evaluation import fits  # here, since it brings numpy

    now = datetime.now(UTC)
    cut = now if until is None else until.replace(tzinfo=UTC)
    if cut > now:
        raise typer.BadParameter("--until lies in the future: nobody has decided anything then.")
    with local.house() as rt:
        found = fits.found(rt, document_type=type, until=cut)
        kept: list[UUID | None] = [
            fits.keep(local.actor(rt, who), one, because, rt)
            if not say_only and one.fit is not None and (one.is_better or because.strip())
            else None
            for one in found
        ]
    if as_json:
        rows = [_json(one, id) for one, id in zip(found, kept, strict=True)]
        typer.echo(json.dumps(rows, indent=1))
        return
    for one, id in zip(found, kept, strict=True):
        _print(one)
        if id is not None:
            Console(highlight=False, soft_wrap=True).print(
                f"Kept as {str(id)[:8]}; it decides nothing yet. Documents that are scored from now"
                " on have its score too, earlier ones by surefield rescore. To let it decide:"
                f" surefield fit --use {str(id)[:8]}. To have it certified before: surefield"
                f" certify plan TYPE --fit {str(id)[:8]}"
            )
        elif one.fit is not None and not one.is_better and not say_only:
            Console(highlight=False, soft_wrap=True).print(
                "It is not kept. To keep it all the same: --because TEXT"
            )
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
    from worker.evaluation.fits import LEAST_DOCUMENTS  # here, since it brings numpy

    if one.fit is None:
        return (
            "Too few labels: nothing ships for this model, so it takes 500 labels, 20 of them"
            " wrong, with the same number of looks."
        )
    if one.by_all is None:
        return "Too few labels, or all of them are right or wrong: nothing can be compared."
    if one.documents < LEAST_DOCUMENTS:
        return f"Too few documents: intervals say nothing below {LEAST_DOCUMENTS}."
    if one.is_better:
        return "It is better: scores are nearer to what people found, by more than chance."
    return "It is not better: what it gains may be chance, or something else is lost."


def _measured(value: tuple[float, float, float]) -> str:
    return f"{value[0]:.4f} [{value[1]:.4f}, {value[2]:.4f}]"


def _list(rows: Sequence[Kept], *, as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps([asdict(one) for one in rows], indent=1, default=str))
        return
    shown = Table("fit", "score", "of", "model", "state", "until", "labels", "wrong", "better")
    for one in rows:
        shown.add_row(
            str(one.fit)[:8],
            one.method,
            plain(one.document_type or "all types"),
            plain(f"{one.fingerprint} {one.decode_mode}"),
            one.state.replace("_", " "),
            f"{one.until:%Y-%m-%d %H:%M}",
            str(one.labels),
            str(one.wrong),
            "yes" if one.is_better else plain(f"no: {one.because}"),
        )
    console().print(shown)


def _certified(fit: Kept, plans: Sequence[Planned]) -> None:
    """Which promises hold by its score from this moment on."""
    own = [
        one
        for one in plans
        if one.promise.method == fit.method and one.state is PlanState.CERTIFIED
    ]
    said = ", ".join(
        f"{one.promise.document_type} {one.promise.family} {one.promise.band}" for one in own
    )
    Console(highlight=False, soft_wrap=True).print(
        f"Certified by its score from now on: {plain(said)}."
        if own
        else "No certificate is of its score, so nothing is certified. To plan one: surefield"
        " certify plan TYPE"
    )


def _json(one: "Found", kept: UUID | None) -> dict[str, Any]:
    return {
        "kept": None if kept is None else str(kept),
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
