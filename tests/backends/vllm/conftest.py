"""A backend on a server that replays, and the document type of the recordings."""

import struct
import zlib
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from extractors.backends.vllm.backend import VllmBackend
from extractors.documents.spec import DocumentType, FieldSpec, Kind
from extractors.types import PageImage
from tests.backends.vllm.server import Reply, Server

Opened = tuple[VllmBackend, Server]

SPEC = DocumentType(
    name="form",
    title="form",
    description="What the recorded requests asked for.",
    fields=(
        FieldSpec(name="invoice_number", kind=Kind.IDENTIFIER, description="the invoice number"),
        FieldSpec(name="total", kind=Kind.AMOUNT, description="the total"),
        FieldSpec(name="visible", kind=Kind.BOOLEAN, description="whether it is visible"),
    ),
)


def a_page(number: int = 1) -> PageImage:
    """A white page of one pixel."""
    return PageImage(
        number=number, width_px=1, height_px=1, width_pt=72.0, height_pt=72.0, png=_white()
    )


def _white() -> bytes:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    header = struct.pack(">IIBBBBB", 1, 1, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(b"\0\xff\xff\xff"))
        + chunk(b"IEND", b"")
    )


@pytest.fixture
def replaying() -> Iterator[Callable[..., Opened]]:
    """Opens a backend on a server of its own: ``replaying(reply, reply, grammar=False)``."""
    with ExitStack() as open_things:

        def start(*replies: Reply, decide: object = None, **options: object) -> Opened:
            server = Server(*replies, decide=decide)  # type: ignore[arg-type]
            url = open_things.enter_context(server.running())
            backend = VllmBackend("tiny", base_url=url, **{"pause_s": 0.01, **options})  # type: ignore[arg-type]
            open_things.callback(backend.close)
            return backend, server

        yield start
