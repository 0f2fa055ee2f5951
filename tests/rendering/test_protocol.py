"""What the worker believes of its render child: pictures of the agreed size, and nothing larger."""

import io
import json
import struct
from dataclasses import replace

import pytest
from PIL import Image

from extractors.rendering.canvas import fit
from extractors.rendering.file_types import Pixels
from extractors.types import Box, Word
from tests.factories import render_limits
from tests.rendering.files import CANVAS
from worker.rendering.protocol import (
    NONSENSE,
    DrawnPage,
    largest_picture,
    pack,
    pack_page,
    unpack,
    unpack_page,
)

LIMITS = render_limits(view_pixels=20_000)
MODEL_PX = fit(300, 400, CANVAS)


def pixels(width_px, height_px):
    """No two rows alike."""
    return Pixels(width_px, height_px, bytes(i % 251 for i in range(3 * width_px * height_px)))


PAGE = DrawnPage(
    number=1,
    page_count=1,
    width_pt=300,
    height_pt=400,
    model=pixels(*MODEL_PX),
    view=pixels(120, 160),
    words=(Word("Total", Box(1, 2, 3, 4)),),
)


def unpacked(page):
    """As the worker reads it."""
    header, payloads = unpack(
        io.BytesIO(b"".join(pack_page(page))).read, most=largest_picture(CANVAS, LIMITS)
    )
    return unpack_page(header["page"], payloads, canvas=CANVAS, limits=LIMITS)


def test_samples_go_in_and_pngs_of_the_same_pixels_come_out():
    """Both renditions, and what is known of the page."""
    page = unpacked(PAGE)
    for png, drawn in ((page.model.png, PAGE.model), (page.view_png, PAGE.view)):
        picture = Image.open(io.BytesIO(png), formats=("PNG",))
        assert picture.size == (drawn.width_px, drawn.height_px)
        assert picture.tobytes() == drawn.rgb
    assert (page.model.width_px, page.model.height_px) == MODEL_PX
    assert page.words == PAGE.words


NOT_AGREED = {
    "model lower": replace(PAGE, model=pixels(MODEL_PX[0], MODEL_PX[1] - 1)),
    "model turned": replace(PAGE, model=pixels(MODEL_PX[1], MODEL_PX[0] + 1)),
    "view cut short": replace(PAGE, view=Pixels(120, 160, bytes(3 * 120 * 160 - 1))),
    "view empty": replace(PAGE, view=Pixels(120, 160, b"")),
    "view without width": replace(PAGE, view=Pixels(0, 160, b"")),
    "view of negative size": replace(PAGE, view=Pixels(-120, -160, bytes(3 * 120 * 160))),
    "view too large": replace(PAGE, view=pixels(200, 101)),  # more than the limit of 20,000
    "page of infinite width": replace(PAGE, width_pt=float("inf")),
    "page without a number": replace(PAGE, width_pt=float("nan")),
    "page without width": replace(PAGE, width_pt=0.0),
    "page of negative height": replace(PAGE, height_pt=-400.0),
}


@pytest.mark.parametrize("name", NOT_AGREED)
def test_a_picture_of_another_size_than_agreed_is_no_picture(name):
    """The size for the model follows from the page's; that for people has a limit."""
    with pytest.raises(NONSENSE):
        unpacked(NOT_AGREED[name])


def test_a_picture_for_people_may_have_as_many_pixels_as_the_limit():
    """One more is refused above."""
    assert unpacked(replace(PAGE, view=pixels(200, 100))).view_png


@pytest.mark.parametrize("lengths", [[61], [1, 1, 1], [-1], [60, 61]], ids=str)
def test_payloads_that_were_not_agreed_are_not_even_read(lengths):
    """Neither too long, nor too many: the memory is the worker's."""
    header = json.dumps({"page": {}, "payloads": lengths}).encode()
    frame = io.BytesIO(struct.pack(">I", len(header)) + header + bytes(1_000))
    with pytest.raises(ValueError, match="too many or too long"):
        unpack(frame.read, most=60)
    assert frame.tell() == 4 + len(header)


def test_payloads_as_long_as_agreed_are_read():
    """The limit itself is allowed, for each."""
    frame = io.BytesIO(b"".join(pack({"page": {}}, bytes(60), bytes(60))))
    assert unpack(frame.read, most=60) == ({"page": {}}, [bytes(60), bytes(60)])
