"""Several documents in one file: where the next begins, and when nobody should decide that
alone.
"""

import pytest

from extractors.documents import BUILT_IN
from extractors.triage.split import parts_of, sure
from tests.triage.test_classify import INVOICE, page

RECEIPT = ("#RECEIPT", "Foo Store", "Date: 03/04/2026", "Address: Elm Street", "Total  12.50")
SECOND = (
    "#Invoice B-9",
    "Seller: Bar Ltd",
    "Invoice number: B-9",
    "Invoice date: 2026-05-06",
    "Total: 99.00",
)
MORE = ("further conditions under which goods are sold", "and the day by which they are paid")


def cut(*pages):
    """First and last page and type of every part."""
    return [
        (part.first, part.last, part.guess.document_type)
        for part in parts_of([page(*lines) for lines in pages], BUILT_IN)
    ]


def test_papers_of_two_kinds_are_parted_where_the_kind_changes():
    """The receipt begins its own document, and pages that say nothing go with what came before."""
    assert cut(INVOICE, MORE, RECEIPT) == [(1, 2, "invoice"), (3, 3, "receipt")]


def test_papers_of_one_kind_are_parted_where_their_number_changes():
    """Two invoices, scanned in one go."""
    assert cut(INVOICE, SECOND) == [(1, 1, "invoice"), (2, 2, "invoice")]


def test_a_title_that_is_repeated_on_every_page_parts_nothing():
    """With the same number it is one document, without one a person says so."""
    assert cut(INVOICE, INVOICE, ("#Invoice", *MORE)) == [(1, 3, "invoice")]
    assert sure(parts_of([page(*INVOICE), page(*INVOICE)], BUILT_IN))
    assert not sure(parts_of([page(*INVOICE), page("#Invoice", *MORE)], BUILT_IN))


def test_pages_that_count_themselves_are_believed():
    """Page 1 of 2 begins, page 2 of 2 does not, whatever else stands at its head."""
    first, last = (*INVOICE, "Page 1 of 2"), ("#Weights and sizes", "Page 2 of 2")
    assert cut(first, last, (*INVOICE, "Page 1 of 1")) == [(1, 2, "invoice"), (3, 3, "invoice")]


def test_one_document_is_one_part():
    """However many pages it has."""
    assert cut(INVOICE, MORE, MORE, MORE) == [(1, 4, "invoice")]


def test_scans_go_with_the_page_before_them():
    """They cannot say that they begin something; so a person parts a file that has some."""
    parts = parts_of([page(*INVOICE), (), page(*RECEIPT)], BUILT_IN)

    assert [(part.first, part.last, part.scans) for part in parts] == [(1, 2, 1), (3, 3, 0)]
    assert not sure(parts)


@pytest.mark.parametrize(
    ("other", "expected"), [(RECEIPT, True), (("#Delivery note", *MORE), False)]
)
def test_a_bundle_is_sure_only_when_all_its_parts_are(other, expected):
    """A delivery note is of no type: a person looks at the whole file."""
    parts = parts_of([page(*INVOICE), page(*other)], BUILT_IN)

    assert len(parts) == 2
    assert sure(parts) is expected


def test_a_page_with_other_values_under_the_same_labels_is_doubtful():
    """It has no title, but a date and a total of its own: it may be another document, and a person
    says.
    """
    (part,) = parts_of([page(*INVOICE), page("Date: 2025-01-01", "Total: 7.00")], BUILT_IN)

    assert part.doubtful
    assert not sure([part])


def test_a_page_that_repeats_what_was_said_is_not_doubtful():
    """A header on every page."""
    (part,) = parts_of(
        [page(*INVOICE), page("Invoice date: 2026-04-03", "Invoice number: A-17", *MORE)], BUILT_IN
    )

    assert not part.doubtful


def doubtful(*pages):
    """Whether a person must say where one document ends, of pages that look like one."""
    (part,) = parts_of([page(*lines) for lines in pages], BUILT_IN)
    return part.doubtful


@pytest.mark.parametrize(
    "lines",
    [
        ("Letter of intent", "Contact:  Foo Ltd", *MORE),
        ("#Price list", *MORE),
        ("Valid until:  01.02.2026", *MORE),
        ("Foo Ltd", "Balance  2,366.97", *MORE),
        ("Voyage B-79215", *MORE),
        (*MORE, "Total weight  1,821.66"),
    ],
    ids=[
        "a title and a name",
        "a title",
        "a date",
        "an amount",
        "a number",
        "an amount beneath text",
    ],
)
def test_a_page_with_something_of_its_own_and_nothing_that_it_shares_is_doubtful(lines):
    """In whatever words: nobody can tell whether it begins another document."""
    assert doubtful(INVOICE, lines)


