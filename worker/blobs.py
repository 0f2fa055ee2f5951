"""Originals and page images by the sha256 of their bytes: the same bytes are stored once and never
change.

The store is any place fsspec can name: a folder, ``file://``, ``s3://``, ``gs://``, ``az://``,
``memory://`` (tests).
"""

import io
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import file_digest, sha256
from pathlib import Path
from typing import Any, BinaryIO

from fsspec import AbstractFileSystem
from fsspec.core import url_to_fs
from fsspec.implementations.local import LocalFileSystem

from extractors.errors import MissingExtra, SurefieldError
from extractors.registry import missing
from worker.errors import BlobsUnavailable, MissingBlob

HEX_DIGITS = frozenset("0123456789abcdef")
EXTRAS = {
    "s3": "s3fs",
    "gs": "gcsfs",
    "az": "adlfs",
}  # scheme, which is the extra's name -> its library
CHUNK = 1 << 20  # bytes that are in memory at a time
MEND = (
    "Restore it from a backup and run surefield retry, or submit the document again under its key."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """One blob as it lies there."""

    name: str
    size: int  # bytes
    at: datetime  # when it was stored last: bytes that come again count anew


class Blobs:
    """A content-addressed store.  Safe to share between threads and to carry through a fork."""

    def __init__(self, url: str | os.PathLike[str]) -> None:
        url = os.fspath(url)
        # A folder is made absolute now: a worker may change its working directory later.
        self.url = url if "://" in url else str(Path(url).expanduser().absolute())

    def put(self, data: bytes) -> str:
        """Store the bytes, once, and return their name.  A damaged copy is replaced."""
        return self.put_file(io.BytesIO(data))

    def put_file(self, file: BinaryIO) -> str:
        """Store what is in an open file, as ``put`` does, without ever holding all of it in
        memory.
        """
        name = name_of(file)
        file.seek(0)
        with _store_errors("written"):
            fs, path = self._locate(name)
            if isinstance(fs, LocalFileSystem):
                _write_locally(Path(path), file, name)
            else:
                with fs.open(
                    path, "wb"
                ) as target:  # object stores show an object whole or not at all
                    shutil.copyfileobj(file, target, CHUNK)
        return name

    def get(self, name: str) -> bytes:
        """The bytes of that name, proved to be the ones that were stored."""
        with _store_errors("read"):
            fs, path = self._locate(name)
            try:
                data = bytes(fs.cat_file(path))
            except FileNotFoundError as error:
                self._check_mounted()
                raise MissingBlob(f"Blob {name} is not in the store. {MEND}") from error
        if sha256(data).hexdigest() != name:
            raise MissingBlob(f"Blob {name} is damaged in the store. {MEND}")
        return data

    def exists(self, name: str) -> bool:
        """Whether there is something under that name; only ``get`` proves that it is whole."""
        with _store_errors("read"):
            fs, path = self._locate(name)
            return bool(fs.exists(path))

    def all(self) -> Iterator[Stored]:
        """Every blob, in no order; what else lies in the store is left out."""
        with _store_errors("listed"):
            check_extra(self.url, "Blobs")
            fs, root = url_to_fs(self.url)
            fs.invalidate_cache()
            found = fs.find(root, detail=True)
            for path, info in found.items():
                name = path.rpartition("/")[2]
                if len(name) == 64 and HEX_DIGITS.issuperset(name):
                    yield Stored(
                        name=name, size=int(info["size"] or 0), at=_time_of(fs, path, info)
                    )

    def remove(self, name: str, *, before: datetime) -> bool:
        """Remove a blob unless it was stored, or stored again, since then; whether it is gone."""
        with _store_errors("changed"):
            fs, path = self._locate(name)
            fs.invalidate_cache()
            try:
                if _time_of(fs, path, fs.info(path)) >= before:
                    return False
                fs.rm_file(path)
            except FileNotFoundError:
                return False
        return True

    def _locate(self, name: str) -> tuple[AbstractFileSystem, str]:
        """The file system and the blob's path in it; two levels of folders keep any one of them
        small.

        The file system is looked up each time: fsspec keeps one instance per process, and object
        stores' clients must not cross a fork.
        """
        if len(name) != 64 or not HEX_DIGITS.issuperset(name):
            raise MissingBlob(
                f"{name[:80]!r} is not the name of a blob. Names are sha256 in lower-case"
                " hexadecimal."
            )
        check_extra(self.url, "Blobs")
        fs, root = url_to_fs(self.url)
        return fs, f"{root.rstrip('/')}/{name[:2]}/{name[2:4]}/{name}"

    def _check_mounted(self) -> None:
        """Raises BlobsUnavailable when the whole folder is empty or gone: no single blob is missing
        then, but what was to be mounted there.
        """
        fs, root = url_to_fs(self.url)
        if isinstance(fs, LocalFileSystem):
            folder = Path(root)
            if not folder.is_dir() or not any(folder.iterdir()):
                raise BlobsUnavailable(
                    f"There is nothing at {folder}. Mount it, or mend SUREFIELD_BLOBS_URL."
                )


def check_extra(url: str, what: str) -> None:
    """Raises MissingExtra where the library of the URL's store is not installed.

    what: what lies there, for whoever reads the error
    """
    extra = url.partition("://")[0]
    if extra in EXTRAS and missing(EXTRAS[extra]):
        raise MissingExtra(extra, f"{what} at {extra}:// need {EXTRAS[extra]}")


def name_of(file: BinaryIO) -> str:
    """The name under which an open file's bytes are stored, from its beginning to its end."""
    file.seek(0)
    return file_digest(file, "sha256").hexdigest()  # type: ignore[arg-type]  # any file that reads bytes will do


def _write_locally(path: Path, data: BinaryIO, name: str) -> None:
    """Write beside the place and rename, so that a reader or a crash never meets half a file."""
    if path.is_file() and _digest(path) == name:
        try:
            os.utime(path)  # whoever removes what nobody names must know that it is wanted again
        except PermissionError:
            pass  # another account's: it is written anew
        else:
            return
    owner = _make_folder(path.parent)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=".new-")
    try:
        with os.fdopen(handle, "wb") as file:
            shutil.copyfileobj(data, file, CHUNK)
            file.flush()
            os.fsync(file.fileno())
            if owner is not None:
                os.fchown(file.fileno(), *owner)
        os.replace(temporary, path)
        # the store may have been given over meanwhile
        if owner is None and (given := _make_folder(path.parent)) is not None:
            os.chown(path, *given, follow_symlinks=False)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
    _sync_folder(path.parent)


