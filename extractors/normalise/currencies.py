"""Currency signs, codes and names -> ISO 4217.

babel (CLDR) knows the codes, their names and signs in each language, their decimals and which
territory pays with what; ``printed_currencies`` holds what is printed besides.
"""

import re
import unicodedata
from dataclasses import dataclass
from datetime import date as Date
from functools import lru_cache

from extractors.documents.spec import DocumentType, FieldSpec
from extractors.normalise.characters import folded, tidy
from extractors.normalise.locales import locale_of, territory_of
from extractors.normalise.printed_currencies import AT_HOME, BY_ITSELF, PRINTED, SMALL_CODES
from extractors.normalise.value import Unclear, Value

_NOT_MONEY = frozenset({"XXX", "XTS"})  # ISO 4217's "no currency" and "for tests"
_BRACKETS = re.compile(r"[()\[\],;:]+")
_FIGURES = re.compile(r"[\d.,'+()\u2212\u2013-]+")
_LEFT_OUT = str.maketrans("", "", " .'\u02bb\u00a0\u202f\"\u05f4")


@dataclass(frozen=True, slots=True)
class Printed:
    """What is printed for currencies in one locale."""

    codes: dict[str, frozenset[str]]  # key of a sign or name -> the currencies it may mean
    dotted: frozenset[str]  # keys of signs that are usually written with a dot behind


def currency(text: str, field: FieldSpec, spec: DocumentType) -> Value:
    """A currency sign, code or name -> its ISO code."""
    return Value(kind=field.kind, value=code_of([tidy(text)], spec))


def code_of(printed: list[str], spec: DocumentType) -> str:
    """The ISO code of a sign, code or name, or of several that mean one currency: "USD", "$".

    Raises Unclear("unknown_currency" or "ambiguous_currency").
    """
    signs = {key_of(sign): code for sign, code in spec.signs}
    said = [signs.get(key_of(each), each) for each in printed] if signs else printed
    return _chosen(_common([meant(each, spec.locale) for each in said]), spec.locale)


@dataclass(frozen=True, slots=True)
class Meant:
    """The currencies that something printed may mean, and what it means by itself."""

    codes: frozenset[str]
    by_itself: str | None = None
    at_home: bool = False  # only where the territory pays with it


def meant(printed: str, locale: str) -> Meant:
    """What a sign, code or name may mean in any territory.

    A three-letter word is a code only in capitals ("12.00 all" is not in Albanian lek), but for
    those that are no word.  Raises Unclear("unknown_currency").
    """
    found = _meant(printed, locale)
    if found is None:
        raise Unclear("unknown_currency")
    return found


# a page prints few signs and many words beside numbers, and asks for them with every number
@lru_cache(maxsize=4096)
def _meant(printed: str, locale: str) -> Meant | None:
    whole = _one(printed, locale)
    if whole is not None:
        return whole
    parts: list[Meant] = []
    try:
        for part in filter(None, map(str.strip, _BRACKETS.split(printed))):
            one = _one(part, locale)
            parts += [one] if one else [m for word in part.split() for m in _glued(word, locale)]
        return _common(parts) if parts else None
    except Unclear:
        return None


def alike(text: str, locale: str) -> frozenset[str]:
    """The currencies that the sign beside an amount may mean; none where there is no sign."""
    sign = _FIGURES.sub(" ", tidy(text)).strip()
    try:
        return meant(sign, locale).codes & in_use() if sign else frozenset()
    except Unclear:
        return frozenset()


def _glued(word: str, locale: str) -> list[Meant]:
    """What a word means that is a sign, or two signs without a space: "CAD$"."""
    if one := _one(word, locale):
        return [one]
    for at in range(1, len(word)):
        first, second = _one(word[:at], locale), _one(word[at:], locale)
        if first and second and not word[at - 1 : at + 1].isalpha():
            return [first, second]
    raise Unclear("unknown_currency")


def _common(parts: list[Meant]) -> Meant:
    codes = frozenset.intersection(*(part.codes for part in parts))
    if not codes:
        raise Unclear("unknown_currency")
    by_itself = next((part.by_itself for part in parts if part.by_itself in codes), None)
    return Meant(codes, by_itself, all(part.at_home for part in parts))


