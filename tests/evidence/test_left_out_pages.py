"""What the words of unread pages say against the values that were read, and what does not count."""

from dataclasses import replace

import pytest

from extractors.documents import BUILT_IN
from extractors.evidence.left_out_pages import left_out_pages
from extractors.normalise import normalise
from tests.benchmarks.selection import document
from tests.evidence.making import absent, document_of, page_of, said

SLIP, INVOICE = BUILT_IN["slip"], BUILT_IN["invoice"]
PROSE = (
    "the party that sells goods pays what the order says",
    "and all of it by the day that was named",
)


def read(spec=SLIP, **texts):
    """What page 1 says, one reading a field."""
    return [
        replace(
            said(text, name=name),
            value=normalise(text, spec.field(name), spec),
        )
        for name, text in texts.items()
    ]


def heard(evidence, unread, spec=SLIP):
    """Pages and texts that speak against each field, by its name."""
    document = document_of(spec, evidence, pages={1}, unread=unread)
    return {
        one.of.name: tuple(zip(one.details["pages"], one.details["others"], strict=True))
        for one in left_out_pages(document)
    }


def against(*lines, spec=SLIP, **texts):
    """What page 7, on which these lines stand among others, says against each value."""
    unread = {7: page_of(*PROSE, *lines, *PROSE), 8: page_of(*PROSE), 9: []}
    return heard(read(spec, **texts), unread, spec)


@pytest.mark.parametrize(
    "lines",
    [
        ("Total: 99.00",),
        ("Total   99.00",),
        ("Total", "99.00"),
        ("Total amount: EUR 99.00",),
        ("Amount due:   99.00 EUR",),
        ("Summe: 99.00",),
    ],
)
def test_another_value_under_the_fields_label_speaks_against_the_one_that_was_read(lines):
    """Beside the label or beneath it, in the words that labels of the field have."""
    ((page, said),) = against(*lines, total="12.50")["total"]

    assert page == 7
    assert "99.00" in said


@pytest.mark.parametrize(
    ("name", "value", "line"),
    [
        ("date", "03.04.2026", "Date: 5 May 2026"),
        ("number", "A-17", "Slip number: B-9"),
        ("payee", "Foo Ltd", "Payee: Bar Ltd"),
        ("currency", "EUR", "Currency: USD"),
    ],
)
def test_values_of_every_kind_are_compared(name, value, line):
    """Dates, identifiers, names and currencies as well as amounts."""
    assert list(against(line, **{name: value})) == [name]


@pytest.mark.parametrize(
    ("name", "value", "line"),
    [
        ("total", "12.50", "Total: 12,50 EUR"),
        ("date", "03.04.2026", "Date: 3 April 2026"),
        ("number", "A-17", "Slip number:   A-17"),
        ("payee", "Foo Ltd", "Payee: FOO Ltd., Elm Street 5"),
        ("payee", "Foo Ltd, Elm Street 5", "Payee: FOO Ltd."),
    ],
)
def test_the_same_value_in_whatever_spelling_agrees(name, value, line):
    """It adds nothing, and takes nothing."""
    assert against(line, **{name: value}) == {}


@pytest.mark.parametrize(
    "line",
    [
        "Total: see page 4",
        "Total: 17",
        "Total weight: 99.00",
        "of the total 99.00 is due",
        "Total   5   99.00   3.00",
        "Balance: 99.00",
        "99.00",
        "Total: 99.00 after the third delivery",
    ],
)
def test_what_is_no_labelled_value_of_the_field_counts_for_nothing(line):
    """Words of another kind, another field's label, a sentence, a row of a table."""
    assert against(line, total="12.50") == {}


def test_a_number_of_another_make_is_another_number():
    """A chapter has one too."""
    assert against("Number: 1204", number="A-17") == {}


def test_a_value_that_was_read_for_another_field_is_no_contradiction():
    """An invoice's own net amount may stand under "Total"."""
    assert against("Total: 10.00", spec=INVOICE, net="10.00", total="12.50") == {}


def test_a_label_of_another_field_says_nothing_about_this_one():
    """The due date is not the date, and neither is a due date the invoice's total."""
    assert against("Due date: 2026-05-06", spec=INVOICE, date="2026-04-03") == {}


def test_a_page_that_says_both_agrees():
    """The total of a part may stand above the total of the whole."""
    assert against("Total: 3.00", "Total: 12.50", total="12.50") == {}


def test_a_word_that_a_document_uses_for_many_things_says_nothing_by_itself():
    """A report has a total beneath every table; on a page with other fields of the slip it counts
    all the same.
    """
    tables = {page: page_of("steel   4.00", f"Total   {page}.00") for page in range(20, 26)}
    form = page_of("Date: 03.04.2026", "paint   4.00", "Total   99.00")

    assert heard(read(total="12.50"), tables) == {}
    assert heard(read(total="12.50"), {**tables, 30: form}) == {"total": ((30, "99.00"),)}


def test_a_header_that_says_otherwise_on_every_page_is_heard():
    """It is one value, however often it is printed."""
    unread = {page: page_of("Slip number: B-9", *PROSE) for page in range(2, 20)}

    assert len(heard(read(number="A-17"), unread)["number"]) == 18


def test_the_place_of_the_other_value_is_named():
    """A person is shown where it stands."""
    document = document_of(
        SLIP, read(total="12.50"), pages={1}, unread={7: page_of("Total: 99.00")}
    )

    (one,) = left_out_pages(document)

    assert (one.page, one.message) == (7, "page 7, which was not read, says 99.00")
    assert one.boxes == (page_of("Total: 99.00")[1].box,)


