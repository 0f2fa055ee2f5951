"""A witness: what the pages that nobody read say about the values that were read elsewhere.

Pure. Of a long document the model sees the pages that promise the most; the others still have
words. Where they hold a label of a field with another value, the one that was read may be the wrong
one of the two, and a person decides.

A label is a line's beginning, or a cell's, made of the field's words alone ("Total weight" is none
of a total's), and its value must follow at once and be all that follows. A document may use the
same word for many things, as a report with a "Total" beneath each table does: where its unread
pages give one label more than ``FEW_VALUES`` values, a page counts only if it has labels of other
fields of the type too. A page that has the value that was read under such a label agrees, whatever
else it says.
"""

import math
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from extractors.documents.spec import DocumentType, FieldSpec, Kind
from extractors.evidence.gather import Candidate
from extractors.evidence.witnesses import DENIES, DocumentEvidence, Testimony, witness
from extractors.normalise import Value, normalise
from extractors.page.labels import FILLERS, label_weights, shaped
from extractors.page.layout import LABEL_WORDS, lines_of, terms, text_of
from extractors.page.lexicon import ALSO
from extractors.types import Box, FieldState, Word

FEW_VALUES = 2
# words of a value; others: to the end
_LONGEST = {Kind.DATE: 7, Kind.AMOUNT: 4, Kind.NUMBER: 3, Kind.CURRENCY: 2, Kind.IDENTIFIER: 6}
# that two fields have one value says nothing
_OF_FEW = frozenset({Kind.BOOLEAN, Kind.CHOICE, Kind.CURRENCY})

Cell = tuple[Word, ...]


@dataclass(frozen=True, slots=True)
class _Said:
    """A value under a label of a field, on an unread page."""

    name: str
    page: int
    value: Value
    words: Cell
    in_table: bool  # it ends a column of amounts: it may be the sum of whatever these are

    @property
    def text(self) -> str:
        return text_of(self.words)

    @property
    def boxes(self) -> tuple[Box, ...]:
        return tuple(word.box for word in self.words)


class _Labels:
    """Which field a label names, if it names one alone.

    Those of a list's columns are not asked: their values stand beneath.
    """

    def __init__(self, spec: DocumentType) -> None:
        self._fields = {field.name: field for field in spec.fields if field.kind is not Kind.GROUP}
        self._weights = {name: label_weights(field) for name, field in self._fields.items()}

    def know(self, label: frozenset[str]) -> bool:
        """Some field is called by all of these words."""
        return any(label <= weights.keys() for weights in self._weights.values())

    def named(self, label: frozenset[str]) -> FieldSpec | None:
        """The field that these words name better than every other; what its name says and they do
        not counts against it.
        """
        weighed = {
            name: self._weight(name, label)
            for name, weights in self._weights.items()
            if label <= weights.keys()
        }
        best = max(weighed.values(), default=0.0)
        names = [name for name, weight in weighed.items() if weight == best]
        return self._fields[names[0]] if best > 0 and len(names) == 1 else None

    def _weight(self, name: str, label: frozenset[str]) -> float:
        said = math.fsum(self._weights[name][term] for term in label)
        return said - sum(
            label.isdisjoint((term, *(t for also in ALSO.get(term, ()) for t in terms(also))))
            for term in _named(name)
        )


def _named(name: str) -> Iterator[str]:
    return terms(name.replace("_", " "))


@witness("left-out-pages/1")
def left_out_pages(document: DocumentEvidence) -> Iterator[Testimony]:
    """The words of a page that was left out show another value under the field's label."""
    read = [
        one
        for one in document.candidates
        if one.state is FieldState.VALUE and one.value is not None and one.value.value is not None
    ]
    if not read or not document.left_out:
        return
    labels = _Labels(document.type)
    by_name: dict[str, list[_Said]] = defaultdict(list)
    fields_on: dict[int, set[str]] = defaultdict(set)
    for page, text in document.left_out.items():
        for said in _said(page, text.words, labels, document.type):
            by_name[said.name].append(said)
            fields_on[page].add(said.name)
    several = frozenset(page for page, names in fields_on.items() if len(names) > 1)
    values = [one.value for one in read if one.value is not None]
    for one in read:
        if one.value is not None and one.name in by_name:
            against = _against(one.value, by_name[one.name], values, several)
            if against:
                yield _denied(one, against)


def _denied(candidate: Candidate, against: Sequence[_Said]) -> Testimony:
    first, *more = against
    others = f", and {len(more)} more" if more else ""
    return Testimony(
        of=candidate,
        says=DENIES,
        because="left_out_page_differs",
        message=f"page {first.page}, which was not read, says {first.text}{others}",
        details={
            "pages": [each.page for each in against],
            "others": [each.text for each in against],
        },
        page=first.page,
        boxes=first.boxes,
    )


