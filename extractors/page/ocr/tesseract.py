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
_STANDING = 1.5  # a line that is so much higher than wide runs down the page, or up
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
        cuts = [_laid(cut) for cut in _cuts(_opened(png), places, size_pt)]
        lines = [line for ways in cuts for line in ways]
        if not lines:
            return [""] * len(places)
        step = _LINE_PX + 2 * _MARGIN_PX
        texts = [""] * len(lines)
        for seen in _words(self._run(_sheet(lines), "--psm", _LINES, "--dpi", "150"), (1.0, 1.0)):
            if seen.confidence >= SURE_ENOUGH:
                at = min(int(seen.word.box.middle // step), len(lines) - 1)
                texts[at] = f"{texts[at]} {seen.word.text}".strip()
        read = iter(texts)
        return ["\n".join(next(read) for _ in ways).strip() for ways in cuts]

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


def _cuts(page: Image.Image, places: Sequence[Box], size_pt: Size) -> Iterator[Image.Image | None]:
    """Each place of the page; None for one that is too small for any print."""
    x, y = page.width / size_pt[0], page.height / size_pt[1]
    for box in places:
        left, top = max(int(box.x0 * x), 0), max(int(box.y0 * y), 0)
        right, bottom = min(round(box.x1 * x), page.width), min(round(box.y1 * y), page.height)
        small = min(right - left, bottom - top) < _LEAST_SIDE
        yield None if small else page.crop((left, top, right, bottom))


def _laid(cut: Image.Image | None) -> tuple[Image.Image, ...]:
    """The cut as it may be read, as high as a line: one that is higher than wide runs down, or
    up.
    """
    if cut is None:
        return ()
    turns = Image.Transpose.ROTATE_90, Image.Transpose.ROTATE_270
    standing = cut.height >= _STANDING * cut.width
    ways = [cut.transpose(turn) for turn in turns] if standing else [cut]
    return tuple(
        way.resize((max(round(way.width * _LINE_PX / way.height), 1), _LINE_PX)) for way in ways
    )


def _sheet(lines: Sequence[Image.Image]) -> bytes:
    """The lines, one below the other, as a picture."""
    step = _LINE_PX + 2 * _MARGIN_PX
    width = max(line.width for line in lines) + 2 * _MARGIN_PX
    sheet = Image.new("L", (width, step * len(lines)), 255)
    for at, line in enumerate(lines):
        sheet.paste(line, (_MARGIN_PX, at * step + _MARGIN_PX))
    written = io.BytesIO()
    sheet.save(written, "PNG", compress_level=1)
    return written.getvalue()


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
