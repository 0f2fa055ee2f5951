"""Till receipts, printed or photographed."""

from extractors.documents import spec as field
from extractors.documents.spec import DocumentModel

CALLED = (
    "receipt",
    "cash receipt",
    "sales receipt",
    "cash bill",
    "kassenbon",
    "kassenbeleg",
    "kassabon",
    "ticket de caisse",
    "scontrino",
)


class Receipt(DocumentModel, name="receipt", title="till receipt", day_first=True, called=CALLED):
    """What a shop hands over after a purchase."""

    company: str | None = field.text(
        "the shop's name", required=True, distinct=("date", "address", "total")
    )
    date: str | None = field.date(
        "the day of purchase", required=True, years=(50, 2), einvoice="date"
    )
    address: str | None = field.text("the shop's address", distinct=("date", "total"))
    total: str | None = field.amount(
        "the amount paid, tax included", required=True, einvoice="total"
    )
