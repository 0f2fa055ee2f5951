"""Damaged, encrypted and odd files, and sound ones beside them.

445 are submitted at once: each comes to an end, and no worker process dies of any.  Then each is
rendered on its own: where MuPDF, asked in a process of its own, complains that something is lost,
nothing that a sure reader says of the file may be accepted; of the corpus's sound files none may
carry a complaint.
"""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from extractors.documents.types import DocumentType, FieldSpec, Kind
from extractors.errors import SurefieldError
from extractors.rendering.findings import Severity
from extractors.types import LLAMA_CANVAS
from tests.benchmarks import corpus
from tests.benchmarks.judging import Paper
from worker import bootstrap
from worker.rendering.protocol import RenderedPage
from worker.rendering.renderer import Renderer
from worker.settings import Settings

SOUND = (".pdf", ".png", ".jpg", ".jpeg")
MOST_PAGES = 12  # of one file
# how MuPDF says that something of a page is missing
LOSS = re.compile(
    r"premature end|cannot (load|find) (object|image|xobject|font)|no xobject"
    r"|syntax error in content|read error|ignoring error during interpretation|zlib error"
    r"|jpeg error|truncated",
    re.IGNORECASE,
)
COMPLAINTS = """
import json, sys, pymupdf
pymupdf.TOOLS.mupdf_display_warnings(False); pymupdf.TOOLS.mupdf_display_errors(False)
said = []
try:
    with pymupdf.open(sys.argv[1]) as pdf:
        for n in range(min(len(pdf), int(sys.argv[2]))):
            try:
                pdf[n].get_pixmap(dpi=40)
            except Exception as error:
                said.append(str(error))
except Exception as error:
    said.append(str(error))
print(json.dumps([*said, *pymupdf.TOOLS.mupdf_warnings().splitlines()]))
"""
ANY = DocumentType(
    name="any",
    title="paper",
    description="Any paper.",
    fields=(FieldSpec(name="word", kind=Kind.TEXT, description="a word of it"),),
)


def run() -> list[dict[str, Any]]:
    """The measurements, or none without the corpus."""
    named = os.environ.get("SUREFIELD_CORPUS")
    if not named:
        print("hostile: skipped, SUREFIELD_CORPUS is not set")
        return []
    root = Path(named)
    damaged = sorted((root / "hostile").rglob("*.pdf"))
    sound = sorted(
        path
        for folder in ("einvoices", "forms", "invoices", "receipts")
        for path in (root / folder).rglob("*")
        if path.suffix.lower() in SOUND
    )
    return [*corpus.hostile(root), *_of_damaged(damaged), *_of_sound(sound)]


def _of_damaged(files: Sequence[Path]) -> list[dict[str, Any]]:
    complained = named = accepted = whole = 0
    for path, pages in _rendered(files):
        severe = any(f.severity is Severity.LOST for page in pages for f in page.findings)
        loses = any(LOSS.search(line) for line in _complaints(path))
        complained += loses
        named += loses and severe
        whole += not severe
        accepted += loses and _accepts(pages)
    return [
        _row("hostile files with pages, MuPDF complains of a loss", complained, "files", None),
        _row("of these with a finding that doubts everything", named, "files", complained),
        _row("of these with a sure reading accepted", accepted, "files", 0, most=True),
        _row("hostile files with pages and no loss found", whole, "files", None),
    ]


def _of_sound(files: Sequence[Path]) -> list[dict[str, Any]]:
    rendered = list(_rendered(files))
    doubted = sum(
        any(f.severity is not Severity.NOTE for page in pages for f in page.findings)
        for _, pages in rendered
    )
    return [
        _row("sound files rendered", len(rendered), "files", len(files)),
        _row("sound files with a finding that doubts", doubted, "files", 0, most=True),
    ]


def _rendered(files: Iterable[Path]) -> Iterable[tuple[Path, list[RenderedPage]]]:
    """The files that have pages, with the first of them."""
    limits = bootstrap.limits(Settings())
    with Renderer() as renderer:
        for path in files:
            pages: list[RenderedPage] = []
            try:
                for page in renderer.render(path.read_bytes(), canvas=LLAMA_CANVAS, limits=limits):
                    pages.append(page)
                    if len(pages) == MOST_PAGES:
                        break
            except SurefieldError:
                continue
            if pages:
                yield path, pages


def _complaints(path: Path) -> list[str]:
    """What MuPDF says of the file when it draws it, in a process of its own."""
    command = [sys.executable, "-c", COMPLAINTS, str(path), str(MOST_PAGES)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=60)
        said: list[str] = json.loads(done.stdout)
    except (subprocess.TimeoutExpired, ValueError):
        return []
    return said


def _accepts(pages: Sequence[RenderedPage]) -> bool:
    """Whether a sure reading of any page is accepted: its longest word, or an absence."""
    paper = Paper(
        ANY,
        {page.number: page.words for page in pages},
        findings=tuple(found for page in pages for found in page.findings),
    )
    for page in pages:
        said = max((word.text for word in page.words), key=len, default=None)
        verdicts = paper.judge({page.number: {"word": said}})
        if any(verdict.accepted for verdict in verdicts.values()):
            return True
    return False


def _row(
    metric: str, value: float, unit: str, goal: float | None, *, most: bool = False
) -> dict[str, Any]:
    holds = goal is None or (value <= goal if most else value >= goal)
    return {"metric": metric, "value": value, "unit": unit, "goal": goal, "holds": holds}