def _against(
    value: Value, said: Sequence[_Said], values: Sequence[Value], several: frozenset[int]
) -> tuple[_Said, ...]:
    """What says otherwise.

    Another value that was read, be it another field's, is no news.
    """
    known = [value, *(each for each in values if each.kind not in _OF_FEW)]
    agreeing = {each.page for each in said if _same(value, each.value)}
    other = [
        each
        for each in said
        if each.page not in agreeing and not any(_same(one, each.value) for one in known)
    ]
    other = [
        each
        for each in other
        if value.kind is not Kind.IDENTIFIER or _has_letters(value) == _has_letters(each.value)
    ]
    usual = {
        alike
        for alike in (False, True)
        if len({each.value.value for each in other if each.in_table is alike}) > FEW_VALUES
    }
    return tuple(each for each in other if each.in_table not in usual or each.page in several)


def _same(a: Value, b: Value) -> bool:
    """They agree; of texts, one may say more than the other, such as a name and its address."""
    if a.kind is not Kind.TEXT or b.kind is not Kind.TEXT:
        return a.agrees_with(b)
    one, other = ("".join(filter(str.isalnum, str(text.value).casefold())) for text in (a, b))
    return one in other or other in one


def _has_letters(value: Value) -> bool:
    """Identifiers are compared with those of one make: a chapter's number is not an invoice's."""
    return any(c.isalpha() for c in str(value.value))


def _said(page: int, words: Sequence[Word], labels: _Labels, spec: DocumentType) -> Iterator[_Said]:
    """The values under the page's labels, one a label."""
    lines = lines_of(words)
    for number, line in enumerate(lines):
        for at, cell in enumerate(line):
            for field, rest, colon in _labelled(cell, labels):
                beneath = _beneath(lines, number, field) if len(line) == 1 else ()
                found = _value(rest, line[at + 1 :], beneath, field, spec, colon=colon)
                if found is not None:
                    in_table = (
                        number > 0
                        and len(line) > 1
                        and shaped(Kind.AMOUNT, lines[number - 1][-1][-1].text)
                    )
                    yield _Said(
                        field.name,
                        page,
                        found,
                        rest or (line[at + 1] if at + 1 < len(line) else beneath),
                        in_table,
                    )
                    break


def _labelled(cell: Cell, labels: _Labels) -> Iterator[tuple[FieldSpec, Cell, bool]]:
    """The fields that the cell's first words name, the longest label first, with what follows it
    and whether a colon parts them.
    """
    ends: list[tuple[FieldSpec, Cell, bool]] = []
    label: frozenset[str] = frozenset()
    for at, word in enumerate(cell[:LABEL_WORDS]):
        label |= {term for term in terms(word.text) if term not in FILLERS}
        if not labels.know(label):
            break
        colon = word.text.endswith(":")
        field = labels.named(label) if label else None
        if field is not None:
            ends.append((field, cell[at + 1 :], colon))
        if colon:
            break
    yield from reversed(ends)


def _beneath(lines: Sequence[Sequence[Cell]], number: int, field: FieldSpec) -> Cell:
    """The line beneath a label that stands alone on its own, if it stands alone too and is no first
    of many.
    """
    below, after = (lines[number + step] if number + step < len(lines) else () for step in (1, 2))
    many = (
        len(after) == 1
        and field.kind in _LONGEST
        and any(shaped(field.kind, word.text) for word in after[0][:1])
    )
    return below[0] if len(below) == 1 and not many else ()


def _value(
    rest: Cell,
    right: Sequence[Cell],
    beneath: Cell,
    field: FieldSpec,
    spec: DocumentType,
    *,
    colon: bool,
) -> Value | None:
    """What stands behind the label, if that is one value of the field's kind and no more."""
    if not rest and len(right) > 1 and any(c.isdigit() for word in right[1] for c in word.text):
        return None  # a row of a table
    words = rest or (right[0] if right else beneath)
    if field.kind not in _LONGEST:
        return _whole(words, field, spec) if colon and words is not beneath else None
    if (
        not words
        or len(words) > _LONGEST[field.kind]
        or (field.kind is Kind.IDENTIFIER and not _is_code(words))
    ):
        return None
    if field.kind is Kind.AMOUNT and not any(shaped(Kind.AMOUNT, word.text) for word in words):
        return None
    return _whole(words, field, spec)


def _whole(words: Cell, field: FieldSpec, spec: DocumentType) -> Value | None:
    value = (
        normalise(text_of(words), field, spec)
        if words and any(c.isalnum() for c in text_of(words))
        else None
    )
    return None if value is None or value.value is None else value


def _is_code(words: Cell) -> bool:
    """Every word of it has a digit or is a short one in capitals; an amount or a date is no
    identifier.
    """
    coded = all(
        any(c.isdigit() for c in word.text) or (len(word.text) <= 4 and word.text.isupper())
        for word in words
    )
    return (
        coded
        and any(c.isdigit() for c in text_of(words))
        and not shaped(Kind.AMOUNT, words[0].text)
    )
