"""The XML of an e-invoice (Factur-X, ZUGFeRD, XRechnung in a PDF), as plain values.

drafthorse reads it: it knows every profile of the standard, has one class a term and is kept by
people who send such invoices.  factur-x was not taken: it brings 13 MB of schemas and an HTTP
client for what is one call here.  The XML is a stranger's: this runs in the render child only.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any

MAX_XML = 4_000_000  # bytes
MAX_LINES = 2_000
NAMES = frozenset({"factur-x.xml", "zugferd-invoice.xml", "xrechnung.xml", "order-x.xml"})


@dataclass(frozen=True, slots=True, kw_only=True)
class EInvoice:
    """What the XML says: dates in ISO form, amounts as plain decimals, currencies as codes."""

    header: Mapping[str, str] = field(default_factory=dict)  # "total" -> "529.87"
    lines: tuple[Mapping[str, str], ...] = ()  # "description", "quantity", "unit_price", "amount"


def is_einvoice(name: str) -> bool:
    """Whether an attachment of this name is the XML of an e-invoice."""
    return name.lower() in NAMES


def einvoice_of(xml: bytes) -> EInvoice | None:
    """What the XML says; None when it is no e-invoice that can be understood."""
    if len(xml) > MAX_XML:
        return None
    from drafthorse.models.document import Document

    try:
        parsed: Any = Document.parse(xml, strict=False)
        return EInvoice(
            header=dict(_header(parsed)),
            lines=tuple(dict(_line(item)) for item in parsed.trade.items.children[:MAX_LINES]),
        )
    except Exception:  # whatever a stranger's XML makes of the parser: it is then no witness
        return None


def _header(document: Any) -> Iterator[tuple[str, str]]:
    trade = document.trade
    settlement, sums = trade.settlement, trade.settlement.monetary_summation
    yield from _text("number", document.header.id)
    yield from _day("date", document.header.issue_date_time)
    yield from _text("seller", trade.agreement.seller.name)
    yield from _text("buyer", trade.agreement.buyer.name)
    yield from _text("currency", settlement.currency_code)
    for terms in settlement.terms.children[:1]:
        yield from _day("due_date", terms.due)
    yield from _amount("lines_total", sums.line_total)
    yield from _amount("allowances", sums.allowance_total)
    yield from _amount("charges", sums.charge_total)
    yield from _amount("net", sums.tax_basis_total)
    for total in sums.tax_total_other_currency.children[:1]:
        yield from _amount("tax", total[0] if isinstance(total, tuple) else total)
    yield from _amount("total", sums.grand_total)
    yield from _amount("prepaid", sums.prepaid_total)
    yield from _amount("due", sums.due_amount)
    for means in settlement.payment_means.children[:1]:
        yield from _text("iban", means.payee_account.iban)


def _line(item: Any) -> Iterator[tuple[str, str]]:
    yield from _text("description", item.product.name)
    yield from _amount("quantity", item.delivery.billed_quantity)
    yield from _amount("unit_price", item.agreement.net.amount)
    yield from _amount("amount", item.settlement.monetary_summation.total_amount)


def _text(name: str, value: Any) -> Iterator[tuple[str, str]]:
    text = " ".join(str(value or "").split())
    if text:
        yield name, text[:1_000]


def _amount(name: str, value: Any) -> Iterator[tuple[str, str]]:
    """A number as a plain decimal; elements with a unit or a currency give their first part."""
    if isinstance(value, tuple):
        value = value[0]
    for attribute in ("_amount", "_value", "_text"):
        value = getattr(value, attribute, value)
    try:
        number = Decimal(str(value))
    except InvalidOperation:
        return
    if number.is_finite() and abs(number.adjusted()) < 20:  # no bomb of zeros
        yield name, f"{number.normalize():f}"


def _day(name: str, value: Any) -> Iterator[tuple[str, str]]:
    value = getattr(value, "_value", value)
    if isinstance(value, date):  # a datetime is one
        yield name, value.strftime("%Y-%m-%d")
