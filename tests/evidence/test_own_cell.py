"""Each cell against what its own row and column of the page say."""

from dataclasses import replace

import pytest

from extractors.evidence.own_cell import own_cell
from extractors.evidence.witnesses import Says
from extractors.types import FieldState
from tests.evidence.lists import MEMBERS, cell, document, head, line, table

TOP = 100.0
TEA = ("Tea", "2", "10.00", "20.00")
MILK = ("Milk", "3", "5.00", "15.00")
SALT = ("Salt", "4", "1.50", "6.00")
THREE = (TEA, MILK, SALT)


def heard(read, words, *, pages=None):
    """What is said, by row and member: how, why, and what the page has there."""
    by_page = read if isinstance(read, dict) else {1: read}
    said = {}
    for one in own_cell(document(by_page, pages or {1: words})):
        place = one.of.ordinal, one.of.name.partition(".")[2]
        assert place not in said
        assert one.page is not None
        assert one.boxes
        assert str(one.message).endswith(str(one.offers))
        said[place] = (str(one.says), one.because, one.offers)
    return said


def with_cell(rows, ordinal, member, text):
    """These rows with another text in one cell."""
    changed = [list(row) for row in rows]
    changed[ordinal][MEMBERS.index(member)] = text
    return [tuple(row) for row in changed]


def printed(rows=THREE, **how):
    return [*head(60), *table(rows, top=TOP, **how)]


def test_what_stands_in_its_own_cell_is_not_spoken_of():
    """Whichever row it is, with a second line, and where rows say the same."""
    assert heard(THREE, printed()) == {}
    assert heard(THREE, printed(drop=15)) == {}
    assert heard([TEA] * 3, printed([TEA] * 3)) == {}


@pytest.mark.parametrize("where", [15, 400])
@pytest.mark.parametrize("ordinal", [0, 1, 2])
@pytest.mark.parametrize(
    ("member", "elsewhere"), [("quantity", "9"), ("unit_price", "8.50"), ("amount", "77.00")]
)
def test_a_number_from_elsewhere_is_denied_where_its_cell_has_another(
    where, ordinal, member, elsewhere
):
    """From above or beneath the list, in each row and column; the number there is offered."""
    own = THREE[ordinal][MEMBERS.index(member)]
    words = [*printed(), *line(elsewhere, 50, where)]
    denied = {(ordinal, member): ("denies", "other_cell", own)}
    assert heard(with_cell(THREE, ordinal, member, elsewhere), words) == denied
    # one that the page does not say is spoken of elsewhere
    assert heard(with_cell(THREE, ordinal, member, elsewhere), printed()) == {}


@pytest.mark.parametrize("ordinal", [0, 1, 2])
@pytest.mark.parametrize("member", MEMBERS)
def test_an_absence_is_denied_where_its_cell_has_something(ordinal, member):
    """A number where a number is wanted, a text where a text is."""
    own = THREE[ordinal][MEMBERS.index(member)]
    denied = {(ordinal, member): ("denies", "cell_has_value", own)}
    assert heard(with_cell(THREE, ordinal, member, None), printed()) == denied
    # an empty cell stays empty
    empty = with_cell(THREE, ordinal, member, None)
    assert heard(empty, printed(empty)) == {}


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("no7", None),
        ("n/a", None),
        ("7", ("denies", "cell_has_value", "7")),
    ],
)
def test_only_a_number_fills_a_cell_of_numbers(text, says):
    """A word there is none, also one with a digit in it."""
    read = with_cell(THREE, 1, "quantity", None)
    words = printed(with_cell(THREE, 1, "quantity", text))
    assert heard(read, words) == ({(1, "quantity"): says} if says else {})


def test_only_a_text_fills_a_cell_of_text():
    """A number there is none; a text that was read is not judged by its place."""
    read = with_cell(THREE, 1, "description", None)
    assert heard(read, printed(with_cell(THREE, 1, "description", "17"))) == {}
    # of a cell of several words all are offered
    words = printed(with_cell(THREE, 1, "description", "Oat milk"))
    assert heard(read, words)[1, "description"] == ("denies", "cell_has_value", "Oat milk")
    elsewhere = [*printed(), *line("Cream", 50, 400)]
    assert heard(with_cell(THREE, 1, "description", "Cream"), elsewhere) == {}


def test_the_same_number_in_another_spelling_is_right():
    """The page says 15.0 in the cell, and 15.00 below."""
    words = printed(with_cell(THREE, 1, "amount", "15.0"))
    assert heard(THREE, [*words, *line("15.00", 50, 400)]) == {}


@pytest.mark.parametrize(
    ("quantity", "top", "says"),
    [
        ("Qty", 60, True),
        ("Menge", 60, True),
        ("Colour", 60, False),
        ("Qty", 140, False),  # beneath the row it is no head
    ],
)
def test_of_a_list_of_one_row_the_heads_say_where_a_column_stands(quantity, top, says):
    """In a line of heads above the row; without them nobody knows."""
    alone, row = with_cell([TEA], 0, "quantity", None), table([TEA], top=TOP)
    heads = [*line("Description", 50, top), *cell(quantity, 300, top)]
    denied = {(0, "quantity"): ("denies", "cell_has_value", "2")}
    assert heard(alone, [*heads, *row]) == (denied if says else {})
    assert heard(alone, [*cell(quantity, 300, top), *row]) == {}  # a word alone heads no table


