"""Identifiers without their labels, and with one spelling for width and dashes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from extractors.documents.spec import Kind
from tests.evidence.making import value_of


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("INV–001", "INV-001"),
        ("INV−001", "INV-001"),
        ("ＩＮＶ００１", "INV001"),
        ("4711,", "4711"),
        ("4711.", "4711"),
        ("#4711", "4711"),
        ("№ 4711", "4711"),
        ("No. 4711", "4711"),
        ("InvoiceNo:4711", "4711"),
        ("Invoice Number: INV-001", "INV-001"),
        ("Rechnung Nr. 2026-17", "2026-17"),
        ("Rechnungsnummer: 2026-17", "2026-17"),
        ("Facture n° F-17", "F-17"),
        ("Factuurnummer: 17", "17"),
        ("請求書番号：123", "123"),
        ("(4711)", "4711"),
    ],
)
def test_a_label_and_what_ends_the_phrase_are_no_part_of_a_number(text, value):
    """The same number is read from any page, with its label or without."""
    assert value_of(text, Kind.IDENTIFIER).value == value


@pytest.mark.parametrize(
    "text",
    ["NA-4711", "NR4711", "RE-2026-001", "PO-4711", "No7", "A.17", "urn:uuid:12ab", "2026:17"],
)
def test_a_prefix_is_a_part_of_the_number(text):
    """Only a word for "number" with a sign or a space behind it is a label."""
    assert value_of(text, Kind.IDENTIFIER).value == text


@pytest.mark.parametrize(("text", "problem"), [("0000000", "placeholder"), ("A7" * 70, None)])
def test_zeros_and_endless_numbers_name_nobody(text, problem):
    """They are what models write when they have nothing."""
    got = value_of(text, Kind.IDENTIFIER)

    assert got.value is None
    assert problem in (None, got.problem)


@given(
    number=st.from_regex(r"[A-Z]{0,3}[0-9]{3,8}(-[0-9]{1,4})?", fullmatch=True),
    label=st.sampled_from(["Invoice No: ", "Invoice no. ", "Nr. ", "#", "Ref: ", "ID: ", ""]),
    end=st.sampled_from(["", ",", ";", " "]),
)
def test_a_number_is_the_same_with_every_label(number, label, end):
    """Pages that print it with and without agree."""
    if not number.strip("0-"):
        return
    bare, labelled = (value_of(text, Kind.IDENTIFIER) for text in (number, label + number + end))

    assert bare.value == number
    assert labelled.agrees_with(bare)
