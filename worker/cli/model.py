"""Commands about the model: evaluate it, and make the slips it is measured on."""

import json
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from extractors.backends import BACKENDS
from extractors.backends.mllama.engine import DecodeMode
from extractors.errors import MissingExtra
from extractors.registry import missing
from worker.cli import evaluation, tables
from worker.settings import Reader, Settings

PER_LEVEL, PER_LEVEL_FULL = 100, 2_000


def evaluate(
    folder: Annotated[
        Path | None,
        typer.Argument(help="Documents of your own, and what they truly say.", exists=True),
    ] = None,
    type: Annotated[str | None, typer.Option(help="Their document type.")] = None,
    truth: Annotated[
        Path | None,
        typer.Option(
            help="JSON lines or CSV; without it truth.jsonl or truth.csv of the folder, or the XML"
            " beside each document.",
            exists=True,
        ),
    ] = None,
    from_reviews: Annotated[
        bool, typer.Option("--from-reviews", help="On what people decided here, and audited.")
    ] = False,
    pictures: Annotated[
        Path | None, typer.Option(help="Folder for pictures (SVG) of documents of your own.")
    ] = None,
    demo: Annotated[
        bool, typer.Option("--demo", help="On generated slips, whose truth is known.")
    ] = False,
    full: Annotated[
        bool,
        typer.Option(
            "--full", help=f"{PER_LEVEL_FULL} slips a damage level instead of {PER_LEVEL}."
        ),
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
    picture: Annotated[
        Path | None,
        typer.Option(help="Where to draw accuracy by level, and risk against coverage (PNG)."),
    ] = None,
    only: Annotated[
        DecodeMode | None,
        typer.Option("--mode", help="One decode mode; without it both, side by side."),
    ] = None,
) -> None:
    """Measure how often the model is right, and how well its scores know it."""
    if sum((folder is not None, demo, from_reviews)) != 1:
        raise typer.BadParameter("Say what to evaluate on: a FOLDER, --from-reviews or --demo.")
    if demo:
        _demo(full=full, as_json=as_json, picture=picture, only=only)
        return
    if missing("numpy"):
        raise MissingExtra("model", "Measuring needs numpy")
    if folder is None:
        evaluation.of_reviews(type, as_json=as_json, pictures=pictures)
    elif type is None:
        raise typer.BadParameter("Say what the documents are: --type TYPE.")
    else:
        evaluation.of_folder(folder, type, truth, as_json=as_json, pictures=pictures)


def _demo(*, full: bool, as_json: bool, picture: Path | None, only: DecodeMode | None) -> None:
    from extractors.demo import evaluate as measurement  # here, since it brings the generator
    from extractors.demo import figures

    console = Console(stderr=True)
    found: dict[str, measurement.Measurement] = {}
    with tables.progress(console) as bar:
        for mode, reader in _readers(Settings().reader, only).items():
            task = bar.add_task(f"reading slips ({mode})", total=None)
            found[mode] = measurement.evaluate(
                BACKENDS.open(reader),
                per_level=PER_LEVEL_FULL if full else PER_LEVEL,
                progress=lambda done, total, task=task: bar.update(
                    task, completed=done, total=total
                ),  # type: ignore[misc]
            )
    first, *others = found.values()
    if picture is not None:
        figures.draw(first, picture)
    if as_json:
        modes = {mode: measurement.as_json(one) for mode, one in found.items()}
        apart = {
            mode: measurement.compare(first, one).as_json()
            for mode, one in zip(list(found)[1:], others, strict=True)
        }
        typer.echo(
            json.dumps({**measurement.as_json(first), "modes": modes, "compared": apart}, indent=1)
        )
    else:
        figures.show(found, tables.console())


def _readers(reader: Reader, only: DecodeMode | None) -> dict[str, Reader]:
    """Decode mode -> the reader that reads so, the mode that is set first; a backend without the
    option has one way of reading.
    """
    if "decode_mode" not in type(reader).model_fields:
        return {BACKENDS.open(reader).decode_mode: reader}
    asked = reader.model_copy(update={"decode_mode": only} if only else {})
    first = BACKENDS.open(asked).decode_mode
    others = () if only else (DecodeMode.JSON, DecodeMode.FIELDS)
    return {
        mode: reader.model_copy(update={"decode_mode": DecodeMode(mode)})
        for mode in dict.fromkeys((first, *others))
    }


def demo_slips(
    count: Annotated[int, typer.Argument(help="How many slips.")],
    out: Annotated[Path, typer.Option(help="Folder for the PDFs and truth.jsonl.")],
    seed: Annotated[int, typer.Option(help="The same seed makes the same slips.")] = 0,
    level: Annotated[
        int, typer.Option(min=0, max=4, help="Damage, from 0 (clean) to 4 (barely legible).")
    ] = 0,
    others: Annotated[
        bool, typer.Option("--others", help="Papers that are no slips stand among them.")
    ] = False,
) -> None:
    """Make payment slips like those the demonstration model was trained on: PDFs, and their truth
    as printed.
    """
    from extractors.demo.others import NO_SLIP
    from extractors.demo.slips import write_slips

    write_slips(count, seed, out, level=level, no_slip=NO_SLIP if others else 0.0)
    Console().print(f"{count} slips and truth.jsonl are in {out}")
