"""A witness: do quantity and price make the amount of a row?

Which two do, the document type says (``product=("quantity", "unit_price")``). Prices are rounded,
and rows print discounts, gross prices and price units ("per 100"): where the words of the row show
a number that explains the amount, nothing is said.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal

from extractors.documents.spec import FieldSpec, Kind
from extractors.evidence.printed_sums import number_of
from extractors.evidence.witnesses import (
    AGREES,
    DENIES,
    DocumentEvidence,
    Row,
    Testimony,
    witness,
)
from extractors.normalise import normalise
from extractors.page.layout import lines_of, terms
from extractors.page.lexicon import SUMMING
from extractors.types import Word

PRODUCT_DIFFERS = "product_differs"
_CENT = Decimal("0.01")
_REACH = 8.0  # heights of a word: as far as the last row may go on
_NUMBER = re.compile(r"[^\w]{0,2}\d[\d.,'\u2019]*(?:[^\w]{0,2}|%|[A-Z]{3})")
_UNITS = {"c": 100, "%": 100, "m": 1000, "tsd": 1000, "mille": 1000, "dutzend": 12, "dozen": 12}


@dataclass(frozen=True, slots=True)
class _Made:
    """The numbers of one row."""

    one: Decimal
    price: Decimal
    amount: Decimal

    def near(self, made: Decimal) -> bool:
        """Whether ``made`` is the amount, but for the rounding of what it was made from."""
        size = abs(self.one) * _half_step(self.price)
        if self.one % 1:
            size += abs(self.price) * _half_step(self.one)
        return abs(made - self.amount) < _CENT or abs(made - self.amount) <= size + _CENT / 2


@witness("row-product/1")
def row_products(document: DocumentEvidence) -> Iterator[Testimony]:
    """Of every row that has all three: they agree, or one of them is not what the row says."""
    for group in (field for field in document.type.fields if field.kind is Kind.GROUP):
        for member in (member for member in group.members if member.product):
            rows = document.rows(group.name)
            for at, row in enumerate(rows):
                below = rows[at + 1] if at + 1 < len(rows) else None
                yield from _of_row(document, group, member, row, below)


def _of_row(
    document: DocumentEvidence, group: FieldSpec, member: FieldSpec, row: Row, below: Row | None
) -> Iterator[Testimony]:
    cells = [row.value(f"{group.name}.{name}") for name in (*member.product, member.name)]
    amounts = [one.amount for one in cells if one is not None and one.amount is not None]
    if len(amounts) < len(cells):
        return
    made = _Made(*amounts)
    told = [one for one in cells if one is not None]
    if made.near(made.one * made.price):
        for one in told:
            yield Testimony(of=one, says=AGREES, because="product")
    elif not _is_explained(document, member, row, below, made):
        names = " times ".join(f"{amount}" for amount in amounts[:2])
        for one in told:
            yield Testimony(
                of=one,
                says=DENIES,
                because=PRODUCT_DIFFERS,
                message=f"{names} is not {made.amount}",
            )


def _decimals(number: Decimal) -> int:
    exponent = number.as_tuple().exponent
    return -exponent if isinstance(exponent, int) and exponent < 0 else 0


def _half_step(number: Decimal) -> Decimal:
    """Half of the last decimal that is printed and not 0; of a price at least half a cent."""
    return Decimal(5).scaleb(-max(_decimals(number.normalize()), 2) - 1)


# ---- what the row itself says


def _is_explained(
    document: DocumentEvidence, member: FieldSpec, row: Row, below: Row | None, made: _Made
) -> bool:
    """A discount, another price or a price unit stands in the row beside all three numbers."""
    page = document.pages.get(row.page)
    if page is None or not page.words:
        return False
    words = _words_of(page.words, row, below)
    if words is None:
        return True  # nobody knows where the row stands
    numbers = list(_numbers(words, member, document))
    for known in (made.one, made.price, made.amount):
        at = next((i for i, (number, _) in enumerate(numbers) if number == known), None)
        if at is None:
            return False  # not in this row: nothing explains a number that is not there
        del numbers[at]
    return any(made.near(other) for number, mark in numbers for other in _ways(made, number, mark))


def _ways(made: _Made, number: Decimal, mark: str) -> Iterator[Decimal]:
    """The amounts that a further number of the row could make."""
    plain, share = made.one * made.price, number / 100
    if mark == "%" or number <= 100:
        yield plain * (1 - share)
        yield plain * (1 + share)
    if mark != "%" and _decimals(number) >= 2:  # money: a gross price, or a discount
        yield made.one * number
        yield made.one * (made.price - abs(number))
        yield plain - abs(number)
    if mark != "%" and number > 1 and not number % 1:
        yield plain / number


def _numbers(
    words: Sequence[Word], member: FieldSpec, document: DocumentEvidence
) -> Iterator[tuple[Decimal, str]]:
    """The numbers of a row, each with the percent sign that follows it."""
    spec, field = document.type, FieldSpec(name="x", kind=Kind.NUMBER, description="")
    for at, word in enumerate(words):
        text = word.text
        if text.casefold().strip(".)(/") in _UNITS:
            yield Decimal(_UNITS[text.casefold().strip(".)(/")]), "unit"
            continue
        if not any(c.isdigit() for c in text) or not _NUMBER.fullmatch(text):
            continue
        for kind in (field, member):
            number = number_of(normalise(text.strip(":;()"), kind, spec).value)
            if number is not None:
                follows = words[at + 1].text if at + 1 < len(words) else ""
                yield number, "%" if text.endswith("%") or follows.startswith("%") else ""
                break


def _words_of(words: Sequence[Word], row: Row, below: Row | None) -> list[Word] | None:
    """The words of the row's lines, down to where the next row begins."""
    top = _top(row)
    if top is None:
        return None
    height = max(word.box.height for word in words if word.box.y0 <= top <= word.box.y1)
    end = _top(below) if below is not None and below.page == row.page else None
    if end is None or end <= top:
        end = top + _REACH * height
    reach = 0.4 * height
    found: list[Word] = []
    for cells in lines_of(words):
        line = [word for cell in cells for word in cell]
        middle = line[0].box.middle
        if not top - reach <= middle < end - reach:
            continue
        if found and _sums_up(line):
            break
        found += line
    return found


def _sums_up(line: Sequence[Word]) -> bool:
    """How the lines beneath a table begin: with a sum's label, or a word made of one."""
    first = next(iter(terms(line[0].text)), "")
    return any(first.startswith(term) for term in SUMMING if len(term) > 3)


def _top(row: Row) -> float | None:
    """The middle of the row's first line, by the cells that stand in one place of the page."""
    middles = []
    for path in row.cells:
        cell = row.value(path)
        for said in cell.said[:1] if cell is not None else ():
            places = said.grounding.places if said.grounding is not None else ()
            if len(places) == 1 and places[0]:
                middles.append(places[0][0].middle)
    return min(middles, default=None)
