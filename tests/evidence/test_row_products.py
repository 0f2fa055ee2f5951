"""Quantity times price: which amounts they make, and what a row prints that explains another."""

import pytest

from extractors.evidence.row_products import PRODUCT_DIFFERS, row_products
from extractors.evidence.witnesses import DENIES
from tests.evidence.lists import cell, document, head, line, table

TOP = 100.0
AGREE, DENY, SILENT = "agrees", "denies", None


def heard(rows, words, *, pages=None, read=None):
    """What is said of each row that is spoken of; each time of all three of its cells."""
    evidence = document(read or {1: rows}, pages or {1: words})
    said = {}
    for one in row_products(evidence):
        said.setdefault(one.of.ordinal, []).append((one.of.name.partition(".")[2], str(one.says)))
        assert one.because == (PRODUCT_DIFFERS if one.says is DENIES else "product")
    for ordinal, of in said.items():
        assert sorted(of) == sorted((name, of[0][1]) for name, _ in of), ordinal
        assert {name for name, _ in of} == {"quantity", "unit_price", "amount"}
    return {ordinal: of[0][1] for ordinal, of in said.items()}


def of_a_row(numbers, *, beside="", scan=False):
    """What is said of one row, with these words between its text and its numbers."""
    row = ("Tea", *numbers)
    words = [] if scan else [*head(60), *table([row], top=TOP), *line(beside, 120, TOP)]
    return heard([row], words).get(0)


@pytest.mark.parametrize(
    ("numbers", "says"),
    [
        (("2", "4.50", "9.00"), AGREE),
        (("-2", "4.50", "-9.00"), AGREE),
        (("0", "4.50", "0.00"), AGREE),
        (("0", "4.50", "0.01"), DENY),
        # a price is rounded to its last decimal, and at least to a cent
        (("2", "4.50", "9.01"), AGREE),
        (("2", "4.50", "9.02"), DENY),
        (("2", "4.50", "8.98"), DENY),
        (("100", "0.13", "13.50"), AGREE),
        (("-100", "0.13", "-13.50"), AGREE),
        (("100", "0.13", "13.51"), DENY),
        (("100", "0.125", "12.55"), AGREE),
        (("100", "0.125", "12.56"), DENY),
        (("100", "5", "500.50"), AGREE),
        (("100", "5", "500.51"), DENY),
        # so is a quantity that has decimals, and no other
        (("0.333", "300.00", "100.05"), AGREE),
        (("0.333", "300.00", "100.06"), DENY),
        (("0.333", "-300.00", "-100.05"), AGREE),
        (("3", "300.00", "900.02"), AGREE),
        (("3", "300.00", "900.03"), DENY),
        # one of the three is not there, or no number
        ((None, "4.50", "8.00"), SILENT),
        (("2", None, "8.00"), SILENT),
        (("2", "4.50", None), SILENT),
        (("2", "free", "8.00"), SILENT),
    ],
    ids=lambda given: "x".join(map(str, given)) if isinstance(given, tuple) else given,
)
@pytest.mark.parametrize("scan", [False, True], ids=["words", "scan"])
def test_quantity_and_price_make_the_amount_but_for_their_rounding(numbers, says, scan):
    """On a page with words that explain nothing, and on one without."""
    assert of_a_row(numbers, scan=scan) == says


@pytest.mark.parametrize(
    ("beside", "numbers", "says"),
    [
        # a share of it: less, or more
        ("10%", ("2", "10.00", "18.00"), SILENT),
        ("10 %", ("2", "10.00", "18.00"), SILENT),
        ("10", ("2", "10.00", "18.00"), SILENT),
        ("(10%)", ("2", "10.00", "22.00"), SILENT),
        ("100", ("2", "10.00", "40.00"), SILENT),
        ("120", ("2", "10.00", "44.00"), DENY),
        ("120%", ("2", "10.00", "44.00"), SILENT),
        ("120 %off", ("2", "10.00", "44.00"), SILENT),
        ("9%", ("2", "10.00", "18.00"), DENY),
        # money: a gross price, and what is taken off the price or the amount
        ("12.50", ("2", "10.00", "25.00"), SILENT),
        ("1.50", ("2", "10.00", "17.00"), SILENT),
        ("-1.50", ("2", "10.00", "17.00"), SILENT),
        ("1.25", ("2", "10.00", "18.75"), SILENT),
        ("-1.25", ("2", "10.00", "18.75"), SILENT),
        ("3", ("2", "10.00", "17.00"), DENY),
        ("3.5", ("2", "10.00", "16.50"), DENY),
        ("3.50%", ("2", "10.00", "16.50"), DENY),
        # a price for so many
        ("100", ("250", "4.00", "10.00"), SILENT),
        ("per 1000", ("250", "4.00", "1.00"), SILENT),
        ("C", ("250", "4.00", "10.00"), SILENT),
        ("(m)", ("250", "4.00", "1.00"), SILENT),
        ("Dozen", ("24", "6.00", "12.00"), SILENT),
        ("2", ("30", "1.00", "15.00"), SILENT),
        ("1.5", ("30", "1.00", "20.00"), DENY),
        ("200%", ("30", "1.00", "0.15"), DENY),
        # words that are no numbers
        ("A10", ("2", "10.00", "18.00"), DENY),
        ("10x", ("2", "10.00", "18.00"), DENY),
        ("ten", ("2", "10.00", "18.00"), DENY),
        ("10EUR", ("2", "10.00", "18.00"), SILENT),
    ],
)
def test_a_number_beside_the_three_explains_another_amount(beside, numbers, says):
    """Nothing is said then: it is neither proven nor doubtful."""
    assert of_a_row(numbers, beside=beside) == says


