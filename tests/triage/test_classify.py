"""Which type a paper is of: by what it calls itself and by its labels, and never because nothing
else was there.
"""

import pytest

from extractors.documents import BUILT_IN
from extractors.documents import spec as field
from extractors.documents.spec import DocumentModel
from extractors.triage.classify import BIAS, SURE, WEIGHTS, classify
from extractors.types import Box, Word
from tests.benchmarks.classify import fitted

INVOICE = (
    "#Invoice A-17",
    "Seller: Foo Ltd",
    "Invoice number: A-17",
    "Invoice date: 2026-04-03",
    "Total: 12.50",
)


def page(*lines: str) -> list[Word]:
    """A page of these lines; one that begins with # is set larger, two spaces part cells."""
    words, y = [], 40.0
    for line in lines:
        size, x = (16.0 if line.startswith("#") else 10.0), 50.0
        for text in line.lstrip("#").replace("  ", " \0 ").split(" "):
            if text == "\0":
                x += 6 * size
            elif text:
                words.append(Word(text, Box(x, y, x + 0.5 * size * len(text), y + size)))
                x += 0.5 * size * len(text) + 0.3 * size
        y += 1.6 * size
    return words


def test_a_paper_that_calls_itself_an_invoice_and_has_its_labels_is_one():
    """Surely, and nothing else."""
    guess = classify([page(*INVOICE)], BUILT_IN)

    assert (guess.document_type, guess.sure) == ("invoice", True)


@pytest.mark.parametrize(
    ("lines", "kind"),
    [
        (
            (
                "#Rechnung 4711",
                "Rechnungsdatum: 03.04.2026",
                "Rechnungsnummer: 4711",
                "Gesamtbetrag  12,50",
            ),
            "invoice",
        ),
        (
            ("#RECEIPT", "Foo Store", "Date: 03/04/2026", "Address: Elm Street", "Total  12.50"),
            "receipt",
        ),
        (("#Payment slip", "Payee: Foo Ltd", "Date: 03/04/2026", "Total: 12.50"), "slip"),
    ],
)
def test_papers_are_known_by_their_own_names_and_labels(lines, kind):
    """In the languages that the type names."""
    guess = classify([page(*lines)], BUILT_IN)

    assert (guess.document_type, guess.sure) == (kind, True)


@pytest.mark.parametrize(
    "lines",
    [
        ("#Order confirmation", *INVOICE[1:]),
        ("#Project Statement", "Receipt no.: 2468", "Date: 8/20/2020", "Total: 12.50"),
        ("Dear Ada,", "the invoice that you ask for was sent on 2026-04-03", "Total: 12.50"),
        ("#Meeting notes", "Number: 7", "Date: 2026-04-03", "Total: 12.50"),
    ],
    ids=[
        "titled otherwise",
        "a label names another paper",
        "named in a sentence",
        "labels without a name",
    ],
)
def test_a_paper_that_may_be_something_else_is_not_sure(lines):
    """A person says what it is."""
    assert not classify([page(*lines)], BUILT_IN).sure


def test_two_kinds_of_paper_in_one_file_are_not_one_of_them():
    """Both fit, and so neither does alone."""
    receipt = page(
        "#RECEIPT", "Foo Store", "Date: 03/04/2026", "Address: Elm Street", "Total  12.50"
    )

    assert not classify([page(*INVOICE), receipt], BUILT_IN).sure


@pytest.mark.parametrize("pages", [[], [()], [(), ()]])
def test_pages_without_words_fit_nothing(pages):
    """Unknown is unknown: there is no type, and no number."""
    guess = classify(pages, BUILT_IN)

    assert (guess.document_type, guess.confidence, guess.sure) == (None, None, False)


def test_a_type_of_ones_own_is_found_by_its_definition_alone():
    """Nothing else is to be written: its title, its names and its fields say enough."""

    class Note(DocumentModel, name="weighing_note", title="weighing note", called=("wiegeschein",)):
        """What a weighbridge prints."""

        plate: str | None = field.identifier("the vehicle's licence plate")
        gross: str | None = field.number("gross weight", required=True)

    types = {**BUILT_IN, "weighing_note": Note.spec}
    found = classify([page("#Wiegeschein", "Plate: AB-123", "Gross weight: 12500")], types)

    assert (found.document_type, found.sure) == ("weighing_note", True)
    assert classify([page(*INVOICE)], types).document_type == "invoice"


def test_the_weights_are_the_fitted_ones():
    """Nobody has turned them by hand; the benchmark fits them on generated papers."""
    assert fitted() == (WEIGHTS, BIAS)
    assert SURE == 0.8
