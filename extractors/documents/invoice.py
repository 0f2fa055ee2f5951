"""Invoices, with their line items."""

from extractors.documents import spec as field
from extractors.documents.spec import DocumentModel, RowModel


class InvoiceLine(RowModel):
    """One line of an invoice."""

    description: str | None = field.text("what was delivered")
    quantity: str | None = field.number("how many")
    unit_price: str | None = field.amount("the price of one")
    amount: str | None = field.amount("the line's total")


CALLED = (
    "tax invoice",
    "sales invoice",
    "commercial invoice",
    "rechnung",
    "facture",
    "factuur",
    "fattura",
    "factura",
    "fatura",
    "faktura",
)


class Invoice(DocumentModel, name="invoice", title="invoice", called=CALLED):
    """A bill that one business sends to another."""

    seller: str | None = field.text("the business that sends the invoice", required=True)
    buyer: str | None = field.text("who is billed")
    number: str | None = field.identifier("the invoice number", required=True)
    date: str | None = field.date("the invoice date", required=True)
    due_date: str | None = field.date("the day by which it must be paid")
    currency: str | None = field.currency("the currency, sign or code")
    net: str | None = field.amount("the sum before tax", sums="lines.amount")
    tax: str | None = field.amount("the sum of all taxes")
    total: str | None = field.amount("the amount due, with tax", required=True, sums="lines.amount")
    iban: str | None = field.identifier("the account to pay to", checksum="iban")
    lines: list[InvoiceLine] = field.group("the line items, top to bottom")
