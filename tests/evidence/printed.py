"""Where the XML's values are printed on an e-invoice's pages, found without the product's own code.

The finder knows the ways in which German and French invoices write numbers and dates.  It looks for
each of them among the words of a line, and gives the text as it is printed.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from xml.etree import ElementTree

from extractors.types import Word

RAM = "{urn:un:unece:uncefact:data:standard:ReusableAggregateBusinessInformationEntity:100}"
RSM = "{urn:un:unece:uncefact:data:standard:CrossIndustryInvoice:100}"
UDT = "{urn:un:unece:uncefact:data:standard:UnqualifiedDataType:100}"
HEADER = f".//{RAM}ApplicableHeaderTradeSettlement"
SUMS = f"{HEADER}/{RAM}SpecifiedTradeSettlementHeaderMonetarySummation"
MONTHS = {
    "de": "Januar Februar März April Mai Juni Juli August September Oktober November Dezember",
    "fr": "janvier février mars avril mai juin juillet août septembre octobre novembre décembre",
}
# field of the invoice type -> how its value is written, and where the XML says it
PLACES: dict[str, tuple[str, str]] = {
    "seller": ("text", f".//{RAM}SellerTradeParty/{RAM}Name"),
    "buyer": ("text", f".//{RAM}BuyerTradeParty/{RAM}Name"),
    "number": ("text", f"{RSM}ExchangedDocument/{RAM}ID"),
    "date": ("date", f"{RSM}ExchangedDocument/{RAM}IssueDateTime/{UDT}DateTimeString"),
    "due_date": (
        "date",
        f"{HEADER}/{RAM}SpecifiedTradePaymentTerms/{RAM}DueDateDateTime/{UDT}DateTimeString",
    ),
    "currency": ("currency", f"{HEADER}/{RAM}InvoiceCurrencyCode"),
    "net": ("amount", f"{SUMS}/{RAM}TaxBasisTotalAmount"),
    "tax": ("amount", f"{SUMS}/{RAM}TaxTotalAmount"),
    "total": ("amount", f"{SUMS}/{RAM}GrandTotalAmount"),
    "iban": ("iban", f".//{RAM}PayeePartyCreditorFinancialAccount/{RAM}IBANID"),
}
ITEM = f".//{RAM}IncludedSupplyChainTradeLineItem"
ROW: dict[str, tuple[str, str]] = {
    "description": ("text", f"{RAM}SpecifiedTradeProduct/{RAM}Name"),
    "quantity": (
        "number",
        f"{RAM}SpecifiedLineTradeDelivery/{RAM}BilledQuantity",
    ),
    "unit_price": (
        "amount",
        f"{RAM}SpecifiedLineTradeAgreement/{RAM}NetPriceProductTradePrice/{RAM}ChargeAmount",
    ),
    "amount": (
        "amount",
        f"{RAM}SpecifiedLineTradeSettlement"
        f"/{RAM}SpecifiedTradeSettlementLineMonetarySummation/{RAM}LineTotalAmount",
    ),
}
SIGNS = {"EUR": ("EUR", "€", "Euro"), "USD": ("USD", "$"), "GBP": ("GBP", "£")}


@dataclass(frozen=True, slots=True, kw_only=True)
class Printed:
    """What an invoice's pages print of what its XML says."""

    values: dict[
        str, str
    ]  # header field -> text as printed; fields that are not printed are absent
    rows: list[dict[str, str | None]]  # of the list, as printed
    xml: dict[str, str] = field(default_factory=dict)  # header field -> as the XML says


def printed(root: ElementTree.Element, pages: Sequence[Sequence[Word]]) -> Printed:
    """The invoice's values as its pages print them."""
    text = " ".join(word.text for words in pages for word in words)
    said = {
        name: value
        for name, (_, where) in PLACES.items()
        if (value := (root.findtext(where) or "").strip())
    }
    values = {
        name: found
        for name, value in said.items()
        if (found := _as_printed(PLACES[name][0], value, text)) is not None
    }
    rows, at = [], 0
    for item in root.iterfind(ITEM):
        row, at = _row(item, text, at)
        rows.append(row)
    whole = all(row["description"] is not None and row["amount"] is not None for row in rows)
    return Printed(values=values, rows=rows if whole else [], xml=said)


def _row(item: ElementTree.Element, text: str, at: int) -> tuple[dict[str, str | None], int]:
    """One row as printed from ``at`` on, and where the next begins."""
    name = (item.findtext(ROW["description"][1]) or "").strip()
    found = _as_printed("text", name, text[at:])
    row: dict[str, str | None] = dict.fromkeys(ROW)
    if found is None:
        return row, at
    row["description"] = found
    start = at + text[at:].index(found)
    window = text[max(at, start - 60) : start + len(found) + 220]
    for member in ("quantity", "unit_price", "amount"):
        value = (item.findtext(ROW[member][1]) or "").strip()
        if value:
            row[member] = _as_printed(ROW[member][0], value, window)
    return row, start + len(found)


def _as_printed(kind: str, value: str, text: str) -> str | None:
    for form in _forms(kind, value):
        match = re.search(form, text)
        if match:
            return match.group(0)
    return None


def _forms(kind: str, value: str) -> Iterator[str]:
    """Patterns of the ways in which the value may be written, the usual ones first."""
    if kind == "date":
        day = date(int(value[:4]), int(value[4:6]), int(value[6:8]))
        for pattern in ("%d.%m.%Y", "%d/%m/%Y", "%Y-%m-%d", "%d.%m.%y", "%d/%m/%y"):
            yield rf"(?<![\d.]){re.escape(day.strftime(pattern))}(?!\d)"
        for months in MONTHS.values():
            name = months.split()[day.month - 1]
            yield rf"(?<!\d){day.day:02d}?\.? {name} {day.year}"
            yield rf"(?<!\d){day.day}\.? {name} {day.year}"
    elif kind in {"amount", "number"}:
        yield from _number_forms(Decimal(value), least=2 if kind == "amount" else 0)
    elif kind == "currency":
        for sign in SIGNS.get(value, (value,)):
            yield rf"(?<!\w){re.escape(sign)}(?!\w)"
    elif kind == "iban":
        plain = re.sub(r"\s", "", value)
        yield r"\s?".join(map(re.escape, plain))
    else:
        spelled = r"\s+".join(map(re.escape, value.split()))
        yield rf"(?<!\w){spelled}(?!\w)"


def _number_forms(value: Decimal, *, least: int) -> Iterator[str]:
    places = {least, max(least, -int(value.normalize().as_tuple().exponent)), 2, 3, 4, 0}
    for digits in sorted(places, key=lambda digits: (digits < least, digits)):
        if round(value, digits) != value:
            continue
        whole, _, part = f"{abs(value):.{digits}f}".partition(".")
        grouped = f"{int(whole):,}"
        sign = "-" if value < 0 else ""
        for thousands, point in ((".", ","), ("", ","), ("[  \u202f]", ","), (",", "."), ("", ".")):
            between = thousands if thousands.startswith("[") else re.escape(thousands)
            body = grouped.replace(",", between)
            end = f"{re.escape(point)}{part}" if part else ""
            yield rf"(?<![\d.,]){sign}{body}{end}(?![\d]|[.,]\d)"