def test_what_could_not_be_read_is_offered_what_its_cell_says():
    """It is not denied: nothing was said."""
    evidence = document({1: with_cell(THREE, 1, "amount", "15.00")}, {1: printed()})
    spoilt = [
        replace(one, state=FieldState.UNREADABLE, value=None, text=None)
        if (one.name, one.ordinal) == ("lines.amount", 1)
        else one
        for one in evidence.candidates
    ]
    (one,) = own_cell(replace(evidence, candidates=tuple(spoilt)))
    assert (one.says, one.because, one.offers) == (Says.OFFERS, "cell_has_value", "15.00")
    assert one.of.ordinal == 1


@pytest.mark.parametrize(
    ("step", "ordinal", "down", "belongs"),
    [
        # the next row begins eight tenths of a word's height above its first line
        (40, 0, 30, 0),
        (40, 0, 34, 1),
        (40, 1, 30, 1),
        (40, 0, -6, 0),
        (40, 0, -10, None),
        # the last row is as high as the others, and at least three words
        (40, 2, 30, 2),
        (40, 2, 34, None),
        (20, 2, 20, 2),
        (20, 2, 24, None),
    ],
)
def test_a_row_ends_where_the_next_begins(step, ordinal, down, belongs):
    """A number between the two rows fills an empty cell of one of them, or of none."""
    rows = THREE
    for at in range(3):
        rows = with_cell(rows, at, "quantity", None)
    # the column is known from its head, as no row has a quantity
    words = [*printed(rows, step=step), *cell("7", 300, TOP + step * ordinal + down)]
    said = heard(rows, words)
    denied = ("denies", "cell_has_value", "7")
    assert said == ({} if belongs is None else {(belongs, "quantity"): denied})


def test_rows_on_one_page_say_nothing_of_another():
    """Each page has rows, columns and numbers of its own; a scan has none."""
    lower = table(THREE, top=300)
    pages = {1: [*printed(), *line("77.00", 50, 400)], 2: lower, 3: []}
    read = {1: with_cell(THREE, 0, "amount", "77.00"), 2: THREE, 3: THREE}
    assert heard(read, None, pages=pages) == {(0, "amount"): ("denies", "other_cell", "20.00")}
    read = {
        1: THREE,
        2: with_cell(THREE, 2, "amount", None),
        3: with_cell(THREE, 1, "amount", None),
    }
    assert heard(read, None, pages=pages) == {(5, "amount"): ("denies", "cell_has_value", "6.00")}


def test_a_number_that_another_cell_of_the_row_is_fills_no_second_one():
    """It stands in the price's column and was read as the amount: the price is not there."""
    words = printed(with_cell(with_cell(THREE, 1, "unit_price", "15.00"), 1, "amount", None))
    read = with_cell(THREE, 1, "unit_price", None)
    assert heard(read, words) == {}
    # a second number of the column is nobody's yet
    more = [*words, *cell("5.00", 400, TOP + 52)]
    assert heard(read, more) == {(1, "unit_price"): ("denies", "cell_has_value", "5.00")}


def test_a_labelled_sum_beneath_the_last_row_is_none_of_its_cells():
    """It stands in the column of the amounts, and its line says what it is."""
    read = with_cell(THREE, 2, "amount", None)
    free = printed(read)
    for text, says in (
        ("Total:", {}),
        ("Lemon", {(2, "amount"): ("denies", "cell_has_value", "35.00")}),
    ):
        words = [*free, *line(text, 50, TOP + 105), *cell("35.00", 500, TOP + 105)]
        assert heard(read, words) == says


def test_a_row_that_stands_nowhere_leaves_the_others_theirs():
    """It was made up, or is printed in another way; no row at all says nothing."""
    made_up = ("Ghost", "71", "72.00", "73.00")
    read = [*with_cell(THREE, 0, "amount", None), made_up]
    assert heard(read, printed()) == {(0, "amount"): ("denies", "cell_has_value", "20.00")}
    assert heard([made_up], printed()) == {}


def test_a_row_that_was_read_twice_has_its_place_twice():
    """Both stand in the same lines: an absence of either is denied."""
    for ordinal in (1, 2):
        read = with_cell([TEA, MILK, MILK, SALT], ordinal, "amount", None)
        denied = {(ordinal, "amount"): ("denies", "cell_has_value", "15.00")}
        assert heard(read, printed()) == denied


@pytest.mark.parametrize("step", [15, 20, 40, 60])
@pytest.mark.parametrize(
    ("ordinal", "member", "taken", "own"),
    [
        (0, "amount", "15.00", "20.00"),  # of the row below
        (1, "amount", "20.00", "15.00"),  # of the row above
        (2, "quantity", "2", "4"),
        (0, "unit_price", "20.00", "10.00"),  # of the column beside
        (1, "quantity", "15.00", "3"),
    ],
)
def test_a_number_of_a_neighbour_is_denied(ordinal, member, taken, own, step):
    """It stands in the column but not in the row, or in the row but not in the column; however
    close the rows are.
    """
    read = with_cell(THREE, ordinal, member, taken)
    assert heard(read, printed(step=step)) == {(ordinal, member): ("denies", "other_cell", own)}


@pytest.mark.parametrize("drop", [-15, 15])
def test_a_row_begins_above_its_amount_or_beneath_it(drop):
    """What stands on another line than the rest of its row is its own all the same."""
    assert heard(THREE, printed(drop=drop)) == {}


def test_only_what_nobody_reads_otherwise_fills_a_cell_of_text():
    """A word that is another cell's in part, and one beside the column, are not its text."""
    read = with_cell(THREE, 1, "description", None)
    blank = with_cell(THREE, 1, "description", None)
    beside = [*printed(blank), *line("Note", 160, TOP + 40)]
    assert heard(read, beside) == {}
    across = [*printed(blank), *line("Carton", 50, TOP + 50)]
    assert heard(read, across) == {(1, "description"): ("denies", "cell_has_value", "Carton")}
