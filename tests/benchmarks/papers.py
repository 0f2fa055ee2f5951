"""Business papers made from lists of words, each with the type that it is, or none: to fit the
classification on, and to try it.

They differ in language, wording and order, and the papers that are of no type are near misses: they
have numbers, dates, totals and tables too, name an invoice in passing, and often say in their title
alone what they are.
"""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from extractors.types import Box, Word

TITLES = {
    "invoice": (
        "Invoice",
        "INVOICE",
        "Tax Invoice",
        "Rechnung",
        "Facture",
        "Factuur",
        "Fattura",
        "Factura",
        "Sales invoice",
        "",
    ),
    "receipt": (
        "RECEIPT",
        "Receipt",
        "Cash bill",
        "Kassenbon",
        "Cash receipt",
        "Sales receipt",
        "Scontrino",
        "",
    ),
    "slip": ("Payment slip", "PAYMENT SLIP", "Slip", "Receipt of payment", "Pay slip", ""),
    "": (
        *(
            "Delivery note",
            "Quotation",
            "Order confirmation",
            "Credit note",
            "Statement of account",
            "Purchase order",
            "Lieferschein",
        ),
        *(
            "Angebot",
            "Mahnung",
            "Packing list",
            "Remittance advice",
            "Devis",
            "Report",
            "Letter of intent",
            "Pay statement",
            "Warranty",
        ),
        *(
            "Meeting notes",
            "Invitation",
            "Insurance policy",
            "Travel itinerary",
            "Bank statement",
            "Price list",
            "Delivery schedule",
            "",
        ),
    ),
}
PARTIES = {
    "invoice": (
        "Seller:",
        "From:",
        "Supplier:",
        "Billed to",
        "Bill to:",
        "Customer:",
        "Kunde:",
        "Client:",
    ),
    "receipt": ("Cashier:", "Till:", "Served by", "Tel:", "Address:", "Store:"),
    "slip": ("Pay to:", "Payee:", "Beneficiary", "Payable to:", "Creditor:", "To the order of"),
    "": (
        "To:",
        "From:",
        "Attention:",
        "Ship to:",
        "Customer:",
        "Contact:",
        "Delivery address",
        "Account holder:",
    ),
}
NUMBERS = {
    "invoice": (
        "Invoice number:",
        "Invoice no.",
        "Invoice #",
        "Rechnungsnummer:",
        "Rechnungs-Nr.",
        "Facture n°",
        "Factuurnummer:",
        "No.",
    ),
    "receipt": ("Receipt no.", "Receipt no:", "Bon-Nr.", "Transaction:", "No."),
    "slip": ("Slip no.", "Slip number:", "No.", "Ref.", "Reference:"),
    "": (
        "Order no.",
        "Delivery note no.",
        "Quote no.",
        "Our reference:",
        "Customer no.",
        "Account:",
        "Your invoice no.",
        "No.",
    ),
}
DATES = {
    "invoice": ("Invoice date:", "Date:", "Rechnungsdatum:", "Date de facture", "Datum:"),
    "receipt": ("Date:", "Date", "Datum"),
    "slip": ("Date:", "Issued:", "Date of issue", "Dated"),
    "": ("Date:", "Order date:", "Delivery date:", "Valid until:", "Datum:"),
}
TOTALS = {
    "invoice": (
        "Total",
        "Amount due:",
        "Invoice total",
        "Gesamtbetrag",
        "Total TTC",
        "Balance due",
    ),
    "receipt": ("TOTAL", "Total", "Amount paid", "Summe", "Cash"),
    "slip": ("Total", "Amount due:", "To pay", "Please pay", "Grand total"),
    "": ("Total", "Order total", "Balance", "Total weight", "Amount", "Gesamt"),
}
HEADS = (
    ("Description", "Quantity", "Price", "Amount"),
    ("Article", "Qty", "Unit price", "Total"),
    ("Bezeichnung", "Menge", "Preis", "Betrag"),
)
TEXT = (
    "please find enclosed what we agreed on in our last meeting",
    "the goods remain our property until the invoice has been paid in full",
    "thank you for your order which we deliver as follows",
    "payable within thirty days without any deduction",
    "we kindly remind you of the amount that is still open",
    "keep this receipt as proof of your purchase",
    "questions about this invoice are answered by our office",
)
NAMES = (
    "Brandt Supplies Ltd",
    "Haas GmbH",
    "Costa & Filhos",
    "Dahl Trading",
    "Ada Keller",
    "Novak s.r.o.",
    "Weber Media AG",
)
GOODS = (
    "Paper A4",
    "Toner black",
    "Desk lamp",
    "Screws M4",
    "Coffee beans",
    "Filter set",
    "Cable 5 m",
    "Service hours",
)
ONE_OF_NONE = 0.4  # share of papers that are of no type


