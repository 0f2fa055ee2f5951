"""Numbers and amounts: structure where it is unmistakable, the locale where it decides, a problem
where neither does.
"""

import re
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from extractors.documents.spec import Kind
from extractors.normalise import PROBLEMS
from extractors.normalise.numbers import from_json
from tests.evidence.making import value_of

AMOUNTS = [  # text, locale, value, currency
    ("1,204.50", "en_US", "1204.50", None),
    ("1.204,50", "en_US", "1204.50", None),
    ("1.204,50", "de_DE", "1204.50", None),
    ("1,204.50", "de_DE", "1204.50", None),
    ("1 204,50", "fr_FR", "1204.50", None),
    ("1\u202f204,50", "fr_FR", "1204.50", None),
    ("12\u00a0345,00", "en_US", "12345.00", None),
    ("1'204.50", "de_CH", "1204.50", None),
    ("1’204.50", "en_US", "1204.50", None),
    ("12.345", "de_DE", "12345", None),
    ("12,345", "en_US", "12345", None),
    ("12,50", "en_US", "12.50", None),
    ("1.20", "de_DE", "1.20", None),
    ("0.123", "en_US", "0.123", None),
    ("1,204,500", "en_US", "1204500", None),
    ("12,34,567.50", "en_IN", "1234567.50", None),
    ("12 345", "fr_FR", "12345", None),
    ("007", "en_US", "7", None),
    ("0.00", "en_US", "0.00", None),
    ("-0.00", "en_US", "0.00", None),
    ("+5.00", "en_US", "5.00", None),
    ("$ 12.00", "en_US", "12.00", "USD"),
    ("$ 12.00", "en_CA", "12.00", "CAD"),
    ("-$12.00", "en_US", "-12.00", "USD"),
    ("$-12", "en_US", "-12", "USD"),
    ("($12.00)", "en_US", "-12.00", "USD"),
    ("(12.00) EUR", "en_US", "-12.00", "EUR"),
    ("12.00-", "en_US", "-12.00", None),
    ("−12.00", "en_US", "-12.00", None),
    ("$12.00 USD", "en_US", "12.00", "USD"),
    ("US$ 12", "en_US", "12", "USD"),
    ("EUR 12,-", "en_US", "12", "EUR"),
    ("€ 12.–", "en_US", "12", "EUR"),
    ("CHF 1'204.50", "de_CH", "1204.50", "CHF"),
    ("Fr. 12.50", "de_CH", "12.50", "CHF"),
    ("RM9.00", "en_US", "9.00", "MYR"),
    ("12,50 kr", "sv_SE", "12.50", "SEK"),
    ("kr 12,50", "nb_NO", "12.50", "NOK"),
    ("kr 12.50", "en_US", "12.50", None),
    ("12.00 Euro", "de_DE", "12.00", "EUR"),
    ("12.345 KWD", "en_US", "12.345", "KWD"),
    ("¥1,200", "ja_JP", "1200", "JPY"),
    ("12.00 ALL", "en_US", "12.00", "ALL"),
    ("٣٬٤٠٠٫٥٠", "ar_EG", "3400.50", None),
    ("१,२३४.५०", "hi_IN", "1234.50", None),
    ("１２．５０", "ja_JP", "12.50", None),
    ("12.00\u200e", "he_IL", "12.00", None),
]
NO_AMOUNTS = [  # text, locale, problem
    ("12.345", "en_US", "ambiguous_amount"),
    ("12,345", "de_DE", "ambiguous_amount"),
    ("12,345", "fr_FR", "ambiguous_amount"),
    ("12,5", "en_US", "ambiguous_amount"),
    ("09,000", "en_US", "ambiguous_amount"),
    ("09.000", "de_DE", "ambiguous_amount"),
    ("012.345", "en_US", "ambiguous_amount"),
    ("1,20,450", "en_US", "unparsable_amount"),
    ("12 345", "en_US", "unparsable_amount"),
    ("1.204.50", "de_DE", "unparsable_amount"),
    ("1.2.3", "en_US", "unparsable_amount"),
    ("1,2345.00", "en_US", "unparsable_amount"),
    ("12,345,67", "en_US", "unparsable_amount"),
    ("l2.00", "en_US", "unparsable_amount"),
    ("1O.00", "en_US", "unparsable_amount"),
    ("12.00 A", "en_US", "unparsable_amount"),
    ("12.00 EUR/kg", "en_US", "unparsable_amount"),
    ("12.00 all", "en_US", "unparsable_amount"),
    ("12.00%", "en_US", "unparsable_amount"),
    ("€12 $", "en_US", "unparsable_amount"),
    ("12.00-15.00", "en_US", "unparsable_amount"),
    ("12.00 13.00", "en_US", "unparsable_amount"),
    ("-12-", "en_US", "unparsable_amount"),
    ("(-12)", "en_US", "unparsable_amount"),
    ("(12", "en_US", "unparsable_amount"),
    ("12.", "en_US", "unparsable_amount"),
    (".50", "en_US", "unparsable_amount"),
    ("12,50,-", "de_DE", "unparsable_amount"),
    ("1e5", "en_US", "unparsable_amount"),
    ("1²", "en_US", "unparsable_amount"),
    ("½", "en_US", "unparsable_amount"),
    ("1٢3", "en_US", "unparsable_amount"),
    ("1\u202e23.00", "en_US", "unparsable_amount"),
    ("12.00\n13.00", "en_US", "unparsable_amount"),
    ("1" * 31, "en_US", "unparsable_amount"),
    ("1" * 100_000, "en_US", "unparsable_amount"),
    ("NaN", "en_US", "placeholder"),
    ("", "en_US", "empty"),
    (" \u200b", "en_US", "empty"),
    ("12\x00", "en_US", "unprintable"),
    ("12\ud800", "en_US", "unprintable"),
]


