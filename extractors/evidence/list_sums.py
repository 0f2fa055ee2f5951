"""A witness: do a list's rows add up to a sum that the document prints?

Pure, and without any words of the page: it speaks on a scan too. Where a document type says which
amounts sum the list up, one of them must be what the rows add up to.
"""

from collections.abc import Iterator
from decimal import Decimal

from extractors.documents.spec import FieldSpec, Kind
from extractors.evidence.gather import Candidate
from extractors.evidence.witnesses import AGREES, DENIES, DocumentEvidence, Testimony, witness

SUMS_DIFFER, LIST_PROVEN = "list_incomplete", "rows_sum_up"  # what the witness's codes are


@witness("list-sums/1")
def list_sums(document: DocumentEvidence) -> Iterator[Testimony]:
    """Of every list that was read: a printed sum proves it whole, or no sum comes out."""
    for group in (field for field in document.type.fields if field.kind is Kind.GROUP):
        whole = document.list_of(group.name)
        come_out = _come_out(group, document) if whole is not None else None
        if whole is None or come_out is None:
            continue
        if come_out:
            yield Testimony(of=whole, says=AGREES, because=LIST_PROVEN)
        else:
            yield Testimony(
                of=whole,
                says=DENIES,
                because=SUMS_DIFFER,
                message="the rows do not add up to any sum that the document prints",
                details={"problem": "sums_differ"},
            )


def _come_out(group: FieldSpec, document: DocumentEvidence) -> bool | None:
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
