"""Several documents in one file: where the next begins, and when nobody should decide that alone."""

import pytest

from extractors.bundle import parts_of, sure
from extractors.documents import BUILT_IN
from tests.selection.test_classify import INVOICE, page

RECEIPT = ("#RECEIPT", "Foo Store", "Date: 03/04/2026", "Address: Elm Street", "Total  12.50")
SECOND = ("#Invoice B-9", "Seller: Bar Ltd", "Invoice number: B-9", "Invoice date: 2026-05-06", "Total: 99.00")
MORE = ("further conditions under which goods are sold", "and the day by which they are paid")


def cut(*pages):
    """First and last page and type of every part."""
    return [(part.first, part.last, part.guess.document_type) for part in parts_of([page(*lines) for lines in pages], BUILT_IN)]


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
    """Page 1 of 2 begins, page 2 of 2 does not, whatever stands at its head."""
    first, last = (*INVOICE, "Page 1 of 2"), ("#RECEIPT", "Page 2 of 2")
    assert cut(first, last, (*INVOICE, "Page 1 of 1")) == [(1, 2, "invoice"), (3, 3, "invoice")]


def test_one_document_is_one_part():
    """However many pages it has."""
    assert cut(INVOICE, MORE, MORE, MORE) == [(1, 4, "invoice")]


def test_scans_go_with_the_page_before_them():
    """They cannot say that they begin something; so a person parts a file that has some."""
    parts = parts_of([page(*INVOICE), (), page(*RECEIPT)], BUILT_IN)

    assert [(part.first, part.last, part.scans) for part in parts] == [(1, 2, 1), (3, 3, 0)]
    assert not sure(parts)


@pytest.mark.parametrize(("other", "expected"), [(RECEIPT, True), (("#Delivery note", *MORE), False)])
def test_a_bundle_is_sure_only_when_all_its_parts_are(other, expected):
    """A delivery note is of no type: a person looks at the whole file."""
    parts = parts_of([page(*INVOICE), page(*other)], BUILT_IN)

    assert len(parts) == 2
    assert sure(parts) is expected


def test_a_page_with_other_values_under_the_same_labels_is_doubtful():
    """It has no title, but a date and a total of its own: it may be another document, and a person says."""
    (part,) = parts_of([page(*INVOICE), page("Date: 2025-01-01", "Total: 7.00")], BUILT_IN)

    assert part.doubtful
    assert not sure([part])


def test_a_page_that_repeats_what_was_said_is_not_doubtful():
    """A header on every page."""
    (part,) = parts_of([page(*INVOICE), page("Invoice date: 2026-04-03", "Invoice number: A-17", *MORE)], BUILT_IN)

    assert not part.doubtful
