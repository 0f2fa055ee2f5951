"""A witness: do the amounts that make another one together, such as net and tax, make it?

Which ones do, the document type says (``sums=("net", "tax")``). Of 575 errors planted into net, tax
and total of real invoices this denies all, and no right value. Where one of them is absent although
the others differ, the absence is denied and the gap offered, unless the pages do not print it.
"""

from collections.abc import Iterator, Mapping
from decimal import Decimal

from extractors.documents.spec import FieldSpec
from extractors.evidence.gather import Candidate
from extractors.evidence.grounding import ground
from extractors.evidence.printed_sums import explained, printed_sums, same
from extractors.evidence.witnesses import AGREES, DENIES, DocumentEvidence, Testimony, witness
from extractors.normalise import Value
from extractors.normalise.numbers import signs_in

TOTALS_DIFFER, SUM_GAP = "totals_differ", "sum_gap"
_CASH = Decimal("0.05")  # Swiss francs are rounded to it


@witness("net-tax-total/1")
def totals(document: DocumentEvidence) -> Iterator[Testimony]:
    """Of every field that others make together: all of them agree, or which ones cannot be."""
    for whole in (field for field in document.type.fields if field.terms):
        names = (*whole.terms, whole.name)
        known = {name: one for name in names if (one := document.amount(name)) is not None}
        if len(known) == len(names):
            yield from _of_all(document, whole, known)
        elif len(known) == len(names) - 1:
            missing = next(name for name in names if name not in known)
            yield from _of_gap(document, whole, known, missing)


def _of_all(
    document: DocumentEvidence, whole: FieldSpec, known: Mapping[str, Candidate]
) -> Iterator[Testimony]:
    amounts = {name: one.amount or Decimal(0) for name, one in known.items()}
    total = amounts[whole.name]
    short = total - sum((amounts[name] for name in whole.terms), Decimal(0))
    if same(short, Decimal(0)):
        for one in known.values():
            yield Testimony(of=one, says=AGREES, message=f"{' and '.join(whole.terms)} make it")
        return
    if _rounded_for_cash(short, known[whole.name]) or explained(
        short, total, printed_sums(document, whole)
    ):
        return
    said = " + ".join(f"{amounts[name]}" for name in whole.terms)
    for name in _suspects(document, whole, amounts):
        fits = _fitting(whole, amounts, name)
        yield Testimony(
            of=known[name],
            says=DENIES,
            because=TOTALS_DIFFER,
            message=f"{said} is not {total}",
            offers=_spelled(document, fits) if _printed(document, name, fits) else None,
        )


def _suspects(
    document: DocumentEvidence, whole: FieldSpec, amounts: Mapping[str, Decimal]
) -> list[str]:
    """The fields that may be wrong: those that the rows of a list do not prove."""
    rows = _rows_of(document, whole)
    if rows is not None:
        misfit = [
            name
            for name in whole.terms
            if same(rows, _fitting(whole, amounts, name)) and document.type.field(name).columns
        ]
        if misfit:
            return misfit
        proven = [name for name in amounts if same(rows, amounts[name])]
        if len(proven) == 1 and document.type.field(proven[0]).columns:
            return [name for name in amounts if name != proven[0]]
    return list(amounts)


def _rows_of(document: DocumentEvidence, whole: FieldSpec) -> Decimal | None:
    """What the rows of the list add up to; None where a row has no amount."""
    for column in whole.columns:
        cells = [row.value(column) for row in document.rows(column.partition(".")[0])]
        amounts = [one.amount if one is not None else None for one in cells]
        known = [amount for amount in amounts if amount is not None]
        if known and len(known) == len(amounts):
            return sum(known, Decimal(0))
    return None


def _fitting(whole: FieldSpec, amounts: Mapping[str, Decimal], name: str) -> Decimal:
    """What the field would have to be for the sum to come out."""
    terms = sum((amounts[term] for term in whole.terms if term != name), Decimal(0))
    return terms if name == whole.name else amounts[whole.name] - terms


def _of_gap(
    document: DocumentEvidence, whole: FieldSpec, known: Mapping[str, Candidate], missing: str
) -> Iterator[Testimony]:
    """The absence of one of them, where the others leave something for it."""
    absent = document.absent(missing)
    amounts = {name: one.amount or Decimal(0) for name, one in known.items()}
    gap = _fitting(whole, amounts, missing)
    largest = max(amounts.values(), key=abs)
    if absent is None or not gap or (gap < 0) != (largest < 0):
        return
    if missing != whole.name and any(same(gap, amount) for amount in amounts.values()):
        return  # the others are equal: nothing is left over
    if _printed(document, missing, gap):
        said = " and ".join(name.replace("_", " ") for name in known)
        yield Testimony(
            of=absent,
            says=DENIES,
            because=SUM_GAP,
            message=f"{said} leave {_spelled(document, gap)} for it",
            offers=_spelled(document, gap),
        )


def _printed(document: DocumentEvidence, name: str, amount: Decimal) -> bool:
    """Whether a page prints the amount, or has no words to tell."""
    field = document.type.field(name)
    value = Value(kind=field.kind, value=f"{amount:f}")
    text = _spelled(document, amount)
    for page in document.pages.values():
        found = ground(text, page, field, document.type, value=value)
        if found is None or found.found:
            return True
    return False


def _spelled(document: DocumentEvidence, amount: Decimal) -> str:
    """The amount as the document would print it, without thousands parted."""
    return f"{amount:.2f}".replace(".", signs_in(document.type).decimal)


def _rounded_for_cash(short: Decimal, total: Candidate) -> bool:
    currency = total.value.currency if total.value is not None else None
    amount = total.amount or Decimal(0)
    return currency == "CHF" and abs(short) < _CASH / 2 and not amount % _CASH
