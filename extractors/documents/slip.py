"""The payment slip that the demonstration model reads."""

from extractors.documents import spec as field
from extractors.documents.spec import DocumentModel, RowModel


class SlipItem(RowModel):
    """One line of a slip."""

    description: str | None = field.text("what was bought")
    amount: str | None = field.amount("its price")


class Slip(
    DocumentModel,
    name="slip",
    title="payment slip",
    day_first=True,
    called=("slip", "pay slip", "receipt of payment"),
):
    """A small slip that asks for one payment."""

    payee: str | None = field.text("who is paid")
    date: str | None = field.date("the day of issue")
    number: str | None = field.identifier("the slip's own number")
    total: str | None = field.amount("the amount to pay, without its currency", required=True)
    currency: str | None = field.currency("its currency, sign or code")
    items: list[SlipItem] = field.group("the line items, top to bottom")