@pytest.mark.parametrize(("text", "locale", "value", "currency"), AMOUNTS)
def test_an_amount_that_means_one_thing_becomes_its_decimal(text, locale, value, currency):
    """Signs, groups, digits of other scripts and currencies of many countries."""
    got = value_of(text, Kind.AMOUNT, locale=locale)

    assert (got.value, got.currency, got.problem) == (value, currency, None)


@pytest.mark.parametrize(("text", "locale", "problem"), NO_AMOUNTS)
def test_an_amount_that_is_damaged_or_has_two_meanings_is_refused(text, locale, problem):
    """No guess: a person looks at it, and is told why."""
    got = value_of(text, Kind.AMOUNT, locale=locale)

    assert (got.value, got.problem, got.message) == (None, problem, PROBLEMS[problem])


@pytest.mark.parametrize(
    ("text", "locale", "value"),
    [
        ("12.345", "en_US", "12.345"),
        ("12.345", "de_DE", "12345"),
        ("12,345", "de_DE", "12.345"),
        ("-3", "en_US", "-3"),
        ("19 %", "en_US", "19"),
    ],
)
def test_a_number_of_three_decimals_is_read_by_the_locale(text, locale, value):
    """Weights have three decimals; money seldom has."""
    assert value_of(text, Kind.NUMBER, locale=locale).value == value


@pytest.mark.parametrize(
    "text", ["2 dozen", "1.5k", "3 pairs", "2 x 500 g", "1,25", "1/2", "twelve", "$3"]
)
def test_a_number_with_what_may_change_it_is_refused(text):
    """A dozen, thousands, a second number, a fraction, a sign of another locale."""
    assert value_of(text, Kind.NUMBER).value is None


STYLES = {
    "en_US": (",", "."),
    "de_DE": (".", ","),
    "fr_FR": ("\u202f", ","),
    "de_CH": ("’", "."),
    "sv_SE": ("\u00a0", ","),
}


@given(
    cents=st.integers(-(10**12), 10**12),
    written=st.sampled_from(sorted(STYLES)),
    read=st.sampled_from(sorted(STYLES)),
    money=st.sampled_from(["{}", "EUR {}", "{} €", "{} EUR", "€{}"]),
)
def test_cents_come_back_whatever_locale_wrote_them(cents, written, read, money):
    """With two decimals printed, every locale's spelling has one reading in every other."""
    group, decimal = STYLES[written]
    printed = (
        f"{Decimal(cents) / 100:,.2f}".replace(",", "G")
        .replace(".", "D")
        .replace("G", group)
        .replace("D", decimal)
    )

    got = value_of(money.format(printed), Kind.AMOUNT, locale=read)

    assert got.problem is None
    assert Decimal(got.value) == Decimal(cents) / 100
    assert got.currency == ("EUR" if money != "{}" else None)


@given(st.text(max_size=40), st.sampled_from(sorted(STYLES)))
def test_any_text_is_a_plain_decimal_or_a_problem(text, locale):
    """Nothing else leaves the parser, and it never raises."""
    for kind in (Kind.AMOUNT, Kind.NUMBER):
        got = value_of(text, kind, locale=locale)

        assert (got.value is None) == (got.problem is not None)
        assert got.value is None or re.fullmatch(r"-?(0|[1-9]\d*)(\.\d+)?", got.value)


@given(st.text(alphabet="0123456789.,' -+()€$%lO", max_size=14), st.sampled_from(sorted(STYLES)))
def test_no_digit_is_ever_lost_or_made_up(text, locale):
    """Whatever is accepted has exactly the printed digits."""
    got = value_of(text, Kind.AMOUNT, locale=locale)

    if got.value is not None:
        printed = re.sub(r"\D", "", text)
        assert re.sub(r"\D", "", got.value).lstrip("0") == printed.lstrip("0")


