"""Which pages of a long document are kept, and that nothing is dropped in silence."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from extractors.documents import BUILT_IN
from extractors.triage.select_pages import scores_of, select
from extractors.types import Box, Word
from tests.benchmarks import selection

SLIP, INVOICE = BUILT_IN["slip"], BUILT_IN["invoice"]


def page(*lines: str) -> tuple[Word, ...]:
    """A page of these lines; two spaces part two columns."""
    return tuple(
        Word(
            text, Box(50.0 + 5 * at, 50.0 + 14 * row, 50.0 + 5 * (at + len(text)), 60.0 + 14 * row)
        )
        for row, line in enumerate(lines)
        for at, text in _placed(line.replace("  ", " " * 8))
    )


def _placed(line: str) -> list[tuple[int, str]]:
    found, at = [], 0
    for text in line.split(" "):
        if text:
            found.append((at, text))
        at += len(text) + 1
    return found


PROSE = page(
    "the party that sells goods pays what the order says by the day named in it and",
    "the total of all amounts is due with the invoice on the date of delivery unless",
    "another number of days was agreed in writing between the payee and the customer",
)
FORM = page(
    "Invoice number: A-1007", "Invoice date: 12.03.2026", "Seller: Ada Brandt", "Total: 1,284.50"
)


def test_fields_on_the_third_and_the_ninety_seventh_page_are_found():
    """Of a hundred pages ten are kept, and both that hold fields are among them."""
    pages = [PROSE] * 100
    pages[2] = page("Invoice number: A-1007", "Invoice date: 12.03.2026", "Seller: Ada Brandt")
    pages[96] = page(
        "Net  1,079.41", "Tax  205.09", "Total  1,284.50", "IBAN  DE02120300000000202051"
    )

    kept = select(pages, INVOICE, 10).kept

    assert {3, 97} <= set(kept)
    assert len(kept) == 10


def test_a_page_of_labels_beats_a_page_that_talks_about_them():
    """The same words in running text are no sign of a value."""
    assert select([PROSE, PROSE, FORM, PROSE], INVOICE, 1).kept == (3,)


def test_a_value_beneath_its_label_counts_as_one_beside_it():
    """Forms have both."""
    form = page("Invoice number  Invoice date  Total", "A-1007  12.03.2026  1,284.50")

    assert select([PROSE, form, PROSE], INVOICE, 1).kept == (2,)


def test_labels_in_another_language_are_known():
    """Everyday words of business forms, whatever language the type was written in."""
    form = page(
        "Rechnungsnummer: A-1007",
        "Rechnung vom  Datum: 12.03.2026",
        "Gesamtbetrag: 1.284,50",
        "MwSt: 205,09",
    )

    assert select([PROSE, PROSE, form], INVOICE, 1).kept == (3,)


def test_every_page_of_a_list_that_runs_on_is_kept():
    """A group's rows may stand on several pages, and each of them is as good as the first."""
    rows = [
        page(
            "Description  Quantity  Unit price  Amount",
            *(f"Bolts  {n}  2.50  {n}.00" for n in range(1, 9)),
        )
        for _ in range(3)
    ]
    pages = [PROSE] * 10 + rows + [PROSE] * 10

    assert {11, 12, 13} <= set(select(pages, INVOICE, 5).kept)


def test_pages_without_words_are_kept_on_top_and_named():
    """A scan may hold anything: leaving it out would be a guess."""
    chosen = select([PROSE, (), FORM, PROSE, ()], INVOICE, 1)

    assert (chosen.kept, chosen.wordless, chosen.left_out) == ((2, 3, 5), (2, 5), (1, 4))


def test_a_page_number_is_not_enough_to_judge_a_page_by():
    """Scans come with a stamp or a number as their only words."""
    chosen = select([PROSE, page("Page 2 of 40"), FORM, PROSE], INVOICE, 1)

    assert (chosen.kept, chosen.wordless) == ((2, 3), (2,))


def test_a_short_document_is_kept_whole():
    """There is nothing to choose."""
    assert select([PROSE, FORM], INVOICE, 2).kept == (1, 2)


def test_keeping_nothing_is_not_possible():
    """A document of which no page is read would be dropped in silence."""
    with pytest.raises(ValueError, match="at least one"):
        select([PROSE], SLIP, 0)


def test_pages_that_say_nothing_are_kept_in_some_order_all_the_same():
    """When no page speaks for any field, as many are kept as were asked for."""
    assert len(select([page("lorem ipsum dolor sit amet consectetur")] * 20, SLIP, 5).kept) == 5


words = st.builds(
    lambda text, x, y: Word(text, Box(x, y, x + 10, y + 10)),
    st.text(max_size=12),
    st.floats(0, 600),
    st.floats(0, 800),
)
documents = st.lists(st.lists(words, max_size=14), max_size=8)


@settings(max_examples=60)
@given(documents, st.integers(1, 9))
def test_every_page_is_accounted_for(pages, keep):
    """Kept or left out, never both and never neither; the number that was asked for, and the
    wordless.
    """
    chosen = select(pages, INVOICE, keep)

    assert sorted((*chosen.kept, *chosen.left_out)) == list(range(1, len(pages) + 1))
    assert set(chosen.wordless) <= set(chosen.kept)
    assert len(chosen.kept) - len(chosen.wordless) == min(keep, len(pages) - len(chosen.wordless))


@settings(max_examples=40)
@given(documents, st.integers(1, 8))
def test_keeping_more_never_loses_a_page(pages, keep):
    """A larger budget reads what a smaller one did, and more."""
    assert set(select(pages, INVOICE, keep).kept) <= set(select(pages, INVOICE, keep + 1).kept)


@settings(max_examples=40)
@given(documents.filter(any))
def test_scores_are_numbers_whatever_a_page_holds(pages):
    """No page breaks the arithmetic."""
    scores = scores_of([words for words in pages if words], INVOICE)

    assert set(scores) == {field.name for field in INVOICE.fields}
    assert all(value >= 0.0 for of in scores.values() for value in of)


def test_a_tenth_of_generated_long_documents_holds_their_fields():
    """A small run of the benchmark, which asks for 99 % on two hundred documents."""
    rows = {row["metric"]: row for row in selection.run(6)}

    assert rows["recall at 10% of pages"]["holds"]


def test_every_page_with_words_has_a_rank_and_the_best_are_kept():
    """The record of a choice: who reads it sees how near a page was to being read."""
    found = select([PROSE, FORM, PROSE, page("")], INVOICE, 1)

    assert found.ranks == {2: 1, 1: 2, 3: 3}
    assert (found.kept, found.left_out) == ((2, 4), (1, 3))


def test_more_scans_than_may_be_read_are_left_out_without_a_rank():
    """Nobody can say what they hold."""
    found = select([page("")] * 4, INVOICE, 2, keep_wordless=2)

    assert (found.kept, found.left_out, found.ranks) == ((1, 2), (3, 4), {})
