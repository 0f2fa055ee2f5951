"""Invoices, with their line items."""

from extractors.documents import spec as field
from extractors.documents.spec import DocumentModel, RowModel


class InvoiceLine(RowModel):
    """One line of an invoice."""

    description: str | None = field.text("what was delivered", einvoice="description")
    quantity: str | None = field.number("how many", einvoice="quantity")
    unit_price: str | None = field.amount("the price of one", einvoice="unit_price")
    amount: str | None = field.amount(
        "the line's total", einvoice="amount", product=("quantity", "unit_price")
    )


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

    seller: str | None = field.text(
        "the business that sends the invoice",
        required=True,
        einvoice="seller",
        distinct=("buyer", "number", "date", "due_date", "currency", "iban"),
    )
    buyer: str | None = field.text(
        "who is billed",
        einvoice="buyer",
        distinct=("number", "date", "due_date", "currency", "iban"),
    )
    number: str | None = field.identifier(
        "the invoice number",
        required=True,
        einvoice="number",
        distinct=("date", "due_date", "currency", "net", "tax", "total", "iban"),
    )
    date: str | None = field.date("the invoice date", required=True, einvoice="date", years=(50, 2))
    due_date: str | None = field.date(
        "the day by which it must be paid", einvoice="due_date", after="date", years=(50, 10)
    )
    currency: str | None = field.currency("the currency, sign or code", einvoice="currency")
    net: str | None = field.amount("the sum before tax", sums="lines.amount", einvoice="net")
    tax: str | None = field.amount(
        "the sum of all taxes", einvoice="tax", distinct=("net", "total")
    )
    total: str | None = field.amount(
        "the amount due, with tax",
        required=True,
        sums=("net", "tax", "lines.amount"),
        einvoice="total",
    )
    iban: str | None = field.identifier("the account to pay to", checksum="iban", einvoice="iban")
    lines: list[InvoiceLine] = field.group("the line items, top to bottom", einvoice="lines")
