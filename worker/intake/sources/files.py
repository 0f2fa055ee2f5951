"""A source on the worker's own machine: a regular file beneath an allowed folder."""

import errno
import os
import stat
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO

from extractors.errors import UnreadableFile
from worker.intake.errors import SourceNotAllowed, SourceUnavailable
from worker.intake.sources.roots import MEND, SCHEME
from worker.runtime import Runtime

# whoever wrote the path must mend it; all else (a mount that is away, no more open files) passes
WRONG_PATH = frozenset(
    (
        *(errno.ENOENT, errno.ENOTDIR, errno.EACCES, errno.EPERM),
        *(errno.ELOOP, errno.ENAMETOOLONG, errno.EISDIR, errno.ENXIO, errno.ENODEV),
    )
)


def opened(source: str, roots: Sequence[str], rt: Runtime) -> BinaryIO:
    """Raises SourceNotAllowed, SourceUnavailable, UnreadableFile."""
    place = _beneath(Path(source), [Path(one) for one in roots if not SCHEME.match(one)])
    if place is None:
        raise SourceNotAllowed(f"source lies outside the allowed folders. {MEND}")
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