def _one(printed: str, locale: str) -> Meant | None:
    """What one sign, code or name may mean; None when it is none."""
    bare = printed.rstrip(".")
    key = key_of(printed)
    found = table(locale).codes.get(key)
    is_code = len(bare) == 3 and bare.upper() in codes()
    if is_code and (bare.isupper() or bare.casefold() in SMALL_CODES):
        # "GHC" is an old code, and still the sign of the currency that came after it.
        meant = frozenset({bare.upper()}) | (found or frozenset())
        return Meant(meant, at_home=len(meant) > 1)
    if found is None or (len(key) == 1 and key.isascii() and printed.strip(" .").islower()):
        return None
    return Meant(found, BY_ITSELF.get(key), key in AT_HOME)


def _chosen(meaning: Meant, locale: str) -> str:
    """The currency that is meant in the locale's territory."""
    at_home = meaning.codes & tender(locale)
    if not at_home and meaning.at_home and len(meaning.codes) == 1:
        at_home = meaning.codes & tender_once(locale)  # "kn" was paid with in Croatia
    if len(at_home) == 1:
        return next(iter(at_home))
    if meaning.at_home:
        raise Unclear("ambiguous_currency" if at_home else "unknown_currency")
    if at_home:
        raise Unclear("ambiguous_currency")
    if meaning.by_itself:
        return meaning.by_itself
    if len(meaning.codes) == 1:
        return next(iter(meaning.codes))
    today = meaning.codes & in_use()
    if len(today) == 1:
        return next(iter(today))
    raise Unclear("ambiguous_currency")


def owns_dot(printed: str, locale: str) -> bool:
    """Whether a sign is usually abbreviated with the dot that it ends with: "Rs.", "kr."."""
    key, last = key_of(printed), printed.rstrip(".")[-1:]
    return key in table(locale).dotted and key.upper() not in codes() and not is_sign(last)


def is_sign(printed: str) -> bool:
    """Whether this is a currency's sign and not letters."""
    return len(printed) == 1 and unicodedata.category(printed) == "Sc"


def key_of(printed: str) -> str:
    """What a sign or name is looked up by: case, accents, spaces and dots do not count."""
    return folded(printed).translate(_LEFT_OUT)


def decimals(code: str) -> int:
    """How many decimals amounts of this currency have."""
    from babel.numbers import get_currency_precision

    return get_currency_precision(code)


@lru_cache(maxsize=1)
def codes() -> frozenset[str]:
    """Every ISO 4217 code, old ones too: old documents are read as well."""
    from babel.numbers import list_currencies

    return frozenset(list_currencies()) - _NOT_MONEY


@lru_cache(maxsize=64)
def table(locale: str) -> Printed:
    """Signs and names of the currencies, printed ones and CLDR's, in a locale and in English."""
    found: dict[str, set[str]] = {}
    dotted: set[str] = set()

    def add(printed: str, code: str) -> None:
        key = key_of(printed)
        if key and code in codes():
            found.setdefault(key, set()).add(code)
            if printed.endswith("."):
                dotted.add(key)

    for code, row in PRINTED.items():
        for printed in row.split(" "):
            add(printed, code)
    for language in ("en", locale):
        known = locale_of(language)
        for code, name in known.currencies.items():
            add(name, code)
        for code, sign in known.currency_symbols.items():
            if sign != code:
                add(sign.strip("\u200b\u200e\u200f"), code)
        for code, plurals in known._data["currency_names_plural"].items():
            for name in plurals.values():
                add(name, code)
    return Printed({key: frozenset(found[key]) for key in found}, frozenset(dotted))


@lru_cache(maxsize=256)
def tender(locale: str) -> frozenset[str]:
    """What is paid with today in the locale's territory; empty when the locale names none."""
    territory = territory_of(locale)
    return _paid_in(territory) if territory else frozenset()


@lru_cache(maxsize=256)
def tender_once(locale: str) -> frozenset[str]:
    """What was ever paid with in the locale's territory since 1960."""
    from babel.numbers import get_territory_currencies

    territory = territory_of(locale)
    if territory is None:
        return frozenset()
    return frozenset(get_territory_currencies(territory, Date(1960, 1, 1), Date.today()))


@lru_cache(maxsize=256)
def _paid_in(territory: str) -> frozenset[str]:
    from babel.numbers import get_territory_currencies

    return frozenset(get_territory_currencies(territory, tender=True))


@lru_cache(maxsize=1)
def in_use() -> frozenset[str]:
    """What is paid with today anywhere."""
    from babel import Locale

    territories = (t for t in map(str, Locale("en").territories) if len(t) == 2)
    return frozenset().union(*(_paid_in(territory) for territory in territories))
