"""Signs and names of currencies: by territory, by language, by the document type."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from extractors.documents.spec import Kind
from extractors.normalise import normalise
from extractors.normalise.printed_currencies import PRINTED
from tests.evidence.making import a_field, a_type, value_of


@pytest.mark.parametrize(
    ("text", "locale", "code"),
    [
        ("元", "zh_TW", "TWD"),
        ("元", "zh_HK", "HKD"),
        ("元", "zh_CN", "CNY"),
        ("Dhs", "fr_MA", "MAD"),
        ("Dhs", "en_AE", "AED"),
        ("C$", "es_NI", "NIO"),
        ("Fr.", "fr_CH", "CHF"),
        ("FCFA", "fr_SN", "XOF"),
        ("FCFA", "fr_CM", "XAF"),
        ("KM", "bs_BA", "BAM"),
        ("SR", "en_SA", "SAR"),
        ("KD", "en_KW", "KWD"),
        ("£", "en_US", "GBP"),
        ("£", "en_EG", "EGP"),
        ("franchi svizzeri", "it_CH", "CHF"),
        ("kn", "hr_HR", "HRK"),
        ("USD ($)", "en_US", "USD"),
        ("€ EUR", "en_US", "EUR"),
        ("(EUR)", "en_US", "EUR"),
        ("CAD$", "en_US", "CAD"),
        ("U.S. $", "en_US", "USD"),
        ("eur", "de_DE", "EUR"),
    ],
)
def test_a_sign_means_what_the_territory_pays_with(text, locale, code):
    """Also where CLDR lacks the pair of language and territory."""
    assert value_of(text, Kind.CURRENCY, locale=locale).value == code


@pytest.mark.parametrize(
    ("text", "locale"),
    [
        ("R", "pt_BR"),
        ("Fr", "fr_FR"),
        ("K", "en_US"),
        ("KM", "en_US"),
        ("all", "en_US"),
        ("try", "en_US"),
        ("EUR/USD", "en_US"),
        ("TEUR", "en_US"),
        ("$ EUR", "en_US"),
        ("USD EUR", "en_US"),
        ("GHC", "en_US"),
    ],
)
def test_a_sign_that_is_at_home_elsewhere_is_a_question(text, locale):
    """So are words, thousands of a currency, and two currencies."""
    assert value_of(text, Kind.CURRENCY, locale=locale).problem in (
        "unknown_currency",
        "ambiguous_currency",
    )


def test_a_document_type_says_what_a_sign_means():
    """An Australian customer's invoices print "$" and are read with an American locale."""
    spec = replace(a_type(), signs=(("$", "AUD"),))

    assert normalise("$", a_field(Kind.CURRENCY), spec).value == "AUD"
    assert normalise("$ 12.00", a_field(Kind.AMOUNT), spec).currency == "AUD"
    assert normalise("US$ 12.00", a_field(Kind.AMOUNT), spec).currency == "USD"


SIGNS = sorted({sign for row in PRINTED.values() for sign in row.split(" ")})


@given(
    sign=st.sampled_from(SIGNS),
    locale=st.sampled_from(
        ["en_US", "en_IN", "de_DE", "fr_FR", "it_IT", "da_DK", "pt_BR", "es_BO"]
    ),
    number=st.sampled_from([".75", ".5", ",50", "..50", "…50", ".234,50", ",234.50", ". .50"]),
)
def test_a_sign_never_swallows_what_stands_before_the_digits(sign, locale, number):
    """What is no number without the sign is none with it, but for cents after the dot.

    Signs that are usually abbreviated own one dot: "Rs.50" is fifty rupees.
    """
    got = value_of(sign + number, Kind.AMOUNT, locale=locale)
    digits = "".join(c for c in number if c.isdigit())
    cents = got.value is not None and got.value.lstrip("-") == f"0.{digits}"
    owned = got.value == digits and len(number) == len(digits) + 1
    decimal_behind_own_dot = got.value is not None and number == ".234,50" and got.value == "234.50"

    assert got.value is None or cents or owned or decimal_behind_own_dot
    assert not owned or value_of(f"{sign}. {digits}", Kind.AMOUNT, locale=locale).value == digits


@pytest.mark.parametrize("sign", ["$", "€", "£", "R$", "USD", "EUR", "US$"])
@given(digits=st.integers(0, 999).map(str), locale=st.sampled_from(["en_US", "de_DE"]))
def test_a_currencys_sign_and_code_own_no_dot(sign, digits, locale):
    """ "$.75" is 75 cents or a question, and never 75 dollars."""
    got = value_of(f"{sign}.{digits}", Kind.AMOUNT, locale=locale)

    assert got.value in (None, f"0.{digits}")
