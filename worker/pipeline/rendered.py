"""The pages of one document while it is rendered: what they may cost together, and where they wait.

The words of a page wait in a file until all pages are there, so that a document of five hundred
full pages takes the worker's memory of one.
"""

import json
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from types import TracebackType

from extractors.errors import TooManyWords, TooMuchToStore
from worker.rendering.protocol import RenderLimits
from worker.store.codec import words_in, words_out
from worker.store.types import NewPage, RenderedBefore

NOTHING = RenderedBefore()


class RenderedPages:
    """Pages to be saved, in order.  A context manager: afterwards the file is gone."""

    def __init__(self, limits: RenderLimits, before: RenderedBefore = NOTHING) -> None:
        self._limits = limits
        self._before = before  # by earlier turns, which count too
        self._pages: list[NewPage] = []
        self._lines = tempfile.TemporaryFile()  # noqa: SIM115  # closed by __exit__
        self._words = before.words
        self._stored: dict[str, int] = {}  # bytes of each picture; equal ones are stored once

    def __enter__(self) -> "RenderedPages":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._lines.close()

    def __len__(self) -> int:
        return len(self._pages)

    @property
    def count(self) -> int:
        """Pages of the document that are rendered by now."""
        return self._before.pages + len(self._pages)

    @property
    def stored_bytes(self) -> int:
        """Of all of them."""
        return self._before.stored_bytes + sum(self._stored.values())

    def __iter__(self) -> Iterator[NewPage]:
        """The pages, each with its words."""
        self._lines.seek(0)
        for page, line in zip(self._pages, self._lines, strict=True):
            yield replace(page, words=words_in(json.loads(line)))

    def add(self, page: NewPage, *, stored: tuple[int, int]) -> None:
        """One more page.

        stored: bytes of its picture for the model, and of that for people

        Raises TooManyWords or TooMuchToStore when the document costs more than it may.
        """
        self._words += len(page.words)
        if self._words > self._limits.max_words:
            raise TooManyWords(
                f"The document has more than {self._limits.max_words} words by page {page.number}."
                " Split it, or raise SUREFIELD_MAX_WORDS."
            )
        self._stored |= zip((page.model_sha256, page.view_sha256), stored, strict=True)
        if self.stored_bytes > self._limits.max_stored_bytes:
            raise TooMuchToStore(
                f"The document's page images take more than"
                f" {self._limits.max_stored_bytes / 1e6:g} MB by page {page.number}. Split it, scan"
                " at a lower resolution, or raise SUREFIELD_MAX_STORED_MB."
            )
        self._lines.write(json.dumps(words_out(page.words)).encode() + b"\n")
        self._pages.append(replace(page, words=()))
