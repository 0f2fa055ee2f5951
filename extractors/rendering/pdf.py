"""Bytes of a PDF, PNG, JPEG or TIFF -> page images and text-layer words.

Only this module and ``wholeness`` know the PDF library.

The library is C and the files are strangers': worker/rendering/renderer.py runs this module in a
child process that may be killed. Each page is interpreted once, into a display list, from which
both renditions and the words are drawn.
"""

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pymupdf
from pymupdf import extra, mupdf

from extractors.errors import (
    EncryptedPdf,
    NoPages,
    SurefieldError,
    TooManyPages,
    TooManyPixels,
    UnreadableFile,
)
from extractors.rendering import wholeness
from extractors.rendering.canvas import fit
from extractors.rendering.einvoice import EInvoice
from extractors.rendering.file_types import Kind, Pixels, sniff, tiff_pages
from extractors.rendering.findings import Finding, of_warnings
from extractors.rendering.ink import coverage
from extractors.types import Box, Canvas, PageImage, Word

# Whitespace is kept, or words would run together; clipped text is nothing that the page shows;
# images come along for their sizes.
TEXT_FLAGS = pymupdf.TEXT_PRESERVE_WHITESPACE | pymupdf.TEXT_CLIP | pymupdf.TEXT_PRESERVE_IMAGES
MAX_WARNINGS = 50
# far beyond what is printed on a page: bounds for what later stages must carry
MAX_WORDS, MAX_LETTERS = (50_000, 500)
MOST_INK_PX = 4_000_000  # of a page at 72 dpi that is looked through for letters: A1 and some more
# EXIF orientation -> the (a, b, c, d) of the matrix that turns the stored image into the displayed
# one.
ORIENTATIONS = {
    2: (-1, 0, 0, 1),
    3: (-1, 0, 0, -1),
    4: (1, 0, 0, -1),
    5: (0, 1, 1, 0),
    6: (0, 1, -1, 0),
    7: (0, -1, -1, 0),
    8: (0, -1, 1, 0),
}
AS_STORED = (1, 0, 0, 1)
ASK = "Export the file again, or ask its sender for a fresh copy."

# kept as a list instead: standard error is nobody's protocol
pymupdf.TOOLS.mupdf_display_errors(False)
pymupdf.TOOLS.mupdf_display_warnings(False)


def open_file(
    data: bytes, *, password: str | None = None, max_pages: int, max_pixels: int
) -> "OpenFile":
    """Open a file, proved to be of a known kind, readable with this password, and within the
    limits.
    """
    take_warnings()  # those of an earlier file say nothing about this one
    kind = sniff(data)
    if kind == "pdf":
        wholeness.refuse_containers(data)
    # The library decodes a whole TIFF page before it tells its size, and does not turn it.
    tiff = tuple(tiff_pages(data, at_most=max_pages + 1)) if kind == "tiff" else ()
    for page in tiff:
        _refuse_pixels(page.width_px, page.height_px, max_pixels)
    with _library_faults(f"The file is damaged and cannot be opened. {ASK}"):
        document = _pdf(data) if kind == "pdf" else pymupdf.open(stream=data, filetype=kind)
    if document.is_pdf != (kind == "pdf"):
        raise UnreadableFile(f"The file is not what its first bytes say. {ASK}")
    if document.needs_pass:
        _unlock(document, password)
    if kind == "pdf":
        wholeness.refuse_covers(document)
    with _library_faults(f"The file's list of pages is damaged. {ASK}"):
        page_count = int(document.page_count)
    if page_count < 1:
        raise NoPages(f"The file has no page. {ASK}")
    if page_count > max_pages:
        raise TooManyPages(
            f"The file has {page_count} pages and the limit is {max_pages}. Split it, or raise the"
            " limit."
        )
    return OpenFile(
        document=document,
        kind=kind,
        page_count=page_count,
        max_pixels=max_pixels,
        turns=tuple(page.orientation for page in tiff),
        opening=of_warnings(take_warnings(), page=None),
        pixels_damaged=kind == "jpeg" and wholeness.is_damaged_jpeg(data),
    )


def _pdf(data: bytes) -> Any:
    """By the PDF handler alone: ``pymupdf.open`` lets each of a dozen parsers look whether the
    bytes are its own, whatever type is named.
    """
    stream = mupdf.fz_open_memory(mupdf.python_buffer_data(data), len(data))
    document = pymupdf.Document(mupdf.pdf_open_document_with_stream(stream))
    # what ``pymupdf.open`` would have set
    document.this, document.this_is_pdf = document.this.super(), False
    document.page_count2 = extra.page_count_fz
    document.stream = data  # the library refers to it
    document.is_encrypted = bool(document.needs_pass)
    if not document.is_encrypted:
        document.init_doc()
    return document


