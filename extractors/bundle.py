"""Several documents in one file: where the next one begins.

A page begins a document when it says so: as the first of its pages ("Page 1 of 2"), by a title of another kind than the pages before,
or by the same title with another number under the same label.  Everything else goes on with what came before.  What each part is,
the words of its own pages say; only when all of them are sure is a file parted without a person.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from extractors.cells import PageCells
from extractors.classify import Guess, classify, titles_of
from extractors.documents.spec import DocumentType, FieldSpec, Kind
from extractors.select import labelled_value
from extractors.types import Word

METHOD = "parts/1"
_TELLING = frozenset({Kind.DATE, Kind.AMOUNT, Kind.IDENTIFIER})
OTHER = ""  # the kind of a page that is titled like something that no type is called
_COUNTER = re.compile(r"\b(?:page|seite|blad|pagina|página|strana)\s*:?\s*(\d{1,3})\s*(?:of|von|van|di|de|/)\s*(\d{1,3})\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """Pages of a file that are one document, and what it is; page numbers are 1-based and inclusive."""

    first: int
    last: int
    guess: Guess
    scans: int  # pages of it without words: they may be anything
    doubtful: bool  # a page of it has labels that an earlier one has too, with other values: it may be another document


@dataclass(frozen=True, slots=True)
class _Opening:
    """What a page says of the document that it belongs to."""

    kinds: frozenset[str]  # types whose titles it has, or OTHER; empty when it is not titled
    numbers: Mapping[str, str]  # by type: the value under its label for a number
    values: Mapping[str, str]  # the values under its labels for dates, amounts and identifiers, of whatever type
    otherwise: bool  # a cell of its own names a kind of paper that is none of the types, in whatever print
    place: int | None  # k of "page k of n"


def parts_of(pages: Sequence[Sequence[Word]], types: Mapping[str, DocumentType]) -> tuple[Part, ...]:
    """The documents that the pages are, in order; one for all of them when nothing says that another begins.

    pages: each page's words, in the pages' order; a page without words goes on with what came before
    """
    openings = [_opening(words, types) for words in pages]
    firsts = list(_firsts(openings))
    ends = [*(first - 1 for first in firsts[1:]), len(pages)]
    return tuple(
        Part(
            first=a,
            last=b,
            guess=classify(pages[a - 1 : b], types),
            scans=sum(not words for words in pages[a - 1 : b]),
            doubtful=_doubtful(openings[a - 1 : b]),
        )
        for a, b in zip(firsts, ends, strict=True)
    )


def sure(parts: Sequence[Part]) -> bool:
    """Every part is surely of some type and one document, and of several none has a page that may belong to no matter which."""
    return all(part.guess.sure and not part.doubtful and (len(parts) == 1 or part.scans == 0) for part in parts)


def _firsts(openings: Sequence[_Opening]) -> Iterator[int]:
    """Numbers of the pages with which a document begins."""
    kinds: frozenset[str] = frozenset()
    numbers: dict[str, str] = {}
    for number, opening in enumerate(openings, start=1):
        if number == 1 or _begins(opening, kinds, numbers):
            yield number
            kinds, numbers = opening.kinds, dict(opening.numbers)
        else:
            kinds = kinds or opening.kinds
            numbers = {**opening.numbers, **numbers}


def _begins(opening: _Opening, kinds: frozenset[str], numbers: Mapping[str, str]) -> bool:
    if opening.place is not None:
        return opening.place == 1
    if not opening.kinds or not kinds:
        return False
    same = opening.kinds & kinds
    if not same:
        return True
    return any(kind in numbers and opening.numbers.get(kind, numbers[kind]) != numbers[kind] for kind in same)


def _doubtful(openings: Sequence[_Opening]) -> bool:
    """Whether a page that does not say that a document begins has the look of it all the same."""
    values: dict[str, str] = {}
    numbers: dict[str, str] = {}
    titled = False
    for opening in openings:
        counted = opening.place is not None and opening.place > 1
        if not counted and _looks_new(opening, values, numbers, titled):
            return True
        values, numbers = {**opening.values, **values}, {**opening.numbers, **numbers}
        titled = titled or bool(opening.kinds)
    return False


def _looks_new(opening: _Opening, values: Mapping[str, str], numbers: Mapping[str, str], titled: bool) -> bool:
    """Another value under a label that was there before; or a title, and nothing that shows it to be the same document's."""
    same = any(numbers.get(kind) == number for kind, number in opening.numbers.items())
    retitled = (bool(opening.kinds) or opening.otherwise) and not same and (titled or bool(values))
    return retitled or any(values.get(name, value) != value for name, value in opening.values.items())


def _opening(words: Sequence[Word], types: Mapping[str, DocumentType]) -> _Opening:
    if not words:
        return _Opening(frozenset(), {}, {}, False, None)
    page = PageCells(words)
    kinds, rival = titles_of(page, types)
    counter = _COUNTER.search(" ".join(word.text for word in words))
    numbers = {name: labelled_value(field, page) for name in kinds if (field := _number(types[name])) is not None}
    return _Opening(
        kinds=frozenset(kinds) or (frozenset({OTHER}) if rival == 1.0 else frozenset()),
        numbers={name: found[0] for name, found in numbers.items() if found is not None},
        values=_values(page, types),
        otherwise=rival >= 0.8,
        place=int(counter[1]) if counter is not None and int(counter[1]) <= int(counter[2]) else None,
    )


def _values(page: PageCells, types: Mapping[str, DocumentType]) -> dict[str, str]:
    """The values under the page's labels, each for the field whose label it has the most: "Invoice date" is no number."""
    telling = {field.name: field for spec in types.values() for field in spec.fields if field.kind in _TELLING}
    best: dict[str, tuple[float, str]] = {}
    for name, field in telling.items():
        found = labelled_value(field, page)
        if found is not None:
            value, weight = found
            best[value] = max(best.get(value, (0.0, "")), (weight, name))
    return {name: value for value, (_, name) in best.items()}


def _number(spec: DocumentType) -> FieldSpec | None:
    """The field that tells one document of the type from the next."""
    identifiers = [field for field in spec.fields if field.kind is Kind.IDENTIFIER and field.checksum is None]
    return next((field for field in identifiers if field.required), identifiers[0] if identifiers else None)
