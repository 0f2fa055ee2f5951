"""A witness: do a list's rows add up to a sum that the document prints?

Pure, and it speaks on a scan too. Where a document type says which amounts sum the list up
(``sums="lines.amount"``), one of them must be what the rows add up to, or the list's own sum under
its own label ("Positionssumme") is, or printed discounts, charges and rounding make up for what is
missing.
"""

from collections.abc import Iterator, Sequence
from decimal import Decimal

from extractors.documents.spec import Kind
from extractors.evidence.gather import Candidate
from extractors.evidence.printed_sums import Printed, explained, printed_sums, same
from extractors.evidence.witnesses import AGREES, DENIES, DocumentEvidence, Row, Testimony, witness
from extractors.page.layout import terms
from extractors.page.lexicon import SUMMING
from extractors.page.sum_lines import Does, does

SUMS_DIFFER, LIST_PROVEN = "list_incomplete", "rows_sum_up"  # what the witness's codes are
SIGN_MISSING = "sign_missing"
_CENT = Decimal("0.01")


@witness("list-sums/1")
def list_sums(document: DocumentEvidence) -> Iterator[Testimony]:
    """Of every list that was read: a printed sum proves it whole, or no sum comes out."""
    for group in (field for field in document.type.fields if field.kind is Kind.GROUP):
        whole = document.list_of(group.name)
        columns = dict.fromkeys(c for f in document.type.fields for c in f.columns)
        for column in columns if whole is not None else ():
            if whole is not None and column.startswith(f"{group.name}."):
                yield from _of_column(document, whole, column)


def _of_column(document: DocumentEvidence, whole: Candidate, column: str) -> Iterator[Testimony]:
    """A row without an amount adds nothing: if it should have one, the sum does not come out."""
    rows = document.rows(whole.name)
    cells = [cell for row in rows if (cell := row.value(column)) is not None]
    known = [cell for cell in cells if cell.amount is not None]
    targets = _targets(document, column)
    if not known or not targets or len(known) < len(cells):
        return
    made = sum((cell.amount or Decimal(0) for cell in known), Decimal(0))
    if any(same(made, target) for target in targets) or _before_rounding(
        document, column, made, targets
    ):
        yield Testimony(of=whole, says=AGREES, because=LIST_PROVEN)
        return
    reducing = [cell for row in rows if (cell := _reduces(document, row, column)) is not None]
    less = made - 2 * sum((cell.amount or Decimal(0) for cell in reducing), Decimal(0))
    if reducing and any(same(less, target) for target in targets):
        yield Testimony(of=whole, says=AGREES, because=LIST_PROVEN)
        yield from (_without_its_sign(cell) for cell in reducing)
        return
    printed = printed_sums(document, document.type.field(column))
    comes_out = any(explained(target - made, target, printed) for target in targets)
    if comes_out and any(_own(one, made) for one in printed):
        yield Testimony(of=whole, says=AGREES, because=LIST_PROVEN)
    elif not comes_out and not _closed_by_own_sum(printed, made, targets):
        yield Testimony(
            of=whole,
            says=DENIES,
            because=SUMS_DIFFER,
            message=f"the rows add up to {made}, and to no sum that the document prints",
            details={"problem": "sums_differ"},
        )


def _targets(document: DocumentEvidence, column: str) -> set[Decimal]:
    """What the rows may add up to.

    Where pages disagree about a sum, each of its values counts as printed: the sum itself is in
    doubt then, and not the list. And where net and tax do not make the total, what the other two
    leave for the net counts too.
    """
    targets = set()
    for field in document.type.fields:
        if column in field.columns:
            read = {one.amount for one in document.values(field.name)} - {None}
            targets |= {amount for amount in read if amount is not None}
    for whole in document.type.fields:
        for term in whole.terms:
            others = [document.amount(name) for name in whole.terms if name != term]
            total = document.amount(whole.name)
            if column not in document.type.field(term).columns or total is None or None in others:
                continue
            taken = sum((one.amount or Decimal(0) for one in others if one), Decimal(0))
            targets.add((total.amount or Decimal(0)) - taken)
    return targets


def _before_rounding(
    document: DocumentEvidence, column: str, made: Decimal, targets: set[Decimal]
) -> bool:
    """Whether the rows come out before each of them is rounded: 6 times 3.3349 is 20.01."""
    group, _, _ = column.partition(".")
    factors = document.type.field(column).product
    rows, exact = document.rows(group), Decimal(0)
    if not factors:
        return False
    for row in rows:
        one, other = (_amount(row.value(f"{group}.{name}")) for name in factors)
        if one is None or other is None:
            return False
        exact += one * other
    near = _CENT / 2 * len(rows)
    return any(same(exact, target) and abs(made - target) <= near for target in targets)


def _amount(cell: Candidate | None) -> Decimal | None:
    return cell.amount if cell is not None else None


def _reduces(document: DocumentEvidence, row: Row, column: str) -> Candidate | None:
    """The amount of a row that calls itself a discount and has no minus."""
    cell = row.value(column)
    if cell is None or cell.amount is None or cell.amount <= 0:
        return None
    for path in row.cells:
        text = row.value(path)
        if text is not None and document.type.field(path).kind is Kind.TEXT:
            return cell if does(tuple(terms(text.text or ""))) is Does.REDUCES else None
    return None


def _without_its_sign(cell: Candidate) -> Testimony:
    return Testimony(
        of=cell,
        says=DENIES,
        because=SIGN_MISSING,
        message="the sums come out only with a minus before this amount",
        offers=f"-{cell.text}",
    )


def _own(one: Printed, made: Decimal) -> bool:
    return one.line.does is Does.SUMS_ROWS and same(one.amount, made)


def _closed_by_own_sum(printed: Sequence[Printed], made: Decimal, targets: set[Decimal]) -> bool:
    """The list's own sum is what the rows make, and nothing but sums stands between it and a sum of
    the document: no further row can.
    """
    for at, one in enumerate(printed):
        if not _own(one, made):
            continue
        for later in printed[at + 1 :]:
            if any(same(later.amount, target) for target in targets):
                return True
            if later.line.does is None and later.line.label[0] not in SUMMING:
                break
    return False
