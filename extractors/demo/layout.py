"""Sheets: pieces of text set on a page, and what is true of them.

A sheet is the one description from which the PDF, the truth and the training targets all come.
Slips are set on a line grid of ten points in typefaces sized so that an ``x`` is at least seven
pixels high on the model's canvas.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # training from pages made elsewhere needs no PDF library
    import pymupdf

TILE_PX = 182  # 13 x 13 patches of 14 px
PX_PER_PT = 1.4  # a slip fills two tiles side by side exactly
WIDTH_PT = 260.0
HEIGHT_PT = 130.0
ROW_PT = 10.0  # one patch high
ROWS = 13
MIN_GLYPH_PX = 7.0

# Height of an "x" as a share of the size, for the faces every PDF reader has.
FACES: Mapping[str, float] = {
    "helv": 0.524, "hebo": 0.540, "heit": 0.524, "hebi": 0.540,
    "tiro": 0.450, "tibo": 0.461, "tiit": 0.430, "tibi": 0.449,
    "cour": 0.419, "cobo": 0.425,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Ink:
    """One piece of text on a sheet."""

    text: str
    x: float  # left end, points
    baseline: float  # points from the top
    face: str
    size: float  # points
    grey: float = 0.0  # 0 is black
    # "total" or "items.0.amount" when the piece is that field's value as printed
    field: str | None = None


@dataclass(frozen=True, slots=True)
class Rule:
    """A thin horizontal or vertical line."""

    x0: float
    y0: float
    x1: float
    y1: float
    width: float = 0.6


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """One page before it is ink."""

    inks: tuple[Ink, ...]
    rules: tuple[Rule, ...] = ()
    truth: Mapping[str, Any] = field(default_factory=dict)  # as printed on this very page
    width_pt: float = WIDTH_PT
    height_pt: float = HEIGHT_PT
    is_slip: bool = True


@dataclass(frozen=True, slots=True)
class Glyph:
    """Where one character's middle is, in points."""

    char: str
    x: float
    y: float


@cache
def _font(face: str) -> "pymupdf.Font":
    import pymupdf

    return pymupdf.Font(face)


@lru_cache(maxsize=4096)
def _advance(face: str, char: str) -> float:
    return float(_font(face).char_lengths(char, 1.0)[0])


@lru_cache(maxsize=4096)
def _extent(face: str, char: str) -> tuple[float, float]:
    box = _font(face).glyph_bbox(ord(char))
    return float(box.y1), float(-box.y0)


def above(ink: Ink) -> float:
    """How far a piece of text reaches above its baseline, in points."""
    return ink.size * max(_extent(ink.face, char)[0] for char in ink.text)


def below(ink: Ink) -> float:
    """How far a piece of text reaches below its baseline, in points."""
    return ink.size * max(_extent(ink.face, char)[1] for char in ink.text)


def text_width(text: str, face: str, size: float) -> float:
    """How long a piece of text is, in points."""
    return size * sum(_advance(face, char) for char in text)


def size_for(face: str, x_height_px: float) -> float:
    """The size at which an ``x`` of this face is so many pixels high on the canvas."""
    return x_height_px / PX_PER_PT / FACES[face]


def glyphs(ink: Ink) -> list[Glyph]:
    """The middle of every character of a piece of text."""
    found, x = [], ink.x
    for char in ink.text:
        step = ink.size * _advance(ink.face, char)
        found.append(Glyph(char, x + step / 2, ink.baseline - 0.33 * ink.size))
        x += step
    return found


def draw(sheet: Sheet) -> "pymupdf.Document":
    """The sheet as a PDF page."""
    import pymupdf

    document = pymupdf.open()
    page = document.new_page(width=sheet.width_pt, height=sheet.height_pt)
    # one content stream: a call to the page for each piece would rewrite it every time
    shape = page.new_shape()
    for rule in sheet.rules:
        shape.draw_line((rule.x0, rule.y0), (rule.x1, rule.y1))
        shape.finish(color=(0.3, 0.3, 0.3), width=rule.width)
    for ink in sheet.inks:
        shape.insert_text(
            (ink.x, ink.baseline),
            ink.text,
            fontname=ink.face,
            fontsize=ink.size,
            color=(ink.grey,) * 3,
        )
    shape.commit()
    return document
