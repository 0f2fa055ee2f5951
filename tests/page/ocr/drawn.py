"""Pages that a test draws, as pictures for an OCR engine."""

import io

import pymupdf
from PIL import Image

from extractors.rendering.pdf import open_file
from extractors.types import Word

LINES = (
    "Invoice number: INV-2041",
    "Invoice date: 12 March 2026",
    "Seller: Ada Brandt",
    "Total due: 1,284.50 EUR",
)
SIZE = (420.0, 220.0)


def a_page(*lines: str, dpi: int = 200) -> tuple[bytes, tuple[Word, ...]]:
    """A page of a PDF that says these lines: its picture, and its text layer."""
    document = pymupdf.open()
    page = document.new_page(width=SIZE[0], height=SIZE[1])
    for row, line in enumerate(lines or LINES):
        page.insert_text((30, 40 + 30 * row), line, fontsize=12)
    with open_file(document.tobytes(), max_pages=1, max_pixels=10_000_000) as file:
        shown = file.page(1)
        return shown.view(dpi=dpi, max_pixels=5_000_000), shown.words()


def an_empty_page() -> bytes:
    """White."""
    return written(Image.new("RGB", (600, 300), "white"))


def written(picture: Image.Image) -> bytes:
    """A picture as a PNG."""
    buffer = io.BytesIO()
    picture.save(buffer, "PNG")
    return buffer.getvalue()
