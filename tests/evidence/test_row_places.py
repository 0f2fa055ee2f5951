"""Which of several places is a cell's own: its row's, its column's, from left to right."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from extractors.documents.spec import Kind
from extractors.evidence.grounding import Agreement, Grounding
from extractors.evidence.row_places import own_places
from extractors.types import Box
from tests.evidence.making import a_field, said

MEMBERS = ("description", "price", "amount")
LIST = a_field(
    Kind.GROUP,
    "items",
    members=(
        a_field(name="description"),
        a_field(Kind.AMOUNT, "price"),
        a_field(Kind.AMOUNT, "amount"),
    ),
)


def box(column: int, row: int, step: float) -> Box:
    x, y = 50.0 + 150 * column, 100.0 + step * row
    return Box(x, y, x + 40, y + 10)


def cells_of(rows, *, step, pages=None, shifted=0.0, unread=()):
    """A table as it was read: each cell has every place of its page that says the same.

    shifted: how much lower than its description the numbers of a row stand
    unread: cells by row and column that are printed, and that nobody read
    """
    pages = pages or [1] * len(rows)
    places: dict[tuple[int, str], list[tuple[Box, ...]]] = {}
    own = {}
    for ordinal, (page, row) in enumerate(zip(pages, rows, strict=True)):
        for column, text in enumerate(row):
            if text is not None:
                place = box(column, ordinal - pages.index(page), step)
                down = shifted if column else 0.0
                place = Box(place.x0, place.y0 + down, place.x1, place.y1 + down)
                places.setdefault((page, text), []).append((place,))
                own[ordinal, column] = (place,)
    cells = [
        replace(
            said(text, name=f"items.{MEMBERS[column]}", page=page, ordinal=ordinal),
            grounding=Grounding(
                agreement=Agreement.EXACT if text else Agreement.NONE,
                places=tuple(places.get((page, text or ""), ())),
            ),
        )
        for ordinal, (page, row) in enumerate(zip(pages, rows, strict=True))
        for column, text in enumerate(row)
        if (ordinal, column) not in unread
    ]
    wanted = [own.get((e.ordinal, MEMBERS.index(e.name.partition(".")[2]))) for e in cells]
    return cells, wanted


PRICES = st.sampled_from(["1.00", "2.00", "3.00"])


@given(
    st.lists(st.tuples(PRICES, PRICES), min_size=1, max_size=12),
    st.floats(12, 40),
    st.floats(-4, 4),
)
def test_every_cell_stands_in_its_own_row_and_column_however_often_the_page_says_it(
    numbers, step, shifted
):
    """The same sum twice in a row is its price and its amount, in their order."""
    rows = [(f"thing {at}", *pair) for at, pair in enumerate(numbers)]
    # a column is known by a row that says two different numbers
    rows.append(("a last thing", "7.00", "8.00"))
    cells, wanted = cells_of(rows, step=step, shifted=shifted)

    assert own_places(LIST, cells) == wanted


def test_rows_that_say_the_same_stand_beneath_each_other():
    """The first of them is the upper one, in whatever order they are asked for."""
    cells, wanted = cells_of([("Tea", "1.00", "2.00")] * 4, step=15)
    assert own_places(LIST, cells) == wanted
    assert own_places(LIST, cells[::-1]) == wanted[::-1]


def test_each_page_has_its_own_places_and_what_its_page_does_not_show_has_none():
    """At the same height of another page stands another row."""
    rows = [("Tea", "1.00", "2.00"), ("Milk", None, "2.00"), (None, None, None)]
    cells, wanted = cells_of([*rows, *rows], step=15, pages=[1, 1, 1, 2, 2, 2])
    assert own_places(LIST, cells) == wanted
    assert wanted.count(None) == 8
    assert own_places(LIST, []) == []
    bare = [replace(e, grounding=None) for e in cells]
    assert own_places(LIST, bare) == [None] * len(bare)


def test_in_a_row_without_columns_equal_numbers_stand_from_left_to_right():
    """No other row says which column is whose: the order of the type's fields does."""
    cells, wanted = cells_of([("Tea", "2.00", "2.00")], step=15)
    assert own_places(LIST, cells) == wanted
    assert own_places(LIST, [cells[2], cells[1], cells[0]]) == wanted[::-1]


def test_a_number_that_its_row_prints_twice_stands_in_the_column_of_its_field():
    """Where only one of the two was read, the other rows say which one it is."""
    rows = [("Tea", "1.00", "2.00"), ("Milk", "3.00", "3.00"), ("Salt", "1.00", "4.00")]
    for column in (1, 2):
        cells, wanted = cells_of(rows, step=15, unread=[(1, column)])
        assert own_places(LIST, cells) == wanted
