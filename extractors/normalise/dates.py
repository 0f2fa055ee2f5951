"""Dates: every usual spelling, and no guess.

babel (CLDR) has the month and weekday names of every locale, and its patterns.  dateparser and
dateutil were not taken: both fill in what is not printed (a missing year becomes this year, "31.02"
something near), and dateparser tries some 200 languages for each text.
"""

import re
from collections.abc import Callable, Mapping
from datetime import date as Date

from extractors.documents.spec import DocumentType, FieldSpec
from extractors.normalise.calendars import YEARS, buddhist, calendar_of, day_of, era_day
from extractors.normalise.characters import folded, plain
from extractors.normalise.date_names import (
    Names,
    folded_text,
    names_in_any_language,
    names_of,
    roman_month,
    short_form,
    without_ordinals,
    year_first_locale,
)
from extractors.normalise.value import Unclear, Value

# A two-digit year is this century's up to 35 and the last one's from 70; between them both are
# possible (births, loans).
_THIS_CENTURY, _LAST_CENTURY = range(36), range(70, 100)

_ZONE = r"(?:Z|UTC|GMT|[A-Z]{2,4}T|[A-Z]{3,4}|(?:UTC|GMT)?[+-]\d{1,2}(?::?\d{2})?)"
_CLOCK = (
    r"\d{1,2}(?::\d{2}(?::\d{2}(?:[.,]\d{1,6})?)?|\s?[hH]\s?\d{2}|\.\d{2}(?=\s?Uhr)"
    r"|\s?時\s?(?:\d{1,2}\s?分)?|\s?시\s?(?:\d{1,2}\s?분)?|\s?点\s?(?:\d{1,2}\s?分)?)"
)
_TIME = re.compile(
    r"(?:(?:\s|,\s?|\s-\s)(?:at\s|um\s|à\s|a las\s|alle(?: ore)?\s|ore\s|kl\.?\s?|klo\s|o godz\.?\s"
    r"|godz\.?\s|в\s|o\s|om\s|às\s|las\s|午前|午後|上午|下午|오전\s?|오후\s?)?"
    rf"|(?<=[日日일])|T(?=\d)){_CLOCK}"
    rf"\s?(?:[AaPp]\.?\s?[Mm]\.?|Uhr|uur|hrs?\.?|Hrs?\.?|ч\.?)?\s?{_ZONE}?$"
)
_BASIC_TIME = re.compile(r"(?<=^\d{8})T\d{4}(?:\d{2})?(?:Z|[+-]\d{2}:?\d{2})?$")
_YEAR_FIRST = re.compile(r"(\d{4})\s?([-/.]|\s)\s?(\d{1,2})\s?\2\s?(\d{1,2})\.?")
_YEAR_LAST = re.compile(r"(\d{1,2})\s?([-/.]|\s)\s?(\d{1,2})\s?\2\s?(\d{4}|'?\d{2})(\.?)")
_EAST_ASIAN = re.compile(r"(\d{4})\s?[年년]\s?(\d{1,2})\s?[月월]\s?(\d{1,2})\s?[日일]")
_EIGHT_DIGITS = re.compile(r"\d{8}")
_SHORT_WITH_DOTS = re.compile(r"(\d{2})\.\s?(\d{1,2})\.\s?(\d{1,2})\.")  # Korea, year first
_ERA = re.compile(r"[คพ]\.?\s?ศ\.?\s?(?=\d)|(?<=\d)\s(?:A\.?D\.?|C\.?E\.?|n\. ?Chr\.?)$")
_EDGES = " ,;:"
_YEAR_WORD = re.compile(r"(?<=\d)\s?(?:г|р|r|год|року|года|roku|rok)\b\.?$", re.IGNORECASE)
_LEAD = re.compile(
    r"(?:den|der|am|vom|le|el|dnia|dne|il|on|dated|du|del|dana|от|від|ngày)\s(?=\d)", re.IGNORECASE
)
_WEEKDAY_AT_HEAD = re.compile(r"([^\s\d,.()]+(?:\s?[^\s\d,.()]+)?\.?)\s?,?\s?(?=\d)")
_WEEKDAY_AT_TAIL = re.compile(
    r"(?:(?<=[日일])|(?<=[\d.])(?![日일年월月]))\s?,?\s?[(\[]?([^\s\d,.()]+(?:\s[^\s\d,.()]+)?\.?)[)\]]?$"
)
_DIGIT, _LETTER = re.compile(r"\d"), re.compile(r"[^\W\d_]")
_WORD = re.compile(r"[^\W\d_]+")
_PIECE = re.compile(r"\d+|[^\W\d_]+|\S")
_SIGNS = frozenset(",-/'.()")
_DAY_THEN_LETTERS = re.compile(r"(?<=\d)(st|nd|rd|th)(?=[^\W\d_])", re.IGNORECASE)


