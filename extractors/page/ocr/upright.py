"""Pictures that lie on their side or on their head: found out once a page, and read upright.

A picture is turned as a whole or not at all, so no line is asked for its direction.  The page is
read as it is; only where that gives few words that are sure, or words that run up or down, it is
read again in the other directions, and the best of them counts when it is clearly the best.
"""

import io
from collections.abc import Sequence
from dataclasses import dataclass, replace

from PIL import Image

from extractors.errors import OcrFailed
from extractors.page.ocr.types import Recogniser, SeenWord, Size
from extractors.page.text import is_turned
from extractors.types import Box

DIRECTIONS = (90, 270, 180)  # what is tried, in degrees
LETTERS = 3  # shorter words stand in any direction, and are seen in dirt
SURE = 0.8  # of a word that counts
MOSTLY = 0.6  # share of a page's letters that is sure and upright, to look no further
CLEARLY = 1.5  # so many times the sure letters of the next best direction
FEW = 20  # letters: less than that is no text that could be turned

_TURNS = {90: Image.Transpose.ROTATE_90, 180: Image.Transpose.ROTATE_180}
_TURNS[270] = Image.Transpose.ROTATE_270


@dataclass(frozen=True, slots=True)
class Upright:
    """The words of a page where they stand on it as displayed."""

    words: tuple[SeenWord, ...]
    turned: int | None  # the print's direction, in degrees clockwise; None: it cannot be told


def read_upright(png: bytes, recogniser: Recogniser, *, size_pt: Size) -> Upright:
    """The words of a picture, however it is turned.

    Raises OcrFailed.
    """
    as_it_is = tuple(recogniser.words_of(png, size_pt=size_pt))
    letters, sure = sum(map(_letters, as_it_is)), _sure(as_it_is)
    if sure >= MOSTLY * letters or letters < FEW:
        return Upright(as_it_is, 0)
    tried = {0: as_it_is}
    for turned in DIRECTIONS:
        upright = _upright(png, turned)
        size = size_pt if turned == 180 else (size_pt[1], size_pt[0])
        tried[turned] = tuple(recogniser.words_of(upright, size_pt=size))
    best, next_best = sorted(tried, key=lambda turned: -_sure(tried[turned]))[:2]
    enough = 1 if best == 0 else FEW  # a poor picture reads badly and is not turned for that
    if _sure(tried[best]) < max(CLEARLY * _sure(tried[next_best]), enough):
        return Upright(as_it_is, None)
    return Upright(tuple(_back(one, best, size_pt) for one in tried[best]), best)


def _letters(one: SeenWord) -> int:
    return len(one.word.text) if len(one.word.text) >= LETTERS else 0


def _sure(words: Sequence[SeenWord]) -> int:
    """Letters of the words that are sure and upright."""
    return sum(_letters(one) for one in words if one.confidence >= SURE and not is_turned(one.word))


def _upright(png: bytes, turned: int) -> bytes:
    """The picture, turned back."""
    try:
        with Image.open(io.BytesIO(png), formats=("PNG",)) as picture:
            upright = picture.transpose(_TURNS[turned])  # counterclockwise
    except (OSError, SyntaxError, ValueError) as error:
        raise OcrFailed("The page's picture is damaged. Render the document again.") from error
    buffer = io.BytesIO()
    upright.save(buffer, "PNG", compress_level=1)
    return buffer.getvalue()


def _back(one: SeenWord, turned: int, size_pt: Size) -> SeenWord:
    """The word where it stands on the page as displayed.

    size_pt: of that page
    """
    width, height = size_pt
    box = one.word.box
    back = {
        0: box,
        90: Box(width - box.y1, box.x0, width - box.y0, box.x1),
        180: Box(width - box.x1, height - box.y1, width - box.x0, height - box.y0),
        270: Box(box.y0, height - box.x1, box.y1, height - box.x0),
    }[turned]
    return replace(one, word=replace(one.word, box=back))
