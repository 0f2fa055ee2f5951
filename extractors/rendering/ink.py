"""Does a text layer cover what is printed?  A scan with a stamp has words, and they are not the
page's.

The page's ink falls apart into blobs.  Those of the size of letters are counted, and how many of
them lie in the boxes of words.  Of 115 real pages with a text layer of their own the lowest share
is 0.77; of scans with a stamp it is 0.03 to 0.10.  Pillow alone, so that a CPU worker needs no
numpy.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from PIL import Image, ImageDraw

from extractors.rendering.image_quality import LEAST_CONTRAST, paper_and_print
from extractors.types import Box, Word

COVERS = 0.5  # a smaller share is no text layer of this page
FEWEST_BLOBS = 12  # fewer than this are no text to be covered
LETTER_PT = (3.0, 40.0)  # height of a letter, or of letters that touch
LONGEST_PT = 60.0  # their width: more is a line or a picture
NEAR_PT = 1.0  # a letter may stand out of its word's box
_INK = re.compile(b"\xff+")


@dataclass(slots=True)
class _Blob:
    """What hangs together, as far as it was followed, in pixels."""

    x0: int
    y0: int
    x1: int
    y1: int
    into: "_Blob | None" = None  # it turned out to be a part of this one

    def whole(self) -> "_Blob":
        found = self
        while found.into is not None:
            found = found.into
        return found

    def take(self, other: "_Blob") -> None:
        other.into = self
        self.x0, self.x1 = min(self.x0, other.x0), max(self.x1, other.x1)
        self.y0, self.y1 = min(self.y0, other.y0), max(self.y1, other.y1)


def coverage(
    width_px: int, height_px: int, rgb: bytes | memoryview, words: Sequence[Word]
) -> float | None:
    """The share of letter-sized blobs that lie in boxes of words; None where there is no text.

    rgb: the page at 72 dpi, a pixel a point, 8 bits a channel without row padding
    """
    samples: Any = rgb  # Pillow takes every buffer; its types do not say so
    page = Image.frombuffer("RGB", (width_px, height_px), samples, "raw", "RGB", 0, 1).convert("L")
    letters = [blob for blob in _blobs(page) if _is_letter(blob)]
    if len(letters) < FEWEST_BLOBS:
        return None
    boxed = _boxed(page.size, (word.box for word in words))
    inside = sum(
        boxed.getpixel(((blob.x0 + blob.x1) // 2, (blob.y0 + blob.y1) // 2)) == 255
        for blob in letters
    )
    return inside / len(letters)


def _is_letter(blob: _Blob) -> bool:
    height, width = blob.y1 - blob.y0, blob.x1 - blob.x0
    return LETTER_PT[0] <= height <= LETTER_PT[1] and width <= LONGEST_PT


def _boxed(size: tuple[int, int], boxes: Iterable[Box]) -> Image.Image:
    """White where a word's box is."""
    mask = Image.new("L", size)
    draw = ImageDraw.Draw(mask)
    for box in boxes:
        x0, y0 = max(box.x0 - NEAR_PT, 0), max(box.y0 - NEAR_PT, 0)
        x1, y1 = min(box.x1 + NEAR_PT, size[0]), min(box.y1 + NEAR_PT, size[1])
        if x0 <= x1 and y0 <= y1:
            draw.rectangle((x0, y0, x1, y1), fill=255)
    return mask


def _blobs(page: Image.Image) -> Iterator[_Blob]:
    """What hangs together on the page: runs of ink that touch, row by row."""
    paper, ink = paper_and_print(page.histogram())
    if paper - ink < LEAST_CONTRAST * 255:
        return
    dark = page.point([255 if shade <= (paper + ink) // 2 else 0 for shade in range(256)])
    rows, width = dark.tobytes(), page.width
    above: list[tuple[int, int, _Blob]] = []
    found: list[_Blob] = []
    for y in range(page.height):
        runs: list[tuple[int, int, _Blob]] = []
        at = 0
        for match in _INK.finditer(rows, y * width, (y + 1) * width):
            start, end = match.start() - y * width, match.end() - y * width
            blob: _Blob | None = None
            while at < len(above) and above[at][1] < start:
                at += 1
            for left, _, over in above[at:]:
                if left > end:
                    break
                whole = over.whole()
                if blob is None:
                    blob = whole
                elif blob is not whole:
                    blob.take(whole)
            if blob is None:
                blob = _Blob(start, y, end, y + 1)
                found.append(blob)
            blob.x0, blob.x1, blob.y1 = min(blob.x0, start), max(blob.x1, end), y + 1
            runs.append((start, end, blob))
        above = runs
    yield from (blob for blob in found if blob.into is None)
