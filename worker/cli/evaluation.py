"""How right readings are: of documents of one's own with their truth, and of what people found."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated
from uuid import UUID, uuid4

import typer
from rich.console import Console
from rich.table import Table

from worker import reporting
from worker.cli import local, tables
from worker.cli.documents import AsJson, submit_files, wait_for
from worker.cli.tables import plain
from worker.evaluation import labels
from worker.evaluation.judging import ALL, Judged, Place, groups, judge
from worker.evaluation.thresholds import tried
from worker.evaluation.truths import truths_of
from worker.settings import Settings
from worker.tables.documents import ANSWERED

SIGNALS = "signals"
FOLDER = "evaluation"  # of the state folder: what is measured never stands before reviewers


if TYPE_CHECKING:
    from worker.evaluation.figures import Figures


def of_folder(
    folder: Path, document_type: str, truth: Path | None, *, as_json: bool, pictures: Path | None
) -> None:
    """Read the labelled documents of a folder as they would be here, in a database of their own."""
    base = Settings()
    changes = {
        "state_dir": base.state_dir / FOLDER,
        "database_url": None,
        "broker_url": None,
        "blobs_url": None,
    }
    settings = base.model_copy(update=changes)
    local.require(settings, web=False)
    errors = Console(stderr=True)
    with local.database(settings, migrates=True) as ready, local.runtime(ready) as rt:
        rt.check_type(document_type)
        spec = rt.document_type(document_type)
        known = truths_of(folder, spec, truth)
        if caution := rt.caution(document_type):
            errors.print(caution, soft_wrap=True)
        # a name of its own for each run: the same files are then new documents, read anew
        run = f"{FOLDER}-{uuid4().hex[:12]}"
        made: dict[UUID, Path] = {}
        for path in known:
            ids, _ = submit_files([path], document_type, rt, upstream=run, key=path.name)
            made |= dict.fromkeys(ids, path)
        with local.running(ready):
            wait_for(list(made), rt, console=errors)
        with rt.transaction() as tx:
            documents = reporting.documents(tx, list(made))
            rows = reporting.fields(tx, list(made))
            bands = labels.bands(tx, list(made))
            scores = labels.by_method(tx, list(made))
    judged: list[Judged] = []
    for document, path in made.items():
        mine = [row for row in rows if row.document_id == document]
        band = bands.get(document, "unread")
        judged += judge(document, mine, known[path], spec, band=band)
    unread = [row for row in documents if row.status not in ANSWERED]
    for row in unread:
        errors.print(
            f"{plain(row.filename or '')}: {row.error_code}: not read, all of it counts as wrong"
        )
    _say(judged, scores, as_json=as_json, pictures=pictures)
    if not as_json:
        Console(highlight=False, soft_wrap=True).print(
            f"The rows stay: SUREFIELD_STATE_DIR={settings.state_dir} surefield list"
        )


def of_reviews(document_type: str | None, *, as_json: bool, pictures: Path | None) -> None:
    """What audits and reviews found of fields that were drawn beforehand."""
    with local.house() as rt, rt.transaction() as tx:
        judged = labels.drawn(tx, document_type)
        scores = labels.by_method(tx, list({one.document_id for one in judged}))
    if not judged:
        Console(stderr=True, soft_wrap=True).print(
            "Nobody has judged a drawn field yet: surefield audit list. Reviewed fields alone say"
            " nothing of the accepted ones."
        )
        raise typer.Exit(1)
    _say(judged, scores, as_json=as_json, pictures=pictures)


def thresholds(
    document_type: Annotated[str, typer.Argument(help="Of which document type.")],
    as_json: AsJson = False,
) -> None:
    """What each threshold would accept, and how many wrong, by fields drawn for audits."""
    with local.house() as rt:
        rt.check_type(document_type)
        with rt.transaction() as tx:
            found = tried(labels.scored(tx, document_type))
    if as_json:
        typer.echo(json.dumps([asdict(one) for one in found], indent=1))
        return
    shown = Table("score", "of", "from", "accepts", "judged", "wrong", "at most (95 %)")
    for one in found:
        shown.add_row(
            plain(one.method),
            one.family,
            f"{one.threshold:g}",
            f"{100 * one.accepted:.1f} %",
            str(one.judged),
            str(one.wrong),
            "not measured" if one.at_most is None else f"{100 * one.at_most:.2f} %",
        )
    tables.console().print(shown)
    Console(highlight=False, soft_wrap=True).print(
        "Each line is right for itself. Whoever takes the loosest threshold whose error looks small"
        " enough breaks the promise half of the time: surefield certify plan tests one. A"
        " threshold of the plain policy: SUREFIELD_ACCEPT_AT, or accept_at of a field."
    )


def _say(
    judged: Sequence[Judged],
    scores: Mapping[str, Mapping[Place, float]],
    *,
    as_json: bool,
    pictures: Path | None,
) -> None:
    from worker.evaluation import figures  # here, since it brings numpy

    found = {name: figures.table(some) for name, some in {ALL: judged, **groups(judged)}.items()}
    found[SIGNALS] = figures.signals(judged, scores)
    if pictures is not None:
        pictures.mkdir(parents=True, exist_ok=True)
        (pictures / "reliability.svg").write_text(figures.reliability(judged), "utf-8")
        (pictures / "risk.svg").write_text(figures.risk(judged), "utf-8")
    if as_json:
        typer.echo(json.dumps(figures.as_json(found), indent=1))
        return
    _print(found)


def _print(found: Mapping[str, Sequence["Figures"]]) -> None:
    several = {name: rows[0] for name, rows in found.items() if name not in (ALL, SIGNALS)}
    parts = {
        "each field, the worst first": found[ALL],
        "by how documents read, and by family": [
            replace(one, name=name) for name, one in several.items()
        ],
        "what each score knows of the same answers": found[SIGNALS],
    }
    for name, rows in parts.items():
        shown = Table(
            "", "answers", "right", "accepted", "wrong among them", "AUROC", "ECE", "at 1 %",
            title=name,
        )  # fmt: skip
        for one in rows:
            shown.add_row(
                plain(one.name),
                str(one.answers),
                _share(one.right, one.answers),
                _share(one.accepted, one.answers),
                "" if one.wrong_at_most is None
                else f"{one.accepted_wrong}, at most {100 * one.wrong_at_most:.1f} %",
                _measured(one.auroc),
                _measured(one.ece),
                _measured(one.coverage),
            )  # fmt: skip
        tables.console().print(shown)


def _share(count: int, of: int) -> str:
    return f"{100 * count / of:.1f} %" if of else ""


def _measured(value: tuple[float, float, float] | None) -> str:
    return "" if value is None else f"{value[0]:.3f} [{value[1]:.3f}, {value[2]:.3f}]"
