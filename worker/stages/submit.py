"""A file becomes a document: stored once by its hash, and written down under the submitter's key.

Whether it can be opened, and whether its type exists, is found out when it is rendered: so a bad file or a misspelt type that
came over the queue ends as a failed document that says why, and nothing is lost.
"""

import base64
import binascii
import io
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

from extractors.errors import InvalidSubmission, SourceNotAllowed, TooLarge, UnreadableFile
from worker import store
from worker.runtime import Runtime

MAGIC = {b"%PDF": "application/pdf", b"\x89PNG": "image/png", b"\xff\xd8\xff": "image/jpeg", b"II*\0": "image/tiff", b"MM\0*": "image/tiff"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One submission as an upstream system states it; exactly one of ``source``, ``content`` and ``file`` is set."""

    upstream: str
    document_type: str
    source: str | None = None  # a file's path under an allowed root
    content: bytes | None = field(default=None, repr=False)
    file: BinaryIO | None = field(default=None, repr=False)  # open, and the caller's to close: for what is too large to be held
    filename: str | None = None  # for people
    key: str | None = None  # the upstream's own: the same key gives the same document back
    priority: int = 0  # higher goes first
    password: str | None = field(default=None, repr=False)
    metadata: Mapping[str, Any] = field(default_factory=dict)


def decoded(content_base64: str) -> bytes:
    """The bytes of a base64 message.

    Raises InvalidSubmission when it is not base64.
    """
    try:
        return base64.b64decode(content_base64, validate=True)
    except (binascii.Error, ValueError) as error:
        raise InvalidSubmission("content_base64 is not base64. Encode the file's bytes with the standard alphabet and padding.") from error


def run(request: Request, rt: Runtime) -> store.Submitted:
    """Accept one file, or give the document back that the same upstream and key stand for.

    Raises InvalidSubmission, SourceNotAllowed, TooLarge, UnreadableFile: nothing is stored then.
    """
    with _opened(request, rt) as file:
        if file.seek(0, os.SEEK_END) > rt.max_bytes:
            raise TooLarge(f"The file has more than {rt.max_bytes:,} bytes. Raise SUREFIELD_MAX_BYTES or split it.")
        sha256 = rt.blobs.put_file(file)  # before the row: a crash between the two leaves a blob nobody names, never a row without bytes
        file.seek(0)
        kind = media_type(file.read(1024))
    with rt.transaction() as tx:
        return store.submit(
            tx,
            store.Submission(
                upstream=request.upstream,
                key=request.key,
                document_type=request.document_type,
                sha256=sha256,
                media_type=kind,
                filename=request.filename or (Path(request.source).name if request.source else None),
                priority=request.priority,
                password=request.password,
                metadata=request.metadata,
            ),
        )


@contextmanager
def _opened(request: Request, rt: Runtime) -> Iterator[BinaryIO]:
    given = [each for each in (request.source, request.content, request.file) if each is not None]
    if len(given) != 1:
        raise InvalidSubmission("Give exactly one of source and content_base64.")
    if request.file is not None:
        yield request.file
    elif request.content is not None:
        yield io.BytesIO(request.content)
    else:
        with _source(request.source or "", rt) as file:
            yield file


def _source(source: str, rt: Runtime) -> BinaryIO:
    path = Path(source).resolve()  # symbolic links are followed before the roots are checked
    if not any(path.is_relative_to(root.resolve()) for root in rt.source_roots):
        raise SourceNotAllowed("source lies outside the allowed folders. Add its folder to SUREFIELD_SOURCE_ROOTS, or send content_base64.")
    try:
        return path.open("rb")
    except OSError as error:
        raise UnreadableFile(f"source cannot be read: {error.strerror}. Check the path and its rights on the worker's machine.") from error


def media_type(data: bytes) -> str:
    """What the first bytes look like, for people; the renderer decides what they are.  A PDF's mark may stand a little further in."""
    named = next((name for mark, name in MAGIC.items() if data.startswith(mark)), None)
    return named or ("application/pdf" if b"%PDF" in data[:1024] else "application/octet-stream")
