"""A list that is said to be empty although a printed sum should be made of it."""

from dataclasses import replace

import pytest

from extractors.documents.spec import Kind
from extractors.evidence.empty_lists import empty_lists
from tests.evidence.making import a_field, a_type, absent, document_of, page_of, said, unreadable

ITEMS = a_field(
    Kind.GROUP,
    "items",
    members=(a_field(name="description"), a_field(Kind.AMOUNT, "amount")),
)
NET = a_field(Kind.AMOUNT, "net", sums=("items.amount",))
TAX = a_field(Kind.AMOUNT, "tax")
SPEC = a_type(NET, TAX, ITEMS)


def heard(*lines, spec=SPEC, readings=(), pages=None):
    """What is said of a list that is absent from every page."""
    pages = pages or {1: page_of(*lines)}
    whole = [absent("items", page=number) for number in pages]
    return list(empty_lists(document_of(spec, [*readings, *whole], pages=pages)))


SUM = said("9.00", name="net")
HEAD = "Description          Amount"


@pytest.mark.parametrize(
    ("lines", "row"),
    [
        # beneath a head: a text and an amount, or two numbers
        ((HEAD, "Paper          9.00"), 1),
        ((HEAD, "x", "Paper          9.00"), 2),
        ((HEAD, "12          9.00"), 1),
        ((HEAD, "9.00"), None),
        ((HEAD, "Paper          9"), None),
        ((HEAD, "Paper  Pens"), None),
        # what sums up is no row, and ends the table if it has an amount
        ((HEAD, "Total          9.00"), None),
        ((HEAD, "Shipping          9.00"), None),
        ((HEAD, "Net total          9.00", "Paper          9.00"), None),
        ((HEAD, "Total", "Paper          9.00"), 2),
        (("Total", "Paper          4.50"), None),
        ((HEAD, "one two three total          9.00"), None),
        ((HEAD, "one two three four total          9.00"), 1),
        ((HEAD, "1 2 3 Total          9.00"), None),
        # a head names two members, in words of their own, in several cells, without a digit
        (("Description Amount", "Paper          9.00"), None),
        (("Description          2", "Paper          9.00"), None),
        (("Description          Amount 2", "Paper          9.00"), None),
        (("Description          Thing", "Paper          9.00"), None),
        (("Description          Thing          Amount", "Paper          9.00"), 1),
        # where no head is known: a text and several numbers, at whose end one stands
        (("Paper          2          4.50",), 0),
        (("Paper          2          4.50          )",), 0),
        (("Paper          2          4.50          EUR",), None),
        (("Paper          4.50",), None),
        (("2          4.50",), None),
        # amounts that were read for a field are no row
        (("Paper          70.00          9.00",), None),
        (("Paper          71.00          9.00",), 0),
        (("Paper          9.00          9.00",), None),
    ],
)
def test_an_empty_list_is_denied_where_a_page_shows_a_row(lines, row):
    """Of the sum that it should make, and at the row's place."""
    readings = [SUM, said("70.00", name="tax")]

    found = heard(*lines, readings=readings)

    assert [each.boxes for each in found] == (
        [] if row is None else [tuple(word.box for word in _words_of(lines, row))]
    )


def _words_of(lines, row):
    top = page_of("x")[0].box.y0 + row * (page_of("x", "y")[1].box.y0 - page_of("x")[0].box.y0)
    return [word for word in page_of(*lines) if word.box.y0 == top]


def test_an_empty_list_is_denied_on_scans_for_its_sum_alone():
    """Nothing shows a row and nothing shows that there is none; the first sum is named."""
    spec = a_type(NET, replace(TAX, sums=("items.amount",)), ITEMS)
    readings = [SUM, said("70.00", name="tax")]

    (found,) = heard(spec=spec, readings=readings, pages={1: ()})

    assert (found.message, found.page, found.boxes) == (
        "no row was read, and net says 9.00", None, ()
    )  # fmt: skip


@pytest.mark.parametrize(
    ("pages", "page"),
    [
        ({1: (), 2: ()}, None),
        ({1: page_of("Hello"), 2: page_of("Hello")}, False),
        # a scan among the pages may hold the rows
        ({1: page_of("Hello"), 2: ()}, None),
        ({1: (), 2: page_of(HEAD, "Paper          9.00")}, 2),
        # a head counts on its own page alone
        ({1: page_of(HEAD), 2: page_of("Paper          9.00")}, False),
        ({2: page_of(HEAD, "Paper          9.00"), 1: page_of(HEAD, "Pens          1.00")}, 1),
    ],
)
def test_every_page_is_asked_for_a_row_of_an_empty_list(pages, page):
    """In their order; False: nothing is denied."""
    found = heard(readings=[SUM], pages=pages)

    assert [each.page for each in found] == ([] if page is False else [page])


@pytest.mark.parametrize(
    "readings",
    [
        [],
        [said("0.00", name="net")],
        [said("nine", name="net")],
        [absent("net")],
        [said("9.00", name="tax")],
        [SUM, said("9.00", name="items.amount")],
        [SUM, unreadable("items", page=2)],
    ],
)
def test_a_list_without_a_sum_or_with_rows_is_not_denied(readings):
    """Nothing is missing where nothing must be there; rows are judged elsewhere."""
    pages = {1: ()} if all(one.page == 1 for one in readings) else {2: ()}
    whole = [] if 2 in pages else [absent("items")]

    assert not list(empty_lists(document_of(SPEC, [*readings, *whole], pages=pages)))


def test_a_head_may_leave_members_out():
    """Two of three are a table."""
    quantity = a_field(Kind.NUMBER, "quantity")
    spec = a_type(NET, replace(ITEMS, members=(quantity, *ITEMS.members)))

    (found,) = heard(HEAD, "Paper          9.00", spec=spec, readings=[SUM])

    assert found.page == 1


def test_each_list_is_asked_for_the_sums_of_its_own_columns():
    """One that nobody sums hides no other."""
    other = replace(ITEMS, name="fees")
    spec = a_type(NET, other, ITEMS)
    readings = [SUM, absent("fees"), absent("items")]

    found = list(empty_lists(document_of(spec, readings, pages={1: ()})))

    assert [each.of.name for each in found] == ["items"]


def test_a_sum_of_several_things_is_a_sum_of_the_list_too():
    """One of its columns is enough."""
    total = a_field(Kind.AMOUNT, "net", sums=("tax", "fees.amount", "items.amount"))
    spec = a_type(total, TAX, replace(ITEMS, name="fees"), ITEMS)

    found = heard(spec=spec, readings=[SUM, absent("fees")], pages={1: ()})

    assert {each.of.name for each in found} == {"items", "fees"}
