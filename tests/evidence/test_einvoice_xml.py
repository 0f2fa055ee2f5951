"""The XML inside an e-invoice agrees, or denies and offers what it says."""

from dataclasses import replace

import pytest

from extractors.documents import BUILT_IN
from extractors.rendering.einvoice import EInvoice
from extractors.types import Box, Word
from tests.benchmarks.judging import Paper

SPEC = replace(BUILT_IN["invoice"], locale="de_DE", day_first=True)
XML = EInvoice(
    header={
        "number": "471102",
        "date": "2026-03-05",
        "seller": "Lieferant GmbH",
        "total": "529.87",
        "currency": "EUR",
    },
    lines=({"description": "Papier", "quantity": "20", "amount": "198"},),
)
PRINTED = "Lieferant GmbH Rechnung 471102 vom 05.03.2026 Papier 20 198,00 Gesamt 529,87 EUR".split()
WORDS = [Word(text, Box(20, 20 + 30 * at, 90, 32 + 30 * at)) for at, text in enumerate(PRINTED)]
RIGHT = {
    "seller": "Lieferant GmbH",
    "number": "471102",
    "date": "05.03.2026",
    "total": "529,87",
    "currency": "EUR",
    "lines": [{"description": "Papier", "quantity": "20", "amount": "198,00"}],
}


def doubts(**changed):
    """The codes against each value of the answer, by name; only those that there are."""
    verdicts = Paper(SPEC, {1: WORDS}, XML).judge({1: {**RIGHT, **changed}})
    return {name: v.doubts for (name, _), v in verdicts.items() if "xml_differs" in v.doubts}


def test_what_the_xml_says_too_is_not_denied():
    """Whatever spelling the page has of dates and amounts."""
    assert doubts() == {}


@pytest.mark.parametrize(
    ("field", "text"),
    [("number", "471103"), ("date", "03.05.2026"), ("total", "529,78"), ("seller", "Lieferant")],
)
def test_another_value_is_denied(field, text):
    """Also a name that was cut short, and one that the page prints elsewhere."""
    assert set(doubts(**{field: text})) == {field}


def test_an_absence_is_denied_when_the_page_prints_what_the_xml_says():
    """And not when the XML says more than the page."""
    assert set(doubts(currency=None)) == {"currency"}
    more = replace(XML, header={**XML.header, "buyer": "Kunden AG"})
    verdicts = Paper(SPEC, {1: WORDS}, more).judge({1: RIGHT})
    assert "xml_differs" not in verdicts["buyer", 0].doubts


def test_on_a_scan_without_words_an_absence_is_denied():
    """Nothing else can tell whether the page prints it."""
    verdicts = Paper(SPEC, {1: []}, XML).judge({1: {**RIGHT, "currency": None}})
    assert "xml_differs" in verdicts["currency", 0].doubts


def test_a_list_with_more_or_fewer_rows_is_denied():
    """Dropped, doubled, or all gone."""
    assert doubts(lines=[])
    assert doubts(lines=[*RIGHT["lines"], *RIGHT["lines"]])


def test_a_cell_that_differs_is_denied():
    """In its row."""
    row = {"description": "Papier", "quantity": "2", "amount": "198,00"}
    assert "lines.quantity" in doubts(lines=[row])


def test_a_document_without_xml_hears_nothing():
    """Silence is not agreement."""
    verdicts = Paper(SPEC, {1: WORDS}).judge({1: {**RIGHT, "number": "vom"}})
    assert all("xml_differs" not in v.doubts for v in verdicts.values())
