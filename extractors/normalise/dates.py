"""Dates: every usual spelling, and no guess.

babel (CLDR) has the month and weekday names of every locale. dateparser and dateutil were not
taken: both fill in what is not printed (a missing year becomes this year, "31.02" something near),
and dateparser tries some 200 languages for each text.
"""

import re
from dataclasses import dataclass
from datetime import date as Date
from functools import lru_cache

from extractors.documents.spec import DocumentType, FieldSpec
from extractors.normalise.characters import folded, plain
from extractors.normalise.locales import locale_of
from extractors.normalise.value import Unclear, Value

_YEARS = range(1900, 2101)
# A two-digit year is this century's up to 35 and the last one's from 70; between them both are
# possible (births, loans).
_THIS_CENTURY, _LAST_CENTURY = range(36), range(70, 100)

_TIME = re.compile(
    r"(?:\s|,\s?|T(?=\d))(?:at\s)?\d{1,2}:\d{2}(?::\d{2}(?:\.\d{1,6})?)?\s?(?:[AaPp]\.?[Mm]\.?|Z|[+-]\d{2}:?\d{2})?$"
)
_YEAR_FIRST = re.compile(r"(\d{4})\s?([-/.])\s?(\d{1,2})\s?\2\s?(\d{1,2})\.?")
_YEAR_LAST = re.compile(r"(\d{1,2})\s?([-/.]|\s)\s?(\d{1,2})\s?\2\s?(\d{4}|'?\d{2})\.?")
_EAST_ASIAN = re.compile(r"(\d{4})\s?[年년]\s?(\d{1,2})\s?[月월]\s?(\d{1,2})\s?[日일]")
_EIGHT_DIGITS = re.compile(r"\d{8}")
_DAY_MONTH = re.compile(r"(\d{1,2})([^\W\d]{2,})\.?(\d{4}|\d{2})")  # 03APR2026
_WEEKDAY = re.compile(r"([^\s\d,.]+\.?)\s?,?\s?(?=\S)")
_PIECE = re.compile(r"\d+|[^\s\d.,/'-]+\.?|\S")
# Words and signs that stand around the parts of a date in the languages at hand and say nothing.
_FILLERS = frozenset(
    (
        "de",
        "del",
        "of",
        "den",
        "der",
        "le",
        "the",
        "el",
        "al",
        "dia",
        "г",
        "года",
        "року",
        "р",
        "d",
        "",
        ",",
        "-",
        "/",
        "'",
    )
)
_ORDINALS = frozenset(("st", "nd", "rd", "th", "er", "re", "e", "º", "ª", "o", "a", "ste", "ter"))


@dataclass(frozen=True, slots=True)
class Names:
    """Month and weekday names of one locale, folded -> number (January is 1, Monday is 0)."""

    months: dict[str, int]
    weekdays: dict[str, int]


def date(text: str, field: FieldSpec, spec: DocumentType) -> Value:
    """A calendar day as ISO 8601; a time of day after it is left out, anything else is a
    problem.
    """
    plained = plain(text, "unparsable_date")
    day, weekday = _day(_TIME.sub("", plained), spec)
    if weekday is not None and day.weekday() != weekday:
        raise Unclear("weekday_mismatch")
    return Value(kind=field.kind, value=day.isoformat())


def _day(text: str, spec: DocumentType) -> tuple[Date, int | None]:
    """The day, and the weekday that is printed with it, if one is."""
    words = names_of(spec.locale)
    head = _WEEKDAY.match(text)
    weekday = words.weekdays.get(folded(head[1])) if head else None
    if head and weekday is not None and folded(head[1]) not in words.months:
        text = text[head.end() :]
    else:
        weekday = None
    for pattern, read in _NUMERIC:
        if match := pattern.fullmatch(text):
            return read(match, spec), weekday
    return _spelled_out(text, words), weekday


def _calendar_day(year: int, month: int, day: int) -> Date:
    if year not in _YEARS:
        raise Unclear("implausible_year")
    try:
        return Date(year, month, day)
    except ValueError as error:
        raise Unclear("no_such_date") from error


def _year(digits: str) -> int:
    digits = digits.lstrip("'")
    if len(digits) == 4:
        return int(digits)
    if len(digits) != 2:
        raise Unclear("unparsable_date")
    if int(digits) in _THIS_CENTURY:
        return 2000 + int(digits)
    if int(digits) in _LAST_CENTURY:
        return 1900 + int(digits)
    raise Unclear("ambiguous_century")


def _year_first(match: re.Match[str], spec: DocumentType) -> Date:
    return _calendar_day(int(match[1]), int(match[3]), int(match[4]))