@pytest.mark.parametrize(
    "lines",
    [
        MORE,
        ("#General terms and conditions", *MORE),
        ("Invoice number: A-17", "Weight:  12 kg", "Delivered:  01.02.2026"),
    ],
    ids=["running text", "conditions", "the same number"],
)
def test_a_page_that_shows_what_it_belongs_to_is_not_doubtful(lines):
    """It has nothing that a paper begins with, or it repeats the number of the page before."""
    assert not doubtful(INVOICE, lines)


def test_a_page_that_begins_amid_the_table_of_the_page_before_goes_on_with_it():
    """Further rows, and then the total; the same total with nothing before it could be
    anybody's.
    """
    head = INVOICE[:-1]

    assert not doubtful((*head, "Goods  Each", "Paper  4.00"), ("Toner  8.50", "Total:  12.50"))
    assert not doubtful((*head, "Goods  Each"), ("Toner  12.50", "Total:  12.50"))
    assert doubtful(head, ("Total:  12.50",))


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        ("Page 1 of 2", "Page 2 of 2", False),
        ("Seite 1", "Seite 2", False),
        ("without a number", "Page 2 of 2", False),
        ("Page 1 of 1", "Page 2 of 2", True),
        ("Page 1 of 3", "Page 3 of 3", True),
        ("Page 1", "Page 1", True),
    ],
)
def test_a_page_is_only_counted_on_by_the_next_number_of_the_same_count(first, second, expected):
    """The second of two pages does not belong to a document that has one, nor the third to the
    first.
    """
    assert doubtful((*INVOICE, first), ("Weight:  12 kg", second)) is expected


def test_a_count_is_read_as_it_stands_on_the_page():
    """A file may hold the words of a line in another order."""
    first, last = page(*INVOICE, "Page 1 of 2"), page("Weight:  12 kg", "Page 2 of 2")
    (part,) = parts_of([first, [*last[:-4], last[-4], last[-2], last[-3], last[-1]]], BUILT_IN)

    assert not part.doubtful


@pytest.mark.parametrize("other", [SECOND, RECEIPT, ("Invoice number: B-9", *MORE)])
def test_one_stamp_over_two_papers_does_not_join_them(other):
    """A merger counts pages, not papers: another number or another title begins a paper, and a
    person looks.
    """
    pages = [page(*INVOICE, "Page 1 of 2"), page(*other, "Page 2 of 2")]
    parts = parts_of(pages, BUILT_IN)

    assert [(part.first, part.last) for part in parts] == [(1, 1), (2, 2)]
    assert not sure(parts)


def test_a_stamp_over_the_file_gives_way_to_the_papers_own_counts():
    """Each says that it is one page; the fax counted both."""
    pages = [("Fax  p. 01/02", *INVOICE, "Page 1 of 1"), ("Fax  p. 02/02", *SECOND, "Page 1 of 1")]
    parts = parts_of([page(*lines) for lines in pages], BUILT_IN)

    assert [(part.first, part.last) for part in parts] == [(1, 1), (2, 2)]
    assert sure(parts)


@pytest.mark.parametrize(
    "lines",
    [
        (*INVOICE, *RECEIPT),
        (*INVOICE, *SECOND),
        (*INVOICE, "#CREDIT NOTE", *SECOND[1:]),
        ("#RECEIPT  RECEIPT", *RECEIPT[1:]),
        (*INVOICE, *SECOND[1:]),
    ],
    ids=["of two kinds", "of one kind", "of no type", "side by side", "by their numbers"],
)
def test_two_papers_on_one_picture_are_doubted(lines):
    """They are one page, so nobody can part them by pages; they must not become one document."""
    (part,) = parts_of([page(*lines)], BUILT_IN)

    assert part.doubtful
    assert not sure([part])


def test_a_title_in_two_languages_is_one_title():
    """On one line or on two."""
    assert sure(parts_of([page("#Rechnung / Invoice", *INVOICE[1:])], BUILT_IN))
    assert sure(parts_of([page("#Rechnung", "#Invoice", *INVOICE[1:])], BUILT_IN))


def test_nothing_follows_the_last_page_of_a_count_for_sure():
    """The conditions behind it may be another document's."""
    assert doubtful((*INVOICE, "Page 1 of 1"), MORE)


def test_a_scan_is_doubtful_unless_a_page_is_missing_from_the_count():
    """It may be anything, but behind page 1 of 2 it is page 2."""
    assert doubtful(INVOICE, ())
    assert doubtful((), INVOICE)
    assert not doubtful((*INVOICE, "Page 1 of 2"), ())


def test_a_file_is_not_parted_by_itself_when_a_part_lacks_its_last_page():
    """Page 1 of 2 is followed by another page 1: one of them is wrong, and a person says which."""
    first = (*INVOICE, "Page 1 of 2")

    assert cut(first, (*RECEIPT, "Page 1 of 1")) == [(1, 1, "invoice"), (2, 2, "receipt")]
    assert not sure(parts_of([page(*first), page(*RECEIPT, "Page 1 of 1")], BUILT_IN))
