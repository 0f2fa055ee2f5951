"""Names of months and weekdays, and what else stands in the dates that a locale writes out.

All of it is CLDR's: names in every form, and the locale's own patterns with their literal words
("gada", "de", "г."), made into expressions that match what the locale itself would print.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from extractors.normalise.characters import folded
from extractors.normalise.locales import language_of, locale_of

# Spellings that CLDR lacks, by language; umlauts are also written with an e.
_EXTRA_MONTHS = {
    "en": {"sept": 9, "mrz": 3, "jan": 1, "jun": 6, "jul": 7},
    "de": {"feber": 2, "janner": 1, "jaenner": 1, "maerz": 3, "mrz": 3},
    "nl": {"mrt": 3},
    "es": {"setiembre": 9, "set": 9},
    "fr": {"fevr": 2, "fev": 2, "aout": 8, "juil": 7},
    "cs": {"led": 1, "uno": 2, "bre": 3, "dub": 4, "kve": 5, "cvc": 7, "srp": 8, "zar": 9},
}
_LONG_ENOUGH = 4  # letters of a short form that is no word of another language
_ROMAN = ("i", "ii", "iii", "iv", "v", "vi", "vii", "viii", "ix", "x", "xi", "xii")
# Words around the parts of a date that say nothing, in any language.
_FILLERS = frozenset(
    "de del of den der le the el al dia г год года р рік року r rok roku d m y on am dated du di il"
    " dne dnia data ngay nam thang в з от від dana gada ב en ta na พ ศ ค vom an anul ж".split()
)
_ORDINALS = (
    r"(?<=\d)(?:st|nd|rd|th|er|re|ere|eme|ème|e|o|a|º|ª|°|ste|ter|te|ten|de|го|ви|ти|ри|й|ое|ого|ni|en)"
    r"(?![^\W\d_])\.?"
)
_ORDINAL = re.compile(_ORDINALS)
_PATTERN_PARTS = re.compile(r"'((?:[^']|'')*)'|([a-zA-Z])\2*|([^a-zA-Z']+)")


@dataclass(frozen=True, slots=True)
class Names:
    """What dates of one locale are made of, folded."""

    months: Mapping[str, int]  # January is 1
    weekdays: Mapping[str, int]  # Monday is 0
    unclear: frozenset[str]  # what means two different months here
    fillers: frozenset[str]
    month: re.Pattern[str]
    weekday: re.Pattern[str]
    patterns: tuple[re.Pattern[str], ...]  # the locale's own, with groups y, m, d and maybe w


@lru_cache(maxsize=128)
def names_of(locale: str) -> Names:
    """Names in the locale and in English; a word that means two different months is left out."""
    months, weekdays = _named(locale, "months"), _named(locale, "days")
    language = language_of(locale)
    tables = months, _named("en", "months"), _EXTRA_MONTHS["en"], _EXTRA_MONTHS.get(language, {})
    months = _without_clashes(*tables)
    unclear = frozenset(word for table in tables for word in table if word not in months)
    if language == "he":
        months = months | {f"ב{name}": number for name, number in months.items()}
    weekdays = _without_clashes(weekdays, _named("en", "days"))
    month, weekday = _any_of(months), _any_of(weekdays)
    patterns, literals = [], set(_FILLERS)
    for form in locale_of(locale).date_formats.values():
        pattern, words = _expression(str(form.pattern), month, weekday)
        literals |= words
        if pattern is not None:
            patterns.append(pattern)
    return Names(
        months=months,
        weekdays=weekdays,
        unclear=unclear,
        fillers=frozenset(literals),
        month=re.compile(_bounded(month)),
        weekday=re.compile(_bounded(weekday)),
        patterns=tuple(patterns),
    )


# Languages of business papers whose calendar is the Gregorian one.
_LANGUAGES = (
    "be bg ca cs da de el en es et eu fi fr ga gl hr hu is it lt lv mk mt nb nl nn pl pt ro ru sk"
    " sl sq sr sv tr uk"
).split()


@lru_cache(maxsize=1)
def names_in_any_language() -> Names:
    """The names that mean one month or weekday in every language that has them.

    "listopad" is left out (November in Polish, October in Croatian), and so are short forms that
    are words elsewhere ("out", October in Portuguese).
    """
    months = _without_clashes(*(names_of(language).months for language in _LANGUAGES))
    weekdays = _without_clashes(*(names_of(language).weekdays for language in _LANGUAGES))
    both = {word for word in months if word in weekdays}
    written_out = {
        folded(name)
        for language in _LANGUAGES
        for form in ("format", "stand-alone")
        for name in locale_of(language).months[form]["wide"].values()
    }
    months = {
        word: number
        for word, number in months.items()
        if word not in both and (len(word) >= _LONG_ENOUGH or word in written_out)
    }
    weekdays = {w: n for w, n in weekdays.items() if w not in both and len(w) >= _LONG_ENOUGH}
    return Names(
        months=months,
        weekdays=weekdays,
        unclear=frozenset(),
        fillers=_FILLERS,
        month=re.compile(_bounded(_any_of(months))),
        weekday=re.compile(_bounded(_any_of(weekdays))),
        patterns=(),
    )


def _named(locale: str, what: str) -> dict[str, int]:
    """Names of months or days in every form that is more than a figure."""
    tables: list[dict[str, int]] = []
    known = getattr(locale_of(locale), what)
    for form in ("format", "stand-alone"):
        for width in ("wide", "abbreviated", "short"):
            names = known[form].get(width, {}) if width != "short" or what == "days" else {}
            tables.append(
                {
                    folded(name): int(number)
                    for number, name in names.items()
                    if not name.strip(" .").isdigit()
                }
            )
    return _without_clashes(*tables)


def _without_clashes(*tables: Mapping[str, int]) -> dict[str, int]:
    merged: dict[str, int] = {}
    clashes: set[str] = set()
    for table in tables:
        clashes |= {word for word, number in table.items() if merged.get(word, number) != number}
        merged |= table
    return {word: number for word, number in merged.items() if word not in clashes and word}


def _any_of(names: Mapping[str, int]) -> str:
    """An expression for any of the names, the longest first; their spaces may be missing."""
    longest_first = sorted(names, key=len, reverse=True)
    return "|".join(re.escape(name).replace(r"\ ", r"\s?") for name in longest_first)


def _bounded(expression: str) -> str:
    """Not a piece of a longer word, nor of a number where the name ends with one ("tháng 1")."""
    return rf"(?<![^\W\d_])(?:{expression})(?![^\W\d_])(?!(?<=\d)\d)\.?"


def _expression(
    pattern: str, month: str, weekday: str
) -> tuple[re.Pattern[str] | None, frozenset[str]]:
    """CLDR's pattern as an expression, if it writes the month out, and its literal words."""
    parts, literals = [], set()
    spelled = False
    for match in _PATTERN_PARTS.finditer(pattern):
        quoted, letter, other = match[1], match[2], match[3]
        if letter in ("M", "L") and letter is not None:
            spelled = spelled or len(match[0]) >= 3
            parts.append(rf"(?P<m>{month})\.?")
        elif letter == "y":
            parts.append(r"(?P<y>\d{4})")
        elif letter == "d":
            parts.append(r"(?P<d>\d{1,2})")
        elif letter in ("E", "c"):
            parts.append(rf"(?P<w>{weekday})\.?")
        elif letter == "G":
            continue  # "A.D." is taken out of the text before
        elif letter is not None and quoted is None:
            return None, frozenset()  # what is no day
        else:
            text = folded_text(quoted if quoted is not None else other)
            literals |= {word.strip(" .,") for word in text.split()} - {""}
            parts.append(_loosely(text))
    if not spelled:
        return None, frozenset(literals)
    try:
        return re.compile("".join(parts) + r"\.?"), frozenset(literals)
    except re.error:  # a pattern that names a part twice
        return None, frozenset(literals)


