"""Rows of tables: which of them nobody read, and which were read twice."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from extractors.evidence.line_items import line_items
from extractors.types import Box, Word
from tests.evidence.lists import cell, denied, document, head, line, table

MISSED, DOUBLED = ("list_incomplete", 0), "row_doubled"
NAMES = ("Paper", "Toner black", "Desk lamp", "Binding wire", "Chisel set", "Blue ink", "Envelopes")


@st.composite
def lists(draw):
    """Rows with different texts, and how their page sets them."""
    names = draw(st.lists(st.sampled_from(NAMES), min_size=2, max_size=7, unique=True))
    numbers = st.integers(1, 40)
    rows = []
    for name in names:
        quantity, cents = draw(numbers), draw(st.integers(100, 9999))
        amounts = f"{cents / 100:.2f}", f"{quantity * cents / 100:.2f}"
        rows.append((name, str(quantity), *amounts))
    # amounts stand nearer to their own row than to the next: drop is less than half of step
    drops = st.sampled_from([(0.0, 34.0), (9.0, 34.0), (0.0, 60.0), (18.0, 60.0), (18.0, 90.0)])
    return rows, *draw(drops)


def page_of(rows, drop, step, *, sums=True):
    """A page with heads, the rows, and what follows a list."""
    words = [*line("Foo Ltd", 50, 40), *head(100), *table(rows, top=115, drop=drop, step=step)]
    end = 115 + len(rows) * step
    total = sum(float(amount) for *_, amount in rows)
    words += [*line("Total", 50, end), *cell(f"{total:.2f}", 500, end)] if sums else []
    return [*words, *line("Thank you for your order.", 50, end + 60)]


@given(lists())
def test_a_list_that_was_read_whole_is_never_denied(made):
    """However high its rows are, and wherever their amounts stand."""
    rows, drop, step = made

    assert denied(line_items, document({1: rows}, {1: page_of(rows, drop, step)})) == set()


@given(lists(), st.data())
def test_a_row_that_nobody_read_is_noticed(made, data):
    """First, last or between, one line high or many, without any sum."""
    rows, drop, step = made
    at = data.draw(st.integers(0, len(rows) - 1))
    read = [row for number, row in enumerate(rows) if number != at]
    pages = {1: page_of(rows, drop, step, sums=False)}

    assert MISSED in denied(line_items, document({1: read}, pages))


@given(lists(), st.data())
def test_a_row_that_was_read_twice_is_denied_and_the_others_are_not(made, data):
    """The page shows it once; the second reading of it is no row."""
    rows, drop, step = made
    at = data.draw(st.integers(0, len(rows) - 1))
    read = [*rows[: at + 1], *rows[at:]]

    assert denied(line_items, document({1: read}, {1: page_of(rows, drop, step)})) == {
        (DOUBLED, at + 1)
    }


@given(lists(), st.data())
def test_equal_rows_that_are_printed_twice_are_right(made, data):
    """The same thing may have been delivered twice."""
    rows, drop, step = made
    at = data.draw(st.integers(0, len(rows) - 1))
    rows = [*rows[: at + 1], *rows[at:]]

    assert denied(line_items, document({1: rows}, {1: page_of(rows, drop, step)})) == set()


@given(lists())
def test_an_empty_list_is_denied_where_the_page_shows_its_rows(made):
    """Rows stand under the heads of the list."""
    rows, _, step = made

    assert denied(line_items, document({1: []}, {1: page_of(rows, 0.0, step)})) == {MISSED}


def test_rows_are_looked_for_beneath_the_heads_and_not_above():
    """Heads on the first line of a long page have their rows; what stands above heads is none."""
    row = ("Paper", "2", "4.50", "9.00")
    long = [*head(20), *table([row] * 14, top=35, step=14.0)]
    above = [*table([row], top=85), *head(100), *line("Thank you.", 50, 160)]

    assert denied(line_items, document({1: []}, {1: long})) == {MISSED}
    assert denied(line_items, document({1: []}, {1: above})) == set()


def test_an_empty_list_is_right_where_the_page_shows_only_heads_or_sums():
    """A table without rows, and a summary of amounts, hold no line items."""
    empty = [*head(100), *line("Total", 50, 115), *cell("0.00", 500, 115)]
    summary = [*line("Net", 50, 100), *cell("73.00", 500, 100), *line("VAT", 50, 115)]

    for words in (empty, [*summary, *cell("14.60", 500, 115)]):
        assert denied(line_items, document({1: []}, {1: words})) == set()


def test_a_second_table_beneath_the_list_holds_no_rows_of_it():
    """The taxes have heads of their own, and amounts in the same place."""
    rows = [("Paper", "2", "4.50", "9.00"), ("Toner", "1", "61.00", "61.00")]
    taxes = [*line("Kind", 50, 200), *cell("Base", 300, 200), *cell("Charged", 500, 200)]
    taxes += [*line("Standard", 50, 215), *cell("70.00", 300, 215), *cell("14.00", 500, 215)]

    assert denied(line_items, document({1: rows}, {1: [*page_of(rows, 0, 34.0), *taxes]})) == set()


@pytest.mark.parametrize(
    "word",
    [
        Word("|", Box(330, 30, 332, 700)),
        Word("__", Box(0, 0, 595, 842)),
        Word("www.foo.example", Box(24, 100, 32, 300)),
    ],
)
def test_a_word_as_high_as_many_lines_hides_no_row(word):
    """A rule that was read as a letter, noise, an address that runs up the margin."""
    rows = [(name, "1", "5.00", "5.00") for name in NAMES[:3]]
    words = [*page_of(rows, 0.0, 18.0, sums=False), word]

    assert denied(line_items, document({1: rows}, {1: words})) == set()
    assert denied(line_items, document({1: rows[:2]}, {1: words})) == {MISSED}


def test_rows_overleaf_that_nobody_read_are_noticed_and_another_table_there_is_not():
    """The second page goes on with the list, or has the taxes."""
    rows = [("Paper", "2", "4.50", "9.00"), ("Toner", "1", "61.00", "61.00")]
    more = table([("Labels", "3", "2.00", "6.00")], top=60)
    taxes = [*line("Standard rate", 50, 60), *cell("70.00", 250, 60), *cell("14.00", 500, 60)]
    first = page_of(rows, 0.0, 34.0, sums=False)

    assert denied(line_items, document({1: rows, 2: []}, {1: first, 2: more})) == {MISSED}
    assert denied(line_items, document({1: rows, 2: []}, {1: first, 2: taxes})) == set()


@given(lists(), st.randoms())
def test_rows_that_were_read_in_another_order_are_all_there(made, random):
    """What order they have is not what this witness is asked."""
    rows, drop, step = made
    read = random.sample(rows, len(rows))

    assert denied(line_items, document({1: read}, {1: page_of(rows, drop, step)})) == set()


@pytest.mark.parametrize("label", ["Shipping", "10% discount", "Versandkosten", "A payer"])
def test_what_stands_between_the_rows_and_their_total_is_no_row(label):
    """A bare amount beneath the rows, under a name of its own or as their sum."""
    rows = [("Paper", "2", "4.50", "9.00"), ("Toner", "1", "61.00", "61.00")]
    amount = "70.00" if label == "A payer" else "5.00"
    words = [*page_of(rows, 0.0, 18.0, sums=False), *line(label, 50, 151), *cell(amount, 500, 151)]

    assert denied(line_items, document({1: rows}, {1: words})) == set()


@pytest.mark.parametrize("form", ["{}", "€{}", "{} €", "{}-", "CHF {}"])
def test_a_currency_beside_the_amounts_hides_no_row(form):
    """Before or behind it, glued or not."""
    rows = [(name, "2", form.format("5.00"), form.format("10.00")) for name in NAMES[:3]]
    words = page_of([(*row[:3], "10.00") for row in rows], 0.0, 18.0, sums=False)
    words = [*[w for w in words if w.box.y0 < 115], *table(rows, top=115, step=18.0)]

    assert denied(line_items, document({1: rows}, {1: words})) == set()
    assert denied(line_items, document({1: rows[:2]}, {1: words})) == {MISSED}


def test_a_scan_says_nothing_of_its_rows():
    """Without words there is no column to look in."""
    rows = [("Paper", "2", "4.50", "9.00")] * 2

    assert denied(line_items, document({1: rows}, {1: ()})) == set()


def test_rows_above_a_sum_that_nobody_read_are_noticed():
    """What was brought forward stands between them and the first row that was read."""
    rows = [("Paper", "2", "4.50", "9.00"), ("Toner", "1", "61.00", "61.00")]
    words = [*head(100), *table(rows[:1], top=115, step=18.0), *line("Brought forward", 50, 133)]
    words += [*cell("9.00", 500, 133), *table([rows[1], rows[1]], top=151, step=18.0)]

    assert denied(line_items, document({1: [rows[1], rows[1]]}, {1: words})) == {MISSED}
    assert denied(line_items, document({1: [rows[0], rows[1], rows[1]]}, {1: words})) == set()


def test_a_page_between_two_that_were_read_is_asked_for_rows():
    """Rows of a text and an amount, which alone prove nothing on a page before the list."""
    printed = ("Paper", "9.00"), ("Toner", "61.00"), ("Labels", "6.00")
    first, second, third = ([(name, None, None, amount)] for name, amount in printed)
    pages = {number: table(of, top=115) for number, of in enumerate((first, second, third), 1)}

    assert denied(line_items, document({1: first, 2: second, 3: third}, pages)) == set()
    assert denied(line_items, document({1: first, 2: [], 3: third}, pages)) == {MISSED}
    assert denied(line_items, document({1: [], 2: second, 3: third}, pages)) == set()
