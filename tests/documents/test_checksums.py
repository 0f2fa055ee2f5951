"""Check digits: right numbers pass, one wrong digit or two swapped ones do not."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from extractors.documents import spec as field
from extractors.documents.checksums import CHECKSUMS, compact, luhn
from extractors.documents.spec import DocumentModel, Kind
from extractors.errors import BrokenDocumentType
from tests.evidence.making import value_of

RIGHT = {  # published examples
    "aba": ("021000021", "111000025"),
    "creditor_reference": ("RF18 5390 0754 7034",),
    "ean13": ("4006381333931",),
    "gtin": ("96385074", "036000291452", "4006381333931"),
    "iban": (
        "DE89 3704 0044 0532 0130 00",
        "GB82 WEST 1234 5698 7654 32",
        "FR14 2004 1010 0505 0001 3M02 606",
        "NO93 8601 1117 947",
    ),
    "isbn10": ("0-306-40615-2", "0-8044-2957-X"),
    "isbn13": ("978-3-16-148410-0",),
    "lei": ("HWUPKR0MPOU8FGXBT394", "5493000IBP32UQZ0KL24"),
    "luhn": ("4539 1488 0343 6467", "732 829 320 00074"),
    "vat_be": ("BE 0428.759.497",),
    "vat_de": ("DE 136695976",),
    "vat_fr": ("FR 83 404833048",),
    "vat_it": ("IT 00743110157",),
}
CASES = [(name, text) for name, texts in RIGHT.items() for text in texts]


def test_every_checksum_has_an_example():
    """A new row of the table comes with a number that it accepts."""
    assert set(RIGHT) == set(CHECKSUMS)


@pytest.mark.parametrize(("name", "text"), CASES)
def test_a_right_number_passes_as_printed_and_loses_its_separators(name, text):
    """Spaces, dots and dashes only help the eye."""
    got = value_of(text, Kind.IDENTIFIER, checksum=name)

    assert (got.value, got.problem) == (compact(text), None)
    assert value_of(text.lower(), Kind.IDENTIFIER, checksum=name).value == compact(text)


@pytest.mark.parametrize(("name", "text"), CASES)
def test_one_wrong_digit_is_always_noticed(name, text):
    """Every single digit replaced by every other one."""
    number = compact(text)
    wrong = [
        number[:i] + d + number[i + 1 :]
        for i, c in enumerate(number)
        if c.isdigit()
        for d in "0123456789"
        if d != c
    ]

    assert not [w for w in wrong if CHECKSUMS[name](w)]
    assert value_of(wrong[0], Kind.IDENTIFIER, checksum=name).problem == "checksum_failed"


@pytest.mark.parametrize(("name", "text"), CASES)
def test_a_missing_or_added_end_is_noticed(name, text):
    """Lengths count: a cut-off number fails."""
    number = compact(text)
    fixed_length = name not in ("luhn", "creditor_reference")

    assert not CHECKSUMS[name](number[:-1]) or not fixed_length
    assert not CHECKSUMS[name](number + "0") or not fixed_length


@pytest.mark.parametrize("name", sorted(CHECKSUMS))
@given(text=st.text(max_size=40) | st.text(alphabet="0123456789ABCDEFRTX٣²", max_size=35))
def test_a_checksum_answers_yes_or_no_to_any_text(name, text):
    """It never raises, whatever a model wrote."""
    assert CHECKSUMS[name](text) in (True, False)


@given(st.integers(0, 10**15))
def test_every_number_has_exactly_one_luhn_digit(number):
    """Of the ten digits that could end it, one fits."""
    assert sum(luhn(f"{number}{d}") for d in range(10)) == 1


def test_a_document_type_that_names_an_unknown_checksum_is_refused_at_once():
    """The error names the field and the checksums there are."""
    with pytest.raises(BrokenDocumentType, match=r"card\.number: no checksum 'lunh'.*luhn"):

        class Card(DocumentModel, name="card", title="card"):
            """A card."""

            number: str | None = field.identifier("its number", checksum="lunh")


def test_a_checksum_of_ones_own_joins_the_table(monkeypatch):
    """A document type's file may add to CHECKSUMS."""
    monkeypatch.setitem(CHECKSUMS, "even", lambda text: text[-1:] in "02468")

    assert value_of("12-4", Kind.IDENTIFIER, checksum="even").value == "124"
    assert value_of("12-3", Kind.IDENTIFIER, checksum="even").problem == "checksum_failed"
