"""Rows of a list that the pages show and nobody read.

Pure.  The rows that were read tell where their column of amounts stands and where their texts
begin; a further amount in that column, beside text that begins there, is a row that is missing,
unless it is a sum.  A list ends at its sum, at the head of another table, or where a wide space
follows it.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from itertools import accumulate, pairwise
from statistics import median

from extractors.documents.types import DocumentType
from extractors.evidence.table_rows import PageTable, Table
from extractors.evidence.witnesses import DocumentEvidence
from extractors.normalise import normalise
from extractors.page.layout import terms
from extractors.page.lexicon import SUMMING
from extractors.page.sum_lines import does
from extractors.types import Word

REACH = 3.0  # distances between two rows of one list, at most
LABEL = 3  # terms at the beginning of a line that may name a sum


@dataclass(frozen=True, slots=True)
class MissedRow:
    """A row that nobody read: where its amount stands."""

    page: int  # 1-based
    amount: Word


def rows_missed(table: Table, document: DocumentEvidence) -> Iterator[MissedRow]:
    """What looks like a row of the list and is none of those that were read, page by page."""
    if not any(page.rows for page in table.pages.values()):
        return
    search = _Search(table, document.type, _sums(table, document))
    first = min(number for number, page in table.pages.items() if page.rows)
    for number, page in sorted(table.pages.items()):
        found = search.around(page) if page.rows else search.alone(page, after=number > first)
        yield from (MissedRow(number, page.amounts[at]) for at in found)


def _sums(table: Table, document: DocumentEvidence) -> frozenset[Decimal]:
    """Amounts that a line beneath the rows may show: totals, and what is carried over."""
    others = {one.amount for one in document.candidates if one.group is None} - {None}
    cells = (row.value(table.anchor) for row in document.rows(table.group.name))
    amounts = [cell.amount for cell in cells if cell is not None and cell.amount is not None]
    return frozenset(one for one in (*others, *accumulate(amounts)) if one is not None)


@dataclass(frozen=True, slots=True)
class _Search:
    """One list on its pages, and the amounts that are sums of it."""

    table: Table
    spec: DocumentType
    sums: frozenset[Decimal]

    def around(self, page: PageTable) -> Iterator[int]:
        """Between, above and beneath the rows of a page, the amounts (by number) that are rows."""
        first, last = min(page.rows), max(page.rows)
        for at in range(first + 1, last):
            if at not in page.rows and self._is_row(page, at):
                yield at
        yield from self._onwards(page, first, range(first - 1, -1, -1))
        yield from self._onwards(page, last, range(last + 1, len(page.amounts)))

    def alone(self, page: PageTable, *, after: bool) -> Iterator[int]:
        """Of a page that no row was read from: only what has more of a row than a text and an
        amount, or, where the list has no more, what follows the rows.
        """
        for at, amount in enumerate(page.amounts):
            if self._sums_up(page, at):
                return
            numbered = self.table.numbered(page, amount)
            if (numbered or (after and not self.table.spans)) and self._is_row(page, at):
                yield at

    def _onwards(self, page: PageTable, start: int, beyond: range) -> Iterator[int]:
        """Away from the rows, as long as the amounts are still of the same list."""
        edge = page.amounts[start].box.middle
        step = _step(page, self.table.height)
        for at in beyond:
            here = page.amounts[at].box.middle
            if self._another_head(page, *sorted((edge, here))) or self._sums_up(page, at):
                if beyond.step > 0:
                    return  # behind its sum a list is over
                continue
            near = abs(here - edge) <= REACH * step or self.table.numbered(page, page.amounts[at])
            if near and self._is_row(page, at):
                edge = here
                yield at

    def _another_head(self, page: PageTable, above: float, below: float) -> bool:
        return any(line.heads for line in page.between(above, below))

    def _is_row(self, page: PageTable, at: int) -> bool:
        return self.table.like_a_row(page, page.amounts[at]) and not self._sums_up(page, at)

    def _sums_up(self, page: PageTable, at: int) -> bool:
        """The line says that it is a sum, or shows an amount that is one and nothing else."""
        amount = page.amounts[at]
        sums = self._value(amount) in self.sums
        if self.table.numbered(page, amount):
            return sums and self._named(page, amount)
        return sums or self._named(page, amount)

    def _named(self, page: PageTable, amount: Word) -> bool:
        """A line of it begins with the name of a sum; or, where rows have more numbers than one, of
        what stands between rows and sums: a discount, the postage.
        """
        between = bool(self.table.spans)
        for line in self.table.lines_of(page, amount):
            label = [t for word in line.words for t in terms(word.text) if not t.isdigit()]
            if not SUMMING.isdisjoint(label[:LABEL]) or (between and does(label) is not None):
                return True
        return False

    def _value(self, amount: Word) -> Decimal | None:
        field = self.spec.field(self.table.anchor)
        value = normalise(amount.text, field, self.spec).value
        try:
            return Decimal(value) if isinstance(value, str) else None
        except InvalidOperation:
            return None


def _step(page: PageTable, height: float) -> float:
    """How far apart the rows of a page stand, in points."""
    steps = [
        page.amounts[b].box.middle - page.amounts[a].box.middle
        for a, b in pairwise(sorted(page.rows))
    ]
    return max(median(steps) if steps else 0.0, 1.2 * height)
