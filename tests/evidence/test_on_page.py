"""A value and the words of the pages that say it."""

from extractors.evidence.on_page import on_page
from extractors.evidence.witnesses import AGREES, DENIES
from tests.evidence.making import TOTAL, a_type, absent, document_of, said

SPEC = a_type(TOTAL)


def heard(*evidence):
    """What the witness says of the total's candidates."""
    return list(on_page(document_of(SPEC, evidence, pages={e.page for e in evidence})))


def test_words_that_show_the_value_agree():
    """With how they show it, and on which page."""
    (one,) = heard(said("5.00", page=3, found=True))

    assert (one.says, one.page, one.details["agreement"]) == (AGREES, 3, "exact")


def test_words_that_do_not_show_it_deny():
    """With what is most like it."""
    (one,) = heard(said("5.00", found=False))

    assert (one.says, one.because, one.message) == (DENIES, "not_on_page", "page text says 9.99")


def test_a_page_without_words_is_silent():
    """And so is an absence."""
    assert heard(said("5.00", found=None), absent(page=2)) == []


def test_one_page_that_shows_it_is_enough():
    """A logo's words are not in the text layer; the footer's are."""
    (one,) = heard(said("5.00", page=1, found=False), said("5.00", page=2, found=True))

    assert (one.says, one.page) == (AGREES, 2)


def test_a_scan_that_says_the_same_keeps_the_words_from_denying():
    """Its reading stands, and nothing contradicts it there."""
    assert heard(said("5.00", page=1, found=False), said("5.00", page=2, found=None)) == []