def test_an_absent_or_unreadable_field_is_left_as_it_is():
    """That pages were left out is said of it already."""
    assert heard([absent()], {7: page_of("Total: 99.00")}) == {}


@pytest.mark.parametrize(
    ("name", "value", "lines", "says"),
    [
        # how many words of which kind follow, and what else does
        ("total", "12.50", ("Total: EUR 99.00",), "EUR 99.00"),
        ("total", "12.50", ("Total: EUR 99.00 - x y",), None),
        ("total", "12.50", ("Total   99.00   5",), None),
        ("total", "12.50", ("Total   99.00   EUR",), "99.00"),
        ("total", "12.50", ("Total   EUR",), None),
        ("date", "03.04.2026", ("Date: 5 May 2026 or later on the day",), None),
        ("date", "03.04.2026", ("Date   5 May 2026",), "5 May 2026"),
        ("number", "A-17", ("Slip number: B 9",), "B 9"),
        ("number", "A-17", ("Slip number: BCDE 9",), "BCDE 9"),
        ("number", "A-17", ("Slip number: BCDEF 9",), None),
        ("number", "A-17", ("Slip number: bc 9",), None),
        ("number", "A-17", ("Slip number: BC",), None),
        ("number", "17", ("Slip number: 12.50",), None),
        ("number", "17", ("Slip number: 1250",), "1250"),
        ("number", "A-17", ("Slip number: 17",), None),
        # a text needs a colon, and stands in its line
        ("payee", "Foo Ltd", ("Payee: Bar Ltd",), "Bar Ltd"),
        ("payee", "Foo Ltd", ("Payee:   Bar Ltd",), "Bar Ltd"),
        ("payee", "Foo Ltd", ("Payee Bar Ltd",), None),
        ("payee", "Foo Ltd", ("Payee   Bar Ltd",), None),
        ("payee", "Foo Ltd", ("Payee:", "Bar Ltd"), None),
        ("payee", "Foo Ltd", ("Payee: -",), None),
        # beneath a label that stands alone
        ("total", "12.50", ("Total", "99.00"), "99.00"),
        ("total", "12.50", ("Total", "99.00   5.00"), None),
        ("total", "12.50", ("Total   x", "99.00"), None),
        ("total", "12.50", ("Total", "99.00", "98.00"), None),
        ("total", "12.50", ("Total", "99.00", "Thank you"), "99.00"),
        ("total", "12.50", ("Total", "99.00", "98.00   5"), "99.00"),
    ],
)
def test_what_follows_a_label_is_one_value_of_its_kind_and_no_more(name, value, lines, says):
    """On the same line or beneath; on either side of each bound."""
    found = against(*lines, **{name: value})
    assert found == ({name: ((7, says),)} if says else {})


@pytest.mark.parametrize(("values", "speak"), [(1, True), (2, True), (3, False), (4, False)])
@pytest.mark.parametrize("in_table", [False, True])
def test_a_label_that_has_more_than_two_values_counts_no_more(values, speak, in_table):
    """Beneath a column of amounts or not; those of the other make are counted apart."""
    above = ("steel   4.00",) if in_table else PROSE[:1]
    pages = {n: page_of(*above, f"Total   {n}.00") for n in range(20, 20 + values)}
    found = heard(read(total="12.50"), pages).get("total", ())
    assert len(found) == (values if speak else 0)

    other = PROSE[:1] if in_table else ("steel   4.00",)
    both = {**pages, 40: page_of(*other, "Total   40.00")}
    pages_heard = [page for page, _ in heard(read(total="12.50"), both)["total"]]
    assert pages_heard == [*(pages if speak else ()), 40]


def test_without_pages_that_were_left_out_or_values_nothing_is_said():
    """A value that does not parse is compared with nothing; a list has no labels of its own."""
    page = {7: page_of("Total: 99.00")}
    assert heard(read(total="12.50"), {}) == {}
    assert heard(read(total="damaged"), page) == {}
    assert heard([], page) == {}
    line = {7: page_of("Description: Other thing", "Amount: 99.00")}
    rows = read(INVOICE, **{"lines.description": "Thing", "lines.amount": "12.50"})
    assert heard(rows, line, INVOICE) == {}


def test_several_values_are_told_with_their_pages_and_the_first_is_shown():
    """And how many more there are."""
    unread = {7: page_of("Total: 99.00"), 8: page_of("Total: 98.00"), 9: page_of("Total: 12.50")}
    document = document_of(SLIP, read(total="12.50"), pages={1}, unread=unread)
    (one,) = left_out_pages(document)
    assert one.message == "page 7, which was not read, says 99.00, and 1 more"
    assert one.details == {"pages": [7, 8], "others": ["99.00", "98.00"]}


@pytest.mark.parametrize("seed", range(8))
def test_a_long_document_says_nothing_against_a_value_that_no_other_page_labels(seed):
    """Reports and tables of figures, in which every word of a label is used in running text."""
    long = document(seed)
    homes = {page for pages in long.truth.values() for page in pages}
    values = read(long.spec, total="0.01", date="1999-12-31")
    unread = {
        number: words for number, words in enumerate(long.pages, start=1) if number not in homes
    }

    assert heard(values, unread, long.spec) == {}
