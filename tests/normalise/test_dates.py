"""Dates: every usual spelling, and no guess."""

from datetime import date, timedelta

import pytest
from babel.dates import format_date
from hypothesis import given
from hypothesis import strategies as st

from extractors.documents.spec import Kind
from extractors.errors import BrokenDocumentType
from extractors.normalise import PROBLEMS
from tests.evidence.making import value_of

DATES = [  # text, locale; all day first
    ("03/04/2026", "en_GB"),
    ("3/4/2026", "en_GB"),
    ("03-04-2026", "en_GB"),
    ("03.04.2026", "de_DE"),
    ("3. 4. 2026", "cs_CZ"),
    ("03 04 2026", "en_GB"),
    ("03/04/26", "en_GB"),
    ("3.4.'26", "de_DE"),
    ("2026-04-03", "en_GB"),
    ("2026/4/3", "ja_JP"),
    ("2026.04.03.", "hu_HU"),
    ("20260403", "en_GB"),
    ("3 April 2026", "en_GB"),
    ("3rd of April, 2026", "en_GB"),
    ("April 3rd, 2026", "en_US"),
    ("APR 3, 2026", "en_US"),
    ("3-Apr-2026", "en_GB"),
    ("03APR2026", "en_GB"),
    ("03APR26", "en_GB"),
    ("3 Apr '26", "en_GB"),
    ("2026 April 3", "en_GB"),
    ("Fri, 3 April 2026", "en_GB"),
    ("Friday 03/04/2026", "en_GB"),
    ("Fr., 3.4.2026", "de_DE"),
    ("Freitag, den 3. April 2026", "de_DE"),
    ("vendredi 3 avril 2026", "fr_FR"),
    ("3 de abril de 2026", "es_ES"),
    ("3 aprile 2026", "it_IT"),
    ("3 апреля 2026 г.", "ru_RU"),
    ("2026年4月3日", "ja_JP"),
    ("2026년 4월 3일", "ko_KR"),
    ("٠٣/٠٤/٢٠٢٦", "ar_EG"),
    ("٣ أبريل ٢٠٢٦", "ar_EG"),
    ("३ अप्रैल २०२६", "hi_IN"),
    ("03/04/2026 12:34", "en_GB"),
    ("2026-04-03T10:00:00Z", "en_GB"),
    ("3\u00a0April\u00a02026\u200f", "en_GB"),
]
NO_DATES = [  # text, problem; all day first, en_GB
    ("31.02.2026", "no_such_date"),
    ("29 February 2025", "no_such_date"),
    ("0/4/2026", "no_such_date"),
    ("03042026", "unparsable_date"),
    ("04/13/2026", "day_month_order"),
    ("03/04/45", "ambiguous_century"),
    ("03/04/2569", "implausible_year"),
    ("03/04/1026", "implausible_year"),
    ("Monday, 3 April 2026", "weekday_mismatch"),
    ("3 April", "unparsable_date"),
    ("April 2026", "unparsable_date"),
    ("03/04", "unparsable_date"),
    ("03/04/026", "unparsable_date"),
    ("3/4-2026", "unparsable_date"),
    ("O3/04/2026", "unparsable_date"),
    ("03/04/2026 x", "unparsable_date"),
    ("03/04/2026 - 05/04/2026", "unparsable_date"),
    ("3-5 April 2026", "unparsable_date"),
    ("3 April 2026 2027", "unparsable_date"),
    ("April 3 April 2026", "unparsable_date"),
    ("3 Apriil 2026", "unparsable_date"),
    ("tomorrow", "unparsable_date"),
    ("03/04/20٢6", "unparsable_date"),
    ("\u202e6202/40/30", "unparsable_date"),
    ("1" * 10_000, "unparsable_date"),
    ("", "empty"),
    ("3 April\x00 2026", "unprintable"),
]


@pytest.mark.parametrize(("text", "locale"), DATES)
def test_every_usual_spelling_is_the_same_day(text, locale):
    """The 3rd of April 2026 in many countries."""
    got = value_of(text, Kind.DATE, locale=locale, day_first=True)

    assert (got.value, got.problem) == ("2026-04-03", None)


@pytest.mark.parametrize(("text", "problem"), NO_DATES)
def test_what_is_not_one_day_is_refused(text, problem):
    """Impossible days, missing years, ranges, the other order, letters for digits."""
    got = value_of(text, Kind.DATE, locale="en_GB", day_first=True)

    assert (got.value, got.problem, got.message) == (None, problem, PROBLEMS[problem])


