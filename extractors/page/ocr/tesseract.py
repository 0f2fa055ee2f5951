"""Tesseract: the small OCR engine, one program run a page.

The program is run, not the library inside the PDF library: a page that hangs is killed when its
time is over, its memory is not the worker's, and it tells how sure it is of each word.
"""

import csv
import io
import os
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from functools import cache

from PIL import Image

from extractors.errors import OcrFailed
from extractors.page.ocr.types import SURE_ENOUGH, SeenWord, Size, size_px_of
from extractors.types import Box, Word

NAME = "tesseract"
PROGRAM = "tesseract"
ENGLISH = ("eng",)
_WORD_LEVEL = "5"
_LINES = "6"  # page segmentation: one block of lines, one below the other
_LINE_PX = 48  # height that each place is brought to for a look
_LEAST_SIDE = 4  # pixels of a place that may hold print
_MARGIN_PX = 24  # of paper around each


def why_not(languages: Sequence[str] = ENGLISH) -> str | None:
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


class Tesseract:
    """Debian's Tesseract with these languages."""

    name = NAME

    def __init__(self, languages: Sequence[str] = ENGLISH, *, timeout_s: float = 60.0) -> None:
        self.languages = tuple(languages)
        self.timeout_s = timeout_s

    def words_of(self, png: bytes, *, size_pt: Size) -> list[SeenWord]:
        """The words in a picture of a page, in reading order.

        Raises OcrFailed, when it is not installed too (see ``why_not``).
        """
        size_px = size_px_of(png)
        dpi = round(72 * size_px[0] / size_pt[0])
        tsv = self._run(png, "--dpi", str(min(max(dpi, 70), 2400)))
        return list(_words(tsv, (size_pt[0] / size_px[0], size_pt[1] / size_px[1])))

    def texts_at(self, png: bytes, places: Sequence[Box], *, size_pt: Size) -> list[str]:
        """The places, cut out and laid one below the other, are read as one page.

        Raises OcrFailed.
        """
        if not places:
            return []
        sheet, bands = _sheet(png, places, size_pt)
        texts = [""] * len(places)
        for seen in _words(self._run(sheet, "--psm", _LINES, "--dpi", "150"), (1.0, 1.0)):
            at = next((i for i, band in enumerate(bands) if band.holds(seen.word.box)), None)
            if at is not None and seen.confidence >= SURE_ENOUGH:
                texts[at] = f"{texts[at]} {seen.word.text}".strip()
        return texts

    def close(self) -> None:
        """Nothing goes on between two pages."""

    def _run(self, png: bytes, *options: str) -> str:
        if reason := why_not(self.languages):
            raise OcrFailed(reason)
        command = [PROGRAM, "stdin", "stdout", "-l", "+".join(self.languages), *options, "tsv"]
        # several pages at once are faster than several threads on one
        environment = {**os.environ, "OMP_THREAD_LIMIT": "1"}
        try:
            done = subprocess.run(
                command, input=png, capture_output=True, timeout=self.timeout_s, env=environment
            )
        except subprocess.TimeoutExpired as error:
            raise OcrFailed(
                f"Tesseract took longer than {self.timeout_s:g} s for a page. Raise its time, or"
                " send a smaller picture."
            ) from error
        except OSError as error:
            raise OcrFailed(
                f"Tesseract cannot be started ({type(error).__name__}). Install it again."
            ) from error
        if done.returncode != 0:  # its words may quote the page, so they are left out
            raise OcrFailed(
                f"Tesseract ended with status {done.returncode}. Look whether the page's picture"
                " opens, and try its program by hand."
            )
        return done.stdout.decode("utf-8", "replace")


def _words(tsv: str, scale: tuple[float, float]) -> Iterator[SeenWord]:
    x, y = scale
    for row in csv.DictReader(io.StringIO(tsv), delimiter="\t", quoting=csv.QUOTE_NONE):
        text = (row.get("text") or "").strip()
        if row.get("level") != _WORD_LEVEL or not text:
            continue
        left, top, width, height = (int(row[name]) for name in ("left", "top", "width", "height"))
        box = Box(left * x, top * y, (left + width) * x, (top + height) * y)
        yield SeenWord(Word(text, box), min(max(float(row["conf"]) / 100.0, 0.0), 1.0))


def _sheet(png: bytes, places: Sequence[Box], size_pt: Size) -> tuple[bytes, list[Box]]:
    """The places as lines of one picture, and the band of each, in pixels of it."""
    page = _opened(png)
    x, y = page.width / size_pt[0], page.height / size_pt[1]
    cuts = []
    for box in places:
        left, top = max(int(box.x0 * x), 0), max(int(box.y0 * y), 0)
        right, bottom = min(round(box.x1 * x), page.width), min(round(box.y1 * y), page.height)
        if min(right - left, bottom - top) < _LEAST_SIDE:
            cuts.append(Image.new("L", (1, _LINE_PX), 255))
            continue
        cut = page.crop((left, top, right, bottom))
        cuts.append(cut.resize((max(round(cut.width * _LINE_PX / cut.height), 1), _LINE_PX)))
    step = _LINE_PX + 2 * _MARGIN_PX
    width = max(cut.width for cut in cuts) + 2 * _MARGIN_PX
    sheet = Image.new("L", (width, step * len(cuts)), 255)
    for at, cut in enumerate(cuts):
        sheet.paste(cut, (_MARGIN_PX, at * step + _MARGIN_PX))
    written = io.BytesIO()
    sheet.save(written, "PNG", compress_level=1)
    bands = [Box(0, at * step, width, (at + 1) * step) for at in range(len(cuts))]
    return written.getvalue(), bands


def _opened(png: bytes) -> Image.Image:
    size_px_of(png)
    try:
        return Image.open(io.BytesIO(png)).convert("L")
    except (OSError, SyntaxError, ValueError) as error:
        raise OcrFailed("The page's picture is damaged. Render the document again.") from error


@cache
def _languages() -> frozenset[str]:
    """Those that are installed."""
    try:
        said = subprocess.run([PROGRAM, "--list-langs"], capture_output=True, text=True, timeout=30)
    except (OSError, subprocess.TimeoutExpired):
        return frozenset()
    return frozenset(said.stdout.split("\n")[1:]) - {""}
