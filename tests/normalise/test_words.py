"""Texts, identifiers, choices, currencies, yes and no; and what it means that two values agree."""

import time
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from extractors.documents.spec import Kind
from extractors.errors import BrokenDocumentType
from extractors.normalise import PARSERS, PROBLEMS, Value
from tests.evidence.making import value_of


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("  ACME\n  GmbH ", "ACME GmbH"),
        ("Cafe\u0301", "Café"),
        ("A\u00a0B\u200b\u00adC", "A BC"),
        ("\u200fשלום\u200e", "שלום"),
        ("می\u200cخواهم", "می\u200cخواهم"),
        ("Verwaltungs-\ngesellschaft", "Verwaltungsgesellschaft"),
        ("Verwaltungs\u00ad\ngesellschaft", "Verwaltungsgesellschaft"),
        ("Baden-\nWürttemberg", "Baden-Württemberg"),
        ("Hals-, Nasen-\nund Ohrenarzt", "Hals-, Nasen- und Ohrenarzt"),
        ("ACME -\nBerlin", "ACME - Berlin"),
    ],
)
def test_a_text_is_kept_as_printed_but_for_invisible_differences(text, value):
    """Composed characters, single spaces, no marks; joiners that Persian needs stay."""
    assert value_of(text, Kind.TEXT).value == value


def test_a_hyphen_that_parts_capitals_at_a_lines_end_is_a_question():
    """ "GESELL-SCHAFT" is one word, "BADEN-BADEN" is a name; small letters tell the two apart."""
    assert value_of("GESELL-\nSCHAFT", Kind.TEXT).problem == "ambiguous_hyphen"
    assert value_of("Baden-\nBADEN", Kind.TEXT).value == "Baden-BADEN"


def test_a_ligature_is_its_letters():
    """Typesetting joins them, and nobody types them so."""
    assert value_of("O\ufb03ce \ufb01rst", Kind.TEXT).value == "Office first"


@pytest.mark.parametrize("kind", sorted(set(Kind) - {Kind.GROUP}))
@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "empty"),
        (" \n\u200b", "empty"),
        ("a\x00b", "unprintable"),
        ("a\ud800", "unprintable"),
        ("b\ufffd", "unprintable"),
    ],
)
def test_no_kind_takes_what_cannot_be_printed(kind, text, problem):
    """Nothing, control characters, halves of characters and undecodable bytes."""
    assert value_of(text, kind, choices=("a",)).problem == problem


@pytest.mark.parametrize(
    ("text", "value"),
    [("INV 2026\u2011001", "INV2026-001"), ("a-B/7", "a-B/7"), ("No\u200b7", "No7")],
)
def test_an_identifier_loses_its_spaces_and_nothing_else(text, value):
    """Case and separators may matter; the typesetter's kind of hyphen does not."""
    assert value_of(text, Kind.IDENTIFIER).value == value


@pytest.mark.parametrize(
    ("text", "locale", "value"),
    [
        ("Yes", "en_US", True),
        ("☒", "en_US", True),
        ("[x]", "en_US", True),
        ("X", "en_US", True),
        ("no", "en_US", False),
        ("☐", "en_US", False),
        ("Ja", "de_DE", True),
        ("NEIN", "de_DE", False),
        ("Sí", "es_ES", True),
        ("não", "pt_PT", False),
        ("да", "ru_RU", True),
        ("ja", "en_US", None),
        ("yes/no", "en_US", None),
        ("maybe", "en_US", None),
        ("☒ ☐", "en_US", None),
    ],
)
def test_yes_and_no_in_english_and_the_types_language(text, locale, value):
    """Marks and words; what is neither is a problem, not a no."""
    got = value_of(text, Kind.BOOLEAN, locale=locale)

    assert got.value is value
    assert got.problem == ("not_yes_or_no" if value is None else None)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("Cash", "cash"),
        ("crédit card", "credit card"),
        ("cash", "cash"),
        ("cheque", None),
        ("cash card", None),
        ("cas", None),
    ],
)
def test_a_choice_is_one_of_the_list(text, value):
    """Case and accents apart; a near miss is a problem."""
    got = value_of(text, Kind.CHOICE, choices=("cash", "credit card"))

    assert (got.value, got.problem) == (value, None if value else "not_a_choice")


def test_a_choice_that_two_entries_could_mean_is_refused():
    """Only the exact one is taken then."""
    choices = ("A", "a")

    assert value_of("a", Kind.CHOICE, choices=choices).value == "a"
    assert value_of("ａ", Kind.CHOICE, choices=choices).problem == "not_a_choice"


