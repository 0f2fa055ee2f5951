"""Do looks at the picture agree with honest text layers?  The corpus's e-invoices, page by page.

Every amount that a page prints, and the true number, date and IBAN, are looked at as the stage
``ground`` looks, as if no XML spoke for them.  What is not seen would be a needless doubt.
"""

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from uuid import uuid4

from extractors.evidence.gather import PageEvidence, gather
from extractors.evidence.grounding import ground
from extractors.evidence.in_picture import IN_PICTURE, MARGINS, in_picture, places, widened
from extractors.evidence.witnesses import DocumentEvidence
from extractors.normalise import normalise
from extractors.page.ocr.types import Recogniser
from extractors.page.text import PageText
from extractors.rendering.pdf import open_file
from extractors.types import Box, FieldState
from tests.evidence.einvoices import EInvoice, einvoices, folder

FIELDS = ("number", "date", "iban")
_AMOUNT = re.compile(r"-?\d{1,3}(?:[.,]\d{3})*[.,]\d{2}")
_VIEW_DPI, _VIEW_PX = 200, 12_000_000  # as settings have them by default


@dataclass(slots=True)
class Looks:
    """What looking at pages gave."""

    pages: int = 0
    values: int = 0
    seen: int = 0
    seconds: float = 0.0  # of the engine's processor time


def looks(recogniser: Recogniser) -> Looks:
    """All of the corpus; the engine is closed afterwards, so that its time is counted."""
    total, where = Looks(), folder()
    recogniser.close()
    before = _children()
    for invoice in einvoices(where) if where is not None else ():
        for document, png, size_pt in _pages(invoice):
            found: dict[tuple[int, Box], str] = {}
            for look in range(len(MARGINS)):
                for number, boxes in places(document, found).items():
                    cuts = [widened(box, look) for box in boxes]
                    texts = recogniser.texts_at(png, cuts, size_pt=size_pt)
                    found |= {(number, b): text for b, text in zip(boxes, texts, strict=True)}
            said = [one.because for one in in_picture(replace(document, seen=found))]
            total.pages += 1
            total.values += len(said)
            total.seen += said.count(IN_PICTURE)
    recogniser.close()
    total.seconds = _children() - before
    return total


def _children() -> float:
    times = os.times()
    return times.children_user + times.children_system


def _pages(invoice: EInvoice) -> Iterator[tuple[DocumentEvidence, bytes, tuple[float, float]]]:
    """Each page with what is printed on it as if it had been read, and its picture."""
    with open_file(invoice.path.read_bytes(), max_pages=50, max_pixels=100_000_000) as file:
        for number in range(1, file.page_count + 1):
            page = file.page(number)
            text = PageText(page.words())
            read = tuple(_read(invoice, number, text))
            document = DocumentEvidence(
                type=invoice.spec,
                candidates=gather(invoice.spec, read, pages=[number]),
                pages={number: text},
            )
            png = page.view(dpi=_VIEW_DPI, max_pixels=_VIEW_PX)
            yield document, png, (page.width_pt, page.height_pt)


def _read(invoice: EInvoice, number: int, page: PageText) -> Iterator[PageEvidence]:
    amounts = {word.text: "total" for word in page.words if _AMOUNT.fullmatch(word.text)}
    true = {invoice.truth[name]: name for name in FIELDS if invoice.truth.get(name)}
    for text, name in (amounts | true).items():
        field = invoice.spec.field(name)
        value = normalise(text, field, invoice.spec)
        found = ground(text, page, field, invoice.spec, value=value)
        if value.problem is None and found is not None and found.found:
            yield PageEvidence(
                id=uuid4(),
                page=number,
                name=name,
                state=FieldState.VALUE,
                text=text,
                value=value,
                grounding=found,
            )
