"""The sample PDFs of ``make demo``: fixed for ever, made on the spot."""

from random import Random

import pymupdf

from extractors.demo import compose, others
from extractors.demo.layout import Sheet
from extractors.demo.slips import printed

# nobody is told: the demo shows what an encrypted file without its password gets
PASSWORD = "surefield"

# name -> damage level of each page, and what the slip must be
_CLEAN = ("clean-1", "clean-2", "clean-3", "clean-4")
_SCANNED = {"scan-light": 1, "scan-office": 2, "scan-phone": 3, "scan-poor": 4}


def sample_pdfs() -> dict[str, bytes]:
    """File name -> bytes: clean, scanned, of several pages, with line items, no slip at all,
    damaged, encrypted.
    """
    files = {f"{name}.pdf": _document([_slip(f"{name}", pages=1)], 0, name) for name in _CLEAN}
    files |= {
        f"items-{n}.pdf": _document([_slip(f"items-{n}", pages=1, items=n)], 0, f"items-{n}")
        for n in (2, 3)
    }
    files |= {
        f"{name}.pdf": _document([_slip(name, pages=1)], level, name)
        for name, level in _SCANNED.items()
    }
    files["two-pages.pdf"] = _document([_slip("two-pages", pages=2)], 0, "two-pages")
    files["two-pages-scanned.pdf"] = _document(
        [_slip("two-pages-scanned", pages=2)], 1, "two-pages-scanned"
    )
    files["letter.pdf"] = _document([[others.other_page(Random("sample/letter"))]], 0, "letter")
    files["encrypted.pdf"] = _encrypted(files["clean-1.pdf"])
    files["damaged.pdf"] = _damaged(files["clean-2.pdf"])
    return files


def _slip(name: str, *, pages: int, items: int | None = None) -> list[Sheet]:
    """The first slip of this name's dice that has these many pages, these many items and lacks
    nothing.
    """
    k = 0
    while True:
        sheets = compose.slip_pages(Random(f"sample/{name}/{k}"))
        k += 1
        whole = {field for sheet in sheets for field, value in sheet.truth.items() if value}
        if (
            len(sheets) == pages
            and {"payee", "date", "number", "total"} <= whole
            and items in (None, len(sheets[-1].truth["items"]))
        ):
            return sheets


def _document(slips: list[list[Sheet]], level: int, name: str) -> bytes:
    r = Random(f"sample/{name}/print")
    document = pymupdf.open()
    for sheet in (sheet for slip in slips for sheet in slip):
        document.insert_pdf(printed(sheet, level, r).page)
    return bytes(document.tobytes(garbage=3, deflate=True, no_new_id=True))


def _encrypted(data: bytes) -> bytes:
    document = pymupdf.open(stream=data, filetype="pdf")
    return bytes(
        document.tobytes(
            encryption=pymupdf.PDF_ENCRYPT_AES_256, owner_pw=PASSWORD, user_pw=PASSWORD
        )
    )


def _damaged(data: bytes) -> bytes:
    """A PDF whose inside was lost on the way: it begins like one and cannot be opened."""
    return data[:64] + bytes(200)