@pytest.mark.parametrize(
    ("text", "locale", "value"),
    [
        ("€", "en_US", "EUR"),
        ("eur", "en_US", "EUR"),
        ("Euro", "en_US", "EUR"),
        ("$", "en_US", "USD"),
        ("$", "en_AU", "AUD"),
        ("RM", "en_US", "MYR"),
        ("kr.", "da_DK", "DKK"),
        ("£", "en_GB", "GBP"),
        ("zł", "pl_PL", "PLN"),
        ("US Dollar", "en_US", "USD"),
        ("Schweizer Franken", "de_CH", "CHF"),
    ],
)
def test_a_currency_becomes_its_iso_code(text, locale, value):
    """Signs, codes and names; a shared sign is that of the type's territory."""
    assert value_of(text, Kind.CURRENCY, locale=locale).value == value


@pytest.mark.parametrize(
    ("text", "locale", "problem"),
    [
        ("$", "de_DE", "ambiguous_currency"),
        ("kr", "en_US", "ambiguous_currency"),
        ("¥", "en_US", "ambiguous_currency"),
        ("$", "en", "ambiguous_currency"),
        ("XTS", "en_US", "unknown_currency"),
        ("bucks", "en_US", "unknown_currency"),
        ("€$", "en_US", "unknown_currency"),
    ],
)
def test_a_sign_of_several_currencies_is_not_guessed(text, locale, problem):
    """The territory of the document type decides, or a person."""
    assert value_of(text, Kind.CURRENCY, locale=locale).problem == problem


@pytest.mark.parametrize(
    ("a", "b", "kind", "agree"),
    [
        ("1,204.50", "1204.5", Kind.AMOUNT, True),
        ("EUR 5.00", "5.00", Kind.AMOUNT, True),
        ("EUR 5.00", "$5.00", Kind.AMOUNT, False),
        ("5.00", "-5.00", Kind.AMOUNT, False),
        ("3 April 2026", "2026-04-03", Kind.DATE, True),
        ("ACME  GmbH", "Acme Gmbh", Kind.TEXT, True),
        ("ACME GmbH", "ACME AG", Kind.TEXT, False),
        ("AB 12", "AB12", Kind.IDENTIFIER, True),
        ("AB12", "ab12", Kind.IDENTIFIER, False),
        ("No. 4711", "4711", Kind.IDENTIFIER, True),
        ("INV–001", "INV-001", Kind.IDENTIFIER, True),
        ("INV-001", "INV001", Kind.IDENTIFIER, False),
        ("ACME, Inc.", "ACME Inc", Kind.TEXT, True),
        ("L'Oréal", "L’Oréal", Kind.TEXT, True),
        ("Café", "Cafe", Kind.TEXT, True),
        ("Verwaltungs-\ngesellschaft", "Verwaltungsgesellschaft", Kind.TEXT, True),
        ("Room 1.5", "Room 15", Kind.TEXT, False),
        ("C++", "C", Kind.TEXT, False),
        ("कमल", "कामिल", Kind.TEXT, False),
        ("l2", "l2", Kind.AMOUNT, False),
    ],
)
def test_values_agree_when_they_mean_the_same(a, b, kind, agree):
    """Both ways round; a value with a problem agrees with nothing."""
    first, second = value_of(a, kind), value_of(b, kind)

    assert first.agrees_with(second) is agree
    assert second.agrees_with(first) is agree


def test_every_kind_but_the_group_has_a_parser():
    """A new kind needs a row in the table."""
    assert set(PARSERS) == set(Kind) - {Kind.GROUP}


@pytest.mark.parametrize("kind", sorted(PARSERS))
@given(text=st.text(max_size=60))
def test_any_text_gives_a_value_or_a_named_problem(kind, text):
    """Never both, never neither, never an exception; texts come back in NFC."""
    got = value_of(text, kind, choices=("yes", "no"))

    assert (got.value is None) == (got.problem is not None)
    assert got.problem is None or got.message == PROBLEMS[got.problem]
    assert (
        not isinstance(got.value, str)
        or kind is not Kind.TEXT
        or unicodedata.is_normalized("NFC", got.value)
    )


def test_a_field_with_an_unknown_checksum_is_an_error_of_the_type():
    """A spec built by hand is not checked before."""
    with pytest.raises(BrokenDocumentType, match="no checksum 'nope'"):
        value_of("1", Kind.IDENTIFIER, checksum="nope")


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        (Kind.DATE, "Friday, 3. April 2026"),
        (Kind.AMOUNT, "EUR 1.204,50"),
        (Kind.CURRENCY, "US Dollar"),
        (Kind.TEXT, "ACME GmbH"),
        (Kind.AMOUNT, "1," * 60),
        (Kind.DATE, "3 " * 60),
    ],
)
def test_a_value_takes_less_than_a_millisecond(kind, text):
    """The best of several rounds, so that a busy machine does not fail it."""

    def seconds() -> float:
        started = time.perf_counter()
        for _ in range(50):
            value_of(text, kind)
        return (time.perf_counter() - started) / 50

    assert min(seconds() for _ in range(5)) < 1e-3


def test_a_value_is_frozen():
    """What one stage said, no later stage changes."""
    with pytest.raises(AttributeError):
        Value(kind=Kind.TEXT, value="a").value = "b"  # type: ignore[misc]
