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


def test_an_absence_is_denied_where_one_of_two_pages_is_a_scan():
    """What the XML says may stand on it; the words of the first page do not have it."""
    more = replace(XML, header={**XML.header, "buyer": "Kunden AG"})
    nothing = {**dict.fromkeys(RIGHT), "lines": []}
    for second, denied in (([Word("Danke", Box(20, 20, 90, 32))], False), ([], True)):
        paper = Paper(SPEC, {1: WORDS, 2: second}, more)
        verdict = paper.judge({1: RIGHT, 2: nothing})["buyer", 0]
        assert ("xml_differs" in verdict.doubts) == denied


def test_the_lines_of_the_xml_are_the_rows_of_all_pages_in_their_order():
    """The second page goes on with the list."""
    lines = ({**XML.lines[0]}, {"description": "Toner", "quantity": "1", "amount": "61"})
    paper = Paper(SPEC, {1: WORDS, 2: []}, replace(XML, lines=lines))
    toner = {"description": "Toner", "quantity": "1", "amount": "61,00"}
    for amount, denied in (("61,00", set()), ("16,00", {("lines.amount", 1)})):
        overleaf = {**dict.fromkeys(RIGHT), "lines": [{**toner, "amount": amount}]}
        verdicts = paper.judge({1: RIGHT, 2: overleaf})
        assert {at for at, v in verdicts.items() if "xml_differs" in v.doubts} == denied


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
