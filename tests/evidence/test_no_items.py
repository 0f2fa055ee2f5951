"""Rows that are no items: sums, taxes, what is carried over, nothing, and half a row."""

from dataclasses import replace

import pytest

from extractors.evidence.no_items import EMPTY, SPLIT, SUM, no_items
from tests.evidence.lists import denied, document
from tests.evidence.making import ITEMS, a_type, document_of, row_of_items

PAPER = ("Paper", "1", "5.00", "5.00")
TONER = ("Toner", "2", "5.00", "10.00")


def denied_of(*pages):
    read = dict(enumerate(pages, start=1))
    return denied(no_items, document(read, dict.fromkeys(read, ())))


def only(text, amount="15.00"):
    return (text, None, None, amount)


@pytest.mark.parametrize(
    "text",
    [
        "Subtotal",
        "Total",
        "VAT 19%",
        "T.V.A. 20 %",
        "zzgl. 19 % MwSt.",
        "Total incl. VAT",
        "Sales tax",
        "Carried forward",
        "Balance brought forward",
        "Übertrag von Seite 1",
        "Report page précédente",
        "A reporter",
        "Sous-total HT",
        "Zwischensumme netto",
        "Totaal excl. btw",
    ],
)
def test_a_sum_a_tax_and_what_is_carried_over_are_no_items(text):
    """Their text says so, whatever the amount."""
    assert denied_of([PAPER, TONER, only(text, "2.85")]) == {(SUM, 2)}


@pytest.mark.parametrize(
    "text",
    [
        "Transport",
        "Report",
        "Tax advice",
        "City tax",
        "Total station, rental",
        "Delivery",
        "Discount",
        "Net curtain",
        "Vortrag",
        "Balance board",
        "Rounding",
    ],
)
def test_items_that_begin_like_sums_are_items(text):
    """Other words beside them, or an amount that is no sum, say what they are."""
    assert denied_of([PAPER, TONER, only(text, "3.00")]) == set()


def test_what_the_rows_before_it_add_up_to_is_no_item_in_any_language():
    """A bare amount that is the sum so far; with a quantity and a price it may be an item."""
    assert denied_of([PAPER, TONER, only("Yhteensä")]) == {(SUM, 2)}
    assert denied_of([PAPER, TONER, only("Transport")]) == {(SUM, 2)}
    assert denied_of([PAPER, TONER, ("Desk", "1", "15.00", "15.00")]) == set()
    assert denied_of([PAPER, only("Delivery", "5.00")]) == set()


def test_a_row_that_says_nothing_is_no_item_and_one_without_an_amount_is():
    """Nothing can be proven of nothing."""
    nothing, included = (None, None, None, None), ("Delivery included", None, None, None)

    assert denied_of([PAPER, nothing, TONER]) == {(EMPTY, 1)}
    assert denied_of([PAPER, included, TONER]) == set()


@pytest.mark.parametrize(
    ("last", "first"),
    [
        (("Toner, black, for", None, None, None), ("laser printers", "2", "5.00", "10.00")),
        (("Toner, black, for", "2", "5.00", "10.00"), ("laser printers", None, None, None)),
        (("Toner, black", "2", "5.00", None), (None, None, None, "10.00")),
    ],
)
def test_a_row_that_a_page_break_parts_is_doubted(last, first):
    """Either half alone says something that is not so."""
    assert denied_of([PAPER, last], [first, TONER]) == {(SPLIT, 1), (SPLIT, 2)}


def test_whole_rows_on_either_side_of_a_page_break_are_right():
    """A row may well be the last of its page; and what is carried over does not hide it."""
    carried = only("Carried forward", "5.00")

    assert denied_of([PAPER], [TONER]) == set()
    assert denied_of([PAPER, carried], [carried, TONER]) == {(SUM, 1), (SUM, 2)}


def test_lists_that_often_lack_amounts_are_doubted_at_a_page_break_only_where_a_text_goes_on():
    """Remarks between the rows are that paper's way."""
    remark, begun = ("Order 17", None, None, None), ("Toner, black,", None, None, None)

    assert denied_of([PAPER, remark, TONER, remark], [TONER]) == set()
    assert denied_of([PAPER, remark, TONER, begun], [TONER]) == {(SPLIT, 3), (SPLIT, 4)}


def test_after_a_sum_the_rows_are_added_up_from_where_they_were():
    """What is carried over, or a subtotal, is no row of the next sum."""
    desk = ("Desk", "1", "2.00", "2.00")
    read = [PAPER, TONER, only("Välisumma"), desk, only("Yhteensä", "17.00")]

    assert denied_of(read) == {(SUM, 2), (SUM, 4)}


def test_a_row_without_its_text_at_a_page_break_is_half_of_one_too():
    """The text stands on one page, and numbers on both."""
    bare = (None, "1", "3.00", "3.00")

    assert denied_of([PAPER, TONER], [bare, TONER]) == {(SPLIT, 1), (SPLIT, 2)}


def test_rows_with_a_page_between_them_are_no_halves():
    """A row goes on overleaf, and not on the page after that."""
    last, first = ("Toner, black", "2", "5.00", None), (None, None, None, "10.00")

    assert denied_of([PAPER, last], [first]) == {(SPLIT, 1), (SPLIT, 2)}
    assert denied_of([PAPER, last], [], [first]) == set()


def test_of_a_list_of_taxes_the_taxes_are_the_items():
    """What it is for says so; in a list of items they are none."""
    row = row_of_items(1, 0, "VAT 19%", "2.85")
    for description, codes in (("one entry an item", {(SUM, 0)}), ("one entry a tax rate", set())):
        spec = a_type(replace(ITEMS, description=description))
        assert denied(no_items, document_of(spec, row, pages={1})) == codes
