"""Both OCR engines on real receipts: which true values do their words say, and at what cost?

The receipts are drawn by the render child as the stage draws them, and the values are sought as the
stage seeks them.  Needs ``SUREFIELD_CORPUS``.
"""

import json
import os
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import psutil

from extractors.documents import BUILT_IN
from extractors.evidence.grounding import ground
from extractors.page.ocr import rapidocr
from extractors.page.ocr.engines import Engine, open_recogniser, page_text, why_not
from extractors.page.ocr.types import Recogniser
from extractors.types import LLAMA_CANVAS
from tests.benchmarks.ocr_looks import looks
from worker import bootstrap
from worker.rendering.protocol import RenderedPage
from worker.rendering.renderer import Renderer
from worker.settings import Settings

# field of the type -> label of the corpus
LABELS = {"total": "total_dec", "date": "date_iso", "company": "company", "address": "address"}
# what was measured when the engine was chosen, of 40
GOALS = {"total": 39, "date": 35, "company": 35, "address": 35}
HONEST, LOOK_S = 0.99, 0.4  # of looks: share that agrees, and processor time a page
SPEC = replace(BUILT_IN["receipt"], locale="en_MY", day_first=True)  # where they were printed


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """One receipt: its page as rendered, and what is printed on it."""

    name: str
    page: RenderedPage
    truth: dict[str, str]
    printed: dict[str, str]  # as the page prints it


def run() -> list[dict[str, Any]]:
    """Rows of each engine that is installed; nothing where there is no corpus."""
    named = os.environ.get("SUREFIELD_CORPUS")
    if not named:
        print("ocr: skipped, SUREFIELD_CORPUS is not set")
        return []
    found = list(receipts(Path(named)))
    rows = []
    for engine in (Engine.RAPIDOCR, Engine.TESSERACT):
        if reason := why_not(engine):
            print(f"ocr: {engine} is left out: {reason}")
        else:
            rows += _measured(engine, found)
    return rows


def receipts(corpus: Path) -> Iterator[Receipt]:
    labels = map(json.loads, (corpus / "truth.jsonl").open(encoding="utf-8"))
    limits = bootstrap.limits(Settings())
    with Renderer() as renderer:
        for label in labels:
            path = corpus / label["file"]
            if path.parent.name != "receipts" or path.suffix == ".txt":
                continue
            given = {**label["truth"], **label}
            truth = {name: str(given[at]) for name, at in LABELS.items() if given.get(at)}
            drawn = renderer.render(path.read_bytes(), canvas=LLAMA_CANVAS, limits=limits)
            printed = {name: text for name, text in label["truth"].items() if text}
            yield from (
                Receipt(name=path.stem, page=page, truth=truth, printed=printed) for page in drawn
            )


def _measured(engine: Engine, receipts: Sequence[Receipt]) -> list[dict[str, Any]]:
    recogniser = open_recogniser(engine)
    assert recogniser is not None
    said: Counter[str] = Counter()
    asked: Counter[str] = Counter()
    before = os.times().children_user + os.times().children_system
    for receipt in receipts:
        size_pt = receipt.page.width_pt, receipt.page.height_pt
        words = page_text(receipt.page.view_png, recogniser, size_pt=size_pt)
        for name, truth in receipt.truth.items():
            found = ground(truth, words, SPEC.field(name), SPEC)
            asked[name] += 1
            said[name] += found is not None and found.found
    peak_mb = None
    if isinstance(recogniser, rapidocr.RapidOcr) and recogniser.child_pid:
        peak_mb = _peak_mb(recogniser.child_pid)
    recogniser.close()  # waited for, the child's time counts as ours
    seconds = os.times().children_user + os.times().children_system - before
    goals = GOALS if engine is Engine.RAPIDOCR else {}
    rows = [
        _row(f"{engine}: {name}", said[name], f"of {asked[name]}", goals.get(name))
        for name in LABELS
    ]
    missed = 1 - said.total() / max(asked.total(), 1)
    rows.append(_row(f"{engine}: true values that its words do not say", missed, "share"))
    rows.append(_row(f"{engine}: processor time", seconds / max(len(receipts), 1), "s a page"))
    if peak_mb is not None:
        rows.append(_row(f"{engine}: largest process", peak_mb, "MB"))
    return [*rows, *_looks(engine, recogniser)]


def _looks(engine: Engine, recogniser: Recogniser) -> list[dict[str, Any]]:
    found = looks(recogniser)
    shares = found.seen / max(found.values, 1), found.seconds / max(found.pages, 1)
    return [
        _row(
            f"{engine}: looks that agree with an honest layer, of {found.values} values",
            shares[0],
            "share",
            HONEST,
        ),
        _row(f"{engine}: processor time of looks", shares[1], "s a page", LOOK_S, most=True),
    ]


def _row(
    metric: str, value: float, unit: str, goal: float | None = None, *, most: bool = False
) -> dict[str, Any]:
    holds = goal is None or (value <= goal if most else value >= goal)
    return {"metric": metric, "value": value, "unit": unit, "goal": goal, "holds": holds}


def _peak_mb(pid: int) -> float:
    """The most memory that the process ever had."""
    status = Path(f"/proc/{pid}/status").read_text()
    line = next((line for line in status.splitlines() if line.startswith("VmHWM:")), None)
    if line is None:
        return float(psutil.Process(pid).memory_info().rss) / 1e6
    return int(line.split()[1]) * 1024 / 1e6
