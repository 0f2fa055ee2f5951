"""Pages that a case describes by their words, drawn: the stages see a picture and a text layer."""

import io
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from PIL import Image, ImageDraw, ImageFont

from extractors.rendering.canvas import fit
from extractors.types import Box, Canvas, PageImage, Word
from worker.rendering.protocol import RenderedPage, RenderLimits

A4_PT = (595.0, 842.0)
CANVAS = Canvas(tile_px=256, max_tiles=2)
_LINE_PT = 14.0


def words_of(given: Sequence[Sequence[Any]]) -> tuple[Word, ...]:
    """Words as cases write them: text and four numbers."""
    return tuple(Word(text, Box(*map(float, box))) for text, *box in given)


class DrawnPages:
    """In place of the render child: pages of these words.

    A page without words shows what the model says of it: it is a scan, and not an empty sheet.
    """

    def __init__(self, pages: Mapping[int, Sequence[Word]], said: Mapping[int, str]) -> None:
        self._pages = pages
        self._said = said

    def render(
        self,
        original: bytes,
        *,
        canvas: Canvas,
        password: str | None,
        limits: RenderLimits,
        first: int = 1,
        waited_s: float = 0.0,
    ) -> Iterator[RenderedPage]:
        for number, words in sorted(self._pages.items()):
            if number >= first:
                yield self._page(number, tuple(words), canvas)

    def _page(self, number: int, words: tuple[Word, ...], canvas: Canvas) -> RenderedPage:
        shown = words or tuple(_lines(self._said.get(number, "")))
        width_pt = max([A4_PT[0], *(word.box.x1 + 10 for word in shown)])
        height_pt = max([A4_PT[1], *(word.box.y1 + 10 for word in shown)])
        view = _drawn(shown, width_pt, height_pt)
        width_px, height_px = fit(width_pt, height_pt, canvas)
        model = PageImage(
            number=number,
            width_px=width_px,
            height_px=height_px,
            width_pt=width_pt,
            height_pt=height_pt,
            png=_png(view.resize((width_px, height_px))),
        )
        return RenderedPage(
            number=number,
            page_count=len(self._pages),
            width_pt=width_pt,
            height_pt=height_pt,
            model=model,
            view_png=_png(view),
            words=words,
        )


def _lines(said: str) -> Iterator[Word]:
    """An answer as lines of a scan."""
    for row in range(0, min(len(said), 2000), 80):
        y = 40 + row / 80 * _LINE_PT
        text = "".join(c if c.isprintable() else " " for c in said[row : row + 80])
        yield Word(text, Box(40, y, 40 + 6 * len(text), y + 10))


def _drawn(words: Sequence[Word], width_pt: float, height_pt: float) -> Image.Image:
    image = Image.new("L", (round(width_pt), round(height_pt)), 255)
    pen = ImageDraw.Draw(image)
    for word in words:
        size = max(6, min(round((word.box.y1 - word.box.y0) * 0.8), 40))
        try:
            pen.text((word.box.x0, word.box.y0), word.text, 0, ImageFont.load_default(size))
        except (UnicodeEncodeError, ValueError, OSError):  # half a character, and other damage
            pen.rectangle((word.box.x0, word.box.y0, word.box.x1, word.box.y1), 0)
    return image


def _png(image: Image.Image) -> bytes:
    data = io.BytesIO()
    image.convert("RGB").save(data, "PNG", compress_level=1)
    return data.getvalue()
