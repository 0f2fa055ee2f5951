"""A file that says it is a PDF is given to the PDF parser alone, whatever else it may be."""

import io
import struct
import zipfile

import pymupdf
import pytest
from PIL import Image

from extractors.errors import UnreadableFile
from extractors.rendering import pdf
from tests.rendering.files import a_pdf, encoded

LATE = b"\nstartxref"  # at the end of a file: it may be a PDF whose head is damaged


def packed(files):
    """A ZIP archive of these."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    return made.getvalue()


def epub():
    """A book of one page."""
    place = "<container><rootfiles><rootfile full-path='a.opf'/></rootfiles></container>"
    item = "<item id='i' href='a.html' media-type='application/xhtml+xml'/>"
    parts = f"<manifest>{item}</manifest><spine><itemref idref='i'/></spine>"
    return packed(
        {
            "mimetype": "application/epub+zip",
            "META-INF/container.xml": place,
            "a.opf": f"<package>{parts}</package>",
            "a.html": "<html><body>Total</body></html>",
        }
    )


RED = Image.new("RGB", (40, 30), (200, 30, 30))
PSD = b"8BPS" + struct.pack(">H6xHIIHH", 1, 3, 4, 4, 8, 3) + bytes(14 + 48)
# what pymupdf.open makes of it, though it is told that the file is a PDF
CRAFTED = {
    "gif": (encoded(RED, "GIF"), "Image"),
    "bmp": (encoded(RED, "BMP"), "BMP"),
    "jpeg 2000": (encoded(RED, "JPEG2000"), "Image"),
    "photoshop": (PSD, "Image"),
    "zip": (packed({"a.png": encoded(RED, "PNG")}), "zip"),
    "epub": (epub(), "EPUB"),
    "svg": (b'<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>', None),
    "html": (b"<!doctype html><html><body>Total 12.50</body></html>", None),
    "xps": (packed({"FixedDocSeq.fdseq": "<x/>", "_rels/.rels": "<Relationships/>"}), None),
}


@pytest.mark.parametrize("kind", CRAFTED)
def test_another_format_in_the_dress_of_a_pdf_is_no_pdf(kind):
    """A damaged one, like any bytes without an object: no other parser was asked."""
    data, opened_as = CRAFTED[kind]
    if opened_as is not None:
        by_default = pymupdf.open(stream=data + LATE, filetype="pdf")
        assert (by_default.is_pdf, by_default.metadata["format"]) == (False, opened_as)
    with pytest.raises(UnreadableFile, match="damaged and cannot be opened"):
        pdf.open_file(data + LATE, max_pages=10, max_pixels=1_000_000)


@pytest.mark.parametrize("kind", ["gif", "photoshop", "svg"])
def test_a_pdf_behind_another_format_is_read_as_the_pdf_that_it_is(kind):
    """Its header may stand anywhere in the first kilobyte."""
    data = CRAFTED[kind][0] + a_pdf()
    with pdf.open_file(data, max_pages=10, max_pixels=1_000_000) as file:
        assert file.page_count == 1
        assert [word.text for word in file.page(1).words()] == ["Total", "12.50", "page1"]
