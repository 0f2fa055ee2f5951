"""Real damaged, encrypted, malformed and odd PDFs: each ends in pages or in an error that says what
to do.
"""

import os
import time
from collections import Counter
from pathlib import Path

import pytest

from extractors.errors import SurefieldError
from extractors.types import LLAMA_CANVAS
from tests.factories import render_limits
from worker.rendering.renderer import Renderer

CORPUS = os.environ.get("SUREFIELD_CORPUS")
LIMITS = render_limits(page_seconds=10)


def outcome_of(renderer: Renderer, data: bytes) -> str:
    """The code of the error, or "pages"."""
    try:
        pages = sum(1 for _ in renderer.render(data, canvas=LLAMA_CANVAS, limits=LIMITS))
    except SurefieldError as error:
        return error.code
    return "pages" if pages else "nothing"


@pytest.mark.timeout(1200)
@pytest.mark.skipif(
    not CORPUS, reason="SUREFIELD_CORPUS does not name the folder of sample documents"
)
def test_every_hostile_file_ends_in_pages_or_a_named_error(capsys):
    """No file hangs, and none takes the renderer with it."""
    files = sorted(Path(CORPUS or "", "hostile").rglob("*.pdf"))
    outcomes: Counter[str] = Counter()
    slowest, slowest_file = 0.0, ""
    with Renderer() as renderer:
        for file in files:
            began = time.monotonic()
            outcomes[outcome_of(renderer, file.read_bytes())] += 1
            if time.monotonic() - began > slowest:
                slowest, slowest_file = time.monotonic() - began, file.name
    with capsys.disabled():
        print(
            f"\nhostile files: {dict(outcomes)}; largest render child {renderer.peak_mb} MB;"
            f" slowest {slowest:.1f} s, {slowest_file}"
        )
    assert outcomes.total() == len(files) >= 445
    assert outcomes["pages"] + outcomes["unsupported_file"] > 370  # XFA forms are refused by name
    assert not outcomes["nothing"]
    assert not outcomes["internal"]
    assert slowest < 60
