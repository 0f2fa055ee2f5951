"""A witness: is a list whole, and is each of its rows there once?  A row that nobody read still
shows on the page.

Pure. A further amount in the rows' column, beside text that begins as they do, is a row that is
missing, unless it is a sum (``missed_rows.py``); a row without an amount of its own there was read
twice, and a list that was not read at all stands under its heads (``doubled_rows.py``). That the
rows add up is ``list_sums.py``'s business, which speaks on a scan too.
"""

from collections import Counter
from collections.abc import Iterator, Sequence

from extractors.documents.spec import FieldSpec, Kind
from extractors.evidence.doubled_rows import list_on_page, rows_doubled
from extractors.evidence.find_table import table_of
from extractors.evidence.gather import Candidate
from extractors.evidence.missed_rows import rows_missed
from extractors.evidence.witnesses import DENIES, DocumentEvidence, Testimony, witness
from extractors.types import Box

MOST_ROWS = 200  # of one page: what the grammar lets a list have; as many may have been more
LIST_INCOMPLETE = "list_incomplete"
LIST_PROBLEMS = {
    "list_not_read": "the page shows rows of this list, and none was read",
    "row_not_read": "the page shows a line of this list that was not read",
    "row_limit": f"the list has {MOST_ROWS} rows on one page, the most that an answer may have",
}
ROW_DOUBLED, TWICE = "row_doubled", "this row was read twice, and the page shows it once"


@witness("line-items/2")
def line_items(document: DocumentEvidence) -> Iterator[Testimony]:
    """Of every list: it lacks a row, or all of them, or has one twice."""
    for group in (field for field in document.type.fields if field.kind is Kind.GROUP):
        whole, absent = document.list_of(group.name), document.absent(group.name)
        if whole is not None:
            yield from _of_rows(whole, group, document)
        elif absent is not None and (found := list_on_page(group, document)) is not None:
            page, line = found
            yield _incomplete(absent, "list_not_read", page, [word.box for word in line.words])


def _of_rows(whole: Candidate, group: FieldSpec, document: DocumentEvidence) -> Iterator[Testimony]:
    on_page = Counter(row.page for row in document.rows(group.name))
    if max(on_page.values(), default=0) >= MOST_ROWS:
        yield _incomplete(whole, "row_limit")
        return
    table = table_of(group, document)
    if table is None:
        return
    missed = next(rows_missed(table, document), None)
    if missed is not None:
        yield _incomplete(whole, "row_not_read", missed.page, [missed.amount.box])
    for row in rows_doubled(table):
        for cell in row.cells.values():
            yield Testimony(
                of=cell[0], says=DENIES, because=ROW_DOUBLED, message=TWICE, page=row.page
            )


def _incomplete(
    of: Candidate, problem: str, page: int | None = None, boxes: Sequence[Box] = ()
) -> Testimony:
    return Testimony(
        of=of,
        says=DENIES,
        because=LIST_INCOMPLETE,
        message=LIST_PROBLEMS[problem],
        details={"problem": problem},
        page=page,
        boxes=tuple(boxes),
    )
