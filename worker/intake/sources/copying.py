"""A source from elsewhere is copied here before anything is done with it."""

from collections.abc import Callable
from typing import BinaryIO

from worker.intake.errors import TooLarge

CHUNK = 1 << 20  # bytes that are in memory at a time


def copy(read: Callable[[int], bytes], file: BinaryIO, *, most: int) -> None:
    """Write what is read into the file, to its end or until there are more than ``most`` bytes.

    read: gives at most so many bytes more, and none at the end

    Raises TooLarge.
    """
    size = 0
    while chunk := read(CHUNK):
        size += len(chunk)
        if size > most:
            raise TooLarge.than(most)
        file.write(chunk)
