"""What little must be known of image formats without decoding an image: the size of TIFF pages, and how to write a PNG."""

import struct
import zlib
from collections.abc import Iterator

from extractors.errors import UnreadableFile

PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
PNG_LEVEL = 2  # on page images twice as fast as zlib's usual 6, and an eighth larger
WIDTH_TAG, LENGTH_TAG = 256, 257
INTEGERS = {1: "B", 3: "H", 4: "I"}  # TIFF field types that a size may have


def png(width_px: int, height_px: int, rgb: bytes | memoryview) -> bytes:
    """An 8-bit RGB PNG of samples without row padding."""
    stride = 3 * width_px
    rows = b"".join(piece for start in range(0, height_px * stride, stride) for piece in (b"\0", rgb[start : start + stride]))
    header = struct.pack(">IIBBBBB", width_px, height_px, 8, 2, 0, 0, 0)
    chunks = (b"IHDR", header), (b"IDAT", zlib.compress(rows, PNG_LEVEL)), (b"IEND", b"")
    return PNG_SIGNATURE + b"".join(_png_chunk(kind, body) for kind, body in chunks)


def _png_chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(body, zlib.crc32(kind)))


def tiff_sizes(data: bytes, *, at_most: int) -> Iterator[tuple[int, int]]:
    """Declared width and height in pixels of each page of a TIFF, up to ``at_most`` pages."""
    order = "<" if data.startswith(b"II") else ">"
    try:
        (offset,) = struct.unpack_from(order + "I", data, 4)
        for _ in range(at_most):  # a chain that runs in a circle ends here too
            if not offset:
                return
            (count,) = struct.unpack_from(order + "H", data, offset)
            tags = dict(_tiff_tag(data, offset + 2 + 12 * i, order) for i in range(count))
            yield tags.get(WIDTH_TAG, 0), tags.get(LENGTH_TAG, 0)
            (offset,) = struct.unpack_from(order + "I", data, offset + 2 + 12 * count)
    except struct.error as error:
        raise UnreadableFile("The TIFF is cut short. Scan it again, or ask its sender for a fresh copy.") from error


def _tiff_tag(data: bytes, at: int, order: str) -> tuple[int, int]:
    """A tag's number and its first value, 0 where that is no integer in place."""
    tag, kind = struct.unpack_from(order + "HH", data, at)
    if kind not in INTEGERS:
        return tag, 0
    (value,) = struct.unpack_from(order + INTEGERS[kind], data, at + 8)
    return tag, value
