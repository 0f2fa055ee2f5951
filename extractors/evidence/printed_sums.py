"""What the pages print besides the fields that may stand between a list and its total: own sums of
the list, discounts, charges, advance payments, rounding.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from itertools import combinations

from extractors.documents.spec import FieldSpec
from extractors.evidence.witnesses import DocumentEvidence
from extractors.normalise import normalise
from extractors.page.sum_lines import Does, SumLine, sum_lines

MOST = 8  # adjustments that are tried together
HALF_A_CENT = Decimal("0.005")


@dataclass(frozen=True, slots=True)
class Printed:
    """One labelled amount of a page."""

    page: int  # 1-based
    line: SumLine
    amount: Decimal


def printed_sums(document: DocumentEvidence, field: FieldSpec) -> tuple[Printed, ...]:
    """Every line of the pages that ends in an amount, as ``field`` would read it."""
    found = []
    for number, page in sorted(document.pages.items()):
        for line in sum_lines(page.words):
            value = normalise(line.text, field, document.type).value
            if (amount := number_of(value)) is not None:
                found.append(Printed(number, line, amount))
    return tuple(found)


def number_of(value: object) -> Decimal | None:
    """A normalised value as a number; None where it is none."""
    try:
        return Decimal(value) if isinstance(value, str) else None
    except InvalidOperation:
        return None


def same(a: Decimal, b: Decimal) -> bool:
    return abs(a - b) <= HALF_A_CENT


def explained(short: Decimal, whole: Decimal, printed: Sequence[Printed]) -> bool:
    """Whether printed discounts, charges and roundings make up for what is missing.

    short: what the whole has more than its parts; whole: gives the sign, as a credit note has all
    of its signs the other way round.
    """
    moves = list(dict.fromkeys(_moves(whole, printed)))[:MOST]
    return any(
        same(sum((abs_of * way for abs_of, way in chosen), Decimal(0)), short)
        for size in range(1, len(moves) + 1)
        for chosen in combinations(moves, size)
    )


def _moves(whole: Decimal, printed: Sequence[Printed]) -> Iterator[tuple[Decimal, int]]:
    way = -1 if whole < 0 else 1
    for one in printed:
        size = abs(one.amount)
        if not size:
            continue
        if one.line.does is Does.REDUCES:
            yield size, -way
        elif one.line.does is Does.RAISES:
            yield size, way
        elif one.line.does is Does.ROUNDS and size < 1:
            yield size, 1
            yield size, -1