def test_a_number_that_is_one_of_the_three_explains_nothing():
    """Ten pieces at ten are no discount of ten; a second ten is."""
    assert of_a_row(("10", "10.00", "90.00")) == DENY
    assert of_a_row(("10", "10.00", "90.00"), beside="10%") == SILENT


@pytest.mark.parametrize("at", [1, 2, 3])
def test_nothing_explains_a_row_one_of_whose_numbers_the_row_does_not_print(at):
    """The page says another one there, whichever it is."""
    printed = ("Tea", "2", "10.00", "18.00")
    read = tuple("7.00" if n == at else one for n, one in enumerate(printed))
    words = [*table([printed], top=TOP), *line("10%", 120, TOP)]
    assert heard([read], words) == {0: DENY}
    assert heard([printed], words) == {}


@pytest.mark.parametrize(
    ("down", "below", "says"),
    [
        (0, 40, SILENT),
        (20, 40, SILENT),
        (30, 40, SILENT),
        (37, 40, DENY),
        (-3, 40, SILENT),
        (-8, 40, DENY),
        # the last row of a page goes on for eight heights of a word
        (20, None, SILENT),
        (75, None, SILENT),
        (78, None, DENY),
    ],
)
def test_a_row_goes_from_its_first_line_to_where_the_next_begins(down, below, says):
    """A discount on its second line is its own; one of the row before or after is not."""
    rows = [("Tea", "2", "10.00", "18.00")]
    rows += [] if below is None else [("Milk", "3", "5.00", "15.00")]
    words = [*table(rows, top=TOP, step=below or 0), *line("10%", 120, TOP + down)]
    rest = {} if below is None else {1: AGREE}
    assert heard(rows, words) == rest | ({} if says is SILENT else {0: says})


def test_the_next_row_on_another_page_ends_no_row():
    """Nor does one that stands above, as where columns are read one after the other."""
    rows = [("Tea", "2", "10.00", "18.00"), ("Milk", "3", "5.00", "15.00")]
    first = [*table(rows[:1], top=TOP), *line("10%", 120, TOP + 20)]
    second = table(rows[1:], top=TOP + 12)
    by_page = {1: rows[:1], 2: rows[1:]}
    assert heard(None, None, read=by_page, pages={1: first, 2: second}) == {1: AGREE}

    above = [*first, *table(rows[1:], top=TOP - 40)]
    assert heard(rows, above) == {1: AGREE}


@pytest.mark.parametrize(
    ("label", "says"), [("Total", DENY), ("Nettosumme", DENY), ("less", SILENT), ("nr", SILENT)]
)
def test_what_stands_beneath_a_sum_explains_no_row(label, says):
    """The discount of the whole list is none of its last row's."""
    rows = [("Tea", "2", "10.00", "18.00")]
    words = [*table(rows, top=TOP), *line(label, 50, TOP + 20), *line("10%", 150, TOP + 20)]
    assert heard(rows, words) == ({} if says is SILENT else {0: says})
    lower = [*table(rows, top=TOP), *line(label, 50, TOP + 20), *line("10%", 150, TOP + 40)]
    assert heard(rows, lower) == heard(rows, words)


def test_an_item_that_is_called_like_a_sum_is_still_a_row():
    """Its own first line ends nothing."""
    rows = [("Total station", "2", "10.00", "18.00")]
    words = [*table(rows, top=TOP), *line("10%", 150, TOP)]
    assert heard(rows, words) == {}


def test_nothing_is_said_where_nobody_knows_where_a_row_stands():
    """All that it says the page says twice; one cell that stands in one place is enough."""
    rows = [("Tea", "2", "10.00", "18.00")] * 2
    assert heard(rows, table(rows, top=TOP)) == {}
    rows = [("Tea", "2", "10.00", "18.00"), ("Milk", "2", "10.00", "18.00")]
    assert heard(rows, table(rows, top=TOP)) == {0: DENY, 1: DENY}


def test_a_high_word_in_a_line_makes_the_last_row_reach_further():
    """Heights are of the words at the row's first line."""
    rows = [("Tea", "2", "10.00", "18.00")]
    low = [*table(rows, top=TOP), *line("10%", 120, TOP + 90)]
    assert heard(rows, low) == {0: DENY}
    assert heard(rows, [*low, *cell("BIG", 560, TOP - 2, height=14.0)]) == {}