@pytest.mark.parametrize(
    ("text", "value", "problem"),
    [
        ("03/04/2026", "2026-03-04", None),
        ("13/04/2026", None, "day_month_order"),
        ("03.04.2026", None, "ambiguous_date"),
        ("12.05.2026", None, "ambiguous_date"),
        ("05.12.2026", None, "ambiguous_date"),
        ("12.12.2026", "2026-12-12", None),
        ("05.13.2026", "2026-05-13", None),
        ("13.04.2026", "2026-04-13", None),
        ("05.05.2026", "2026-05-05", None),
    ],
)
def test_where_the_month_comes_first_dots_are_still_the_other_countries_sign(text, value, problem):
    """A dotted date in a month-first document type is taken only when it has one reading."""
    got = value_of(text, Kind.DATE, day_first=False)

    assert (got.value, got.problem) == (value, problem)


@pytest.mark.parametrize("locale", ["dua", "bas"])
def test_a_month_of_two_meanings_is_no_month(locale):
    """ "may" is a month of their own there, and the English May."""
    assert value_of("3 may 2026", Kind.DATE, locale=locale).problem == "unparsable_date"


@pytest.mark.parametrize(
    "text",
    [
        "3 avril 2026",
        "3. April 2026",
        "3 april 2026",
        "Freitag, 3. April 2026",
        "3 kwietnia 2026",
        "3 de abril de 2026",
        "3 апреля 2026 г.",
        "3 Απριλίου 2026",
    ],
)
def test_a_month_may_be_named_in_another_language_than_the_types(text):
    """A foreign paper names its months as it does, and each name means one month."""
    assert value_of(text, Kind.DATE, locale="en_US").value == "2026-04-03"


@pytest.mark.parametrize(
    "text",
    [
        "3 listopad 2026",  # November in Polish, October in Croatian
        "3 out 2026",  # October in Portuguese, and an English word
        "Montag, 3 avril 2026 x",
        "avril 2026",
    ],
)
def test_a_foreign_word_of_several_meanings_is_no_month(text):
    assert value_of(text, Kind.DATE, locale="en_US").problem == "unparsable_date"


def test_a_weekday_in_another_language_must_be_that_days():
    assert value_of("Montag, 3. April 2026", Kind.DATE).problem == "weekday_mismatch"


@pytest.mark.parametrize("locale", ["sv_SE", "ja_JP", "hu_HU"])
def test_two_digit_years_are_refused_where_years_come_first(locale):
    """26-04-03 is the year 2026 there, or the year 2003."""
    assert (
        value_of("26-04-03", Kind.DATE, locale=locale, day_first=True).problem == "ambiguous_date"
    )


@pytest.mark.parametrize(
    ("digits", "year"), [("00", 2000), ("35", 2035), ("70", 1970), ("99", 1999)]
)
def test_two_digit_years_mean_the_century_that_is_near(digits, year):
    """Between 36 and 69 both centuries are possible, and a person says which."""
    assert value_of(f"3 April {digits}", Kind.DATE).value == f"{year}-04-03"


DAYS = st.dates(date(1900, 1, 1), date(2100, 12, 31))


@pytest.mark.parametrize("form", ["long", "medium", "full"])
@given(
    day=DAYS,
    locale=st.sampled_from(
        [
            "en_US",
            "en_GB",
            "de_DE",
            "fr_FR",
            "es_ES",
            "it_IT",
            "nl_NL",
            "sv_SE",
            "pl_PL",
            "pt_PT",
            "ru_RU",
        ]
    ),
)
def test_what_a_locale_writes_out_is_read_back(form, day, locale):
    """CLDR's own long forms, in eleven locales, give the day that was written."""
    written = format_date(day, form, locale)

    assert (
        value_of(written, Kind.DATE, locale=locale, day_first=locale != "en_US").value
        == day.isoformat()
    )


@given(day=DAYS, first=st.booleans(), sign=st.sampled_from("/-"))
def test_numeric_dates_follow_the_document_types_order(day, first, sign):
    """Day first or month first, as the type says."""
    parts = (f"{day.day:02}", f"{day.month:02}") if first else (f"{day.month:02}", f"{day.day:02}")

    assert (
        value_of(sign.join((*parts, str(day.year))), Kind.DATE, day_first=first).value
        == day.isoformat()
    )


@given(day=DAYS, first=st.booleans())
def test_the_wrong_order_is_never_a_silent_other_day_when_it_shows(day, first):
    """A day above twelve where the month should stand is reported, not swapped."""
    parts = (day.month, day.day) if first else (day.day, day.month)
    got = value_of(f"{parts[0]}/{parts[1]}/{day.year}", Kind.DATE, day_first=first)

    assert (got.problem == "day_month_order") == (day.day > 12)


@given(DAYS, st.integers(1, 6))
def test_a_weekday_must_be_that_days(day, off):
    """The printed weekday is a check digit of the date."""
    wrong = day + timedelta(days=off)

    assert value_of(f"{day:%A}, {day.day} {day:%B} {day.year}", Kind.DATE).value == day.isoformat()
    assert (
        value_of(f"{wrong:%A}, {day.day} {day:%B} {day.year}", Kind.DATE).problem
        == "weekday_mismatch"
    )