def date(text: str, field: FieldSpec, spec: DocumentType) -> Value:
    """A calendar day as ISO 8601; a time of day after it is left out, all else is a problem."""
    printed = _bare(plain(text, "unparsable_date"))
    if len(_DIGIT.findall(printed)) < 3:
        raise Unclear("unparsable_date")
    if "T" in printed:
        printed = _BASIC_TIME.sub("", printed)
    if len(printed) > 10:
        printed = _bare(_ERA.sub("", _TIME.sub("", printed)))
    day, weekday = _day(printed.replace("\u2013", "-"), spec)
    if weekday is not None and day.weekday() != weekday:
        raise Unclear("weekday_mismatch")
    return Value(kind=field.kind, value=day.isoformat())


def _bare(text: str) -> str:
    """Without the punctuation around it, and without brackets around all of it."""
    text = text.strip(_EDGES)
    if text[:1] + text[-1:] in ("()", "[]") and not re.search(r"[()\[\]]", text[1:-1]):
        text = text[1:-1].strip(_EDGES)
    return text


def _day(text: str, spec: DocumentType) -> tuple[Date, int | None]:
    """The day, and the weekday that is printed with it, if one is."""
    day = _in_figures(text, spec)
    if day is not None:
        return day, None
    if not _LETTER.search(text):
        raise Unclear("unparsable_date")
    own = names_of(spec.locale)
    try:
        return _with_names(text, own, spec)
    except Unclear as unclear:
        if unclear.code != "unparsable_date" or not _names_a_month_elsewhere(text, own):
            raise
        return _with_names(text, names_in_any_language(), spec)


def _names_a_month_elsewhere(text: str, own: Names) -> bool:
    """A word is a month's name in another language, and none is one of two meanings in ours."""
    said = {folded(word) for word in _WORD.findall(text)}
    return not said & own.unclear and not said.isdisjoint(names_in_any_language().months)


def _with_names(text: str, words: Names, spec: DocumentType) -> tuple[Date, int | None]:
    """The day of a date that may have names in it, and the weekday that is printed with it."""
    bare, weekday = _without_weekday(_LEAD.sub("", text, count=1), words)
    bare = _bare(_YEAR_WORD.sub("", bare))
    day = _in_figures(bare, spec) if bare != text else None
    if day is not None:
        return day, weekday
    return _spelled_out(text, words, spec.locale)


def _in_figures(text: str, spec: DocumentType) -> Date | None:
    """The day of a date without names; None where the text is none."""
    for pattern, read in _NUMERIC:
        match = pattern.fullmatch(text)
        day = read(match, spec) if match else None
        if day is not None:
            return day
    may_have_an_era = not text.isascii() or text[:1] in "RHST1"
    return era_day(text, spec.locale) if may_have_an_era else None


def _without_weekday(text: str, words: Names) -> tuple[str, int | None]:
    """The text without the weekday before or behind the figures, and which one it is."""
    for pattern in (_WEEKDAY_AT_HEAD, _WEEKDAY_AT_TAIL):
        match = pattern.search(text) if pattern is _WEEKDAY_AT_TAIL else pattern.match(text)
        if match and (weekday := words.weekdays.get(folded(match[1]))) is not None:
            return _bare(text[: match.start()] + text[match.end() :]), weekday
    return text, None


def _named_day(year: int, month: int, day: int, locale: str) -> Date:
    """A day whose month has its Gregorian name; Thailand uses these with its own years."""
    if (own := calendar_of(locale)) is not None and own[1] is buddhist and year in own[0]:
        return day_of(year, month, day, locale)
    return _calendar_day(year, month, day)


def _calendar_day(year: int, month: int, day: int) -> Date:
    """A day of the Gregorian calendar."""
    if year not in YEARS:
        raise Unclear("implausible_year")
    try:
        return Date(year, month, day)
    except ValueError as error:
        raise Unclear("no_such_date") from error


def _year(digits: str, locale: str) -> int:
    digits = digits.lstrip("'")
    if len(digits) == 4:
        return int(digits)
    if len(digits) != 2:
        raise Unclear("unparsable_date")
    if calendar_of(locale) is not None:
        raise Unclear("ambiguous_calendar")
    if int(digits) in _THIS_CENTURY:
        return 2000 + int(digits)
    if int(digits) in _LAST_CENTURY:
        return 1900 + int(digits)
    raise Unclear("ambiguous_century")


def _year_first(match: re.Match[str], spec: DocumentType) -> Date:
    return day_of(int(match[1]), int(match[3]), int(match[4]), spec.locale)


def _east_asian(match: re.Match[str], spec: DocumentType) -> Date:
    return _calendar_day(int(match[1]), int(match[2]), int(match[3]))


