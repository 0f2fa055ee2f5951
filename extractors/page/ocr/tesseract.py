"""Tesseract: the small OCR engine, one program run a page.

The program is run, not the library inside the PDF library: a page that hangs is killed when its
time is over, its memory is not the worker's, and it tells how sure it is of each word.  It runs
behind walls, with a limit of its own, and nothing of the worker's environment.
"""

import csv
import io
import json
import logging
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path

from PIL import Image

from extractors.errors import OcrFailed
from extractors.page.ocr.types import (
    MEMORY_MB,
    SURE_ENOUGH,
    WALLS_REQUIRED,
    SeenWord,
    Size,
    size_px_of,
)
from extractors.sandbox.run import NOT_WALLED
from extractors.sandbox.walls import Walls, walls_of
from extractors.types import Box, Word

log = logging.getLogger(__name__)

NAME = "tesseract"
PROGRAM = "tesseract"
ENGLISH = ("eng",)
_WORD_LEVEL = "5"
_LINES = "6"  # page segmentation: one block of lines, one below the other
_LINE_PX = 48  # height that each place is brought to for a look
_STANDING = 1.5  # a line that is so much higher than wide runs down the page, or up
_LEAST_SIDE = 4  # pixels of a place that may hold print
_MARGIN_PX = 24  # of paper around each
_HOUSE = Path(__file__).resolve().parents[3]
_KEPT = ("LD_LIBRARY_PATH", "TESSDATA_PREFIX")  # of the environment


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

    def __init__(
        self,
        languages: Sequence[str] = ENGLISH,
        *,
        timeout_s: float = 60.0,
        memory_mb: int = MEMORY_MB,
        walls_required: bool = False,
    ) -> None:
        self.languages = tuple(languages)
        self.timeout_s = timeout_s
        self.memory_mb = memory_mb
        self.walls_required = walls_required

    def walls(self) -> Walls:
        """What is in force around the program.

        Raises OcrFailed.
        """
        return _walls()

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
        program = shutil.which(PROGRAM) or PROGRAM
        command = [program, "stdin", "stdout", "-l", "+".join(self.languages), *options, "tsv"]
        if not _walls().whole:
            log.warning("Tesseract works without its sandbox: %s", _walls().words)
        try:
            done = _behind_walls(
                self.memory_mb, self.timeout_s, self.walls_required, command, given=png
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
        if done.returncode == NOT_WALLED and self.walls_required:
            raise OcrFailed(WALLS_REQUIRED.format(walls=_walls().words))
        if done.returncode == -signal.SIGXCPU:
            raise OcrFailed(
                f"Tesseract computed longer than {self.timeout_s:g} s for a page. Raise its time,"
                " or send a smaller picture."
            )
        if done.returncode != 0:  # its words may quote the page, so they are left out
            raise OcrFailed(
                f"Tesseract ended with status {done.returncode}. It had {self.memory_mb} MB: raise"
                " SUREFIELD_OCR_MEMORY_MB, or try its program by hand on the page's picture."
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
        return Image.open(io.BytesIO(png), formats=("PNG",)).convert("L")
    except (OSError, SyntaxError, ValueError) as error:
        raise OcrFailed("The page's picture is damaged. Render the document again.") from error


def _behind_walls(
    memory_mb: int,
    seconds: float,
    required: bool,
    command: Sequence[str] = (),
    *,
    given: bytes = b"",
) -> "subprocess.CompletedProcess[bytes]":
    """Run a program, or ask for the walls.  Raises TimeoutExpired or OSError."""
    # several pages at once are faster than several threads on one
    environment = {"OMP_THREAD_LIMIT": "1", "PATH": os.defpath, "PYTHONPATH": str(_HOUSE)}
    environment |= {name: os.environ[name] for name in _KEPT if name in os.environ}
    demand = "required" if required else "available"
    run = [sys.executable, "-P", "-S", "-m", "extractors.sandbox.run"]
    return subprocess.run(
        [*run, str(memory_mb), str(seconds), demand, *command],
        input=given,
        capture_output=True,
        timeout=seconds,
        env=environment,
        cwd="/",
    )


@cache
def _walls() -> Walls:
    try:
        said = _behind_walls(MEMORY_MB, 60.0, False).stdout
        return walls_of(json.loads(said))
    except (OSError, subprocess.TimeoutExpired, ValueError, KeyError, TypeError) as error:
        raise OcrFailed(
            f"The sandbox of Tesseract cannot be started ({type(error).__name__}). Look whether"
            f" {sys.executable} runs."
        ) from error


@cache
def _languages() -> frozenset[str]:
    """Those that are installed."""
    try:
        said = subprocess.run([PROGRAM, "--list-langs"], capture_output=True, text=True, timeout=30)
    except (OSError, subprocess.TimeoutExpired):
        return frozenset()
    return frozenset(said.stdout.split("\n")[1:]) - {""}
