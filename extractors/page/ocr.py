"""A page without words -> words with boxes, by Tesseract where it is installed.

The program is run, not the library inside the PDF library: a page that hangs is killed when its
time is over, its memory is not the worker's, and it tells how sure it is of each word. What it says
is evidence of the source "ocr", and never taken for a text layer.
"""

import csv
import io
import os
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache

from extractors.errors import OcrFailed
from extractors.page.text import PageText
from extractors.types import Box, Word

SOURCE = "ocr"
PROGRAM = "tesseract"
# below, it is guessing at smudges; a guess would only contradict the model at random
SURE_ENOUGH = 0.3
_WORD_LEVEL = "5"


@dataclass(frozen=True, slots=True)
class SeenWord:
    """A word that was recognised, and how sure the program is of it, 0..1."""

    word: Word
    confidence: float


def why_not(languages: Sequence[str] = ("eng",)) -> str | None:
    """Why pages cannot be recognised here, and what to do about it; None when they can."""
    if shutil.which(PROGRAM) is None:
        return (
            "Tesseract is not installed, so pages without words are not read a second time. Install"
            " it: apt-get install tesseract-ocr."
        )
    missing = sorted(set(languages) - _languages())
    if missing:
        return (
            f"Tesseract lacks {', '.join(missing)}. Install: apt-get install"
            f" {' '.join(f'tesseract-ocr-{one}' for one in missing)}."
        )
    return None


def page_text(
    png: bytes,
    *,
    size_pt: tuple[float, float],
    languages: Sequence[str] = ("eng",),
    timeout_s: float = 60.0,
) -> PageText:
    """What is recognised on a page, to be searched as a text layer is, under a source of its own.

    Raises OcrFailed.
    """
    seen = recognise(png, size_pt=size_pt, languages=languages, timeout_s=timeout_s)
    return PageText([one.word for one in seen if one.confidence >= SURE_ENOUGH], source=SOURCE)


def recognise(
    png: bytes,
    *,
    size_pt: tuple[float, float],
    languages: Sequence[str] = ("eng",),
    timeout_s: float = 60.0,
) -> list[SeenWord]:
    """The words in a picture of a page, in reading order.

    png:     the whole page, best at 200 to 300 dpi
    size_pt: the displayed page's width and height

    Raises OcrFailed, when it is not installed too (see ``why_not``).
    """
    if reason := why_not(languages):
        raise OcrFailed(reason)
    size_px = _size_px(png)
    dpi = round(72 * size_px[0] / size_pt[0])
    command = [
        PROGRAM,
        "stdin",
        "stdout",
        "-l",
        "+".join(languages),
        "--dpi",
        str(min(max(dpi, 70), 2400)),
        "tsv",
    ]
    # several pages at once are faster than several threads on one
    environment = {**os.environ, "OMP_THREAD_LIMIT": "1"}
    try:
        done = subprocess.run(
            command, input=png, capture_output=True, timeout=timeout_s, env=environment
        )
    except subprocess.TimeoutExpired as error:
        raise OcrFailed(
            f"Tesseract took longer than {timeout_s:g} s for a page. Raise its time, or send a"
            " smaller picture."
        ) from error
    except OSError as error:
        raise OcrFailed(
            f"Tesseract cannot be started ({type(error).__name__}). Install it again."
        ) from error
    if done.returncode != 0:  # its words may quote the page, so they are left out
        raise OcrFailed(
            f"Tesseract ended with status {done.returncode}. Look whether the page's picture opens,"
            " and try its program by hand."
        )
    scale = (size_pt[0] / size_px[0], size_pt[1] / size_px[1])
    return list(_words(done.stdout.decode("utf-8", "replace"), scale))


def _words(tsv: str, scale: tuple[float, float]) -> Iterator[SeenWord]:
    x, y = scale
    for row in csv.DictReader(io.StringIO(tsv), delimiter="\t", quoting=csv.QUOTE_NONE):
        text = (row.get("text") or "").strip()
        if row.get("level") != _WORD_LEVEL or not text:
            continue
        left, top, width, height = (int(row[name]) for name in ("left", "top", "width", "height"))
        box = Box(left * x, top * y, (left + width) * x, (top + height) * y)
        yield SeenWord(Word(text, box), min(max(float(row["conf"]) / 100.0, 0.0), 1.0))


def _size_px(png: bytes) -> tuple[int, int]:
    """From the picture's header."""
    if png[:8] != b"\x89PNG\r\n\x1a\n" or len(png) < 24:
        raise OcrFailed("This is no PNG picture. Give the page's rendition for people.")
    return int.from_bytes(png[16:20]), int.from_bytes(png[20:24])


@cache
def _languages() -> frozenset[str]:
    """Those that are installed."""
    try:
        said = subprocess.run([PROGRAM, "--list-langs"], capture_output=True, text=True, timeout=30)
    except (OSError, subprocess.TimeoutExpired):
        return frozenset()
    return frozenset(said.stdout.split("\n")[1:]) - {""}
