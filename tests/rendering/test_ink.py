"""Does a text layer cover what is printed?  Told from the page's ink alone."""

import pymupdf
import pytest

from extractors.rendering.ink import COVERS, coverage
from extractors.rendering.pdf import open_file
from extractors.types import Box, Word

LINES = ("Brightwater Tools Ltd", "Invoice BW-30417 of 12 March 2026", "Total due 1,250.00 EUR")


def a_pdf(*, printed=LINES, hidden=(), picture_of=()):
    """A page that prints these lines, has these in an invisible layer, and shows a picture of
    those.
    """
    document = pymupdf.open()
    page = document.new_page(width=420, height=300)
    if picture_of:
        with pymupdf.open() as other:
            shown = other.new_page(width=420, height=300)
            for row, line in enumerate(picture_of):
                shown.insert_text((30, 120 + 20 * row), line)
            picture = shown.get_pixmap(dpi=200).tobytes("png")
        page.insert_image(page.rect, stream=picture)
    for row, line in enumerate(printed):
        page.insert_text((30, 40 + 20 * row), line)
    for row, line in enumerate(hidden):
        page.insert_text((30, 120 + 20 * row), line, render_mode=3)
    return bytes(document.tobytes())


def coverage_of(pdf):
    with open_file(pdf, max_pages=1, max_pixels=10_000_000) as file:
        page = file.page(1)
        return page.layer_coverage(page.words())


def test_a_page_of_text_is_covered_by_its_words():
    """Nearly every letter lies in a word's box."""
    assert coverage_of(a_pdf()) > 0.95


def test_a_scan_with_an_honest_hidden_layer_is_covered():
    """As programs for OCR write it."""
    assert coverage_of(a_pdf(printed=(), picture_of=LINES, hidden=LINES)) > 0.9


def test_a_scan_with_a_stamp_is_not_covered():
    """Its only words are those of the stamp."""
    stamped = a_pdf(printed=("Received 14 March",), picture_of=LINES * 3)

    assert coverage_of(stamped) < COVERS


def test_rules_frames_and_dots_are_no_letters():
    """A form full of lines is covered by its few words."""
    document = pymupdf.open(stream=a_pdf())
    page = document[0]
    for at in range(20):
        page.draw_line((10, 150 + 5 * at), (400, 150 + 5 * at))
        page.draw_circle((10 + 15 * at, 280), 0.6, fill=(0, 0, 0))
    page.draw_rect((5, 5, 415, 295))

    assert coverage_of(bytes(document.tobytes())) > 0.95


@pytest.mark.parametrize("printed", [(), ("12.50",)], ids=["nothing", "a few letters"])
def test_where_there_is_no_text_to_cover_nothing_can_be_told(printed):
    """An unknown share is None, and the layer counts."""
    assert coverage_of(a_pdf(printed=printed, hidden=("12.50",))) is None


def test_a_page_without_words_is_not_looked_at():
    """There is nothing that could cover it."""
    assert coverage_of(a_pdf(printed=(), picture_of=LINES)) is None


def test_boxes_that_are_none_cover_nothing():
    """They come from a stranger's file: beyond the page, turned inside out, endless."""
    ink = bytearray(b"\xff" * (200 * 100 * 3))
    for letter in range(20):
        for row in range(40, 48):
            at = 3 * (200 * row + 5 + 9 * letter)
            ink[at : at + 15] = b"\0" * 15
    boxes = [Box(500, 500, 600, 600), Box(50, 50, 10, 10), Box(-1e30, -1e30, -1e29, -1e29)]
    words = [Word("x", box) for box in boxes]

    assert coverage(200, 100, bytes(ink), words) == 0.0
    assert coverage(200, 100, bytes(ink), [Word("x", Box(0, 30, 1e30, 60))]) == 1.0


def test_shapes_that_grow_together_are_one():
    """A comb of forty teeth is one blob, and no letter."""
    ink = bytearray(b"\xff" * (400 * 100 * 3))
    for tooth in range(40):
        for row in range(20, 60):
            at = 3 * (400 * row + 5 + 9 * tooth)
            ink[at : at + 6] = b"\0" * 6
    bar = 3 * (400 * 60)
    ink[bar : bar + 1200] = b"\0" * 1200

    assert coverage(400, 100, bytes(ink), [Word("x", Box(0, 0, 10, 10))]) is None
