"""An invoice as text, and what witnesses say of what was read of it."""

from uuid import uuid4

from extractors.documents import BUILT_IN
from extractors.documents.spec import Kind
from extractors.evidence.gather import PageEvidence
from extractors.evidence.grounding import ground
from extractors.evidence.witnesses import DENIES, OFFERS, hear
from extractors.normalise import normalise
from extractors.page.text import PageText
from extractors.types import FieldState
from tests.evidence.making import Said, document_of, page_of

INVOICE = BUILT_IN["invoice"]
PAGE = (
    "Harbour Paper Ltd                  INVOICE",
    "Invoice number:  HP-2091           Order number:  B-5530",
    "Invoice date:  2026-05-04",
    "Due date:  2026-06-03",
    "Bill to:  Fenwick Stationers",
    "Description        Qty       Price       Amount",
    "Envelopes C5       20        1.50        30.00",
    "Labels A4          10        4.20        42.00",
    "Net:               72.00",
    "VAT 20%:           14.40",
    "Total:             GBP 86.40",
    "IBAN:  GB33BUKB20201555555555",
)
TRUTH = {
    "seller": "Harbour Paper Ltd",
    "buyer": "Fenwick Stationers",
    "number": "HP-2091",
    "date": "2026-05-04",
    "due_date": "2026-06-03",
    "currency": "GBP",
    "net": "72.00",
    "tax": "14.40",
    "total": "86.40",
    "iban": "GB33BUKB20201555555555",
}
ROWS = (
    {"description": "Envelopes C5", "quantity": "20", "unit_price": "1.50", "amount": "30.00"},
    {"description": "Labels A4", "quantity": "10", "unit_price": "4.20", "amount": "42.00"},
)


def heard_of(page=PAGE, rows=ROWS, *, spec=INVOICE, unreadable=(), **changed):
    """All that is said of the truth with these fields read otherwise; None is an absence."""
    words = {1: page_of(*page)}
    text = PageText(words[1])
    read = {**TRUTH, **changed}
    said: list[PageEvidence] = []
    for field in spec.fields:
        if field.kind is Kind.GROUP:
            for ordinal, row in enumerate(rows):
                said += [
                    _one(text, spec, f"lines.{m.name}", m, row[m.name], ordinal)
                    for m in field.members
                ]
        else:
            broken = field.name in unreadable
            said.append(_one(text, spec, field.name, field, read[field.name], 0, broken=broken))
    return hear(document_of(spec, said, pages=words))


def _one(page, spec, name, field, text, ordinal, *, broken=False):
    state = FieldState.ABSENT if text is None else FieldState.VALUE
    value = normalise(text, field, spec) if text is not None else None
    return Said(
        id=uuid4(),
        page=1,
        name=name,
        ordinal=ordinal,
        state=FieldState.UNREADABLE if broken else state,
        text=text,
        value=value,
        grounding=ground(text, page, field, spec, value=value) if text is not None else None,
    )


def denied(heard):
    """Field and row -> the codes that deny it."""
    found: dict[tuple[str, int], set[str]] = {}
    for one in heard:
        if one.says is DENIES:
            found.setdefault((one.of.name, one.of.ordinal), set()).add(one.because)
    return found


def offered(heard):
    """Field -> what is offered for it, whether it is denied or only unread."""
    return {one.of.name: one.offers for one in heard if one.offers and one.says in (DENIES, OFFERS)}
