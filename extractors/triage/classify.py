"""Which of the document types is it?

Judged by the words on its pages: what the paper calls itself, and which labels it has.

The same few measures and weights serve every type, also one that a user adds: they ask how well the
paper fits the type's own definition. A paper that is titled as something else does not fit,
whatever types are declared; a type whose title is not on the page says nothing of another. Nothing
is sure without a title of its own; pages without words fit nothing.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import astuple, dataclass

from extractors.documents.spec import DocumentType, FieldSpec, Kind
from extractors.page.labels import label_strength
from extractors.page.layout import PageCells, terms
from extractors.page.lexicon import ALSO
from extractors.triage.names import Names, names_of
from extractors.triage.titles import (
    NAMED,
    Heading,
    headings,
    own,
    papers_in,
    rival,
)
from extractors.types import Word

METHOD = "words/2"
SURE = 0.8  # from here on a document goes its way without a person
UNTITLED = 0.75  # nothing is surer than this without a title
MOST_PAGES = 5  # looked at: what a paper is stands on its first pages


@dataclass(frozen=True, slots=True)
class Fit:
    """How a paper fits one type, every measure from 0 to 1."""

    # 1 or 0.8: it calls itself so; less: the word stands in a label, or somewhere
    called: float
    labels: float  # share of the fields that a label with a value stands for
    required: float  # the same of the required fields
    table: float  # a line that holds the labels of a list's columns
    rival: float  # it calls itself something that this type is not called


@dataclass(frozen=True, slots=True, kw_only=True)
class Guess:
    """What kind of document it is, as far as its words tell."""

    document_type: str | None  # the likeliest; None where nothing speaks for any
    # 0..1: that it is this one, and no other; None where there is nothing to judge by
    confidence: float | None
    fits: Mapping[str, float]  # every type's own score, for people
    # what it calls itself in English, where that is none of the types: "credit note"
    paper: str | None = None
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
WEIGHTS = (7.4, 6.4, 1.4, -0.3, -5.5)
BIAS = -5.0


def classify(pages: Sequence[Sequence[Word]], types: Mapping[str, DocumentType]) -> Guess:
    """The likeliest type, and how sure that is.

    pages: each page's words, in the pages' order; those without words cannot speak
    """
    seen = [PageCells(words) for words in pages[:MOST_PAGES] if words]
    if not seen or not types:
        return Guess(document_type=None, confidence=None, fits={})
    names = names_of(types)
    found = [headings(page, names) for page in seen]
    fits = {name: _score(fit) for name, fit in _fits(seen, found, types, names).items()}
    titled = {name for name in types if any(own(of, name, names) >= NAMED for of in found)}
    best = max(fits, key=lambda name: (name in titled, fits[name], name))
    others = math.prod(1.0 - fits[name] for name in titled - {best})
    return Guess(
        document_type=best,
        confidence=others * (fits[best] if best in titled else min(fits[best], UNTITLED)),
        fits=fits,
        paper=next(papers_in(found[0], names), None),
    )


def fits_of(seen: Sequence[PageCells], types: Mapping[str, DocumentType]) -> dict[str, Fit]:
    """How the paper fits every type."""
    names = names_of(types)
    return _fits(seen, [headings(page, names) for page in seen], types, names)


def _fits(
    seen: Sequence[PageCells],
    found: Sequence[Sequence[Heading]],
    types: Mapping[str, DocumentType],
    names: Names,
) -> dict[str, Fit]:
    return {
        name: Fit(
            called=max(own(of, name, names) for of in found)
            or (0.2 if _mentioned(spec, seen) else 0.0),
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
            rival=_rival(found, name, names),
        )
        for name, spec in types.items()
    }


def _rival(found: Sequence[Sequence[Heading]], name: str, names: Names) -> float:
    """How plainly the paper is titled as something else; behind the first page in larger print
    only.
    """
    first, *more = found
    later = max((rival(of, name, names) for of in more), default=0.0)
    return max(rival(first, name, names), later if later == 1.0 else 0.0)


def _mentioned(spec: DocumentType, seen: Sequence[PageCells]) -> bool:
    """Whether a page says one of the type's titles anywhere."""
    titles = [tuple(terms(called)) for called in (spec.title, *spec.called)]
    return any(page.says.issuperset(title) for page in seen for title in titles)


def _score(fit: Fit) -> float:
    z = BIAS + math.fsum(
        weight * measure for weight, measure in zip(WEIGHTS, astuple(fit), strict=True)
    )
    return 1.0 / (1.0 + math.exp(-z))


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
