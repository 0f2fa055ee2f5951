"""Checks for what gets lost without a complaint of the PDF library.

Several files in one, containers, forms that a viewer would make, crop boxes without area, damaged
JPEG data, form values that are not drawn.
"""

import re
from collections.abc import Iterator
from typing import Any

import pymupdf

from extractors.errors import UnsupportedFile
from extractors.rendering.einvoice import EInvoice, einvoice_of, is_einvoice
from extractors.rendering.findings import Finding

CONTAINERS: tuple[tuple[re.Pattern[bytes], str], ...] = (
    (re.compile(rb"PK\x03\x04"), "a ZIP archive"),
    (re.compile(rb"Rar!\x1a\x07"), "a RAR archive"),
    (re.compile(rb"7z\xbc\xaf\x27\x1c"), "a 7z archive"),
    (re.compile(rb"\x1f\x8b\x08"), "a gzip archive"),
    (re.compile(rb"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"), "an Outlook message or office document"),
    (re.compile(rb"(?:From |[A-Za-z-]{2,40}: [^\r\n]{0,998}\r?\n[A-Za-z-]{2,40}:)"), "a mail"),
    (re.compile(rb".{0,500}ustar", re.DOTALL), "a tar archive"),
)
# A header behind the end of another file. One behind the word "stream" is an attachment's.
SECOND_FILE = re.compile(rb"%%EOF[\s\0]*(?:[^%\r\n]{0,200}[\r\n]+){0,8}%PDF-\d")
MAX_ATTACHMENTS = 100
MAX_FIELDS = 2_000
MAX_JPEGS = 50  # of one page
MAX_JPEG = 40_000_000  # bytes of one picture that is looked at


def refuse_containers(data: bytes) -> None:
    """Raises UnsupportedFile when the bytes are several files, of which one alone would be read."""
    start = data[:1024].find(b"%PDF")
    if start > 0:
        named = next((name for pattern, name in CONTAINERS if pattern.match(data)), None)
        if named is not None:
            raise UnsupportedFile(
                f"The file is {named} that holds a PDF. Send the PDF itself, each document as a"
                " file of its own."
            )
    if SECOND_FILE.search(data):
        raise UnsupportedFile(
            "The file is several PDFs, one behind the other, and only one of them would be read."
            " Send each as a file of its own."
        )


def refuse_covers(document: Any) -> None:
    """Raises UnsupportedFile for a PDF whose pages stand in for something else."""
    try:
        catalog = document.pdf_catalog()
        collection = document.xref_get_key(catalog, "Collection")[0]
        xfa, fields = (_form_key(document, catalog, key) for key in ("XFA", "Fields"))
        rendered_by_viewer = document.xref_get_key(catalog, "NeedsRendering")[1] == "true"
    except Exception:  # a damaged catalog: the pages themselves will tell
        return
    if collection not in {"null", ""}:
        raise UnsupportedFile(
            "The file is a portfolio: its page is a cover, the documents are attached to it. Send"
            " each of them as a file of its own."
        )
    if xfa and (rendered_by_viewer or fields in {"", "[]", "[ ]"}):
        raise UnsupportedFile(
            "The file is an XFA form: its pages are made by the viewer, and this file has only a"
            " placeholder. Open it in the program that it asks for, and print it to a new PDF."
        )


def _form_key(document: Any, catalog: int, key: str) -> str:
    kind, value = document.xref_get_key(catalog, f"AcroForm/{key}")
    return "" if kind == "null" else str(value)


def attachments(document: Any) -> tuple[tuple[Finding, ...], EInvoice | None]:
    """What is attached to the file: a finding when there are other files, and the e-invoice."""
    names = document.embfile_names()[:MAX_ATTACHMENTS]
    xml = next((name for name in names if is_einvoice(name)), None)
    others = len(names) > (xml is not None)
    return (
        (Finding("attachment"),) if others else (),
        einvoice_of(document.embfile_get(xml)) if xml is not None else None,
    )


def page_findings(document: Any, page: Any) -> Iterator[Finding]:
    """What is wrong with one page that draws without a complaint.

    page: the library's page
    """
    number = page.number + 1
    yield from _boxes(document, page, number)
    if any(_is_damaged(document, xref) for xref in _jpegs(document, page)):
        yield Finding("picture_damaged", number)
    if _has_hidden_value(page):
        yield Finding("form_value_not_drawn", number)


def _boxes(document: Any, page: Any, number: int) -> Iterator[Finding]:
    media = _inherited_box(document, page.xref, "MediaBox")
    crop = _inherited_box(document, page.xref, "CropBox")
    if media is None or media.is_empty:
        yield Finding("page_size_made_up", number)
    elif crop is not None and (crop & media).is_empty:
        yield Finding("crop_box_unusable", number)


def _inherited_box(document: Any, xref: int, key: str) -> Any:
    """The page's box of this name, its own or that of a parent; None when none is readable."""
    for _ in range(32):
        kind, value = document.xref_get_key(xref, key)
        if kind == "xref":
            value = document.xref_object(int(value.split()[0]))
        numbers = re.findall(r"-?\d+\.?\d*|-?\.\d+", value) if kind in {"array", "xref"} else []
        if len(numbers) == 4:
            x0, y0, x1, y1 = map(float, numbers)
            return pymupdf.Rect(min(x0, x1), min(y0, y1), max(x0, x1), max(y0, y1))
        kind, parent = document.xref_get_key(xref, "Parent")
        if kind != "xref":
            return None
        xref = int(parent.split()[0])
    return None


def _jpegs(document: Any, page: Any) -> Iterator[int]:
    for image in page.get_images(full=True)[:MAX_JPEGS]:
        if image[8] == "DCTDecode":
            yield image[0]


def _is_damaged(document: Any, xref: int) -> bool:
    """Whether a picture's JPEG data is damaged, which the library hides."""
    data = document.xref_stream_raw(xref)
    return data is not None and len(data) <= MAX_JPEG and is_damaged_jpeg(data)


def is_damaged_jpeg(data: bytes) -> bool:
    """Whether libjpeg complains of the data; what it cannot judge (arithmetic coding) is whole."""
    import simplejpeg

    try:
        simplejpeg.decode_jpeg(data, colorspace="GRAY", strict=True)
    except ValueError as error:
        said = str(error).lower()
        return any(sign in said for sign in ("corrupt", "premature", "invalid", "bogus"))
    return False


def _has_hidden_value(page: Any) -> bool:
    """Whether a text field holds a value that is not among the page's words.

    Words are compared without spaces, since combs set each letter apart.
    """
    fields = page.widgets()
    first = next(fields, None)
    if first is None:
        return False
    drawn = _letters(page.get_text())
    for at, widget in enumerate((first, *fields)):
        if at >= MAX_FIELDS:
            break
        if widget.field_type not in (
            pymupdf.PDF_WIDGET_TYPE_TEXT,
            pymupdf.PDF_WIDGET_TYPE_COMBOBOX,
        ):
            continue
        # a long value may be cut off by its field: that it shows at all is what counts
        value = _letters(str(widget.field_value or ""))
        if value and not _is_hidden(widget) and value[: (len(value) + 1) // 2] not in drawn:
            return True
    return False


def _is_hidden(widget: Any) -> bool:
    """Hidden fields, fields without area, and passwords are not meant to show."""
    hidden = widget.field_flags & pymupdf.PDF_TX_FIELD_IS_PASSWORD or widget.rect.is_empty
    return bool(hidden or widget.field_display in (1, 3))


def _letters(text: str) -> str:
    return "".join(c for c in text.casefold() if c.isalnum())