def _make_folder(folder: Path) -> tuple[int, int] | None:
    """Make it where it is not; whose user and group new things there must be, where we are root and
    the store is somebody else's: the workers are not root, and read what a command stores.
    """
    store = folder.parents[1]  # two levels of folders lie in it
    above = next(one for one in (store, *store.parents) if one.exists())
    found = above.stat()
    folder.mkdir(parents=True, exist_ok=True)
    if os.geteuid() != 0 or found.st_uid == 0:
        return None
    # also those that another process has made just now, and not given over yet
    for made in (store, folder.parent, folder):
        if made.lstat().st_uid == 0:
            os.chown(made, found.st_uid, found.st_gid, follow_symlinks=False)
    return found.st_uid, found.st_gid


def _time_of(fs: AbstractFileSystem, path: str, info: Mapping[str, Any]) -> datetime:
    """When it was stored, as the store says it."""
    said = info.get("mtime") or info.get("LastModified") or info.get("updated")
    said = said or info.get("created")
    said = said if said is not None else fs.modified(path)
    if isinstance(said, str):
        said = datetime.fromisoformat(said)
    if not isinstance(said, datetime):
        said = datetime.fromtimestamp(float(said), UTC)
    return said if said.tzinfo is not None else said.replace(tzinfo=UTC)


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return file_digest(file, "sha256").hexdigest()


def _sync_folder(folder: Path) -> None:
    """Make the rename itself survive a power cut."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextmanager
def _store_errors(verb: str) -> Iterator[None]:
    """Whatever the client of a store raises becomes one error that a retry may mend."""
    try:
        yield
    except SurefieldError:
        raise
    except Exception as error:  # every object store has its own kinds; most are not OSError
        reason = getattr(error, "strerror", None) or type(error).__name__
        raise BlobsUnavailable(
            f"The blob store cannot be {verb} ({reason}). Check its address, rights and free space."
        ) from error
