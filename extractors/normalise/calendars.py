"""Years of other calendars: what a locale's papers may count by, and when a year says so itself.

jdatetime knows the Persian calendar.  Buddhist, Minguo and Japanese years differ from
Gregorian ones by their number alone.  Islamic, Ethiopian and Nepali dates are not converted: the
first depend on who saw the moon, and of the others a Gregorian year is as likely.  A person reads
them.
"""

import re
from collections.abc import Callable
from datetime import date as Date

from extractors.normalise.locales import language_of, territory_of
from extractors.normalise.value import Unclear

YEARS = range(1900, 2101)


def _persian(year: int, month: int, day: int) -> Date:
    import jdatetime

    return jdatetime.date(year, month, day).togregorian()  # type: ignore[no-any-return]


def buddhist(year: int, month: int, day: int) -> Date:
    """Thailand's years are 543 ahead; its months and days are Gregorian."""
    return Date(year - 543, month, day)


def _left_open(year: int, month: int, day: int) -> Date:
    raise Unclear("ambiguous_calendar")


Conversion = Callable[[int, int, int], Date]
# Territory -> the years that its own calendar is in while the Gregorian one is in YEARS, and the
# conversion.  Where they meet Gregorian years, both are possible.
_OWN: dict[str, tuple[range, Conversion]] = {
    "TH": (range(2443, 2644), buddhist),
    "IR": (range(1279, 1480), _persian),
    "AF": (range(1279, 1480), _persian),
    "SA": (range(1318, 1526), _left_open),
    "ET": (range(1892, 2094), _left_open),
    "NP": (range(1957, 2159), _left_open),
}
_HOME = {"th": "TH", "fa": "IR", "ps": "AF", "am": "ET", "ti": "ET", "ne": "NP"}
# Nobody prints Gregorian years before 2000 or after this on papers that a Nepali year may stand on.
_NEPALI_NOW = range(2000, 2159)


def day_of(year: int, month: int, day: int, locale: str) -> Date:
    """The day of a four-digit year that is printed in figures alone, in a locale.

    Raises Unclear for a year of no calendar at hand, for one of two, and for no such day.
    """
    own = calendar_of(locale)
    try:
        if own is not None and year in own[0] and not (own[1] is _left_open and year in YEARS):
            return own[1](year, month, day)
        if year not in YEARS:
            raise Unclear("implausible_year")
        if own is not None and year in own[0] and _is_open(locale, year):
            raise Unclear("ambiguous_calendar")
        return Date(year, month, day)
    except ValueError as error:
        raise Unclear("no_such_date") from error


def _is_open(locale: str, year: int) -> bool:
    return _territory(locale) != "NP" or year in _NEPALI_NOW


def calendar_of(locale: str) -> tuple[range, Conversion] | None:
    """The other calendar that is in use where the locale is; None where there is none."""
    return _OWN.get(_territory(locale) or "")


def _territory(locale: str) -> str | None:
    return territory_of(locale) or _HOME.get(language_of(locale))


# Eras that are printed beside the year: the year before the first, the first and the last day.
_ERAS: dict[str, tuple[int, Date, Date]] = {
    "令和": (2018, Date(2019, 5, 1), Date(2100, 12, 31)),
    "平成": (1988, Date(1989, 1, 8), Date(2019, 4, 30)),
    "昭和": (1925, Date(1926, 12, 25), Date(1989, 1, 7)),
    "大正": (1911, Date(1912, 7, 30), Date(1926, 12, 24)),
    "中華民國": (1911, Date(1912, 1, 1), Date(2100, 12, 31)),
    "中华民国": (1911, Date(1912, 1, 1), Date(2100, 12, 31)),
    "民國": (1911, Date(1912, 1, 1), Date(2100, 12, 31)),
    "民国": (1911, Date(1912, 1, 1), Date(2100, 12, 31)),
}
# In Taiwan no other year has three digits.
_MINGUO = re.compile(r"(1\d\d)([./-])(\d{1,2})\2(\d{1,2})")
_LETTERS = {"r": "令和", "h": "平成", "s": "昭和", "t": "大正"}
_ERA = re.compile(
    rf"({'|'.join(_ERAS)})\s?(\d{{1,3}}|元)\s?年\s?(\d{{1,2}})\s?月\s?(\d{{1,2}})\s?日"
)
_ERA_SHORT = re.compile(rf"({'|'.join(_ERAS)}|[RHST])\s?(\d{{1,3}})([./-])(\d{{1,2}})\3(\d{{1,2}})")


def era_day(text: str, locale: str) -> Date | None:
    """The day of a date with its era's name, or its letter in Japan; None where there is none."""
    match = _ERA.fullmatch(text)
    minguo = _MINGUO.fullmatch(text) if territory_of(locale) == "TW" else None
    if minguo is not None:
        era, (year, month, day) = "民國", minguo.group(1, 3, 4)
    elif match is not None:
        era, (year, month, day) = match[1], match.groups()[1:]
    else:
        match = _ERA_SHORT.fullmatch(text)
        if match is None or (match[1] in "RHST" and language_of(locale) != "ja"):
            return None
        era, (year, month, day) = _LETTERS.get(match[1].casefold(), match[1]), match.group(2, 4, 5)
    before, first, last = _ERAS[era]
    try:
        found = Date(before + (1 if year == "元" else int(year)), int(month), int(day))
    except ValueError as error:
        raise Unclear("no_such_date") from error
    if not first <= found <= last:
        raise Unclear("no_such_date")
    return found
