"""Words recognised on a picture of a page: where they are, what they say, and that nothing pretends
to have read.
"""

import pymupdf
import pytest

from extractors.documents import BUILT_IN
from extractors.errors import OcrFailed
from extractors.evidence.grounding import Agreement, ground
from extractors.page import ocr
from extractors.rendering.pdf import open_file

INVOICE = BUILT_IN["invoice"]
LINES = (
    "Invoice number: INV-2041",
    "Invoice date: 12 March 2026",
    "Seller: Ada Brandt",
    "Total due: 1,284.50 EUR",
)
SIZE = (420.0, 220.0)

installed = pytest.mark.skipif(ocr.why_not() is not None, reason=ocr.why_not() or "")


def a_page():
    """A page of a PDF that says these lines, its picture at 200 dpi, and its text layer."""
    document = pymupdf.open()
    page = document.new_page(width=SIZE[0], height=SIZE[1])
    for row, line in enumerate(LINES):
        page.insert_text((30, 40 + 30 * row), line, fontsize=12)
    with open_file(document.tobytes(), max_pages=1, max_pixels=10_000_000) as file:
        shown = file.page(1)
        return shown.view(dpi=200, max_pixels=5_000_000), shown.words()


@installed
def test_a_picture_gives_the_words_of_its_text_layer_where_they_stand():
    """To within a millimetre."""
    png, words = a_page()

    seen = ocr.recognise(png, size_pt=SIZE)

    assert [one.word.text for one in seen] == [word.text for word in words]
    for one, word in zip(seen, words, strict=True):
        assert 0.5 <= one.confidence <= 1.0
        assert (one.word.box.x0, one.word.box.x1) == pytest.approx(
            (word.box.x0, word.box.x1), abs=2.9
        )
        assert word.box.y0 - 2.9 <= one.word.box.y0 < one.word.box.y1 <= word.box.y1 + 2.9


@installed
@pytest.mark.parametrize(
    ("name", "text", "agreement"),
    [
        ("number", "INV-2041", Agreement.EXACT),
        ("date", "2026-03-12", Agreement.NORMALISED),
        ("total", "1,284.50", Agreement.EXACT),
        ("total", "1,284.60", Agreement.NONE),
    ],
)
def test_values_are_found_in_it_under_a_source_of_its_own(name, text, agreement):
    """Searched as a text layer is, and never taken for one."""
    png, _ = a_page()

    grounding = ground(text, ocr.page_text(png, size_pt=SIZE), INVOICE.field(name), INVOICE)

    assert grounding is not None
    assert (grounding.agreement, grounding.source) == (agreement, "ocr")


@installed
def test_an_empty_page_has_no_words():
    """And so says nothing about any value."""
    document = pymupdf.open()
    document.new_page(width=SIZE[0], height=SIZE[1])
    with open_file(document.tobytes(), max_pages=1, max_pixels=10_000_000) as file:
        png = file.page(1).view(dpi=100, max_pixels=5_000_000)

    page = ocr.page_text(png, size_pt=SIZE)

    assert page.words == ()
    assert ground("12.50", page, INVOICE.field("total"), INVOICE) is None


@installed
def test_a_page_that_takes_too_long_is_given_up():
    """The program is killed, and the error says what to do."""
    png, _ = a_page()

    with pytest.raises(OcrFailed, match="longer than"):
        ocr.recognise(png, size_pt=SIZE, timeout_s=0.001)


@installed
def test_a_damaged_picture_is_an_error_that_quotes_nothing():
    """Cut in the middle."""
    png, _ = a_page()

    with pytest.raises(OcrFailed, match="status"):
        ocr.recognise(png[:200], size_pt=SIZE)


@installed
def test_what_is_no_picture_is_said():
    """Before any program is started."""
    with pytest.raises(OcrFailed, match="PNG"):
        ocr.recognise(b"%PDF-1.7", size_pt=SIZE)


@installed
def test_a_language_that_is_missing_is_named_with_its_package():
    """Rather than read in another."""
    assert "tesseract-ocr-xyz" in str(ocr.why_not(("eng", "xyz")))


def test_without_the_program_the_reason_says_what_to_install(monkeypatch):
    """Nothing else fails because of it."""
    monkeypatch.setenv("PATH", "/nowhere")

    assert "apt-get install tesseract-ocr" in str(ocr.why_not())
    with pytest.raises(OcrFailed, match="not installed"):
        ocr.recognise(b"", size_pt=SIZE)
