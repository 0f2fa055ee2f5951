"""Where a submission's bytes come from: the message itself, an open file, or a place that the
upstream may name.
"""

import base64
import binascii
import io
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, BinaryIO
from urllib.parse import unquote, urlsplit

from worker.intake.errors import InvalidSubmission, SourceNotAllowed
from worker.intake.sources import files, https, objects
from worker.intake.sources.roots import SCHEME, roots_of
from worker.intake.types import PRIORITY
from worker.runtime import Runtime

UNKNOWN = "application/octet-stream"
MAGIC = {
    b"%PDF": "application/pdf",
    b"\x89PNG": "image/png",
    b"\xff\xd8\xff": "image/jpeg",
    b"II*\0": "image/tiff",
    b"MM\0*": "image/tiff",
}
WEB = ("https://", "http://")
# what opens a source, by the scheme of its URL; a path has none
KINDS: Mapping[str, Callable[..., AbstractContextManager[BinaryIO]]] = {
    "": files.opened,
    "https": https.opened,
    "http": https.opened,
    **dict.fromkeys(objects.EXTRAS, objects.opened),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One submission as an upstream system states it; exactly one of ``source``, ``content`` and
    ``file`` is set.
    """

    upstream: str
    document_type: str
    source: str | None = None  # a path, or a URL, beneath one of the upstream's roots
    content: bytes | None = field(default=None, repr=False)
    # open, and the caller's to close: for what is too large to be held
    file: BinaryIO | None = field(default=None, repr=False)
    filename: str | None = None  # for people
    key: str | None = None  # the upstream's own: the same key gives the same document back
    priority: int = PRIORITY  # 0..9, higher goes first
    who: str | None = None  # the person who hands it in; None: a program
    password: str | None = field(default=None, repr=False)
    # the same, sealed for the installation's key by whoever sends it
    password_sealed: bytes | None = field(default=None, repr=False)
    metadata: Mapping[str, Any] = field(default_factory=dict)
    deadline: datetime | None = None  # of equal priority, sooner first; with its offset

    @property
    def name(self) -> str | None:
        """The file's name: the one that was given, or the last step to its source; None where it
        has none.
        """
        if self.filename or self.source is None:
            return self.filename
        way = self.source
        if way.lower().startswith(WEB):
            way = unquote(urlsplit(way).path)  # what comes after ? may be a secret, and is no name
        return way.rstrip("/").rpartition("/")[2] or None


def decoded(name: str, text: str) -> bytes:
    """The bytes of an argument in base64.

    Raises InvalidSubmission when it is not base64.
    """
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise InvalidSubmission(
            f"{name} is not base64. Encode the bytes with the standard alphabet and padding."
        ) from error


@contextmanager
def opened(request: Request, rt: Runtime) -> Iterator[BinaryIO]:
    """The bytes of a submission, as a file.

    Raises InvalidSubmission, SourceNotAllowed, SourceUnavailable, TooLarge, UnreadableFile.
    """
    given = [each for each in (request.source, request.content, request.file) if each is not None]
    if len(given) != 1:
        raise InvalidSubmission("Give exactly one of source and content_base64.")
    if request.file is not None:
        yield request.file
    elif request.content is not None:
        yield io.BytesIO(request.content)
    else:
        with _source(request.source or "", request.upstream, rt) as file:
            yield file


def _source(source: str, upstream: str, rt: Runtime) -> AbstractContextManager[BinaryIO]:
    if "\0" in source:
        raise SourceNotAllowed("source has a NUL in it. Name a file under an allowed folder.")
    named = SCHEME.match(source)
    kind = KINDS.get(named["scheme"].lower() if named else "")
    if kind is None:
        raise SourceNotAllowed(
            f"source is of a kind that is not taken. It may be a path, or a URL with one of"
            f" {', '.join(filter(None, KINDS))}."
        )
    return kind(source, roots_of(rt.source_roots, upstream), rt)


def media_type(data: bytes) -> str:
    """What the first bytes look like, for people; the renderer decides what they are.

    A PDF's mark may stand a little further in.
    """
    named = next((name for mark, name in MAGIC.items() if data.startswith(mark)), None)
    return named or ("application/pdf" if b"%PDF" in data[:1024] else UNKNOWN)
