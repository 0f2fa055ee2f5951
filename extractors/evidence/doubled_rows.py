"""Rows that were read twice and are printed once, and lists that were not read at all.

Pure.  Two equal rows that are printed twice have an amount each in the list's column.
"""

from collections.abc import Iterator, Mapping

from extractors.documents.types import FieldSpec, Kind
from extractors.evidence.table_rows import Table, main_paths
from extractors.evidence.witnesses import DocumentEvidence, Row
from extractors.page.labels import shaped
from extractors.page.layout import terms
from extractors.page.lexicon import SUMMING
from extractors.page.tables import Line, Span, head_of, page_lines

UNDER_HEAD = 8  # lines beneath the heads of a table in which its first row stands


def rows_doubled(table: Table) -> Iterator[Row]:
    """Rows that have no amount of their own on their page, and say what a row that has one says."""
    for page in table.pages.values():
        printed = {_texts(row) for row in page.rows.values()}
        for row in page.unplaced:
            if _texts(row) in printed and table.places[row.ordinal].get(table.anchor):
                yield row


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
            row = next((one for one in below if heads and _is_row(one, heads, group)), None)
            if row is not None:
                return number, row
    return None


def _is_row(line: Line, heads: Mapping[str, Span], group: FieldSpec) -> bool:
    """An amount stands under its head, and under another head or before it stands something else
    that is no sum's name.
    """
    anchor, _ = main_paths(group)
    member = anchor.partition(".")[2] if anchor is not None else ""
    if member not in heads or any(t in SUMMING for w in line.words[:2] for t in terms(w.text)):
        return False
    amounts = [
        word
        for word in line.words[1:]
        if heads[member].meets(word.box) and shaped(Kind.AMOUNT, word.text)
    ]
    others = [span for name, span in heads.items() if name != member]
    return bool(amounts) and any(span.meets(word.box) for span in others for word in line.words)
