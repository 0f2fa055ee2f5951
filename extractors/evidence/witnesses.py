"""Witnesses: each says what a document shows for or against the candidates of its fields.

A witness is one pure function of the stored evidence, in one file of this folder, under a versioned
name::

    @witness("net-tax-total/1")
    def net_tax_total(document: DocumentEvidence) -> Iterator[Testimony]:
        ...

It agrees, denies, offers another answer, or says nothing; silence is not agreement.  What it says
is never changed by a later edit: a changed rule gets the next version.
"""

import importlib
import pkgutil
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date as Date
from enum import StrEnum
from functools import cache, cached_property

from extractors.documents.spec import DocumentType
from extractors.evidence.gather import Candidate
from extractors.page.text import PageText
from extractors.rendering.einvoice import EInvoice
from extractors.rendering.findings import Finding
from extractors.types import Box, FieldState


class Says(StrEnum):
    """What a witness says of a candidate."""

    AGREES = "agrees"
    DENIES = "denies"  # outweighs any confidence
    OFFERS = "offers"  # neither: it only has another answer for people to choose


AGREES, DENIES, OFFERS = Says


@dataclass(frozen=True, slots=True, kw_only=True)
class Testimony:
    """What one witness says of one candidate, and where it sees it."""

    of: Candidate
    says: Says
    because: str | None = None  # a stable code for SQL; a denial without one gets its witness's
    message: str | None = None  # for people
    details: Mapping[str, object] = field(default_factory=dict)  # JSON-able
    page: int | None = None  # 1-based: where the witness looked
    boxes: tuple[Box, ...] = ()  # on that page
    offers: str | None = None  # another answer as printed at that place, which nobody read
    witness: str = ""  # whose it is; set by ``hear``


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One row of a list: its page, and the candidates of each of its cells."""

    ordinal: int  # in the document, 0-based
    page: int  # 1-based
    cells: Mapping[str, tuple[Candidate, ...]]  # by path, such as "items.amount"

    def value(self, path: str) -> Candidate | None:
        """The value that was read in this cell; the first of them if there are several."""
        return next((c for c in self.cells.get(path, ()) if c.state is FieldState.VALUE), None)


@dataclass(frozen=True, kw_only=True)
class DocumentEvidence:
    """All that is stored of one document, as a witness may look at it."""

    type: DocumentType
    candidates: tuple[Candidate, ...]
    pages: Mapping[int, PageText] = field(default_factory=dict)  # that were read, by number
    left_out: Mapping[int, PageText] = field(default_factory=dict)  # that nobody read
    findings: tuple[Finding, ...] = ()  # what rendering lost
    einvoice: EInvoice | None = None  # the XML in the same file
    received: Date | None = None  # the day that the document came in
    # by page and line of a text layer: what OCR sees there; a place that nobody looked at is none
    seen: Mapping[tuple[int, Box], str] = field(default_factory=dict)

    def of(self, name: str, ordinal: int = 0) -> tuple[Candidate, ...]:
        """All candidates of a field; ``ordinal`` is the row of a list."""
        return self._by_place.get((name, ordinal), ())

    def values(self, name: str, ordinal: int = 0) -> tuple[Candidate, ...]:
        """The distinct values that were read for a field."""
        return tuple(c for c in self.of(name, ordinal) if c.state is FieldState.VALUE)

    def value(self, name: str, ordinal: int = 0) -> Candidate | None:
        """The value that was read; None when there is none, or more than one."""
        found = self.values(name, ordinal)
        return found[0] if len(found) == 1 else None

    def absent(self, name: str, ordinal: int = 0) -> Candidate | None:
        """The candidate that says that there is none, where no page says otherwise."""
        found = self.of(name, ordinal)
        return found[0] if found and found[0].state is FieldState.ABSENT else None

    def amount(self, name: str, ordinal: int = 0) -> Candidate | None:
        """The one value that was read, if it is a number."""
        found = self.value(name, ordinal)
        return found if found is not None and found.amount is not None else None

    def list_of(self, group: str) -> Candidate | None:
        """The candidate that stands for the whole list; None where no row was read."""
        return self.value(group)

    def rows(self, group: str) -> tuple[Row, ...]:
        """The rows of a list, in the document's order."""
        return self._rows.get(group, ())

    @cached_property
    def _by_place(self) -> Mapping[tuple[str, int], tuple[Candidate, ...]]:
        found: dict[tuple[str, int], list[Candidate]] = defaultdict(list)
        for one in self.candidates:
            found[one.name, one.ordinal].append(one)
        return {place: tuple(ones) for place, ones in found.items()}

    @cached_property
    def _rows(self) -> Mapping[str, tuple[Row, ...]]:
        cells: dict[tuple[str, int], dict[str, tuple[Candidate, ...]]] = defaultdict(dict)
        for (name, ordinal), ones in self._by_place.items():
            if ones[0].group is not None:
                cells[ones[0].group, ordinal][name] = ones
        rows: dict[str, list[Row]] = defaultdict(list)
        for (group, ordinal), of in sorted(cells.items(), key=lambda item: item[0]):
            page = next(page for ones in of.values() for one in ones for page in one.pages)
            rows[group].append(Row(ordinal=ordinal, page=page, cells=of))
        return {group: tuple(found) for group, found in rows.items()}


Witness = Callable[[DocumentEvidence], Iterator[Testimony]]

WITNESSES: dict[str, Witness] = {}


def witness(name: str) -> Callable[[Witness], Witness]:
    """Register a witness under ``name/version``."""

    def register(function: Witness) -> Witness:
        if name in WITNESSES:
            raise ValueError(
                f"witness {name!r} exists already; a changed rule gets the next version"
            )
        WITNESSES[name] = function
        return function

    return register


@cache
def witnesses() -> Mapping[str, Witness]:
    """All witnesses by name: those of every file in this folder."""
    folder = __name__.rpartition(".")[0]
    for module in pkgutil.iter_modules(importlib.import_module(folder).__path__):
        importlib.import_module(f"{folder}.{module.name}")
    return WITNESSES


def hear(document: DocumentEvidence) -> tuple[Testimony, ...]:
    """What every witness says, by the witnesses' names; all denials have a code and a message."""
    return tuple(
        _complete(one, name)
        for name, function in sorted(witnesses().items())
        for one in function(document)
    )


def _complete(one: Testimony, name: str) -> Testimony:
    plain = name.partition("/")[0]
    because, message = one.because, one.message
    if one.says is DENIES:
        because = because or plain.replace("-", "_")
        message = message or f"{plain.replace('-', ' ')} does not agree"
    return replace(one, witness=name, because=because, message=message)


def denials(testimony: Sequence[Testimony]) -> tuple[Testimony, ...]:
    """What speaks against."""
    return tuple(one for one in testimony if one.says is DENIES)
