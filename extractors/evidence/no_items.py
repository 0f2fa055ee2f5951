"""A witness: rows that are no items.  What sums up other rows, a tax, what is carried over, a row
that says nothing, and the two halves of one row that a page break parts.

Pure, and heard on a scan too: it looks at what was read alone.
"""

import re
from collections.abc import Iterator, Sequence
from decimal import Decimal
from itertools import pairwise

from extractors.documents.types import FieldSpec, Kind
from extractors.evidence.table_rows import NUMBERS, main_paths
from extractors.evidence.witnesses import DENIES, DocumentEvidence, Row, Testimony, witness
from extractors.page.labels import FILLERS
from extractors.page.layout import terms
from extractors.page.lexicon import SUMMING
from extractors.page.sum_words import BESIDE_SUMS, MAY_BE_SUMS, OF_A_PAGE, SUMS
from extractors.types import FieldState

EMPTY, SUM, SPLIT = "empty_row", "row_is_a_sum", "row_split"
MESSAGES = {
    EMPTY: "nothing was read in this row",
    SUM: "this row is a sum, a tax or what is carried over, and no item",
    SPLIT: "a page break stands here: this may be half of one row",
}
_SPELLED = re.compile(r"(?<=\b\w)\.(?=\w\b)")  # the dots of "T.V.A."
GOES_ON = (",", "-", "\u2010", "\u2011", "\u2013", "/", "(", "&", "+")  # a text that is not over


@witness("no-items/1")
def no_items(document: DocumentEvidence) -> Iterator[Testimony]:
    """The rows of every list that are no items."""
    for group in (field for field in document.type.fields if field.kind is Kind.GROUP):
        rows = document.rows(group.name)
        named = {term for text in (group.name, group.description) for term in terms(text)}
        if not rows or named & SUMMING:
            continue  # of a list of taxes or totals, these are the items
        kept = []
        for row, before in zip(rows, _running(group, rows), strict=True):
            if _is_empty(row):
                yield from _denied(row, EMPTY)
            elif _is_sum(group, row, before, rows):
                yield from _denied(row, SUM)
            else:
                kept.append(row)
        for row in _split(group, kept):
            yield from _denied(row, SPLIT)


def _denied(row: Row, code: str) -> Iterator[Testimony]:
    for cells in row.cells.values():
        for one in cells[:1]:
            yield Testimony(
                of=one, says=DENIES, because=code, message=MESSAGES[code], page=row.page
            )


def _is_empty(row: Row) -> bool:
    return all(one.state is FieldState.ABSENT for cells in row.cells.values() for one in cells)


# ---- sums


def _running(group: FieldSpec, rows: Sequence[Row]) -> Iterator[tuple[Decimal, int]]:
    """What the rows before each one add up to, and how many they are."""
    anchor, _ = main_paths(group)
    total, count = Decimal(0), 0
    for row in rows:
        yield total, count
        amount = _amount(row, anchor)
        if amount is not None and not (count and amount == total):
            total, count = total + amount, count + 1


def _amount(row: Row, path: str | None) -> Decimal | None:
    cell = row.value(path) if path is not None else None
    return cell.amount if cell is not None else None


def _is_sum(group: FieldSpec, row: Row, before: tuple[Decimal, int], rows: Sequence[Row]) -> bool:
    """Its text says so and nothing else; or its amount is what the rows before it add up to, and
    its text may say so or it lacks the numbers that other rows have.
    """
    anchor, lead = main_paths(group)
    text = row.value(lead) if lead is not None else None
    said = _said(text.text if text is not None and text.text else "")
    known = said <= SUMS | BESIDE_SUMS | MAY_BE_SUMS
    if known and (said & SUMS or (said & MAY_BE_SUMS and said & OF_A_PAGE)):
        return True
    total, count = before
    if not count or _amount(row, anchor) != total:
        return False
    bare = _numbers(group, row) == {anchor}
    if known and said & MAY_BE_SUMS:
        return bare
    return bare and count > 1 and any(len(_numbers(group, one)) > 1 for one in rows)


def _said(text: str) -> frozenset[str]:
    joined = _SPELLED.sub("", text)
    return frozenset(
        term for term in terms(joined) if term not in FILLERS and not term[0].isdigit()
    )


def _numbers(group: FieldSpec, row: Row) -> set[str | None]:
    """The paths of the numbers that the row has."""
    paths = (f"{group.name}.{member.name}" for member in group.members if member.kind in NUMBERS)
    return {path for path in paths if row.value(path) is not None}


# ---- a row on two pages


def _split(group: FieldSpec, rows: Sequence[Row]) -> Iterator[Row]:
    """The last row of a page and the first of the next, where the two may be one."""
    anchor, lead = main_paths(group)
    if anchor is None or lead is None:
        return
    breaks = [(a, b) for a, b in pairwise(rows) if b.page == a.page + 1]
    at_breaks = {row.ordinal for pair in breaks for row in pair}
    usual = any(_lacks(row, anchor) for row in rows if row.ordinal not in at_breaks)
    for last, first in breaks:
        halved = any(_lacks(last, path) != _lacks(first, path) for path in (anchor, lead))
        if halved and (not usual or _goes_on(last, first, lead)):
            yield from (last, first)


def _lacks(row: Row, path: str) -> bool:
    return all(one.state is FieldState.ABSENT for one in row.cells.get(path, ()))


def _goes_on(last: Row, first: Row, lead: str) -> bool:
    """The text of the first half is not over, or that of the second does not begin."""
    texts = [cell.text or "" if (cell := row.value(lead)) else "" for row in (last, first)]
    return texts[0].rstrip().endswith(GOES_ON) or texts[1][:1].islower()
