"""Does the box that is stored with a value lie on the value?

Source by source, against where the ink really is.

Clean generated slips that no training saw go the usual way through render, the bundled model,
scoring and routing, twice: as a PDF with its words (the boxes come from the text layer) and as a
picture of the same page (they come from the model's own attention). The true place is known from
the setting of the slip, not from any text layer. SUREFIELD_BENCH_SLIPS says how many.
"""

import io
import os
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random
from typing import Any
from uuid import UUID

import pymupdf
from sqlalchemy import text

from extractors.backends import open_backend
from extractors.backends.mllama.engine import BUNDLED_MODEL
from extractors.demo import compose
from extractors.demo.layout import Sheet, above, below, draw, text_width
from extractors.demo.slips import raster
from extractors.rendering.canvas import canvas_of
from extractors.types import Box
from worker.cli import local
from worker.intake import actions, sources
from worker.pipeline import flow
from worker.runtime import Runtime
from worker.settings import Settings
from worker.tables.documents import Status

SLIPS = int(os.environ.get("SUREFIELD_BENCH_SLIPS", "100"))
COVERED = 0.95  # of the ink's area; a side bearing more or less is no other place
GOAL = 0.97
DPI = 200
WORDS, ATTENTION = "text-layer", "cross-attention"

STORED = """
SELECT p.number AS page, f.name, f.ordinal, f.text, f.boxes, f.box_source FROM fields f
JOIN readings r ON r.id = f.reading_id JOIN pages p ON p.id = r.page_id 
WHERE p.document_id = :document AND f.state = 'value'
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Value:
    """One printed value, and what is stored about it."""

    true: Box
    right: bool  # it was read as it is printed
    source: str | None  # of the stored box; None: there is none
    box: Box | None  # around the stored boxes


def run() -> list[dict[str, Any]]:
    """The measurements of this benchmark."""
    with (
        tempfile.TemporaryDirectory(prefix="surefield-bench-") as folder,
        local.database(Settings(state_dir=Path(folder)), migrates=True) as ready,
    ):
        found = {
            WORDS: list(_values(ready, pictures=False)),
            ATTENTION: list(_values(ready, pictures=True)),
        }
    return [*_of_words(found[WORDS]), *_of_looking(found[ATTENTION])]


def _of_words(values: Sequence[Value]) -> list[dict[str, Any]]:
    right = [each for each in values if each.right]
    here = [_covers(each) and each.source == WORDS for each in right]
    return [
        _row(
            "text layer covers the true place, of all printed values",
            _share([_covers(e) and e.source == WORDS for e in values]),
            GOAL,
        ),
        _row("text layer covers the true place, of values read right", _share(here)),
        {**_row("values printed, with a text layer", float(len(values))), "unit": "values"},
    ]


def _of_looking(values: Sequence[Value]) -> list[dict[str, Any]]:
    looked = [each for each in values if each.source == ATTENTION and each.box is not None]
    return [
        _row("attention: there is a box, of all printed values", len(looked) / max(1, len(values))),
        _row(
            "attention: centre lies in the true place", _share([_centred(each) for each in looked])
        ),
        _row(
            "attention: overlaps the true place (IoU >= 0.5)",
            _share([_overlap(each) >= 0.5 for each in looked]),
        ),
        _row("attention: touches the true place", _share([_overlap(each) > 0 for each in looked])),
        {**_row("values printed, in pictures", float(len(values))), "unit": "values"},
    ]


def _row(metric: str, value: float, goal: float | None = None) -> dict[str, Any]:
    return {
        "metric": metric,
        "value": value,
        "unit": "share",
        "goal": goal,
        "holds": goal is None or value >= goal,
    }


def _share(all_of: Sequence[bool]) -> float:
    return sum(all_of) / max(1, len(all_of))


# ---- the slips, and the way through


def _values(settings: Settings, *, pictures: bool) -> Iterator[Value]:
    """Every printed value of every slip, once it went through."""
    backend = open_backend("mllama", model=str(BUNDLED_MODEL), device="cpu", attention=True)
    waiting: list[tuple[UUID, Status]] = []
    with local.runtime(settings) as plain:
        rt = replace(
            plain,
            announce=lambda document_id, status: waiting.append((document_id, status)),
            backend=lambda document_type: backend,
            canvas=lambda document_type: canvas_of(str(BUNDLED_MODEL)),
        )
        try:
            slips = [(sheets, _submitted(sheets, rt, pictures=pictures)) for sheets in _slips()]
            while waiting:
                document_id, status = waiting.pop(0)
                if status in flow.STEP_AT:
                    flow.STEP_AT[status].run(document_id, rt)
            for sheets, document in slips:
                yield from _compared(sheets, rt, document)
        finally:
            rt.renderer().close()


def _slips() -> Iterator[list[Sheet]]:
    """Dice that training, calibration and test never throw."""
    for number in range(SLIPS):
        yield compose.slip_pages(Random(f"evidence/{number}"))


def _submitted(sheets: Sequence[Sheet], rt: Runtime, *, pictures: bool) -> UUID:
    document = pymupdf.open()
    for sheet in sheets:
        if not pictures:
            document.insert_pdf(draw(sheet))
            continue
        png = io.BytesIO()
        raster(draw(sheet), DPI / 72).save(png, "PNG")
        page = document.new_page(width=sheet.width_pt, height=sheet.height_pt)
        page.insert_image(page.rect, stream=png.getvalue(), keep_proportion=False)
    sent = sources.Request(
        upstream="pictures" if pictures else "words",
        document_type="slip",
        content=bytes(document.tobytes()),
    )
    return actions.submit(sent, rt).document_id


def _compared(sheets: Sequence[Sheet], rt: Runtime, document: UUID) -> Iterator[Value]:
    with rt.sessions() as session:
        stored = {
            (row.page, row.name, row.ordinal): row
            for row in session.execute(text(STORED), {"document": document})
        }
    for number, sheet in enumerate(sheets, 1):
        for (name, ordinal), (true, printed) in _printed(sheet).items():
            row = stored.get((number, name, ordinal))
            boxes = [Box(*each) for each in row.boxes or ()] if row else []
            yield Value(
                true=true,
                right=row is not None and row.text == printed,
                source=row.box_source if row and boxes else None,
                box=_around(boxes) if boxes else None,
            )


def _printed(sheet: Sheet) -> Mapping[tuple[str, int], tuple[Box, str]]:
    """Where the ink of each value is, and what it says."""
    found: dict[tuple[str, int], tuple[Box, str]] = {}
    for ink in sheet.inks:
        if ink.field is None:
            continue
        group, _, rest = ink.field.partition(".")
        row, _, member = rest.partition(".")
        key = (f"{group}.{member}", int(row)) if rest else (group, 0)
        box = Box(
            ink.x,
            ink.baseline - above(ink),
            ink.x + text_width(ink.text, ink.face, ink.size),
            ink.baseline + below(ink),
        )
        assert key not in found, f"{ink.field} is printed in two pieces"
        found[key] = (box, ink.text)
    return found


# ---- boxes


def _covers(value: Value) -> bool:
    return value.box is not None and _area(_common(value.true, value.box)) >= COVERED * _area(
        value.true
    )


def _centred(value: Value) -> bool:
    assert value.box is not None
    x, y = (value.box.x0 + value.box.x1) / 2, (value.box.y0 + value.box.y1) / 2
    return value.true.x0 <= x <= value.true.x1 and value.true.y0 <= y <= value.true.y1


def _overlap(value: Value) -> float:
    """Intersection over union."""
    assert value.box is not None
    common = _area(_common(value.true, value.box))
    return common / (_area(value.true) + _area(value.box) - common)


def _common(a: Box, b: Box) -> Box:
    return Box(max(a.x0, b.x0), max(a.y0, b.y0), min(a.x1, b.x1), min(a.y1, b.y1))


def _around(boxes: Sequence[Box]) -> Box:
    return Box(
        min(b.x0 for b in boxes),
        min(b.y0 for b in boxes),
        max(b.x1 for b in boxes),
        max(b.y1 for b in boxes),
    )


def _area(box: Box) -> float:
    return max(0.0, box.x1 - box.x0) * max(0.0, box.y1 - box.y0)
