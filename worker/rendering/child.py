"""The render child: opens files that strangers made, in a process that may be killed at any moment
without harm.

It reads one file after another from standard input and answers on standard output, page by page,
until standard input ends. It knows no setting and no secret of the worker, and before it reads the
first file it shuts itself in: it has its two pipes, its memory and its processor, and nothing else
of the machine. Run by worker/rendering/renderer.py as ``python -m worker.rendering.child PARENT``.
"""

import importlib
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from types import ModuleType
from typing import Any

from extractors.errors import RenderCrashed, SurefieldError
from extractors.rendering.image_quality import image_quality
from extractors.sandbox import limits as sandbox
from extractors.sandbox.walls import raise_walls
from extractors.types import Canvas
from worker.rendering.protocol import (
    Buffer,
    DrawnPage,
    Read,
    RenderLimits,
    pack,
    pack_page,
    unpack,
)

# freed memory up to this much above the start is kept: asking the system for it again would cost
# more
LEAN_MB = 64
FAT_MB = 256  # a child that rests this much above its start has leaked, and is replaced

# What a file may need beside the PDF library, loaded beforehand: behind the walls no module can be
# opened.
LOADED = """
    PIL.ImageFile _strptime drafthorse.models.document lxml._elementpath lxml.etree simplejpeg
    encodings.cp1252 encodings.raw_unicode_escape encodings.unicode_escape encodings.utf_16
    encodings.utf_16_be encodings.utf_16_le
"""

Send = Callable[[Iterable[Buffer]], None]


def main() -> None:
    read, send = _take_pipes()
    sandbox.end_with_parent(int(sys.argv[1]))
    try:
        from extractors.rendering import pdf

        for module in LOADED.split():
            importlib.import_module(module)
    except (
        Exception
    ) as error:  # a broken installation: say so, instead of letting the worker blame its files
        send(pack({"failed": f"{type(error).__name__}: {error}"}))
        return
    sandbox.write_nothing()
    memory, resting_mb = sandbox.Memory.now(), sandbox.resident_mb()
    send(pack({"ready": True, "walls": raise_walls().as_told()}))
    while True:
        try:
            request, (file,) = unpack(read)
            data = bytes(file)
            del file
        except EOFError:
            return
        memory.allow(len(data) + request["limits"]["memory_mb"] * sandbox.MB)
        end = _serve(pdf, request, data, send)
        del data
        memory.lift()
        if sandbox.resident_mb() > resting_mb + LEAN_MB:
            sandbox.give_memory_back()
            end["again"] = end["again"] and sandbox.resident_mb() < resting_mb + FAT_MB
        send(pack({"end": {**end, "peak_mb": sandbox.peak_resident_mb()}}))


def _serve(pdf: ModuleType, request: Mapping[str, Any], data: bytes, send: Send) -> dict[str, Any]:
    """Send the file's pages; then how it ended, and whether this process is fit for another
    file.
    """
    try:
        for page in _pages(pdf, request, data):
            send(pack_page(page))
    except MemoryError:
        limit = request["limits"]["memory_mb"]
        return _failed(
            RenderCrashed(
                f"The file needs more than {limit} MB of memory. Export it anew, or raise the"
                " limit."
            ),
            again=False,
        )
    except SurefieldError as error:
        return _failed(error, again=True)
    except Exception as error:  # its own words may quote the document
        fault = type(error).__name__
        return _failed(
            RenderCrashed(
                f"The file met a fault in the renderer ({fault}). Export it anew, and report the"
                " fault."
            ),
            again=False,
        )
    return {"error": None, "message": None, "again": True}


def _failed(error: SurefieldError, *, again: bool) -> dict[str, Any]:
    return {"error": error.code, "message": str(error), "again": again}


def _pages(pdf: ModuleType, request: Mapping[str, Any], data: bytes) -> Iterator[DrawnPage]:
    limits, canvas = RenderLimits(**request["limits"]), Canvas(**request["canvas"])
    sandbox.allow_processor(limits.page_seconds)
    with pdf.open_file(
        data, password=request["password"], max_pages=limits.max_pages, max_pixels=limits.max_pixels
    ) as file:
        about = file.about() if request["first"] == 1 else ((), None)
        for number in range(request["first"], file.page_count + 1):
            sandbox.allow_processor(limits.page_seconds)
            page = file.page(number)
            of_file, einvoice = about if number == 1 else ((), None)
            model = page.pixels(canvas)
            words = page.words()
            yield DrawnPage(
                number=number,
                page_count=file.page_count,
                width_pt=page.width_pt,
                height_pt=page.height_pt,
                model=model,
                view=page.view_pixels(dpi=limits.view_dpi, max_pixels=limits.view_pixels),
                words=words,
                layer_coverage=page.layer_coverage(words),
                findings=(*of_file, *page.findings()),
                einvoice=einvoice,
                quality=image_quality(model.width_px, model.height_px, model.rgb),
            )


def _take_pipes() -> tuple[Read, Send]:
    """Keep standard input and output for the protocol alone: whatever else prints goes nowhere."""
    requests, answers = os.dup(0), os.dup(1)
    nowhere = os.open(os.devnull, os.O_RDWR)
    for standard in (0, 1, 2):
        os.dup2(nowhere, standard)

    def read(size: int) -> bytes:
        buffer = bytearray(size)
        view = memoryview(buffer)
        while view:
            got = os.readv(requests, [view])
            if not got:
                raise EOFError
            view = view[got:]
        return bytes(buffer)

    def send(pieces: Iterable[Buffer]) -> None:
        for piece in pieces:
            view = memoryview(piece)
            while view:
                view = view[os.write(answers, view) :]

    return read, send


if __name__ == "__main__":
    main()
