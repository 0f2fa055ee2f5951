"""Invoices and papers that are none, set alike: same labels ("Invoice number" among them), same
table, same sums; only the title says what each is.

``all_names`` sets every known name of a paper, and some that no list holds, in every layout, with
colons behind the labels and without; ``drawn`` varies the order, the wording and what is left out.
"""

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from extractors.documents import BUILT_IN
from extractors.documents.spec import DocumentType, FieldSpec, Kind
from extractors.page.lexicon import PAPERS
from extractors.triage.names import names_of, title_of
from extractors.types import Box, Word

# Names that the product's lists lack, some of them with an invoice in it.
UNLISTED = (
    "Rejected invoice",
    "Disputed invoice",
    "Withdrawn invoice",
    "Invoice rejection",
    "Invoice query",
    "Rebate settlement",
    "Warranty claim",
    "Letter of intent",
    "Price list",
    "Handover protocol",
    "Complaint",
    "Ungültige Rechnung",
    "Teilstornorechnung",
    "Rechnungsprüfung",
    "Leistungsnachweis",
    "Wartungsprotokoll",
    "Facture refusée",
    "Facture contestée",
    "Procès-verbal",
    "Geweigerde factuur",
    "Onderhoudsrapportage",
    "Fattura respinta",
    "Factura rechazada",
    "Fatura recusada",
    "Faktura odrzucona",
)
INVOICES = (
    "Invoice",
    "INVOICE",
    "Tax Invoice",
    "Sales invoice",
    "Rechnung",
    "RECHNUNG",
    "Facture",
    "FACTUUR",
    "Fattura",
    "Factura",
    "Fatura",
    "Rechnung / Invoice",
)
LAYOUTS = (
    "title in large print",
    "title in the print of the page",
    "title beside the letterhead",
    "letterhead larger than the title",
    "letterhead large, title in the print of the page",
    "title with a number",
)
# labels of the number, the date and the party; heads of the table; labels of the sums
WORDING: Mapping[str, tuple[str, ...]] = {
    "en": ("Invoice number", "Date", "Bill to", "Description|Qty|Price|Amount", "Net", "VAT"),
    "en no": ("Invoice No.", "Invoice date", "Customer", "Item|Qty|Price|Amount", "Net", "Tax"),
    "de": ("Rechnungsnummer", "Datum", "Kunde", "Artikel|Menge|Preis|Betrag", "Netto", "MwSt"),
    "de nr": ("Rechnung Nr.", "Datum", "Kunde", "Artikel|Menge|Preis|Betrag", "Netto", "MwSt"),
    "fr": ("Facture n°", "Date", "Client", "Article|Quantite|Prix|Montant", "Total HT", "TVA"),
    "nl": ("Factuurnummer", "Datum", "Klant", "Artikel|Aantal|Prijs|Bedrag", "Subtotaal", "BTW"),
    "it": ("Fattura n.", "Data", "Cliente", "Articolo|Quantita|Prezzo|Importo", "Netto", "IVA"),
    "es": ("Factura no.", "Fecha", "Cliente", "Articulo|Cantidad|Precio|Importe", "Neto", "IVA"),
}
TOTALS = {"de": "Gesamtbetrag", "fr": "Total TTC", "nl": "Totaal", "it": "Totale"}
OWN = (
    "purchase order",
    "delivery note",
    "contract",
    "quotation",
    "timesheet",
    "certificate",
    "lease",
)


@dataclass(frozen=True, slots=True)
class Titled:
    """One paper of one page: its title, how it is set, and whether it is an invoice."""

    title: str
    layout: str
    invoice: bool
    words: tuple[Word, ...]


def own_types(titles: Sequence[str] = OWN) -> dict[str, DocumentType]:
    """Types as a user adds them: a number, a date, a total."""
    kinds = (("number", Kind.IDENTIFIER), ("date", Kind.DATE), ("total", Kind.AMOUNT))
    return {
        title.replace(" ", "_"): DocumentType(
            name=title.replace(" ", "_"),
            title=title,
            description="",
            fields=tuple(
                FieldSpec(name=name, kind=kind, description=f"the {title} {name}", required=True)
                for name, kind in kinds
            ),
        )
        for title in titles
    }


