"""Files made for the tests: real ones, by the PDF library and Pillow."""

import io
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pymupdf
from PIL import Image

from extractors.types import Canvas

CANVAS = Canvas(tile_px=140, max_tiles=4)  # small: most tests do not care for resolution
RED, GREEN, WHITE = (200, 30, 30), (20, 160, 40), (255, 255, 255)


def a_pdf(
    text: str = "Total 12.50", *, pages: int = 1, size: tuple[float, float] = (300, 400)
) -> bytes:
    """A PDF whose pages each print the text and their number."""
    document = pymupdf.open()
    for number in range(1, pages + 1):
        page = document.new_page(width=size[0], height=size[1])
        page.insert_text((size[0] / 10, size[1] / 4), f"{text} page{number}", fontsize=size[1] / 25)
    return bytes(document.tobytes())


def locked(password: str, **how: Any) -> bytes:
    document = pymupdf.open(stream=a_pdf(), filetype="pdf")
    return bytes(
        document.tobytes(
            encryption=pymupdf.PDF_ENCRYPT_AES_256, owner_pw="owner", user_pw=password, **how
        )
    )


def raw_pdf(*objects: bytes) -> bytes:
    """A PDF of these objects, numbered from 1; the first is the catalogue."""
    body = b"%PDF-1.7\n" + b"".join(
        b"%d 0 obj\n%s\nendobj\n" % (number, text) for number, text in enumerate(objects, 1)
    )
    return body + b"trailer << /Root 1 0 R /Size %d >>\n%%%%EOF\n" % (len(objects) + 1)


def stream(content: bytes, entries: bytes = b"") -> bytes:
    return b"<< /Length %d %s >>\nstream\n%s\nendstream" % (len(content), entries, content)


def last_page(resources: bytes, content: bytes, *more: bytes, blank_pages: int = 0) -> bytes:
    """A PDF whose last page has this content; ``more`` are the objects from number 6 on."""
    return raw_pdf(
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Count %d /Kids [%s 4 0 R] /MediaBox [0 0 200 200] >>"
        % (blank_pages + 1, b"3 0 R " * blank_pages),
        b"<< /Type /Page /Parent 2 0 R >>",
        b"<< /Type /Page /Parent 2 0 R /Contents 5 0 R /Resources << %s >> >>" % resources,
        stream(content),
        *more,
    )


def endless_pdf(*, blank_pages: int = 0) -> bytes:
    """A page that takes for ever: forms that draw forms, ten times each, nine deep; after as many
    pages that do not.
    """
    deep = 9
    forms = [
        stream(
            b"/F Do " * 10 if level < deep else b"0 0 1 1 re f",
            b"/Type /XObject /Subtype /Form /BBox [0 0 200 200] /Resources << /XObject << /F %d 0 R"
            b" >> >>" % (level + 7),
        )
        for level in range(deep + 1)
    ]
    return last_page(b"/XObject << /F 6 0 R >>", b"/F Do", *forms, blank_pages=blank_pages)


def packed(row: bytes, times: int) -> bytes:
    body = zlib.compressobj(9)
    return b"".join(body.compress(row) for _ in range(times)) + body.flush()


def large_image_pdf(*, width: int, height: int) -> bytes:
    """A page with one grey image that is small only as long as it is packed."""
    entries = (
        b"/Type /XObject /Subtype /Image /Width %d /Height %d /ColorSpace /DeviceGray"
        b" /BitsPerComponent 8 /Filter /FlateDecode"
    )
    image = stream(packed(bytes(width), height), entries % (width, height))
    return last_page(b"/XObject << /I 6 0 R >>", b"200 0 0 200 0 0 cm /I Do", image)


def memory_bomb_pdf(*, megabytes: int) -> bytes:
    """A page whose font is that large once it is unpacked, which the library must do as a whole."""
    return last_page(
        b"/Font << /T 6 0 R >>",
        b"BT /T 20 Tf 20 100 Td (Bomb) Tj ET",
        b"<< /Type /Font /Subtype /TrueType /BaseFont /Bomb /FontDescriptor 7 0 R >>",
        b"<< /Type /FontDescriptor /FontName /Bomb /Flags 32 /FontFile2 8 0 R >>",
        stream(packed(bytes(1 << 20), megabytes), b"/Filter /FlateDecode"),
    )


def two_squares(size: tuple[int, int] = (400, 200), mode: str = "RGB") -> Image.Image:
    """White, with red in the top left corner and green in the top right one."""
    image = Image.new("RGB", size, WHITE)
    image.paste(RED, (0, 0, size[0] // 4, size[1] // 4))
    image.paste(GREEN, (size[0] * 3 // 4, 0, size[0], size[1] // 4))
    return image.convert(mode)


def encoded(image: Image.Image, kind: str, **how: Any) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **how)
    return buffer.getvalue()


def decoded(png: bytes) -> Image.Image:
    image = Image.open(io.BytesIO(png))
    image.load()
    return image


def near(one: Sequence[int], other: Sequence[int], by: int = 8) -> bool:
    return all(abs(a - b) <= by for a, b in zip(one, other, strict=True))


def alive(pid: int) -> bool:
    """Running, and not a zombie that waits for its parent."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False
