"""Which type a paper is of: by what it calls itself and by its labels, and never because nothing
else was there.
"""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from extractors.documents import BUILT_IN
from extractors.documents import spec as field
from extractors.documents.spec import DocumentModel
from extractors.triage.classify import BIAS, SURE, WEIGHTS, classify
from extractors.types import Box, Word
from tests.benchmarks.classify import fitted
from tests.benchmarks.rivals import all_names, own_types, rival_names

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


LIKE_AN_INVOICE = tuple(all_names())
NAMES = {
    "credit note": (
        "Credit memo",
        "Gutschrift",
        "Facture d'avoir",
        "Creditfactuur",
        "Nota di credito",
    ),
    "payment reminder": ("Reminder", "Mahnung", "Rappel", "Aanmaning", "Sollecito", "Recordatorio"),
    "quotation": ("Quote", "Angebot", "Devis", "Offerte", "Preventivo", "Presupuesto", "Tilbud"),
    "delivery note": ("Lieferschein", "Bon de livraison", "Documento di trasporto", "Albarán"),
    "cancellation invoice": (
        "Void invoice",
        "Stornorechnung",
        "Facture annulée",
        "Fattura di storno",
    ),
}


@given(st.sampled_from([paper for paper in LIKE_AN_INVOICE if not paper.invoice]))
def test_a_paper_set_like_an_invoice_under_another_title_is_not_surely_one(paper):
    """It has an invoice's number, labels, table and sums; what it calls itself counts."""
    assert not classify([paper.words], BUILT_IN).sure
    assert not classify([paper.words], {**BUILT_IN, **own_types(("lease",))}).sure


@given(st.sampled_from([paper for paper in LIKE_AN_INVOICE if paper.invoice]), st.data())
def test_types_whose_titles_are_not_on_the_page_make_nothing_less_sure(paper, data):
    """However many a user adds."""
    titles = data.draw(
        st.lists(st.sampled_from(("lease", "contract", "purchase order", "diploma")))
    )
    alone = classify([paper.words], BUILT_IN)
    among = classify([paper.words], {**BUILT_IN, **own_types(titles)})

    assert alone.sure
    assert (among.document_type, among.confidence) == (alone.document_type, alone.confidence)


@given(st.sampled_from(rival_names()), st.sampled_from(("", "#")))
def test_a_rival_title_never_makes_a_paper_surer(name, size):
    """Whatever it is, and in whatever print."""
    title = f"{size}{name}"
    before = classify([page(*INVOICE)], BUILT_IN).confidence
    after = classify([page(title, *INVOICE)], BUILT_IN).confidence

    assert after <= before


@pytest.mark.parametrize(
    ("title", "name"), [(title, name) for title, names in NAMES.items() for name in names]
)
def test_a_paper_is_known_by_its_name_in_other_languages(title, name):
    """Without a type it is said what it is; a type of one's own is reached by its English title."""
    words = page(f"#{name}", "Number: C-3", "Date: 2026-04-03", "Total: 12.50")
    unknown = classify([words], BUILT_IN)
    known = classify([words], {**BUILT_IN, **own_types((title,))})

    assert (unknown.sure, unknown.paper) == (False, title)
    assert (known.document_type, known.sure) == (title.replace(" ", "_"), True)


def test_a_name_that_a_type_claims_is_no_other_types():
    """Two types for two papers that are often called alike."""
    words = page("#Packing list", "Number: C-3", "Date: 2026-04-03", "Total: 12.50")
    types = own_types(("packing slip", "packing list"))

    assert classify([words], types).document_type == "packing_list"
    assert classify([words], types).sure


@pytest.mark.parametrize(
    ("title", "expected"),
    [
        ("#Monthly invoice", True),
        ("#Schlussrechnung", True),
        ("#ACME Ltd Invoice", True),
        ("#I N V O I C E", True),
        ("#Rejected invoice", False),
        ("#Teilstornorechnung", False),
        ("#Tax invoice / Receipt", False),
        ("#Credit note for invoice A-16", False),
        ("#Invoices", False),
        ("Invoice number A-17", False),
    ],
)
def test_words_beside_a_title_may_make_it_another_paper(title, expected):
    """Known ones leave it what it is, unknown ones leave it to a person."""
    assert classify([page(title, *INVOICE[1:])], BUILT_IN).sure is expected


def test_the_weights_are_the_fitted_ones():
    """Nobody has turned them by hand; the benchmark fits them on generated papers."""
    assert fitted() == (WEIGHTS, BIAS)
    assert SURE == 0.8