def _unlock(document: Any, password: str | None) -> None:
    if password is None:
        raise EncryptedPdf(
            "The PDF needs a password and none was given. Submit it again under the same key with"
            " its password."
        )
    if not document.authenticate(password):
        raise EncryptedPdf(
            "The password given does not open this PDF. Submit it again under the same key with"
            " the right one."
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenFile:
    """An open file.  Close it, or use it as a context manager."""

    document: Any
    kind: Kind
    page_count: int
    max_pixels: int
    # EXIF orientation of each page; empty where the library applies it itself
    turns: tuple[int, ...]
    opening: tuple[Finding, ...] = ()  # what opening the file brought to light
    pixels_damaged: bool = False  # the file is a JPEG whose data is damaged

    def about(self) -> tuple[tuple[Finding, ...], EInvoice | None]:
        """What holds for the file as a whole, and the e-invoice in it."""
        if self.kind != "pdf":
            return self.opening, None
        try:
            attached, einvoice = wholeness.attachments(self.document)
        except MemoryError:
            raise
        except Exception:  # the pages may be read all the same
            attached, einvoice = (Finding("attachment"),), None
        return (*self.opening, *attached), einvoice

    def page(self, number: int) -> "Page":
        """Interpret one page; 1-based.  The page must not be used after the file is closed."""
        with _library_faults(f"Page {number} of {self.page_count} is damaged. {ASK}"):
            page = self.document.load_page(number - 1)
            whole = self._whole(page)
            display = page.get_displaylist()
            bounds = display.rect
            text = pymupdf.TextPage(display.get_textpage(TEXT_FLAGS))
            images = tuple(_image_sizes(text))
        for width, height in images:
            _refuse_pixels(width, height, self.max_pixels)
        if not (
            bounds.width > 0 and bounds.height > 0 and math.isfinite(bounds.width * bounds.height)
        ):
            raise UnreadableFile(
                f"Page {number} of {self.page_count} has no area. Export the file again."
            )
        placement = _placement(bounds, self.turns[number - 1] if self.turns else 1)
        shown = pymupdf.Rect(bounds) * placement
        own_px = None if self.kind == "pdf" else math.prod(images[0])
        return Page(
            number=number,
            width_pt=float(shown.width),
            height_pt=float(shown.height),
            own_px=own_px,
            placement=placement,
            display=display,
            text=text,
            drawn_whole=whole,
        )

    def _whole(self, page: Any) -> tuple[Finding, ...]:
        """What is wrong with the page although the library draws it without a complaint."""
        if self.kind != "pdf":
            return (Finding("picture_damaged", page.number + 1),) if self.pixels_damaged else ()
        try:
            return tuple(wholeness.page_findings(self.document, page))
        except MemoryError:
            raise
        except Exception:  # what cannot be looked at is not whole
            return (Finding("part_missing", page.number + 1),)

    def close(self) -> None:
        self.document.close()
        mupdf.fz_empty_store()  # decoded images and glyphs of this file

    def __enter__(self) -> "OpenFile":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """One page as displayed: rotation, crop box, annotations and form fields applied."""

    number: int
    width_pt: float
    height_pt: float
    own_px: int | None  # pixels of the page that is an image; None for a PDF
    # matrix from the library's coordinates to points from the top left of the displayed page
    placement: Any
    display: Any
    text: Any
    drawn_whole: tuple[Finding, ...] = ()  # findings without a complaint of the library

    def findings(self) -> tuple[Finding, ...]:
        """What was found out about the page, once it is drawn and its words are taken."""
        complaints = of_warnings(take_warnings(), page=self.number)
        return tuple(dict.fromkeys((*self.drawn_whole, *complaints)))

    def image(self, canvas: Canvas) -> PageImage:
        """The rendition for a model: exactly the size that fills its canvas."""
        drawn = self.pixels(canvas)
        return PageImage(
            number=self.number,
            width_px=drawn.width_px,
            height_px=drawn.height_px,
            width_pt=self.width_pt,
            height_pt=self.height_pt,
            png=drawn.png(),
        )

    def pixels(self, canvas: Canvas) -> Pixels:
        """The same, as samples."""
        return self._samples(*fit(self.width_pt, self.height_pt, canvas))

    def view(self, *, dpi: int, max_pixels: int) -> bytes:
        """The rendition for people, a PNG."""
        return self.view_pixels(dpi=dpi, max_pixels=max_pixels).png()

    def view_pixels(self, *, dpi: int, max_pixels: int) -> Pixels:
        """The rendition for people, as samples.

        An image is shown pixel by pixel, whatever resolution it claims.
        """
        area = self.width_pt * self.height_pt
        pixels = min(max_pixels, area * (dpi / 72) ** 2 if self.own_px is None else self.own_px)
        scale = math.sqrt(pixels / area)
        width_px = min(max(round(self.width_pt * scale), 1), max_pixels)
        height_px = min(max(round(self.height_pt * scale), 1), max_pixels // width_px)
        return self._samples(width_px, height_px)

    def _samples(self, width_px: int, height_px: int) -> Pixels:
        drawn = self._drawn(width_px, height_px)
        return Pixels(width_px, height_px, drawn.samples_mv, owner=drawn)

    def words(self) -> tuple[Word, ...]:
        """The words of the text layer, form fields and annotations included, in the order of the
        file.
        """
        with _library_faults(f"The text of page {self.number} is damaged. Export the file again."):
            found = self.text.extractWORDS()
        # only images are ever turned here, and they have no words
        x, y = (self.placement.e, self.placement.f)
        return tuple(
            Word(text, Box(x0 + x, y0 + y, x1 + x, y1 + y))
            for x0, y0, x1, y1, raw, *_ in found[:MAX_WORDS]
            if (text := _storable(raw))
        )

    def layer_coverage(self, words: Sequence[Word]) -> float | None:
        """The share of what is printed that these words of the text layer cover; None where there
        is nothing to tell it by.
        """
        width_px, height_px = max(round(self.width_pt), 1), max(round(self.height_pt), 1)
        if not words or width_px * height_px > MOST_INK_PX:
            return None
        drawn = self._drawn(width_px, height_px)
        return coverage(width_px, height_px, drawn.samples_mv, words)

    def _drawn(self, width_px: int, height_px: int) -> Any:
        """The page drawn at this size: a pixmap, whose samples are 8-bit RGB without row padding
        and die with it.
        """
        with _library_faults(f"Page {self.number} cannot be drawn. {ASK}"):
            pixmap = self._draw(width_px, height_px)
            if self.own_px is not None and any(
                "premature end" in warning for warning in pymupdf.JM_mupdf_warnings_store
            ):
                # the library would show the rest in grey
                raise UnreadableFile(f"The image is cut short. {ASK}")
            return pixmap

    def _draw(self, width_px: int, height_px: int) -> Any:
        """RGB on white, exactly this size: rounding the page's own bounds could come out one pixel
        off.
        """
        matrix = mupdf.FzMatrix(
            *self.placement * pymupdf.Matrix(width_px / self.width_pt, height_px / self.height_pt)
        )
        frame = mupdf.FzIrect(0, 0, width_px, height_px)
        rgb = mupdf.FzColorspace(mupdf.FzColorspace.Fixed_RGB)
        pixmap = mupdf.fz_new_pixmap_with_bbox(rgb, frame, mupdf.FzSeparations(), 0)
        mupdf.fz_clear_pixmap_with_value(pixmap, 0xFF)
        device = mupdf.fz_new_draw_device(matrix, pixmap)
        everything = mupdf.FzRect(mupdf.FzRect.Fixed_INFINITE)
        mupdf.fz_run_display_list(
            self.display.this, device, mupdf.FzMatrix(), everything, mupdf.FzCookie()
        )
        mupdf.fz_close_device(device)
        return pymupdf.Pixmap("raw", pixmap)


def _placement(bounds: Any, orientation: int) -> Any:
    """Turn the page as its orientation says and move its top left corner to the origin."""
    turn = pymupdf.Matrix(*ORIENTATIONS.get(orientation, AS_STORED), 0, 0)
    corner = (pymupdf.Rect(bounds) * turn).tl
    return turn * pymupdf.Matrix(1, 0, 0, 1, -corner.x, -corner.y)


def take_warnings() -> tuple[str, ...]:
    """What the library complained of since the last time.

    May quote the document, so never log it.
    """
    lines = [line for line in pymupdf.TOOLS.mupdf_warnings().splitlines() if line]
    return tuple(lines[:MAX_WARNINGS])


def _image_sizes(text: Any) -> Iterator[tuple[int, int]]:
    """Declared sizes in pixels of the images that the page draws, and of their masks."""
    for block in text.this:
        if block.m_internal.type == mupdf.FZ_STEXT_BLOCK_IMAGE:
            image = block.i_image()
            yield image.w(), image.h()
            mask = image.mask()
            if mask.m_internal:
                yield mask.w(), mask.h()


def _refuse_pixels(width: int, height: int, most: int) -> None:
    if width * height > most:
        size = f"An image of {width} x {height} pixels"
        raise TooManyPixels(
            f"{size} is larger than the limit of {most} pixels. Scan at a lower resolution, or"
            " raise the limit."
        )


def _storable(text: str) -> str:
    """Without NUL and lone surrogates, which damaged fonts produce and no database takes."""
    return text[:MAX_LETTERS].replace("\0", "").encode("utf-8", "replace").decode("utf-8").strip()


@contextmanager
def _library_faults(message: str) -> Iterator[None]:
    """Any fault of the library becomes an error of the file; its own words may quote the document
    and are left out.
    """
    try:
        yield
        _refuse_lost_memory()
    except (SurefieldError, MemoryError):
        raise
    except Exception as error:
        said = f"{error} {error.__cause__ or ''}"
        if _is_memory(said):
            raise MemoryError from error
        if "encrypt" in said:
            raise EncryptedPdf(
                "The PDF is encrypted in a way that no password opens. Ask its sender for an open"
                " copy."
            ) from error
        raise UnreadableFile(message) from error


def _refuse_lost_memory() -> None:
    """The library draws on without what it had no memory for; a page that silently lacks an image
    must not pass as whole.
    """
    if any(map(_is_memory, pymupdf.JM_mupdf_warnings_store)):
        raise MemoryError


def _is_memory(said: str) -> bool:
    return "alloc" in said and "fail" in said
