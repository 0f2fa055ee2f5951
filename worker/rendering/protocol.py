"""What the worker and its render child say to each other: frames of a JSON header and raw payloads,
over two pipes.

A frame is the header's length (4 bytes), the header, then the payloads whose lengths the header
gives. The child works on files that strangers made, so the worker believes no length of it beyond a
bound. Pictures come out as samples of an agreed size, in which nothing can be parsed wrongly; the
worker writes the PNG.
"""

import json
import struct
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from extractors.rendering.canvas import fit
from extractors.rendering.einvoice import EInvoice
from extractors.rendering.file_types import Pixels
from extractors.rendering.findings import Finding
from extractors.rendering.image_quality import ImageQuality
from extractors.types import Box, Canvas, PageImage, Word

MAX_HEADER = 64 << 20
MAX_PAYLOAD = 512 << 20
MAX_PAYLOADS = 2

# what unpacking raises on bytes of another shape
NONSENSE = (ValueError, TypeError, KeyError, AttributeError, ArithmeticError, RecursionError)

Buffer = bytes | memoryview
Read = Callable[[int], Buffer]  # exactly that many bytes, or EOFError


@dataclass(frozen=True, slots=True, kw_only=True)
class RenderLimits:
    """What one file may cost."""

    max_pages: int
    max_pixels: int  # of any one image on a page, before it is decoded
    page_seconds: float  # wall time the worker waits for opening the file, and for each page
    document_seconds: float = 600.0  # wall time the worker waits in all
    max_words: int = 500_000  # of all pages together
    max_stored_bytes: int = 2_000_000_000  # of all page images together
    memory_mb: int  # of the child
    view_dpi: int  # of the rendition for people, at most
    view_pixels: int = 12_000_000  # of the same, at most


@dataclass(frozen=True, slots=True, kw_only=True)
class _Page:
    """What is known of a page beside its pictures."""

    number: int  # 1-based
    page_count: int  # of the document
    width_pt: float  # as displayed, rotation applied
    height_pt: float
    words: tuple[Word, ...]  # the page's text layer, in reading order of the file
    # the share of what is printed that the words cover; None: there is nothing to tell it by
    layer_coverage: float | None = None
    quality: ImageQuality | None = None  # of the model's picture
    findings: tuple[Finding, ...] = ()  # of this page, and with the first page of the file
    einvoice: EInvoice | None = None  # comes with the first page


@dataclass(frozen=True, slots=True, kw_only=True)
class DrawnPage(_Page):
    """One page as it leaves the child."""

    model: Pixels
    view: Pixels  # for people


@dataclass(frozen=True, slots=True, kw_only=True)
class RenderedPage(_Page):
    """One page, ready for the model, for people and for comparing with its own text."""

    model: PageImage
    view_png: bytes  # for people


def pack(header: Mapping[str, Any], *payloads: Buffer) -> Iterator[Buffer]:
    """The pieces of one frame, to be written in this order."""
    text = json.dumps({**header, "payloads": [len(payload) for payload in payloads]}).encode()
    yield struct.pack(">I", len(text)) + text
    yield from payloads


def unpack(read: Read, *, most: int = MAX_PAYLOAD) -> tuple[dict[str, Any], list[Buffer]]:
    """One frame.  ValueError when it is not one; EOFError when the other side has gone.

    most: bytes of one payload
    """
    (length,) = struct.unpack(">I", read(4))
    if length > MAX_HEADER:
        raise ValueError("the header of a frame is too long")
    header = json.loads(bytes(read(length)))
    lengths = header.pop("payloads")
    if len(lengths) > MAX_PAYLOADS or any(not 0 <= length <= most for length in lengths):
        raise ValueError("the payloads of a frame are too many or too long")
    return header, [read(length) for length in lengths]


def pack_page(page: DrawnPage) -> Iterator[Buffer]:
    header = {
        "number": page.number,
        "page_count": page.page_count,
        "size_pt": [page.width_pt, page.height_pt],
        "view_px": [page.view.width_px, page.view.height_px],
        "words": [
            [word.text, word.box.x0, word.box.y0, word.box.x1, word.box.y1] for word in page.words
        ],
        "layer_coverage": page.layer_coverage,
        "findings": [[found.code, found.page] for found in page.findings],
        "einvoice": None if page.einvoice is None else asdict(page.einvoice),
        "quality": None if page.quality is None else asdict(page.quality),
    }
    return pack({"page": header}, page.model.rgb, page.view.rgb)


def largest_picture(canvas: Canvas, limits: RenderLimits) -> int:
    """Bytes of the largest picture that is agreed upon."""
    return 3 * max(canvas.tile_px**2 * canvas.max_tiles, limits.view_pixels)


def unpack_page(
    header: Mapping[str, Any], payloads: Sequence[Buffer], *, canvas: Canvas, limits: RenderLimits
) -> RenderedPage:
    """What NONSENSE names, when the frame does not hold a page with pictures of the agreed size."""
    width_pt, height_pt = map(float, header["size_pt"])
    model_rgb, view_rgb = payloads
    number = int(header["number"])
    model = _picture(*fit(width_pt, height_pt, canvas), model_rgb)
    view_width_px, view_height_px = map(int, header["view_px"])
    if view_width_px * view_height_px > limits.view_pixels:
        raise ValueError("a picture for people is larger than agreed")
    return RenderedPage(
        number=number,
        page_count=int(header["page_count"]),
        width_pt=width_pt,
        height_pt=height_pt,
        model=PageImage(
            number=number,
            width_px=model.width_px,
            height_px=model.height_px,
            width_pt=width_pt,
            height_pt=height_pt,
            png=model.png(),
        ),
        view_png=_picture(view_width_px, view_height_px, view_rgb).png(),
        words=tuple(Word(text, Box(*map(float, box))) for text, *box in header["words"]),
        layer_coverage=(
            None if header["layer_coverage"] is None else _share(header["layer_coverage"])
        ),
        findings=tuple(
            Finding(str(code), None if page is None else int(page))
            for code, page in header["findings"]
        ),
        einvoice=_einvoice(header["einvoice"]),
        quality=_quality(header["quality"]),
    )


def _picture(width_px: int, height_px: int, rgb: Buffer) -> Pixels:
    if width_px < 1 or height_px < 1 or len(rgb) != 3 * width_px * height_px:
        raise ValueError("a picture has not the size that it claims")
    return Pixels(width_px, height_px, rgb)


def _einvoice(told: Any) -> EInvoice | None:
    """The e-invoice as the child tells it; the child is not believed about types."""
    if told is None:
        return None
    return EInvoice(header=_texts(told["header"]), lines=tuple(map(_texts, told["lines"])))


def _quality(told: Any) -> ImageQuality | None:
    """The measures as the child tells them; a share that is none is not believed."""
    if told is None:
        return None
    contrast, ink = _share(told["contrast"]), _share(told["ink"])
    sharpness = None if told["sharpness"] is None else _share(told["sharpness"])
    return ImageQuality(contrast=contrast, ink=ink, sharpness=sharpness)


def _share(told: Any) -> float:
    share = float(told)
    if not 0 <= share <= 1:
        raise ValueError("a measure of a page is no share of 1")
    return share


def _texts(told: Mapping[str, Any]) -> dict[str, str]:
    return {str(name): str(text) for name, text in told.items()}
