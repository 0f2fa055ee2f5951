"""Check digits as a witness."""

from dataclasses import replace

from extractors.documents import BUILT_IN
from extractors.evidence.validators import checksum
from extractors.evidence.witnesses import AGREES, DENIES
from extractors.normalise import normalise
from tests.evidence.making import document_of, said

INVOICE = BUILT_IN["invoice"]


def heard(name, text):
    """What the witness says of one value of an invoice."""
    value = normalise(text, INVOICE.field(name), INVOICE)
    return list(
        checksum(document_of(INVOICE, [replace(said(text, name=name), value=value)], pages={1}))
    )


def test_check_digits_that_fit_agree():
    """An IBAN is hardly ever right by chance."""
    (one,) = heard("iban", "GB82 WEST 1234 5698 7654 32")

    assert (one.says, one.details) == (AGREES, {"checksum": "iban"})


def test_check_digits_that_do_not_fit_deny():
    """One digit is another."""
    (one,) = heard("iban", "GB82 WEST 1234 5698 7654 33")

    assert (one.says, one.because) == (DENIES, "checksum_failed")


def test_what_is_no_identifier_at_all_is_said_elsewhere():
    """Its digits were never checked: the value has another problem."""
    assert normalise("?", INVOICE.field("iban"), INVOICE).problem not in (None, "checksum_failed")
    assert heard("iban", "?") == []


def test_a_field_without_check_digits_has_no_such_witness():
    """A number is a number."""
    assert heard("number", "A-17") == []
