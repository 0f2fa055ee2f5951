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
from worker.intake.errors import SourceUnavailable
from worker.intake.sources.copying import copy
from worker.intake.sources.roots import check_beneath
from worker.runtime import Runtime

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
            fs, path = url_to_fs(source)
            fs.invalidate_cache()  # what was not there a moment ago may be there now
            with fs.open(path, "rb", cache_type="none") as there:
                copy(there.read, file, most=rt.max_bytes)
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