@given(
    st.text(max_size=40) | st.text(alphabet="0123456789/-. :TAprilMay,'", max_size=24),
    st.booleans(),
)
def test_any_text_is_an_iso_day_or_a_problem(text, day_first):
    """The parser never raises, and never answers anything else."""
    got = value_of(text, Kind.DATE, day_first=day_first)

    assert (got.value is None) == (got.problem is not None)
    assert got.value is None or date.fromisoformat(got.value).year in range(1900, 2101)


def test_a_locale_that_does_not_exist_is_an_error_of_the_document_type():
    """It is named, with an example of a right one."""
    with pytest.raises(BrokenDocumentType, match="xx_YY"):
        value_of("3,5", Kind.AMOUNT, locale="xx_YY")
    with pytest.raises(BrokenDocumentType, match="xx_YY"):
        value_of("3 April 2026", Kind.DATE, locale="xx_YY")


@pytest.mark.parametrize(
    ("text", "locale"),
    [
        ("04.03.2026 г.", "bg_BG"),
        ("4 marca 2026 r.", "pl_PL"),
        ("2026年3月4日(水)", "ja_JP"),
        ("2026年3月4日星期三", "zh_TW"),
        ("令和8年3月4日", "ja_JP"),
        ("民國115年3月4日", "zh_TW"),
        ("115/03/04", "zh_TW"),
        ("4 Mart 2026 Çarşamba", "tr_TR"),
        ("4 มี.ค. 2026", "th_TH"),
        ("4 มีนาคม 2569", "th_TH"),
        ("04/03/2569", "th_TH"),
        ("۱۴۰۴/۱۲/۱۳", "fa_IR"),
        ("4 tháng 3, 2026", "vi_VN"),
        ("2026 m. kovo 4 d.", "lt_LT"),
        ("2026. gada 4. marts", "lv_LV"),
        ("2026(e)ko martxoaren 4(a)", "eu_ES"),
        ("4 במרץ 2026", "he_IL"),
        ("den 4.3.2026", "de_DE"),
        ("4. Maerz 2026", "de_DE"),
        ("le 4 mars 2026", "fr_FR"),
        ("4 III 2026", "pl_PL"),
        ("04.03.2026 10:15 Uhr", "de_DE"),
        ("04/03/2026 à 10h15", "fr_FR"),
        ("20260304T101500Z", "en_GB"),
        ("2026-03-04 10:15 UTC", "en_GB"),
        ("04–03–2026", "en_GB"),
        ("(04/03/2026)", "en_GB"),
        ("04/03/2026,", "en_GB"),
        ("4thMar 2026", "en_GB"),
        ("2026 03 04", "en_GB"),
        ("4 March 2026, Wednesday", "en_GB"),
    ],
)
def test_what_stands_around_a_date_is_known_in_its_language(text, locale):
    """Words for year and day, weekdays, times, ordinals, brackets and other calendars."""
    got = value_of(text, Kind.DATE, locale=locale, day_first=True)

    assert (got.value, got.problem) == ("2026-03-04", None)


@pytest.mark.parametrize(
    ("text", "locale", "problem"),
    [
        ("24. 4. 19.", "en_US", "ambiguous_date"),
        ("2082/11/20", "ne_NP", "ambiguous_calendar"),
        ("04/07/2018", "am_ET", "ambiguous_calendar"),
        ("31/12/70", "th_TH", "ambiguous_calendar"),
        ("15/09/35", "ar_SA", "ambiguous_calendar"),
        ("15/09/1447", "ar_SA", "ambiguous_calendar"),
        ("2026年3月4日(木)", "ja_JP", "weekday_mismatch"),
        ("昭和70年1月1日", "ja_JP", "no_such_date"),
        ("04.03.2026 - 11.03.2026", "de_DE", "unparsable_date"),
        ("02/2026", "en_GB", "unparsable_date"),
    ],
)
def test_a_year_of_two_calendars_and_a_wrong_weekday_are_questions(text, locale, problem):
    """Nobody has lived in 2082, and in Nepal that year was 2026."""
    assert value_of(text, Kind.DATE, locale=locale, day_first=True).problem == problem


@pytest.mark.parametrize(("text", "day"), [("26. 3. 4.", "2026-03-04"), ("24.4.19.", "2024-04-19")])
def test_korea_writes_the_year_first_and_a_dot_behind(text, day):
    """With a dot behind the day there is one reading."""
    assert value_of(text, Kind.DATE, locale="ko_KR").value == day


@given(day=DAYS, locale=st.sampled_from(["th_TH", "fa_IR", "ja_JP", "am_ET", "ar_SA"]))
def test_a_gregorian_date_of_another_calendars_country_is_itself_or_a_question(day, locale):
    """What the year may mean besides is never silently taken."""
    got = value_of(f"{day:%Y/%m/%d}", Kind.DATE, locale=locale)

    assert got.value in (None, day.isoformat())
    assert got.value is not None or got.problem == "ambiguous_calendar"
