"""Rows that were read twice and are printed once, and lists that were not read at all.

Pure.  Two equal rows that are printed twice have an amount each in the list's column.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

from extractors.documents.types import FieldSpec, Kind
from extractors.evidence.table_rows import Table, main_paths
from extractors.evidence.witnesses import DocumentEvidence, Row
from extractors.page.labels import shaped
from extractors.page.layout import terms
from extractors.page.lexicon import SUMMING
from extractors.page.tables import Line, Span, head_of, page_lines

UNDER_HEAD = 8  # lines beneath the heads of a table in which its first row stands
HIGH = 1.5  # lines above or beneath an amount in which the rest of its row may stand


def rows_doubled(table: Table) -> Iterator[Row]:
    """Rows that say what an earlier one of their page says, more often than the page does."""
    for page in table.pages.values():
        alike: dict[frozenset[tuple[str, str | None]], list[Row]] = defaultdict(list)
        for row in sorted((*page.rows.values(), *page.unplaced), key=lambda row: row.ordinal):
            alike[_texts(row)].append(row)
        unplaced = {row.ordinal for row in page.unplaced}
        for rows in alike.values():
            places = [len(of) for of in table.places[rows[0].ordinal].values() if of]
            if places:
                placed = sum(row.ordinal not in unplaced for row in rows)
                yield from rows[max(1, min(placed, *places)) :]


def _texts(row: Row) -> frozenset[tuple[str, str | None]]:
    cells = ((path, row.value(path)) for path in row.cells)
    return frozenset((path, cell.text) for path, cell in cells if cell is not None)


def list_on_page(group: FieldSpec, document: DocumentEvidence) -> tuple[int, Line] | None:
    """The first line under the heads of this list on any page, and the page; None without one."""
    for number, page in sorted(document.pages.items()):
        lines = page_lines(page.lines)
        for at, line in enumerate(lines):
            heads = head_of(line, group)
            below = lines[at + 1 : at + 1 + UNDER_HEAD] if heads is not None else ()
            row = next((one for one in below if heads and _is_row(one, below, heads, group)), None)
            if row is not None:
                return number, row
    return None


def _is_row(line: Line, lines: Sequence[Line], heads: Mapping[str, Span], group: FieldSpec) -> bool:
    """An amount stands under its head, and something under each of the others, on this line or the
    next above or beneath; no sum is named.
    """
    anchor, _ = main_paths(group)
    member = anchor.partition(".")[2] if anchor is not None else ""
    if member not in heads or any(t in SUMMING for w in line.words[:2] for t in terms(w.text)):
        return False
    if not any(heads[member].meets(w.box) and shaped(Kind.AMOUNT, w.text) for w in line.words):
        return False
    reach = HIGH * (line.bottom - line.top)
    words = [
        word
        for one in lines
        if abs(one.middle - line.middle) <= reach and not one.heads
        for word in one.words
    ]
    return all(
        any(span.meets(word.box) for word in words)
        for name, span in heads.items()
        if name != member
    )