def _eight_digits(match: re.Match[str], spec: DocumentType) -> Date:
    """20260403; a day first ("03042026") has no year where this looks for it."""
    year, month, day = int(match[0][:4]), int(match[0][4:6]), int(match[0][6:])
    if year not in YEARS:
        raise Unclear("unparsable_date")
    return day_of(year, month, day, spec.locale)


def _short_with_dots(match: re.Match[str], spec: DocumentType) -> Date | None:
    """ "26. 3. 4." where the locale itself writes it so."""
    if not year_first_locale(spec.locale) or not short_form(spec.locale).endswith("."):
        return None
    return _calendar_day(_year(match[1], spec.locale), int(match[2]), int(match[3]))


def _possible(year: int, month: int, day: int, locale: str) -> bool:
    try:
        day_of(year, month, day, locale)
    except Unclear as unclear:
        return unclear.code != "no_such_date"
    return True


def _year_last(match: re.Match[str], spec: DocumentType) -> Date:
    first, sign, second, year_digits = int(match[1]), match[2], int(match[3]), match[4]
    if len(year_digits) < 4:
        _refuse_open_order(bool(match[5]) and sign == ".", spec.locale)
    year = _year(year_digits, spec.locale)
    if spec.day_first:
        day, month, other = first, second, (second, first)
    elif sign == "." and first > 12:
        # Nobody sets the month before a dot and a day above twelve after it.
        return day_of(year, second, first, spec.locale)
    else:
        day, month, other = second, first, (first, second)
    if sign == "." and not spec.day_first and first != second and max(first, second) <= 12:
        # Dots are the day-first countries' sign, and the type says month first.
        raise Unclear("ambiguous_date")
    possible = _possible(year, month, day, spec.locale)
    if not possible and _possible(year, other[1], other[0], spec.locale):
        # It has one reading, but one that proves the type's order wrong for this document.
        raise Unclear("day_month_order")
    return day_of(year, month, day, spec.locale)


def _refuse_open_order(dot_behind: bool, locale: str) -> None:
    """26/04/03 is written year first in some countries, and "24. 4. 19." in Korea."""
    usual = short_form(locale)
    if year_first_locale(locale) or (dot_behind and not usual.endswith(".")):
        raise Unclear("ambiguous_date")


_NUMERIC: tuple[tuple[re.Pattern[str], Callable[..., Date | None]], ...] = (
    (_SHORT_WITH_DOTS, _short_with_dots),
    (_YEAR_FIRST, _year_first),
    (_YEAR_LAST, _year_last),
    (_EAST_ASIAN, _east_asian),
    (_EIGHT_DIGITS, _eight_digits),
)


def _spelled_out(text: str, words: Names, locale: str) -> tuple[Date, int | None]:
    """A date with its month's name, as its locale writes it or in any other order."""
    said = folded_text(_DAY_THEN_LETTERS.sub(r"\1 ", text))
    for pattern in words.patterns:
        if match := pattern.fullmatch(said):
            parts = match.groupdict()
            weekday = words.weekdays[_squeezed(parts["w"])] if parts.get("w") else None
            month = words.months[_squeezed(parts["m"])]
            return _named_day(int(parts["y"]), month, int(parts["d"]), locale), weekday
    return _in_any_order(without_ordinals(said), words, locale)


def _squeezed(name: str) -> str:
    return " ".join(name.split()).strip(" .")


def _in_any_order(said: str, words: Names, locale: str) -> tuple[Date, int | None]:
    """Exactly one month, one day, one year, at most one weekday, and nothing but known fillers."""
    said, months = _taken(said, words.month, words.months)
    said, weekdays = _taken(said, words.weekday, words.weekdays)
    numbers: list[str] = []
    for piece in _PIECE.findall(said):
        if piece.isdigit():
            numbers.append(piece)
        elif piece in words.fillers or piece in _SIGNS:
            continue
        elif not months and numbers and (roman := roman_month(piece)):
            months.append(roman)
        else:
            raise Unclear("unparsable_date")
    if len(months) != 1 or len(numbers) != 2 or len(weekdays) > 1:
        raise Unclear("unparsable_date")
    day, year = (numbers[1], numbers[0]) if len(numbers[0]) == 4 else (numbers[0], numbers[1])
    if len(day) > 2:
        raise Unclear("unparsable_date")
    found = _named_day(_year(year, locale), months[0], int(day), locale)
    return found, weekdays[0] if weekdays else None


def _taken(said: str, pattern: re.Pattern[str], names: Mapping[str, int]) -> tuple[str, list[int]]:
    """The text without the names, and which they are."""
    found = [names[_squeezed(match[0])] for match in pattern.finditer(said)]
    return (pattern.sub(" ", said) if found else said), found
