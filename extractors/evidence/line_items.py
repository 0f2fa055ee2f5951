"""A witness: is a list whole?  A row that nobody read still shows on the page.

Pure. A further amount in the rows' column, beside text that begins as they do, is a row that is
missing, unless it is a sum (``missed_rows.py``). That the rows add up is ``list_sums.py``'s
business, which speaks on a scan too.
"""

from collections import Counter
from collections.abc import Iterator

from extractors.documents.spec import Kind
from extractors.evidence.missed_rows import rows_missed
from extractors.evidence.witnesses import DENIES, DocumentEvidence, Testimony, witness
from extractors.types import Box

MOST_ROWS = 200  # of one page: what the grammar lets a list have; as many may have been more
LIST_INCOMPLETE = "list_incomplete"
LIST_PROBLEMS = {
    "row_not_read": "the page shows a line of this list that was not read",
    "row_limit": f"the list has {MOST_ROWS} rows on one page, the most that an answer may have",
}


@witness("line-items/2")
def line_items(document: DocumentEvidence) -> Iterator[Testimony]:
    """Of every list that was read: it lacks a row."""
    for group in (field for field in document.type.fields if field.kind is Kind.GROUP):
        whole = document.list_of(group.name)
        if whole is None:
            continue
        rows = Counter(row.page for row in document.rows(group.name))
        missed = next(rows_missed(group, document), None)
        boxes: tuple[Box, ...] = missed.boxes if missed is not None else ()
        full = max(rows.values(), default=0) >= MOST_ROWS
        if full or missed is not None:
            problem = "row_limit" if full else "row_not_read"
            yield Testimony(
                of=whole,
                says=DENIES,
                because=LIST_INCOMPLETE,
                message=LIST_PROBLEMS[problem],
                details={"problem": problem},
                page=missed.page if missed is not None else None,
                boxes=boxes,
            )
