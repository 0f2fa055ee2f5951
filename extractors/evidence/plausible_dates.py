"""A witness: can the dates of a document be?

The document type says how many years before and after its arrival a date may lie (``years=``), and
which date is not before which (``after=``): a birthday has neither. What the pages show in their
own words may be paid up to two months before it was written.
"""

from collections.abc import Iterator
from datetime import date as Date

from extractors.documents.spec import Kind
from extractors.evidence.gather import Candidate
from extractors.evidence.witnesses import DENIES, DocumentEvidence, Testimony, witness

IMPLAUSIBLE, OUT_OF_ORDER = "implausible_date", "dates_out_of_order"
_NO_DATES = frozenset({"1900-01-01", "1899-12-30", "1899-12-31", "1970-01-01", "2099-12-31"})
_PAID_BEFORE = 62  # days


@witness("plausible-dates/1")
def plausible_dates(document: DocumentEvidence) -> Iterator[Testimony]:
    """Dates that no such paper has, and days that stand in the wrong order."""
    for field in document.type.fields:
        one = document.value(field.name) if field.kind is Kind.DATE else None
        day = _day(one)
        if one is None or day is None:
            continue
        if field.years is not None and _is_far(document, day, field.years):
            yield Testimony(
                of=one,
                says=DENIES,
                because=IMPLAUSIBLE,
                message=f"no {document.type.title} is expected from {day.isoformat()}",
            )
        before = document.value(field.after) if field.after is not None else None
        earlier = _day(before)
        if before is None or earlier is None or (earlier - day).days <= _allowed(one, before):
            continue
        for each, other in ((one, before), (before, one)):
            yield Testimony(
                of=each,
                says=DENIES,
                because=OUT_OF_ORDER,
                message=f"{field.name.replace('_', ' ')} {day} is before {earlier},"
                f" the {(field.after or '').replace('_', ' ')}"[:500],
                details={"other": other.text},
            )


def _day(one: Candidate | None) -> Date | None:
    if one is None or one.value is None or not isinstance(one.value.value, str):
        return None
    return Date.fromisoformat(one.value.value)


def _is_far(document: DocumentEvidence, day: Date, years: tuple[int, int]) -> bool:
    """A date that programs write when they have none, or one too long before or after the paper
    came in.
    """
    if day.isoformat() in _NO_DATES:
        return True
    if document.received is None:
        return False
    before, after = years
    return not document.received.year - before <= day.year <= document.received.year + after


def _allowed(*dates: Candidate) -> int:
    """Days by which the two may stand in the wrong order."""
    shown = all(
        said.grounding is not None and said.grounding.found for one in dates for said in one.said
    )
    return _PAID_BEFORE if shown else 0
