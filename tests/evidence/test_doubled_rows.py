"""A list that nobody read although its page shows one, and rows that are printed once."""

import pytest

from extractors.evidence.doubled_rows import list_on_page
from extractors.evidence.line_items import line_items
from tests.evidence.lists import INVOICE, cell, denied, document, head, line, table

LINES = INVOICE.field("lines")
TOP = 120  # of the first line under the heads
ROW = ("Paper", "2", "4.50", "9.00")


def row(*texts, top=TOP):
    return table([texts or ROW], top=top)


def with_heads(*words, heads=None):
    return [*(head(100) if heads is None else heads), *(word for each in words for word in each)]


NO_AMOUNT_HEAD = [*line("Description", 50, 100), *cell("Qty", 300, 100), *cell("Price", 400, 100)]
UNITS = [*line("goods", 50, TOP), *cell("pieces", 300, TOP), *cell("EUR", 400, TOP)]


@pytest.mark.parametrize(
    ("words", "top"),
    [
        (with_heads(row()), TOP),
        (with_heads(row("Paper", None, "4.50", "9.00")), None),
        (with_heads(row("Paper", "2", None, "9.00")), None),
        (with_heads(row(None, "2", "4.50", "9.00")), None),
        (with_heads(row("Paper", "2", "4.50", None)), None),
        (with_heads(row("Paper", "2", "4.50", "n/a")), None),
        (with_heads(row("Paper", "2", "9.00", "n/a")), None),
        (with_heads(row(), heads=[]), None),
        (with_heads(row(), heads=NO_AMOUNT_HEAD), None),
        # a sum names itself in its first two words
        (with_heads(row("Total", "2", "4.50", "9.00")), None),
        (with_heads(row("Grand total", "2", "4.50", "9.00")), None),
        (with_heads(row("Paper for total", "2", "4.50", "9.00")), TOP),
        # the rest of a row stands one and a half lines above or beneath its amount
        (with_heads(row("Paper", "2", "4.50", None), cell("9.00", 500, TOP + 15)), TOP + 15),
        (with_heads(row("Paper", "2", "4.50", None), cell("9.00", 500, TOP + 16)), None),
        (with_heads(cell("9.00", 500, TOP), row("Paper", "2", "4.50", None, top=TOP + 15)), TOP),
        (with_heads(cell("9.00", 500, TOP), row("Paper", "2", "4.50", None, top=TOP + 16)), None),
        # a second line of heads is no part of a row
        (with_heads(UNITS, row(None, None, "4.50", "9.00", top=TOP + 15)), None),
        # among the eight lines under the heads
        (with_heads(*(line("x", 50, TOP + 20 * n) for n in range(7)), row(top=TOP + 140)), 260),
        (with_heads(*(line("x", 50, TOP + 20 * n) for n in range(8)), row(top=TOP + 160)), None),
    ],
)
def test_a_page_shows_a_list_where_a_row_stands_under_its_heads(words, top):
    """An amount under its own head, and something under each of the others."""
    found = list_on_page(LINES, document({1: []}, {1: words}))

    assert (found and (found[0], found[1].top)) == (None if top is None else (1, top))


def test_the_first_page_that_shows_a_list_is_named():
    """Pages are asked in their order."""
    pages = {3: with_heads(row()), 1: line("Dear customer", 50, 40), 2: with_heads(row())}

    found = list_on_page(LINES, document({number: [] for number in pages}, pages))

    assert found is not None
    assert found[0] == 2


OTHER = ("Toner", "1", "61.00", "61.00")
UNPRINTED = ("Chisel", "7", "3.00", "21.00")


@pytest.mark.parametrize(
    ("read", "printed", "doubled"),
    [
        ([ROW, OTHER], [ROW, OTHER], []),
        ([ROW, ROW, OTHER], [ROW, OTHER], [1]),
        ([ROW, ROW, OTHER], [ROW, ROW, OTHER], []),
        ([ROW, ROW, ROW, OTHER], [ROW, ROW, OTHER], [2]),
        ([ROW, OTHER, ROW], [ROW, OTHER], [2]),
        ([ROW, ROW, ROW, OTHER], [ROW, OTHER], [1, 2]),
        # a row that the page does not show at all is said elsewhere
        ([ROW, UNPRINTED, UNPRINTED], [ROW, OTHER], []),
        # a cell that the page does not show says nothing of how often it shows the others
        ([("Ink", *ROW[1:])] * 2, [ROW, ROW, OTHER], []),
        # its amount stands nowhere, and the rest of it once: one of the two is right
        ([("Paper", "2", "4.50", "8.88")] * 2 + [OTHER], [ROW, OTHER], [1]),
    ],
)
def test_a_row_is_doubled_where_it_was_read_more_often_than_the_page_prints_it(
    read, printed, doubled
):
    """The first readings are the rows; those after them are none."""
    pages = {1: [*head(100), *table(printed, top=TOP)]}
    found = denied(line_items, document({1: read}, pages))

    assert sorted(at for code, at in found if code == "row_doubled") == doubled
