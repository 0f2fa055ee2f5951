"""What an OCR engine gives, and what every engine can be asked."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from extractors.errors import OcrFailed
from extractors.sandbox.walls import Walls
from extractors.types import Box, Word

SOURCE = "ocr"  # as a source of evidence, beside the text layer
# below, it is guessing at smudges; a guess would only contradict the model at random
SURE_ENOUGH = 0.3

MEMORY_MB = 1_500  # address space of the engine's process; a page takes 0.6 GB of it at most
WALLS_REQUIRED = (
    "Pictures are not read here: {walls}. Run on Linux 5.13 or newer with Landlock and seccomp, or"
    " set SUREFIELD_SANDBOX=available to do without."
)

Size = tuple[float, float]  # width and height


@dataclass(frozen=True, slots=True)
class SeenWord:
    """A word that was recognised, and how sure the engine is of it, 0..1."""

    word: Word
    confidence: float


class Recogniser(Protocol):
    """One OCR engine.  What it needs is started when it is first asked."""

    @property
    def name(self) -> str:
        """As settings name it."""

    def words_of(self, png: bytes, *, size_pt: Size) -> list[SeenWord]:
        """The words in a picture of a page, in reading order.

        png:     the whole page, best at 200 to 300 dpi
        size_pt: the displayed page's width and height

        Raises OcrFailed.
        """

    def texts_at(self, png: bytes, places: Sequence[Box], *, size_pt: Size) -> list[str]:
        """What is printed in each of these boxes of a page; an empty text where nothing is, and two
        lines where a box is higher than wide: read down the page, and up.

        All in one call, and the rest of the page is not looked at.

        Raises OcrFailed.
        """

    def walls(self) -> Walls:
        """What is in force around the process that opens pictures.

        Raises OcrFailed.
        """

    def close(self) -> None:
        """End what was started."""


def size_px_of(png: bytes) -> tuple[int, int]:
    """Width and height of a PNG in pixels, from its header.

    Raises OcrFailed.
    """
    if png[:8] != b"\x89PNG\r\n\x1a\n" or len(png) < 24:
        raise OcrFailed("This is no PNG picture. Give the page's rendition for people.")
    return int.from_bytes(png[16:20]), int.from_bytes(png[20:24])
