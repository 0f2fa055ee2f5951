"""The corpus's e-invoices: pages with words, and the XML inside the same PDF that says what they
must show.
"""

import os
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pymupdf

from extractors.documents import BUILT_IN
from extractors.documents.spec import DocumentType
from extractors.types import Box, Word

NAMESPACES = {
    "rsm": "urn:un:unece:uncefact:data:standard:CrossIndustryInvoice:100",
    "ram": "urn:un:unece:uncefact:data:standard:ReusableAggregateBusinessInformationEntity:100",
    "udt": "urn:un:unece:uncefact:data:standard:UnqualifiedDataType:100",
}
# Field of the invoice type -> where the XML says it.
TRUTH = {
    "number": "rsm:ExchangedDocument/ram:ID",
    "date": "rsm:ExchangedDocument/ram:IssueDateTime/udt:DateTimeString",
    "seller": ".//ram:SellerTradeParty/ram:Name",
    "total": ".//ram:SpecifiedTradeSettlementHeaderMonetarySummation/ram:GrandTotalAmount",
}
COUNTRY = ".//ram:SellerTradeParty/ram:PostalTradeAddress/ram:CountryID"
LOCALES = {"FR": "fr_FR"}  # the others, foreign sellers among them, are written in German


@dataclass(frozen=True, slots=True, kw_only=True)
class EInvoice:
    """One e-invoice: its words page by page, every character's place, and its truth."""

    path: Path
    spec: DocumentType  # the invoice type in the seller's locale
    truth: dict[str, str]
    words: tuple[tuple[Word, ...], ...]
    # character and its centre, page by page
    characters: tuple[tuple[tuple[str, float, float], ...], ...]

    def shows(self, page: int, boxes: tuple[Box, ...]) -> str:
        """What is printed in the boxes, character by character: told from the page, not from the
        words that were searched.
        """
        inside = [
            "".join(
                c
                for c, x, y in self.characters[page]
                if box.x0 <= x <= box.x1 and box.y0 <= y <= box.y1
            )
            for box in boxes
        ]
        return " ".join(inside).strip()


def folder() -> Path | None:
    """The corpus's e-invoices, or None where there is no corpus."""
    root = os.environ.get("SUREFIELD_CORPUS")
    found = Path(root) / "einvoices" if root else None
    return found if found and found.is_dir() else None


def einvoices(where: Path) -> Iterator[EInvoice]:
    """Every PDF of the folder that holds an XML invoice."""
    for path in sorted(where.glob("*.pdf")):
        with pymupdf.open(path) as pdf:
            xml = [pdf.embfile_get(name) for name in pdf.embfile_names() if name.endswith(".xml")]
            if xml:
                yield _einvoice(path, pdf, ElementTree.fromstring(xml[0]))


def _einvoice(path: Path, pdf: Any, root: ElementTree.Element) -> EInvoice:
    locale = LOCALES.get(root.findtext(COUNTRY, "", NAMESPACES), "de_DE")
    return EInvoice(
        path=path,
        spec=in_locale(BUILT_IN["invoice"], locale),
        truth={
            name: (root.findtext(where, "", NAMESPACES) or "").strip()
            for name, where in TRUTH.items()
        },
        words=tuple(tuple(Word(w[4], Box(*w[:4])) for w in page.get_text("words")) for page in pdf),
        characters=tuple(tuple(_characters(page)) for page in pdf),
    )


def in_locale(spec: DocumentType, locale: str) -> DocumentType:
    """The same document type as a European business would configure it."""
    return DocumentType(
        name=spec.name,
        title=spec.title,
        description=spec.description,
        fields=spec.fields,
        locale=locale,
        day_first=True,
    )


def _characters(page: Any) -> Iterator[tuple[str, float, float]]:
    for block in page.get_text("rawdict")["blocks"]:
        for line in block.get("lines", ()):
            for span in line["spans"]:
                for char in span["chars"]:
                    x0, y0, x1, y1 = char["bbox"]
                    yield char["c"], (x0 + x1) / 2, (y0 + y1) / 2
