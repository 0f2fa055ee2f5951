"""Where a submission's bytes come from: the message itself, an open file, or a path under an
allowed root.
"""

import base64
import binascii
import errno
import io
import os
import stat
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO

from extractors.errors import UnreadableFile
from worker.intake.errors import InvalidSubmission, SourceNotAllowed, SourceUnavailable
from worker.intake.types import PRIORITY
from worker.runtime import Runtime

UNKNOWN = "application/octet-stream"
# whoever wrote the path must mend it; all else (a mount that is away, no more open files) passes
WRONG_PATH = frozenset(
    (
        *(errno.ENOENT, errno.ENOTDIR, errno.EACCES, errno.EPERM),
        *(errno.ELOOP, errno.ENAMETOOLONG, errno.EISDIR, errno.ENXIO, errno.ENODEV),
    )
)
MAGIC = {
    b"%PDF": "application/pdf",
    b"\x89PNG": "image/png",
    b"\xff\xd8\xff": "image/jpeg",
    b"II*\0": "image/tiff",
    b"MM\0*": "image/tiff",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One submission as an upstream system states it; exactly one of ``source``, ``content`` and
    ``file`` is set.
    """

    upstream: str
    document_type: str
    source: str | None = None  # a file's path under an allowed root
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
    if "\0" in source:
        raise SourceNotAllowed("source has a NUL in it. Name a file under an allowed folder.")
    place = _beneath(Path(source), rt.source_roots)
    if place is None:
        raise SourceNotAllowed(
            "source lies outside the allowed folders. Add its folder to SUREFIELD_SOURCE_ROOTS, or"
            " send content_base64."
        )
    try:
        there = _open_beneath(*place)
    except OSError as error:
        kind = UnreadableFile if error.errno in WRONG_PATH else SourceUnavailable
        raise kind(
            f"source cannot be read: {error.strerror}. Check the path and its rights on the"
            " worker's machine."
        ) from error
    if not stat.S_ISREG(os.fstat(there).st_mode):
        os.close(there)
        raise UnreadableFile("source is no file. Name a regular file under an allowed folder.")
    return os.fdopen(there, "rb")


def _beneath(path: Path, roots: Sequence[Path]) -> tuple[Path, Sequence[str]] | None:
    """The allowed folder that the path names as its own, and the way from there; None outside of
    all, also where it goes up on the way.
    """
    for root in roots:
        for name in (root, root.resolve()):
            if path.is_relative_to(name) and ".." not in path.parts:
                return root.resolve(), path.relative_to(name).parts
    return None


def _open_beneath(root: Path, names: Sequence[str]) -> int:
    """Open what lies there, a step at a time, each in the folder that was opened before it: whoever
    renames a folder meanwhile leads nowhere else.  No symbolic link is followed.

    Raises SourceNotAllowed at a link, OSError.
    """
    way = os.open(root, os.O_RDONLY | os.O_DIRECTORY)
    try:
        for name in names[:-1]:
            there = _step(name, way, os.O_DIRECTORY)
            os.close(way)
            way = there
        # a pipe would be waited for, for ever
        return _step(names[-1] if names else ".", way, os.O_NONBLOCK)
    finally:
        os.close(way)


def _step(name: str, way: int, how: int) -> int:
    try:
        return os.open(name, os.O_RDONLY | os.O_NOFOLLOW | how, dir_fd=way)
    except OSError as error:
        if error.errno in (errno.ELOOP, errno.ENOTDIR) and _is_link(name, way):
            raise SourceNotAllowed(
                "source leads over a symbolic link. Name the file where it lies."
            ) from error
        raise


def _is_link(name: str, way: int) -> bool:
    try:
        return stat.S_ISLNK(os.stat(name, dir_fd=way, follow_symlinks=False).st_mode)
    except OSError:
        return False


def media_type(data: bytes) -> str:
    """What the first bytes look like, for people; the renderer decides what they are.

    A PDF's mark may stand a little further in.
    """
    named = next((name for mark, name in MAGIC.items() if data.startswith(mark)), None)
    return named or ("application/pdf" if b"%PDF" in data[:1024] else UNKNOWN)
