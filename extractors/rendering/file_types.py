"""What can be said of a file without decoding it: its kind, and the pages of a TIFF.

And how to write a PNG.
"""

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

from extractors.errors import UnreadableFile, UnsupportedFile

Kind = Literal["pdf", "png", "jpeg", "tiff"]

PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
SIGNATURES: tuple[tuple[bytes, Kind], ...] = (
    (PNG_SIGNATURE, "png"),
    (b"\xff\xd8\xff", "jpeg"),
    (b"II*\x00", "tiff"),
    (b"MM\x00*", "tiff"),
)
REFUSED = (  # kinds that people send, named so that the error can help
    (b"PK\x03\x04", "a ZIP archive or an office document"),
    (b"\xd0\xcf\x11\xe0", "an office document of the old kind"),
    (b"GIF8", "a GIF image"),
    (b"BM", "a BMP image"),
    (b"RIFF", "a WebP image or another RIFF file"),
    (b"II+\x00", "a BigTIFF image"),
    (b"MM\x00+", "a BigTIFF image"),
    (b"%!PS", "a PostScript file"),
    (b"<", "an HTML or XML file"),
)
PNG_ROWS = 64  # packed at once
PNG_LEVEL = 2  # on page images twice as fast as zlib's usual 6, and an eighth larger
WIDTH_TAG, LENGTH_TAG, ORIENTATION_TAG = 256, 257, 274
INTEGERS = {1: "B", 3: "H", 4: "I"}  # TIFF field types that a size may have


def sniff(data: bytes) -> Kind:
    """What the bytes are, by their own signature and not by a name."""
    for signature, kind in SIGNATURES:
        if data.startswith(signature):
            return kind
    # the header may stand late, or be damaged
    if b"%PDF" in data[:1024] or b"startxref" in data[-1024:]:
        return "pdf"
    found = next(
        (name for signature, name in REFUSED if data.startswith(signature)),
        "of an unknown kind" if data else "empty",
    )
    raise UnsupportedFile(f"The file is {found}. Send a PDF, PNG, JPEG or TIFF.")


@dataclass(frozen=True, slots=True)
class Pixels:
    """A picture as 8-bit RGB samples without row padding: nothing in it can be parsed wrongly."""

    width_px: int
    height_px: int
    rgb: bytes | memoryview
    owner: Any = None  # what the samples die with

    def png(self) -> bytes:
        """The same as a PNG."""
        return png(self.width_px, self.height_px, self.rgb)


def png(width_px: int, height_px: int, rgb: bytes | memoryview) -> bytes:
    """An 8-bit RGB PNG of samples without row padding, a few rows at a time: copies of a whole
    picture cost as much as drawing it.
    """
    compressor = zlib.compressobj(PNG_LEVEL)
    packed = [compressor.compress(rows) for rows in _unfiltered(3 * width_px, height_px, rgb)]
    header = struct.pack(">IIBBBBB", width_px, height_px, 8, 2, 0, 0, 0)
    chunks = (
        (b"IHDR", header),
        (b"IDAT", b"".join((*packed, compressor.flush()))),
        (b"IEND", b""),
    )
    return PNG_SIGNATURE + b"".join(_png_chunk(kind, body) for kind, body in chunks)


def _unfiltered(stride: int, height_px: int, rgb: bytes | memoryview) -> Iterator[bytes]:
    """Rows as a PNG has them: each behind a byte that says that it is not filtered."""
    samples = memoryview(rgb)
    for top in range(0, height_px, PNG_ROWS):
        rows = range(top, min(top + PNG_ROWS, height_px))
        yield b"".join(
            piece for row in rows for piece in (b"\0", samples[row * stride : (row + 1) * stride])
        )


def _png_chunk(kind: bytes, body: bytes) -> bytes:
    return (
        struct.pack(">I", len(body))
        + kind
        + body
        + struct.pack(">I", zlib.crc32(body, zlib.crc32(kind)))
    )


@dataclass(frozen=True, slots=True)
class TiffPage:
    """What the header of one page of a TIFF declares."""

    width_px: int  # as stored
    height_px: int
    orientation: int  # 1..8 as in EXIF; 1: stored as displayed


def tiff_pages(data: bytes, *, at_most: int) -> Iterator[TiffPage]:
    """The pages of a TIFF, up to ``at_most``, without decoding any."""
    order = "<" if data.startswith(b"II") else ">"
    try:
        (offset,) = struct.unpack_from(order + "I", data, 4)
        for _ in range(at_most):  # a chain that runs in a circle ends here too
            if not offset:
                return
            (count,) = struct.unpack_from(order + "H", data, offset)
            tags = dict(_tiff_tag(data, offset + 2 + 12 * i, order) for i in range(count))
            yield TiffPage(
                tags.get(WIDTH_TAG, 0), tags.get(LENGTH_TAG, 0), tags.get(ORIENTATION_TAG, 1)
            )
            (offset,) = struct.unpack_from(order + "I", data, offset + 2 + 12 * count)
    except struct.error as error:
        raise UnreadableFile(
            "The TIFF is cut short. Scan it again, or ask its sender for a fresh copy."
        ) from error


def _tiff_tag(data: bytes, at: int, order: str) -> tuple[int, int]:
    """A tag's number and its first value, 0 where that is no integer in place."""
    tag, kind = struct.unpack_from(order + "HH", data, at)
    if kind not in INTEGERS:
        return tag, 0
    (value,) = struct.unpack_from(order + INTEGERS[kind], data, at + 8)
    return tag, value
