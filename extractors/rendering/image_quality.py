"""How good is the picture that the reader saw: a few honest measures of a page image.

They are evidence only: no decision uses them yet.  Pillow alone, so that a CPU worker needs no
numpy.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Any

from PIL import Image, ImageChops

EDGE_SHARE = 0.002  # of all steps between neighbouring pixels: the steepest are the letters' edges
LEAST_CONTRAST = 0.05  # of black on white: fainter marks are dirt or noise, and no print


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageQuality:
    """Measures of one page image, each 0..1; None where there is nothing to measure it by."""

    contrast: float  # between paper and print, 1 is black on white; 0 on a blank page
    ink: float  # share of the pixels that are nearer to print than to paper
    sharpness: float | None  # steepest step from paper to print within one pixel; None when blank


def image_quality(width_px: int, height_px: int, rgb: bytes | memoryview) -> ImageQuality:
    """What can be said of a picture, given as 8-bit RGB samples without row padding."""
    samples: Any = rgb  # Pillow takes every buffer; its types do not say so
    grey = Image.frombuffer("RGB", (width_px, height_px), samples, "raw", "RGB", 0, 1).convert("L")
    shades = grey.histogram()
    paper, print_ = paper_and_print(shades)
    contrast = max(0, paper - print_) / 255
    if contrast < LEAST_CONTRAST:
        return ImageQuality(contrast=contrast, ink=0.0, sharpness=None)
    dark = sum(shades[: (paper + print_) // 2 + 1]) / sum(shades)
    return ImageQuality(contrast=contrast, ink=dark, sharpness=_sharpness(grey, paper - print_))


def paper_and_print(shades: Sequence[int]) -> tuple[int, int]:
    """The shade of the paper and the darkest of the print, from a histogram of greys."""
    return _paper(shades), _percentile(shades, 0.001)


def _paper(shades: Sequence[int]) -> int:
    """The commonest shade."""
    return max(range(256), key=lambda shade: shades[shade])


def _percentile(shades: Sequence[int], share: float) -> int:
    """The darkest shade that at least this share of the pixels do not exceed."""
    wanted = share * sum(shades)
    return next(shade for shade, upto in enumerate(accumulate(shades)) if upto >= wanted)


def _sharpness(grey: Image.Image, depth: int) -> float | None:
    """The steepest steps between side-by-side pixels, as a share of the whole step from paper to
    print: blur spreads one step over several pixels.
    """
    width, height = grey.size
    if width < 2:
        return None
    left, right = grey.crop((0, 0, width - 1, height)), grey.crop((1, 0, width, height))
    steps = ImageChops.difference(left, right).histogram()
    return min(1.0, _percentile(steps, 1 - EDGE_SHARE) / depth)