@dataclass(frozen=True, slots=True)
class Paper:
    """One paper of one page, and what it is."""

    kind: str | None
    words: tuple[Word, ...]


def papers(n: int, seed: str) -> Iterator[Paper]:
    """``n`` papers, the same for the same seed."""
    for at in range(n):
        rng = random.Random(f"{seed}/{at}")
        kind = "" if rng.random() < ONE_OF_NONE else rng.choice(("invoice", "receipt", "slip"))
        yield Paper(kind or None, tuple(_set(list(_lines(kind, rng)), rng)))


def _lines(kind: str, rng: random.Random) -> Iterator[tuple[float, str]]:
    """Lines with their size in points; two spaces part cells."""
    title = rng.choice(TITLES[kind])
    large = rng.choice((10.0, 14.0, 18.0))
    number = f"{rng.choice('ABRX')}-{rng.randint(100, 99_999)}"
    if rng.random() < 0.6:
        yield rng.choice((10.0, 12.0)), rng.choice(NAMES)
    if title:
        yield large, title + rng.choice(("", "", f" {number}"))
    body = [f"{rng.choice(PARTIES[kind])}  {rng.choice(NAMES)}" for _ in range(rng.randint(0, 2))]
    body += [f"{rng.choice(NUMBERS[kind])}  {number}"] if rng.random() < 0.8 else []
    body += (
        [
            f"{rng.choice(DATES[kind])} "
            f" {rng.randint(1, 28):02}.{rng.randint(1, 12):02}.{rng.randint(2015, 2026)}"
        ]
        if rng.random() < 0.9
        else []
    )
    rng.shuffle(body)
    yield from ((10.0, line) for line in body)
    yield from ((10.0, rng.choice(TEXT)) for _ in range(rng.randint(0, 4)))
    if rng.random() < (0.8 if kind != "slip" else 0.4):
        yield from ((10.0, line) for line in _table(kind, rng))
    if rng.random() < 0.9:
        yield 10.0, f"{rng.choice(TOTALS[kind])}  {_amount(rng)}"
    yield from ((10.0, rng.choice(TEXT)) for _ in range(rng.randint(0, 2)))


def _table(kind: str, rng: random.Random) -> Iterator[str]:
    head: tuple[str, ...] = rng.choice(HEADS)
    if kind in ("receipt", "slip"):
        head = (head[0], head[3])
    if rng.random() < 0.7:
        yield "  ".join(head)
    for _ in range(rng.randint(1, 8)):
        yield "  ".join(
            (
                rng.choice(GOODS),
                *([str(rng.randint(1, 20)), _amount(rng)] if len(head) > 2 else []),
                _amount(rng),
            )
        )


def _amount(rng: random.Random) -> str:
    return f"{rng.randint(1, 9_999):,}.{rng.randint(0, 99):02}"


def _set(lines: Sequence[tuple[float, str]], rng: random.Random) -> Iterator[Word]:
    y = 40.0
    for size, line in lines:
        x = 50.0
        for text in line.split(" "):
            if text:
                yield Word(text, Box(x, y, x + 0.5 * size * len(text), y + size))
            x += 0.5 * size * len(text) + (0.3 * size if text else 4.0 * size)
        y += 1.4 * size + rng.choice((0.0, 4.0))