def _east_asian(match: re.Match[str], spec: DocumentType) -> Date:
    return _calendar_day(int(match[1]), int(match[2]), int(match[3]))


def _eight_digits(match: re.Match[str], spec: DocumentType) -> Date:
    """20260403; a day first ("03042026") has no month where this looks for it, and is no date
    then.
    """
    return _calendar_day(int(match[0][:4]), int(match[0][4:6]), int(match[0][6:]))


def _possible(year: int, month: int, day: int) -> bool:
    try:
        _calendar_day(year, month, day)
    except Unclear:
        return False
    return True


def _year_last(match: re.Match[str], spec: DocumentType) -> Date:
    first, sign, second, year_digits = int(match[1]), match[2], int(match[3]), match[4]
    if len(year_digits) < 4 and year_first_locale(spec.locale):
        raise Unclear("ambiguous_date")  # 26/04/03 is written year first there
    year = _year(year_digits)
    if spec.day_first:
        day, month, other = first, second, (second, first)
    elif sign == "." and first > 12:
        # nobody sets the month before a dot and a day above twelve after it
        return _calendar_day(year, second, first)
    else:
        day, month, other = second, first, (first, second)
    if sign == "." and not spec.day_first and first != second and max(first, second) <= 12:
        # dots are the day-first countries' sign, and the type says month first
        raise Unclear("ambiguous_date")
    if not _possible(year, month, day) and _possible(year, other[1], other[0]):
        # It has one reading, but one that proves the document type's order wrong for this document.
        raise Unclear("day_month_order")
    return _calendar_day(year, month, day)


def _day_month(match: re.Match[str], spec: DocumentType) -> Date:
    month = names_of(spec.locale).months.get(folded(match[2]))
    if month is None:
        raise Unclear("unparsable_date")
    return _calendar_day(_year(match[3]), month, int(match[1]))


_NUMERIC = (
    (_YEAR_FIRST, _year_first),
    (_YEAR_LAST, _year_last),
    (_EAST_ASIAN, _east_asian),
    (_EIGHT_DIGITS, _eight_digits),
    (_DAY_MONTH, _day_month),
)


def _spelled_out(text: str, words: Names) -> Date:
    """A date with its month's name: exactly one month, one day, one year, and nothing that is not
    known filler.
    """
    months: list[int] = []
    numbers: list[str] = []
    for piece in _PIECE.findall(text):
        word = folded(piece)
        if piece.isdigit():
            numbers.append(piece)
        elif word in words.months:
            months.append(words.months[word])
        elif word not in _FILLERS and not (numbers and piece.casefold().rstrip(".") in _ORDINALS):
            raise Unclear("unparsable_date")
    if len(months) != 1 or len(numbers) != 2:
        raise Unclear("unparsable_date")
    day, year = (numbers[1], numbers[0]) if len(numbers[0]) == 4 else (numbers[0], numbers[1])
    if len(day) > 2:
        raise Unclear("unparsable_date")
    return _calendar_day(_year(year), months[0], int(day))


_EXTRA_MONTHS = {"sept": 9, "mrz": 3, "jan": 1, "jun": 6, "jul": 7}


@lru_cache(maxsize=64)
def names_of(locale: str) -> Names:
    """Names in the locale and in English; a word that means two different months in the two is left
    out.
    """
    tables: dict[str, list[dict[str, int]]] = {"months": [], "days": []}
    for known in (locale_of(locale), locale_of("en")):
        for what, collected in tables.items():
            collected.append(
                {
                    folded(name): int(number)
                    for form in ("format", "stand-alone")
                    for width in ("wide", "abbreviated")
                    for number, name in getattr(known, what)[form][width].items()
                    if not name.strip(" .").isdigit()
                }
            )
    return Names(
        months=_without_clashes(*tables["months"], _EXTRA_MONTHS),
        weekdays=_without_clashes(*tables["days"]),
    )


def _without_clashes(*tables: dict[str, int]) -> dict[str, int]:
    merged: dict[str, int] = {}
    clashes: set[str] = set()
    for table in tables:
        clashes |= {word for word, number in table.items() if merged.get(word, number) != number}
        merged |= table
    return {word: number for word, number in merged.items() if word not in clashes and word}


@lru_cache(maxsize=64)
def year_first_locale(locale: str) -> bool:
    """Whether the locale's own short dates begin with the year."""
    return (
        str(locale_of(locale).date_formats["short"].pattern)
        .lstrip("'")
        .lower()
        .startswith(("y", "r"))
    )