def _loosely(text: str) -> str:
    """Literal text with any space; commas and dots may be missing."""
    return "".join(
        r"\s?" if c.isspace() else rf"{re.escape(c)}?" if c in ",." else re.escape(c) for c in text
    )


def folded_text(text: str) -> str:
    """``folded``, with the spaces and dots at both ends kept."""
    head = text[: len(text) - len(text.lstrip(" ."))]
    tail = text[len(text.rstrip(" .")) :] if text.strip(" .") else ""
    return head + folded(text) + tail


def without_ordinals(text: str) -> str:
    """Days as plain figures: "1er", "3rd", "1°"."""
    return _ORDINAL.sub(" ", text)


def roman_month(word: str) -> int | None:
    """The month of "III"; None where there is none."""
    return _ROMAN.index(word.casefold()) + 1 if word.casefold() in _ROMAN else None


@lru_cache(maxsize=64)
def short_form(locale: str) -> str:
    """The locale's own short date: "M/d/yy", "yy. M. d."."""
    return str(locale_of(locale).date_formats["short"].pattern)


@lru_cache(maxsize=64)
def year_first_locale(locale: str) -> bool:
    """Whether the locale's own short dates begin with the year."""
    return short_form(locale).lstrip("'").lower().startswith(("y", "r"))
