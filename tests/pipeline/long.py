"""Long documents whose fields stand on two of many pages, their type, and a model that reads every
page as it is.
"""

import pymupdf

from extractors.backends.scripted import Line, ScriptedBackend
from extractors.types import Canvas

PROSE = (
    "the party that sells goods pays what the order says by the day named",
    "the total of all amounts is due with the slip on the day of delivery",
    "unless another number of days was agreed on by payee and customer",
)
HEAD = ("Payee: Foo Ltd", "Date: 03/04/2026", "Slip number: A-17")
FOOT = ("Currency: EUR", "Total: 12.50", "Please keep this page")
NOTHING = {"payee": None, "date": None, "number": None, "total": None, "currency": None}
SAID = {
    "head": {**NOTHING, "payee": "Foo Ltd", "date": "03/04/2026", "number": "A-17"},
    "foot": {**NOTHING, "total": "12.50", "currency": "EUR"},
}
TYPE = '''
from extractors.documents import spec as field
from extractors.documents.spec import DocumentModel


class Long(DocumentModel, name="long_slip", title="payment slip", day_first=True{options}):
    """A slip among many other pages."""

    payee: str | None = field.text("who is paid")
    date: str | None = field.date("the day of issue")
    number: str | None = field.identifier("the slip's own number")
    total: str | None = field.amount("the amount to pay, without its currency", required=True)
    currency: str | None = field.currency("its currency, sign or code")
'''


def a_type_file(most: int | None) -> str:
    """The source of a document type of which at most so many pages are read, or all."""
    return TYPE.replace("{options}", "" if most is None else f", max_pages_read={most}")


def a_long_pdf(
    pages: int,
    *,
    head: int = 3,
    foot: int = 97,
    scans: tuple[int, ...] = (),
    size: tuple[float, float] = (420, 200),
    repeat: int = 1,
) -> bytes:
    """Running text, but for the page with the slip's head and the one with its foot; ``scans`` have
    no words at all.
    """
    document = pymupdf.open()
    for number in range(1, pages + 1):
        page = document.new_page(width=size[0], height=size[1])
        lines = (
            ()
            if number in scans
            else HEAD
            if number == head
            else FOOT
            if number == foot
            else (*PROSE * repeat, f"page {number}")
        )
        for row, line in enumerate(lines):
            page.insert_text((20, 30 + 20 * row), line)
    return bytes(document.tobytes())


def told(canvas: Canvas, head: int = 3, foot: int = 97) -> ScriptedBackend:
    """A model that reads every page as it is."""
    said = {head: SAID["head"], foot: SAID["foot"]}
    return ScriptedBackend(
        lambda page, spec: Line(truth=said.get(page.number, NOTHING)), canvas=canvas
    )