@pytest.mark.parametrize(
    ("text", "locale", "value", "currency"),
    [
        ("$.75", "en_US", "0.75", "USD"),
        ("-$.60", "en_US", "-0.60", "USD"),
        ("Rs.50", "en_IN", "50", "INR"),
        ("kr.1.234,50", "da_DK", "1234.50", "DKK"),
        ("Rp.25.000", "id_ID", "25000", "IDR"),
        ("€. 1.234,56", "it_IT", "1234.56", "EUR"),
        ("*1,234.56", "en_US", "1234.56", None),
        ("$**1,234.56**", "en_US", "1234.56", "USD"),
        ("12€50", "fr_FR", "12.50", "EUR"),
        ("£1·50", "en_GB", "1.50", "GBP"),
        ("▲1,234", "ja_JP", "-1234", None),
        ("1.234,56 €-", "de_DE", "-1234.56", "EUR"),
        ("Rs. 1,23,456.00/-", "en_IN", "123456.00", "INR"),
        ("1,23,456.00", "en_US", "123456.00", None),
        ("€ 1.250,-", "en_US", "1250", "EUR"),
        ("1 234 руб. 56 коп.", "ru_RU", "1234.56", "RUB"),
        ("18.40 US dollars", "en_US", "18.40", "USD"),
        ("12.00 (EUR)", "en_US", "12.00", "EUR"),
    ],
)
def test_signs_stars_and_hundredths_stand_where_countries_print_them(text, locale, value, currency):
    """What protects an amount, ends it or parts its cents is no part of the number."""
    got = value_of(text, Kind.AMOUNT, locale=locale)

    assert (got.value, got.currency, got.problem) == (value, currency, None)


@pytest.mark.parametrize(
    ("text", "locale"),
    [
        ("€.234,50", "de_DE"),
        ("$..50", "en_US"),
        ("€…50", "en_IE"),
        ("$. 50", "en_US"),
        ("Rs..50", "en_IN"),
        ("2 *500.00", "en_US"),
        ("12 $50", "en_US"),
        ("3 pairs at $349", "en_US"),
        ("10-20 €", "de_DE"),
        ("1,234.56 CR", "en_US"),
        ("USD 12 / EUR 11", "en_US"),
    ],
)
def test_an_amount_with_something_lost_or_too_much_is_refused(text, locale):
    """Digits before a dot, a second number, a credit that may be minus."""
    assert value_of(text, Kind.AMOUNT, locale=locale).problem == "unparsable_amount"


@pytest.mark.parametrize("triangle", "▲△")
@pytest.mark.parametrize(("locale", "minus"), [("ja_JP", True), ("en_US", False), ("de_DE", False)])
def test_a_triangle_is_a_minus_in_japan_alone(triangle, locale, minus):
    """Elsewhere it says which way something went, and the amount is not known."""
    got = value_of(f"{triangle}12", Kind.AMOUNT, locale=locale)
    assert (got.value, got.problem) == (("-12", None) if minus else (None, "unparsable_amount"))


@pytest.mark.parametrize("text", ["1,234-", "USD 12.00-", "¥12-"])
def test_a_stroke_behind_an_amount_may_end_it_wherever_japanese_is_written(text):
    """Whatever its money; in other languages it is a minus there."""
    assert value_of(text, Kind.AMOUNT, locale="ja_JP").problem == "ambiguous_minus"
    other = value_of(text.replace("¥", "$"), Kind.AMOUNT, locale="en_US")
    assert str(other.value).startswith("-")


@pytest.mark.parametrize(
    ("text", "locale"), [("¥1,234-", "ja_JP"), ("￥1,234-", "en_US"), ("EUR - 12.00", "en_US")]
)
def test_a_stroke_that_may_end_or_part_is_no_minus_for_sure(text, locale):
    """In Japan it ends the amount, and with space on both sides it may part sign and digits."""
    assert value_of(text, Kind.AMOUNT, locale=locale).problem == "ambiguous_minus"


@pytest.mark.parametrize(
    ("text", "locale", "value"),
    [
        ("2 Stk", "de_DE", "2"),
        ("2 pcs.", "en_US", "2"),
        ("2x", "en_US", "2"),
        ("x2", "en_US", "2"),
        ("100 kWh", "de_DE", "100"),
        ("7.5 hours", "en_US", "7.5"),
        ("2.5 m²", "en_US", "2.5"),
        ("3個", "ja_JP", "3"),
        ("1½", "en_US", "1.5"),
        ("%19", "tr_TR", "19"),
        ("5 m", "en_US", "5"),
        ("5m", "en_US", None),
        ("5 M", "en_US", None),
        ("⅓", "en_US", None),
        ("12 EUR", "en_US", None),
    ],
)
def test_a_unit_beside_a_quantity_leaves_it_as_it_is(text, locale, value):
    """CLDR's units, pieces and times; letters that may mean thousands or millions do not."""
    assert value_of(text, Kind.NUMBER, locale=locale).value == value


@given(
    number=st.decimals(-(10**6), 10**6, places=3),
    locale=st.sampled_from([*sorted(STYLES), "en_IN", "ar_EG"]),
    kind=st.sampled_from([Kind.NUMBER, Kind.AMOUNT]),
)
def test_a_json_number_has_one_reading_whatever_the_locale(number, locale, kind):
    """Money with three decimals may be doubted; it is never another number."""
    for written in (f"{number}", f"{number.normalize()}", f"{number:e}"):
        got = value_of(from_json(written, locale), kind, locale=locale)

        assert got.value is None or Decimal(got.value) == number
        assert kind is Kind.AMOUNT or got.value is not None
