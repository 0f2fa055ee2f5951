"""A source in an object store, through fsspec; the machine's own configuration of the store's
client says who asks.
"""

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import BinaryIO

from fsspec.core import url_to_fs

from extractors.errors import MissingExtra, SurefieldError, UnreadableFile
from worker.blobs import EXTRAS, check_extra
from worker.intake.errors import SourceUnavailable, TooLarge
from worker.intake.sources.roots import check_beneath
from worker.runtime import Runtime

CHUNK = 1 << 20  # bytes that are in memory at a time

__all__ = ["EXTRAS", "opened"]


@contextmanager
def opened(source: str, roots: Sequence[str], rt: Runtime) -> Iterator[BinaryIO]:
    """Raises SourceNotAllowed, SourceUnavailable, TooLarge, UnreadableFile."""
    check_beneath(source, roots)
    try:
        check_extra(source, "Sources")
    except MissingExtra as error:  # no other upstream waits for it
        raise SourceUnavailable(str(error)) from error
    with tempfile.TemporaryFile() as file:
        try:
            _copy(source, file, most=rt.max_bytes)
        except SurefieldError:
            raise
        except FileNotFoundError as error:
            raise UnreadableFile(
                "source is not in its store. Store the file first, then send its name."
            ) from error
        except Exception as error:  # every object store has its own kinds
            raise SourceUnavailable(
                f"source cannot be fetched ({type(error).__name__}). Check the store's address and"
                " rights, as the workers have them."
            ) from error
        yield file


def _copy(source: str, file: BinaryIO, *, most: int) -> None:
    fs, path = url_to_fs(source)
    fs.invalidate_cache()  # what was not there a moment ago may be there now
    size = 0
    with fs.open(path, "rb", cache_type="none") as there:
        while chunk := there.read(CHUNK):
            size += len(chunk)
            if size > most:
                raise TooLarge(
                    f"The file has more than {most:,} bytes. Raise SUREFIELD_MAX_BYTES or split it."
                )
            file.write(chunk)
