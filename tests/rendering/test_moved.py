"""A page moved by a few pixels for a further look."""

import pymupdf
import pytest

from extractors.rendering.moved import SHIFTS, moved
from extractors.types import PageImage


def page(width=40, height=30, dot=(10, 12)):
    """White, with one black pixel."""
    pixels = pymupdf.Pixmap(pymupdf.csRGB, pymupdf.IRect(0, 0, width, height), False)
    pixels.clear_with(255)
    pixels.set_pixel(*dot, (0, 0, 0))
    return PageImage(
        number=3, width_px=width, height_px=height, width_pt=20, height_pt=15,
        png=pixels.tobytes("png"),
    )  # fmt: skip


def dots(image):
    pixels = pymupdf.Pixmap(image.png)
    return [
        (x, y)
        for y in range(pixels.height)
        for x in range(pixels.width)
        if pixels.pixel(x, y) != (255, 255, 255)
    ]


@pytest.mark.parametrize("look", [1, 2])
def test_the_print_is_moved_and_the_size_stays(look):
    first, again = page(), moved(page(), look)
    right, down = SHIFTS[look - 1]

    assert dots(again) == [(10 + right, 12 + down)]
    assert (again.width_px, again.height_px, again.number) == (40, 30, 3)
    assert pymupdf.Pixmap(again.png).irect == pymupdf.Pixmap(first.png).irect


def test_what_moves_out_is_gone_and_what_moves_in_is_white():
    assert dots(moved(page(dot=(39, 29)), 1)) == []


def test_the_same_look_is_the_same_picture_and_two_looks_differ():
    assert moved(page(), 1).png == moved(page(), 1).png != moved(page(), 2).png


def test_there_is_no_third_look():
    with pytest.raises(IndexError):
        moved(page(), 3)
