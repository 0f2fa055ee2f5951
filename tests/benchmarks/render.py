"""Pages per second through the warm render child, against the bare PDF library doing the same work
on the same files.

The same work: open, one picture on the model's canvas and one for people of the same sizes, both as
PNG, and the words.  Two
opponents: the library as anybody would call it (``get_pixmap``, ``tobytes("png")``,
           ``get_text("words")``), and our own code without the child, which shows what the second
           process and its pipes cost.  The sides take turns, file by file.
"""

import os
import statistics
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pymupdf
from PIL import Image

from extractors.rendering import pdf
from extractors.rendering.file_types import sniff
from extractors.types import LLAMA_CANVAS
from tests.factories import render_limits
from tests.rendering.files import decoded, encoded
from worker.rendering.renderer import Renderer

ROUNDS = 5
GOAL = 0.85
LIMITS = render_limits()
VIEW = {"dpi": LIMITS.view_dpi, "max_pixels": LIMITS.view_pixels}
Sizes = list[tuple[tuple[int, int], tuple[int, int]]]  # of each page: for the model, for people


def run(rounds: int = ROUNDS) -> list[dict[str, Any]]:
    files = _files()
    sizes = [_sizes(file) for file in files]
    pages = sum(map(len, sizes))
    with Renderer() as renderer:
        sides: dict[str, Callable[[int], int]] = {
            "bare": lambda i: _bare(files[i], sizes[i]),
            "in process": lambda i: sum(1 for _ in _in_process(files[i])),
            "child": lambda i: sum(
                1 for _ in renderer.render(files[i], canvas=LLAMA_CANVAS, limits=LIMITS)
            ),
        }
        # the first one warms all three
        seconds = [_round(sides, len(files)) for _ in range(rounds + 1)][1:]
    rows = [
        _row(
            f"pages per second, {side}",
            statistics.median(pages / took[side] for took in seconds),
            "pages/s",
        )
        for side in sides
    ]
    for side, name in (
        ("bare", "child against the bare library"),
        ("in process", "child against the same code without it"),
    ):
        ratio = statistics.median(took[side] / took["child"] for took in seconds)
        rows.append(_row(name, ratio, "ratio", GOAL))
    return [*rows, _row("largest render child", renderer.peak_mb, "MB")]


def _row(metric: str, value: float, unit: str, goal: float | None = None) -> dict[str, Any]:
    return {
        "metric": metric,
        "value": round(value, 3),
        "unit": unit,
        "goal": goal,
        "holds": goal is None or value >= goal,
    }


def _round(sides: dict[str, Callable[[int], int]], files: int) -> dict[str, float]:
    """Seconds that each side took for all files; who goes first changes from file to file."""
    took = dict.fromkeys(sides, 0.0)
    names = list(sides)
    for i in range(files):
        for name in names[i % len(names) :] + names[: i % len(names)]:
            began = time.perf_counter()
            sides[name](i)
            took[name] += time.perf_counter() - began
    return took


def _bare(data: bytes, sizes: Sizes) -> int:
    with pymupdf.open(stream=data, filetype=sniff(data)) as document:
        for page, targets in zip(document, sizes, strict=True):
            for width, height in targets:
                matrix = pymupdf.Matrix(width / page.rect.width, height / page.rect.height)
                page.get_pixmap(matrix=matrix, alpha=False).tobytes("png")
            page.get_text("words")
    return len(sizes)


def _in_process(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    with pdf.open_file(data, max_pages=LIMITS.max_pages, max_pixels=LIMITS.max_pixels) as file:
        for number in range(1, file.page_count + 1):
            page = file.page(number)
            yield page.image(LLAMA_CANVAS).png, page.view(**VIEW)
            page.words()


def _sizes(data: bytes) -> Sizes:
    return [(decoded(model).size, decoded(view).size) for model, view in _in_process(data)]


def _files() -> list[bytes]:
    """Real invoices and receipts where the folder of samples is named, else pages made here:
    printed, scanned, photographed.
    """
    if corpus := os.environ.get("SUREFIELD_CORPUS"):
        found = [
            *sorted(Path(corpus, "invoices").glob("*.pdf"))[:12],
            *sorted(Path(corpus, "receipts").glob("*.jpg"))[:6],
        ]
        return [path.read_bytes() for path in found]
    noise = partial(Image.effect_noise, sigma=30)
    scan = encoded(noise((1240, 1754)).convert("L"), "JPEG", quality=75)
    scanned = pymupdf.open()
    scanned.new_page(width=595, height=842).insert_image(pymupdf.Rect(0, 0, 595, 842), stream=scan)
    photograph = encoded(noise((900, 1600)).convert("RGB"), "JPEG", quality=75)
    return [_printed(pages=1), _printed(pages=5), bytes(scanned.tobytes()), photograph]


def _printed(*, pages: int) -> bytes:
    document = pymupdf.open()
    for _ in range(pages):
        page = document.new_page(width=595, height=842)
        for line in range(50):
            page.insert_text(
                (50, 60 + 15 * line),
                f"{line:3d}  Widgets of the better kind, assorted   {line * 7}.{line:02d}  EUR",
                fontsize=10,
            )
            page.draw_line((50, 63 + 15 * line), (545, 63 + 15 * line), width=0.3)
    return bytes(document.tobytes())
