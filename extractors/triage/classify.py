"""Which of the document types is it?

Judged by the words on its pages: what the paper calls itself, and which labels it has.

The same few measures and weights serve every type, also one that a user adds: they ask how well the
paper fits the type's own definition. How sure the answer is counts both ways: this type fits, and
no other does. Papers that call themselves something that no type is called are not made to fit;
pages without words fit nothing.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import astuple, dataclass

from extractors.documents.spec import DocumentType, FieldSpec, Kind
from extractors.page.labels import label_strength
from extractors.page.layout import Cell, PageCells, terms
from extractors.page.lexicon import ALSO, PAPERS
from extractors.types import Word

Title = tuple[str, ...]  # its terms
METHOD = "words/1"
SURE = 0.8  # from here on a document goes its way without a person
MOST_PAGES = 5  # looked at: what a paper is stands on its first pages
MOST_CELLS = 200  # of a page
LONGEST_TITLE = 5  # words
LARGER = 1.2  # times the page's usual height of words
_NUMBERING = frozenset(
    {
        "no",
        "nr",
        "number",
        "date",
        "datum",
        "total",
        "nummer",
        "numero",
        "num",
        "page",
        "vom",
        "of",
        "du",
        "dated",
        "original",
        "copy",
        "duplicata",
        "kopie",
    }
)


@dataclass(frozen=True, slots=True)
class Fit:
    """How a paper fits one type, every measure from 0 to 1."""

    called: float  # 1: it calls itself so; less: the word stands in a label, or somewhere
    labels: float  # share of the fields that a label with a value stands for
    required: float  # the same of the required fields
    table: float  # a line that holds the labels of a list's columns
    rival: float  # it calls itself something that no type is called


@dataclass(frozen=True, slots=True, kw_only=True)
class Guess:
    """What kind of document it is, as far as its words tell."""

    document_type: str | None  # the likeliest; None where nothing speaks for any
    # 0..1: that it is this one, and no other; None where there is nothing to judge by
    confidence: float | None
    fits: Mapping[str, float]  # every type's own score, for people
    method: str = METHOD

    @property
    def sure(self) -> bool:
        """Whether it may go on without a person."""
        return (
            self.document_type is not None
            and self.confidence is not None
            and self.confidence >= SURE
        )


# Logistic weights of the measures in ``Fit``, and the bias; fitted by tests/benchmarks/classify.py
# on papers that it generates.
WEIGHTS = (7.8, 6.8, 0.9, 0.2, -3.8)
BIAS = -5.7


def classify(pages: Sequence[Sequence[Word]], types: Mapping[str, DocumentType]) -> Guess:
    """The likeliest type, and how sure that is.

    pages: each page's words, in the pages' order; those without words cannot speak
    """
    seen = [PageCells(words) for words in pages[:MOST_PAGES] if words]
    if not seen or not types:
        return Guess(document_type=None, confidence=None, fits={})
    fits = {name: _score(fit) for name, fit in fits_of(seen, types).items()}
    best = max(fits, key=lambda name: (fits[name], name))
    others = math.prod(1.0 - fit for name, fit in fits.items() if name != best)
    return Guess(document_type=best, confidence=fits[best] * others, fits=fits)


def fits_of(seen: Sequence[PageCells], types: Mapping[str, DocumentType]) -> dict[str, Fit]:
    """How the paper fits every type."""
    titles, others = _titles(types)
    rival = _rival(seen[0], others)
    return {
        name: Fit(
            called=max(_called(page, titles[name]) for page in seen),
            labels=_labelled(
                [field for field in spec.fields if field.kind is not Kind.GROUP], seen
            ),
            required=_labelled(
                [field for field in spec.fields if field.required] or list(spec.fields), seen
            ),
            table=max(
                (_table(field, seen) for field in spec.fields if field.kind is Kind.GROUP),
                default=0.0,
            ),
            rival=rival,
        )
        for name, spec in types.items()
    }


def titles_of(page: PageCells, types: Mapping[str, DocumentType]) -> tuple[list[str], float]:
    """The types as which this page is titled, and how plainly it is titled like something that no
    type is called: 1 in larger print.
    """
    titles, others = _titles(types)
    named = [
        name
        for name, of in titles.items()
        if any(_titled(cell, page, of) >= 0.8 for cell in page.cells[:MOST_CELLS])
    ]
    return named, _rival(page, others)


def _titles(types: Mapping[str, DocumentType]) -> tuple[dict[str, list[Title]], list[Title]]:
    """What papers of each type call themselves, and what others do."""
    titles = {
        name: [tuple(terms(called)) for called in (spec.title, *spec.called)]
        for name, spec in types.items()
    }
    known = {title for of in titles.values() for title in of}
    return titles, [paper for paper in map(tuple, map(terms, PAPERS)) if paper not in known]


def _score(fit: Fit) -> float:
    z = BIAS + math.fsum(
        weight * measure for weight, measure in zip(WEIGHTS, astuple(fit), strict=True)
    )
    return 1.0 / (1.0 + math.exp(-z))


def _called(page: PageCells, titles: Sequence[Title]) -> float:
    """How plainly the page says one of these titles: 1 in larger print, 0.8 in a cell of its own,
    0.6 in a label, 0.2 anywhere.
    """
    best = max((_titled(cell, page, titles) for cell in page.cells[:MOST_CELLS]), default=0.0)
    return best or (0.2 if any(page.says.issuperset(title) for title in titles) else 0.0)


def _titled(cell: Cell, page: PageCells, titles: Sequence[Title]) -> float:
    """A number and a date beside a title do not count: "Rechnung Nr. 4711 vom 5.3.2026"."""
    spoken = tuple(_plain(cell.words))
    if not spoken or len(spoken) > LONGEST_TITLE:
        return 0.0
    if spoken in titles or any(
        len(spoken) == len(title) == 1 and len(title[0]) > 5 and spoken[0].endswith(title[0])
        for title in titles
    ):
        label = any(word.text.endswith(":") for word in cell.words)
        return (
            0.6
            if label
            else 1.0
            if cell.words[0].box.y1 - cell.words[0].box.y0 >= LARGER * page.height
            else 0.8
        )
    if any(len(title) == 1 and _compound(spoken[0], title[0]) for title in titles):
        return 0.6
    return 0.4 if any(spoken[: len(title)] == title for title in titles) else 0.0


def _rival(page: PageCells, titles: Sequence[Title]) -> float:
    """How plainly the page is titled otherwise.

    A label with a value names another paper, and is no title.
    """
    found = 0.0
    for cell in page.cells[:MOST_CELLS]:
        if (
            len(cell.words) <= 3
            and not cell.right
            and not any(c.isdigit() or c == ":" for word in cell.words for c in word.text)
        ):
            spoken = tuple(term for word in cell.words for term in terms(word.text))
            if any(spoken[-len(title) :] == title for title in titles):
                found = max(
                    found,
                    (
                        1.0
                        if cell.words[0].box.y1 - cell.words[0].box.y0 >= LARGER * page.height
                        else 0.8
                    ),
                )
    numbered = max((_titled(cell, page, titles) for cell in page.cells[:MOST_CELLS]), default=0.0)
    return max(found, numbered if numbered == 1.0 else 0.0)


def _compound(term: str, title: str) -> bool:
    """ "Rechnungsnummer", "Factuurdatum": a label made of the title and of what numbers or dates
    it.
    """
    return term.startswith(title) and any(
        part in term[len(title) :] for part in ("nummer", "nr", "datum", "dat")
    )


def _plain(words: Sequence[Word]) -> Iterator[str]:
    """A cell's terms without what numbers a paper."""
    for word in words:
        if not any(c.isdigit() for c in word.text):
            yield from (term for term in terms(word.text) if term not in _NUMBERING)


def _labelled(fields: Sequence[FieldSpec], seen: Sequence[PageCells]) -> float:
    if not fields:
        return 0.0
    return math.fsum(max(label_strength(field, page) for page in seen) for field in fields) / len(
        fields
    )


def _table(group: FieldSpec, seen: Sequence[PageCells]) -> float:
    """Whether one line names two columns of the list or more: the share of its columns that the
    best line names.
    """
    best = 0.0
    names = [set(_column_words(member)) for member in group.members]
    for page in seen:
        for line in page.heads:
            named = sum(any(term in of for term in line) for of in names)
            best = max(best, named / len(names) if named >= 2 else 0.0)
    return best


def _column_words(member: FieldSpec) -> Iterator[str]:
    for term in terms(member.name.replace("_", " ")):
        yield term
        yield from (t for other in ALSO.get(term, ()) for t in terms(other))