def rival_names() -> tuple[str, ...]:
    """Every name of a paper that is of no built-in type, and the unlisted ones."""
    owners = names_of(BUILT_IN).owners
    known = (name for names in PAPERS.values() for name in names)
    return (*(name for name in known if not owners[title_of(name)]), *UNLISTED)


def all_names() -> Iterator[Titled]:
    """All names × layouts × with and without a colon; invoices among them, each in every
    wording.
    """
    wordings = tuple(WORDING)
    for at, name in enumerate(rival_names()):
        for layout in LAYOUTS:
            for colon in (":", ""):
                title = name.upper() if at % 2 else name.capitalize()
                yield _paper(title, layout, colon, wordings[at % len(wordings)], invoice=False)
    for name in INVOICES:
        for layout in LAYOUTS:
            for colon in (":", ""):
                for wording in wordings:
                    yield _paper(name, layout, colon, wording, invoice=True)


def drawn(n: int, seed: str) -> Iterator[Titled]:
    """``n`` papers, half of them invoices, in an order and with labels that are drawn."""
    names = rival_names()
    for at in range(n):
        rng = random.Random(f"{seed}/{at}")
        invoice = rng.random() < 0.5
        title = rng.choice(INVOICES if invoice else names)
        yield _paper(
            rng.choice((title, title.upper(), title.capitalize())),
            rng.choice(LAYOUTS),
            rng.choice((":", "")),
            rng.choice(tuple(WORDING)),
            invoice=invoice,
            rng=rng,
        )


def _paper(
    title: str,
    layout: str,
    colon: str,
    wording: str,
    *,
    invoice: bool,
    rng: random.Random | None = None,
) -> Titled:
    number, date, party, heads, net, tax = WORDING[wording]
    body = [f"{number}{colon} A-17", f"{date}{colon} 2026-03-14", f"{party}{colon} Foo GmbH"]
    total = TOTALS.get(wording[:2], "Total")
    sums = [f"{net}{colon}  10.00", f"{tax}{colon}  1.90", f"{total}{colon}  11.90"]
    table = [heads.replace("|", "  "), "Widget  1  10.00  10.00"]
    foot = [f"IBAN{colon} DE66 3705 0198 0012 3456 78"]
    if rng is not None:
        rng.shuffle(body)
        sums = [each.replace("  ", rng.choice((" ", "  "))) for each in sums]
        table = table if rng.random() < 0.8 else []
        foot = foot if rng.random() < 0.6 else []
        for part in (body, sums):
            if rng.random() < 0.25:
                part.pop(rng.randrange(len(part)))
    lines = [(12.0, line) for line in (*body, *table, *sums, *foot)]
    return Titled(title, layout, invoice, tuple(_set([*_head(title, layout), *lines])))


def _head(title: str, layout: str) -> list[tuple[float, str]]:
    if layout == "title beside the letterhead":
        return [(20.0, f"ACME Ltd  {title}")]
    if layout == "title with a number":
        return [(12.0, "ACME Ltd"), (20.0, f"{title} A-17")]
    sizes = {
        "title in large print": (12.0, 20.0),
        "title in the print of the page": (12.0, 12.0),
        "letterhead larger than the title": (24.0, 16.0),
        "letterhead large, title in the print of the page": (24.0, 12.0),
    }
    acme, size = sizes[layout]
    return [(acme, "ACME Ltd"), (size, title)]


def _set(lines: Sequence[tuple[float, str]]) -> Iterator[Word]:
    y = 40.0
    for size, line in lines:
        x = 50.0
        for text in line.split(" "):
            if text:
                yield Word(text, Box(x, y, x + 0.5 * size * len(text), y + size))
            x += 0.5 * size * len(text) + (0.3 * size if text else 4.0 * size)
        y += 1.5 * size
