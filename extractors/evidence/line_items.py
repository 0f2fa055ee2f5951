"""A witness: is a list whole?  A row that nobody read still shows on the page: as a line like the
others, or in a sum that does not come out.

Pure. A further amount in the rows' column, beside text that begins as they do, is a row that is
missing, unless it is a sum (``missed_rows.py``). And where a document type says which amounts sum
the list up, one of them must be what the rows add up to. Neither needs the model; on a scan only
the sums speak.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from decimal import Decimal

from extractors.documents.spec import FieldSpec, Kind
from extractors.evidence.doubled_rows import list_on_page, rows_doubled
from extractors.evidence.find_table import table_of
from extractors.evidence.gather import Candidate
from extractors.evidence.missed_rows import rows_missed
from extractors.evidence.witnesses import (
    AGREES,
    DENIES,
    DocumentEvidence,
    Testimony,
    witness,
)
from extractors.types import Box

MOST_ROWS = 200  # of one page: what the grammar lets a list have; as many may have been more
LIST_INCOMPLETE, LIST_PROVEN = "list_incomplete", "rows_sum_up"  # what the witness's codes are
ROW_DOUBLED, TWICE = "row_doubled", "this row was read twice, and the page shows it once"
LIST_PROBLEMS = {
    "list_not_read": "the page shows rows of this list, and none was read",
    "row_not_read": "the page shows a line of this list that was not read",
    "sums_differ": "the rows do not add up to any sum that the document prints",
    "row_limit": f"the list has {MOST_ROWS} rows on one page, the most that an answer may have",
}


@witness("line-items/2")
def line_items(document: DocumentEvidence) -> Iterator[Testimony]:
    """Of every list: it lacks a row, or all of them, or has one twice; or a printed sum proves it
    whole.
    """
    for group in (field for field in document.type.fields if field.kind is Kind.GROUP):
        whole, absent = document.list_of(group.name), document.absent(group.name)
        if whole is not None:
            yield from _of_rows(whole, group, document)
        elif absent is not None and (found := list_on_page(group, document)) is not None:
            page, line = found
            yield _incomplete(absent, "list_not_read", page, [word.box for word in line.words])


def _of_rows(whole: Candidate, group: FieldSpec, document: DocumentEvidence) -> Iterator[Testimony]:
    table = table_of(group, document)
    problem, proven = _judged(group, document)
    missed = next(rows_missed(table, document), None) if table and problem is None else None
    if missed is not None:
        yield _incomplete(whole, "row_not_read", missed.page, [missed.amount.box])
    elif problem is not None:
        yield _incomplete(whole, problem)
    elif proven:
        yield Testimony(of=whole, says=AGREES, because=LIST_PROVEN)
    for row in rows_doubled(table) if table is not None else ():
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


def _judged(group: FieldSpec, document: DocumentEvidence) -> tuple[str | None, bool]:
    """What is wrong with the list, and whether a printed sum proves it whole."""
    rows = document.rows(group.name)
    if max(Counter(row.page for row in rows).values(), default=0) >= MOST_ROWS:
        return "row_limit", False
    sums = _sums_come_out(group, document)
    if sums is False:
        return "sums_differ", False
    return None, sums is True


# ---- by the sums


def _sums_come_out(group: FieldSpec, document: DocumentEvidence) -> bool | None:
    """Whether the rows add up to a printed sum; None where none is named, read, or a row has no
    amount.

    Where pages disagree about a sum, each of its values counts as printed: the sum itself is in
    doubt then, and not the list.
    """
    verdicts = []
    summing = [field for field in document.type.fields if _sums_up_a_column(field, group)]
    for column in {field.sums for field in summing if field.sums is not None}:
        amounts = [_amount(row.value(column)) for row in document.rows(group.name)]
        printed = {
            _amount(one)
            for field in summing
            if field.sums == column
            for one in document.values(field.name)
        } - {None}
        known = [amount for amount in amounts if amount is not None]
        if printed and known and len(known) == len(amounts):
            verdicts.append(sum(known, Decimal(0)) in printed)
    return all(verdicts) if verdicts else None


def _sums_up_a_column(field: FieldSpec, group: FieldSpec) -> bool:
    return field.sums is not None and field.sums.startswith(f"{group.name}.")


def _amount(candidate: Candidate | None) -> Decimal | None:
    return candidate.amount if candidate is not None else None
