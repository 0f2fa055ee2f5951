"""A witness: is a list empty beside a sum that it should make?

All 41 empty lists that were planted beside a total or a net are denied. A paper that lists nothing
is not: its words hold no line with a text and an amount but those that sum up. On a scan nothing
speaks for the absence, and a person looks.
"""

import re
from collections.abc import Iterator

from extractors.documents.spec import FieldSpec, Kind
from extractors.evidence.gather import Candidate
from extractors.evidence.printed_sums import number_of
from extractors.evidence.witnesses import DENIES, DocumentEvidence, Testimony, witness
from extractors.normalise import normalise
from extractors.page.labels import label_weights, shaped
from extractors.page.layout import lines_of, terms
from extractors.page.lexicon import SUMMING
from extractors.page.sum_lines import does
from extractors.types import Word

EMPTY_LIST = "empty_list"
# Two decimals, or a price with four; a day in figures is neither.
_MONEY = re.compile(r"[^\w\s]{0,3}\d{1,3}(?:[.,'\u2019]?\d{3})*[.,](?:\d{2}|\d{4})[^\w\s]{0,2}")
_HEADS = 2  # columns that a table's head names, at least


@witness("empty-list/1")
def empty_lists(document: DocumentEvidence) -> Iterator[Testimony]:
    """The absence of every list that a printed sum should be made of."""
    for group in (field for field in document.type.fields if field.kind is Kind.GROUP):
        absent = document.absent(group.name)
        sums = [one for one in _sums_of(document, group) if one.amount]
        if absent is None or not sums:
            continue
        worded = all(page.words for page in document.pages.values())
        row = _first_row(document, group)
        if worded and row is None:
            continue
        page, line = row or (None, ())
        yield Testimony(
            of=absent,
            says=DENIES,
            because=EMPTY_LIST,
            message=f"no row was read, and {sums[0].name} says {sums[0].text}",
            page=page,
            boxes=tuple(word.box for word in line),
        )


def _sums_of(document: DocumentEvidence, group: FieldSpec) -> Iterator[Candidate]:
    for field in document.type.fields:
        if any(column.startswith(f"{group.name}.") for column in field.columns):
            yield from document.values(field.name)


def _first_row(document: DocumentEvidence, group: FieldSpec) -> tuple[int, tuple[Word, ...]] | None:
    """The first line beneath a table's head that ends in an amount and sums nothing up; where no
    head is known, one with a text and several numbers that were not read for another field.
    """
    heads = [set(label_weights(m)) | set(terms(m.name)) for m in group.members]
    for number, page in sorted(document.pages.items()):
        beneath = False
        for cells in lines_of(page.words):
            line = tuple(word for cell in cells for word in cell)
            label = [t for word in line[:4] for t in terms(word.text) if not t.isdigit()]
            if len(cells) > 1 and _is_head(line, heads):
                beneath = True
            elif does(label) is not None or any(term in SUMMING for term in label):
                beneath = beneath and not any(_MONEY.fullmatch(word.text) for word in line)
            elif _is_row(line, label, document, beneath=beneath):
                return number, line
    return None


def _is_head(line: tuple[Word, ...], heads: list[set[str]]) -> bool:
    """The line names two members or more, each in words of its own."""
    if any(c.isdigit() for word in line for c in word.text):
        return False
    said = {term for word in line for term in terms(word.text)}
    named = [said & head for head in heads if said & head]
    return len(named) >= min(_HEADS, len(heads)) <= len(set().union(*named))


def _is_row(
    line: tuple[Word, ...], label: list[str], document: DocumentEvidence, *, beneath: bool
) -> bool:
    numbers = [word for word in line if shaped(Kind.NUMBER, word.text)]
    amounts = [word for word in line if _MONEY.fullmatch(word.text)]
    if not amounts:
        return False
    if beneath:
        return bool(label) or len(numbers) > 1
    last = next(word for word in reversed(line) if any(c.isalnum() for c in word.text))
    ends = last in (*amounts, *numbers)
    return ends and len(numbers) > 1 and len(label) > 0 and not _all_known(amounts, document)


def _all_known(amounts: list[Word], document: DocumentEvidence) -> bool:
    """The amounts were read for fields of the document's own."""
    field = FieldSpec(name="x", kind=Kind.AMOUNT, description="")
    known = {one.amount for one in document.candidates if one.group is None} - {None}
    values = (normalise(word.text, field, document.type).value for word in amounts)
    return all(number_of(value) in known for value in values)
