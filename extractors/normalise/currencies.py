"""Currency signs, codes and names -> ISO 4217.

babel (CLDR) knows the codes, their names in each language, their decimals and which territory pays
with what; the table here holds only what is printed and CLDR does not list, and which signs several
currencies share.
"""

from functools import lru_cache

from extractors.documents.spec import DocumentType, FieldSpec
from extractors.normalise.characters import folded, tidy
from extractors.normalise.locales import locale_of
from extractors.normalise.value import Unclear, Value

# What is printed -> the currencies that use it. More than one: the document type's territory
# decides, or nobody.
SIGNS: dict[str, tuple[str, ...]] = {
    "€": ("EUR",),
    "$": (
        "USD",
        "CAD",
        "AUD",
        "NZD",
        "SGD",
        "HKD",
        "TWD",
        "MXN",
        "ARS",
        "CLP",
        "COP",
        "BND",
        "FJD",
        "JMD",
        "TTD",
        "BBD",
        "BSD",
        "BZD",
        "NAD",
    ),
    "£": ("GBP", "EGP", "LBP", "GIP", "FKP", "SHP", "SYP", "SSP"),
    "¥": ("JPY", "CNY"),
    "￥": ("JPY", "CNY"),
    "円": ("JPY",),
    "元": ("CNY",),
    "kr": ("SEK", "NOK", "DKK", "ISK"),
    "rs": ("INR", "PKR", "LKR", "NPR", "MUR", "SCR"),
    "₨": ("PKR", "LKR", "NPR", "MUR", "SCR", "INR"),
    "₹": ("INR",),
    "₩": ("KRW",),
    "₽": ("RUB",),
    "руб": ("RUB", "BYN"),
    "₴": ("UAH",),
    "грн": ("UAH",),
    "₺": ("TRY",),
    "tl": ("TRY",),
    "₪": ("ILS",),
    "₫": ("VND",),
    "฿": ("THB",),
    "₱": ("PHP",),
    "₦": ("NGN",),
    "₡": ("CRC",),
    "₲": ("PYG",),
    "₵": ("GHS",),
    "₸": ("KZT",),
    "₾": ("GEL",),
    "₼": ("AZN",),
    "zł": ("PLN",),
    "zl": ("PLN",),
    "kč": ("CZK",),
    "ft": ("HUF",),
    "lei": ("RON", "MDL"),
    "лв": ("BGN",),
    "fr": ("CHF",),
    "sfr": ("CHF",),
    "rm": ("MYR",),
    "rp": ("IDR",),
    "r": ("ZAR",),
    "r$": ("BRL",),
    "us$": ("USD",),
    "c$": ("CAD",),
    "ca$": ("CAD",),
    "a$": ("AUD",),
    "au$": ("AUD",),
    "nz$": ("NZD",),
    "hk$": ("HKD",),
    "s$": ("SGD",),
    "nt$": ("TWD",),
    "mx$": ("MXN",),
    "dhs": ("AED",),
    "د.إ": ("AED",),
    "ر.س": ("SAR",),
    "euro": ("EUR",),
    "euros": ("EUR",),
    "eur": ("EUR",),
    "usd": ("USD",),
    "gbp": ("GBP",),
    "chf": ("CHF",),
}
_NOT_MONEY = frozenset({"XXX", "XTS"})  # ISO 4217's "no currency" and "for tests"


def currency(text: str, field: FieldSpec, spec: DocumentType) -> Value:
    """A currency sign, code or name -> its ISO code."""
    return Value(kind=field.kind, value=code_of(tidy(text), spec.locale))


def code_of(printed: str, locale: str, *, words_only_upper: bool = False) -> str:
    """The ISO code of a sign, code or name.

    words_only_upper: beside an amount a three-letter word is a code only in capitals: "12.00 all"
                      is not in Albanian lek. Raises Unclear("unknown_currency" or
                      "ambiguous_currency").
    """
    if printed.upper() in codes() and (printed.isupper() or not words_only_upper):
        return printed.upper()
    shared = SIGNS.get(printed.casefold()) or SIGNS.get(printed.casefold().rstrip("."))
    if shared is None:
        named = names(locale).get(folded(printed))
        if named is None:
            raise Unclear("unknown_currency")
        return named
    if len(shared) == 1:
        return shared[0]
    at_home = [code for code in shared if code in tender(locale)]
    if len(at_home) != 1:
        raise Unclear("ambiguous_currency")
    return at_home[0]


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
def names(locale: str) -> dict[str, str]:
    """Names of the currencies in a locale and in English, folded -> code."""
    named: dict[str, str] = {}
    for language in ("en", locale):
        named |= {
            folded(name): code
            for code, name in locale_of(language).currencies.items()
            if code in codes()
        }
    return named


@lru_cache(maxsize=64)
def tender(locale: str) -> frozenset[str]:
    """What is paid with today in the locale's territory; empty when the locale names none."""
    from babel.numbers import get_territory_currencies

    territory = locale_of(locale).territory
    return frozenset(get_territory_currencies(territory, tender=True)) if territory else frozenset()
