"""A folder into which other programs write: each file becomes a document, and is put aside.

Whose content and name were taken once is the same document again, however often this is stopped in
the middle: the file's place and bytes are its key.
"""

import os
import stat
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import BinaryIO

import structlog

from extractors.errors import SurefieldError, UnreadableFile
from worker.blobs import name_of
from worker.intake import actions, sources
from worker.intake.errors import InvalidSubmission
from worker.intake.outages import is_outage
from worker.runtime import Runtime

log = structlog.get_logger()

TAKEN, REFUSED = "taken", "refused"  # folders for what is done with
WHY = ".why.txt"  # beside a refused file
# names that programs give to files which are not written to their end
UNFINISHED = (".part", ".partial", ".tmp", ".temp", ".crdownload", ".filepart", ".swp")


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """How a file looked: what is written meanwhile looks otherwise."""

    inode: int
    size: int  # bytes
    changed_ns: int

    @classmethod
    def of(cls, found: os.stat_result) -> "Look":
        return cls(inode=found.st_ino, size=found.st_size, changed_ns=found.st_mtime_ns)


class Watched:
    """One folder, looked at again and again."""

    def __init__(
        self, folder: Path, rt: Runtime, *, upstream: str, document_type: str | None
    ) -> None:
        """
        document_type: of every file; None: each lies in a folder with its type's name
        """
        self._folder, self._rt = folder, rt
        self._upstream, self._document_type = upstream, document_type
        self._looks: dict[Path, Look] = {}

    def look(self) -> Counter[str]:
        """Take what looks as it did the last time; returns how many were taken, refused, and wait.

        Raises OSError when the folder itself cannot be read, and what is away: a database, blobs.
        """
        done: Counter[str] = Counter()
        looks = {}
        for path in self._files():
            try:
                found = path.lstat()
            except OSError:  # gone again
                continue
            here = Look.of(found)
            is_empty = stat.S_ISREG(found.st_mode) and here.size == 0  # and will be written
            if self._looks.get(path) != here or is_empty:
                looks[path] = here
                done["waiting"] += 1
                continue
            # what is away leaves it as it is known: it is taken as soon as that is back
            done[self._take(path, here)] += 1
        self._looks = looks
        return done

    def _files(self) -> Iterator[Path]:
        """Those that may be finished, the oldest first."""
        if self._document_type is not None:
            folders = [self._folder]
        else:
            folders = [one for one in self._folder.iterdir() if _is_for_files(one)]
            folders.append(self._folder)  # what lies in none of them has no type, and is told so
        found = [one for folder in folders for one in folder.iterdir() if _may_be_finished(one)]
        yield from sorted(found, key=lambda one: (_time_of(one), one))

    def _take(self, path: Path, look: Look) -> str:
        """Returns what became of it: taken, refused, or waiting."""
        try:
            with _open(path) as file:
                if Look.of(os.fstat(file.fileno())) != look:
                    return "waiting"
                submitted = actions.submit(
                    self._request(path, file), self._rt, most_waiting=self._rt.max_waiting
                )
                if Look.of(os.fstat(file.fileno())) != look:
                    log.warning("file_changed_while_taken", file=_shown(path))
                    return "waiting"
        except FileNotFoundError:
            return "waiting"
        except SurefieldError as error:
            if is_outage(error):
                raise
            self._put_aside(path, REFUSED, why=f"{error.code}: {error}\n")
            log.warning("file_refused", file=_shown(path), code=error.code)
            return REFUSED
        self._put_aside(path, TAKEN)
        log.info("file_taken", file=_shown(path), document=str(submitted.document_id))
        return TAKEN

    def _request(self, path: Path, file: BinaryIO) -> sources.Request:
        place = path.relative_to(self._folder).as_posix()
        # the same bytes under another name are another document; under the same one they are not
        key = sha256(os.fsencode(place) + b"\0" + name_of(file).encode()).hexdigest()
        document_type = self._document_type or path.parent.name
        if self._document_type is None and path.parent == self._folder:
            raise InvalidSubmission(
                "Its document type is not known. Put it into a folder with its type's name, or give"
                " --type."
            )
        self._rt.check_type(document_type)
        return sources.Request(
            upstream=self._upstream,
            document_type=document_type,
            file=file,
            filename=_shown(path),
            key=f"watch-{key}",
        )

    def _put_aside(self, path: Path, where: str, *, why: str | None = None) -> None:
        """Out of the way, under its name or, where there is one of that name, with a number."""
        folder = self._folder / where / path.parent.relative_to(self._folder)
        folder.mkdir(parents=True, exist_ok=True)
        place = next(one for one in _names(folder, path.name) if not os.path.lexists(one))
        if why is not None:
            place.with_name(place.name + WHY).write_text(why, encoding="utf-8")
        os.rename(path, place)


def _names(folder: Path, name: str) -> Iterator[Path]:
    yield folder / name
    stem, end = os.path.splitext(name)
    number = 1
    while True:
        number += 1
        yield folder / f"{stem} ({number}){end}"


def _shown(path: Path) -> str:
    """Its name, also where that is no text."""
    return path.name.encode(errors="replace").decode()


def _open(path: Path) -> BinaryIO:
    """Raises UnreadableFile for what is no file that may be read, and FileNotFoundError."""
    try:
        # a link could lead to what others must not hand in, and a pipe would be waited for
        there = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except FileNotFoundError:
        raise
    except OSError as error:
        raise UnreadableFile(
            f"It cannot be read: {error.strerror}. Copy the file itself, with rights to read it."
        ) from error
    if not stat.S_ISREG(os.fstat(there).st_mode):
        os.close(there)
        raise UnreadableFile("It is no regular file. Copy the file itself.")
    return os.fdopen(there, "rb")


def _is_for_files(folder: Path) -> bool:
    wanted = not folder.name.startswith(".") and folder.name not in (TAKEN, REFUSED)
    return wanted and folder.is_dir() and not folder.is_symlink()


def _may_be_finished(path: Path) -> bool:
    name = path.name.lower()
    if name.startswith((".", "~")) or name.endswith(UNFINISHED):
        return False
    try:
        return not stat.S_ISDIR(path.lstat().st_mode)
    except OSError:
        return False


def _time_of(path: Path) -> int:
    try:
        return path.lstat().st_mtime_ns
    except OSError:
        return 0
