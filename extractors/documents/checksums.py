"""Check digits: a misread digit in an account or article number nearly always breaks them.

``CHECKSUMS`` is the table that ``identifier(..., checksum="iban")`` names.  Beside it every check of
python-stdnum has a name: ``vat_pl`` and ``abn_au`` (kind and country), ``isin`` (of no country).  A
document type's own file may add to the table::

    CHECKSUMS["member_no"] = lambda digits: luhn(digits[2:])

Each function takes the identifier in upper case without spaces, dots, dashes or slashes, and must
answer False, never raise, for whatever it is given.
"""

import re
from collections.abc import Callable
from functools import lru_cache
from importlib import import_module
from typing import Any

Check = Callable[[str], bool]

_DASHES_AND_DOTS = str.maketrans("", "", " .-/\u2010\u2011\u2012\u2013")


def compact(identifier: str) -> str:
    """The form that checksums are computed on: upper case, without what only helps the eye."""
    return "".join(identifier.split()).translate(_DASHES_AND_DOTS).upper()


def checksum_of(name: str) -> Check | None:
    """The check of this name: of the table, else of python-stdnum; None when there is none."""
    return CHECKSUMS.get(name) or _of_stdnum(name)


def known_names() -> str:
    """The names of the table, for people."""
    return f"{', '.join(sorted(CHECKSUMS))}, and those of python-stdnum, such as vat_pl or isin"


def country_of(name: str) -> str | None:
    """The country that starts a VAT number of this name, and that papers at home often leave out."""
    kind, _, country = name.partition("_")
    return _VAT_COUNTRIES.get(country) if kind == "vat" else None


def _stdnum(module: str, *lengths: int) -> Check:
    """A check of python-stdnum; imported when it is first asked, and pages are read without it."""

    def check(text: str) -> bool:
        if not text.isascii() or not text.isalnum() or (lengths and len(text) not in lengths):
            return False
        return _named_somebody(text) and _is_valid(_module(module), text)

    return check


@lru_cache(maxsize=128)
def _module(name: str) -> Any:
    return import_module(f"stdnum.{name}")


def _is_valid(module: Any, text: str) -> bool:
    try:
        return bool(module.validate(text))
    except (ValueError, LookupError, TypeError):  # what stdnum's modules raise for odd texts
        return False


def _named_somebody(text: str) -> bool:
    """All zeros pass most sums, and name nobody."""
    digits = [c for c in text if c.isdigit()]
    return not digits or any(digit != "0" for digit in digits)


@lru_cache(maxsize=128)
def _of_stdnum(name: str) -> Check | None:
    """The check of python-stdnum that a name asks for: "isin", "abn_au"."""
    if not re.fullmatch("[a-z][a-z0-9]*(_[a-z]{2})?", name):
        return None
    kind, _, country = name.partition("_")
    if kind == "vat" and country in _VAT_COUNTRIES:
        return _vat(country)
    try:
        if country:
            util = import_module("stdnum.util")
            module = util.get_cc_module(country, kind)
        else:
            module = _module(name)
    except ImportError:
        return None
    if not hasattr(module, "validate"):
        return None
    return _stdnum(module.__name__.removeprefix("stdnum."))


def _digits(text: str) -> list[int]:
    return [int(c) for c in text] if text.isascii() and text.isdigit() else []


def luhn(text: str) -> bool:
    """Payment cards, SIREN and SIRET, IMEI: every second digit from the right doubled."""
    digits = _digits(text)
    if not any(digits):
        return False
    doubled = [d * 2 - 9 * (d > 4) for d in digits[-2::-2]]
    return (sum(digits[-1::-2]) + sum(doubled)) % 10 == 0


def gtin(text: str) -> bool:
    """EAN-8, UPC-A, EAN-13 and GTIN-14: weights 3 and 1 from the right."""
    return len(text) in (8, 12, 13, 14) and _threes_and_ones(text)


def _threes_and_ones(text: str) -> bool:
    digits = _digits(text)
    if not any(digits):
        return False
    return (sum(digits[-1::-2]) + 3 * sum(digits[-2::-2])) % 10 == 0


# ---- IBAN: the registry's form by stdnum, check digits within the accounts, and further countries

# Countries that print IBANs and are not in SWIFT's registry: the form of what follows four characters.
_BEYOND_THE_REGISTRY = {
    "AO": r"\d{21}", "BF": r"[A-Z]{2}\d{22}", "BJ": r"[A-Z]{2}\d{22}", "CF": r"\d{23}", "CG": r"\d{23}",
    "CI": r"[A-Z]{2}\d{22}", "CM": r"\d{23}", "CV": r"\d{21}", "DZ": r"\d{22}", "GA": r"\d{23}",
    "GQ": r"\d{23}", "GW": r"[A-Z]{2}\d{19}", "IR": r"\d{22}", "KM": r"\d{23}", "MA": r"\d{24}",
    "MG": r"\d{23}", "ML": r"[A-Z]{2}\d{22}", "MZ": r"\d{21}", "NE": r"[A-Z]{2}\d{22}",
    "SN": r"[A-Z]{2}\d{22}|\d{24}", "TD": r"\d{23}", "TG": r"[A-Z]{2}\d{22}",
}  # fmt: skip


def iban(text: str) -> bool:
    """International bank account number: mod 97, the country's form, and its own check digits."""
    if not re.fullmatch("[A-Z]{2}[0-9]{2}[0-9A-Z]{8,30}", text):
        return False
    if not "02" <= text[2:4] <= "98" or not _named_somebody(text[4:]):
        return False
    country, account = text[:2], text[4:]
    if country in _BEYOND_THE_REGISTRY:
        if not re.fullmatch(_BEYOND_THE_REGISTRY[country], account):
            return False
        return int("".join(str(int(c, 36)) for c in account + text[:4])) % 97 == 1
    try:
        _module("iban").validate(text, check_country=False)
    except ValueError:
        return False
    return country not in _NATIONAL or _NATIONAL[country](account)


def _mod97_of_all(account: str) -> bool:
    return int(account) % 97 == 1


def _belgian(account: str) -> bool:
    return (int(account[:-2]) % 97 or 97) == int(account[-2:])


def _french(account: str) -> bool:
    """The key of a RIB; letters count as 1 to 9 in three rounds, the last from 2."""
    rounds = "".join(c if c.isdigit() else str((ord(c) - 65) % 9 + 1 + (c > "R")) for c in account)
    bank, branch, number, key = rounds[:5], rounds[5:10], rounds[10:21], rounds[21:]
    return (89 * int(bank) + 15 * int(branch) + 3 * int(number) + int(key)) % 97 == 0


_NATIONAL: dict[str, Check] = {
    **dict.fromkeys(("BA", "ME", "MK", "PT", "RS", "SI", "TL"), _mod97_of_all),
    "BE": _belgian,
    "ES": _stdnum("es.ccc"),
    "FR": _french,
    "MC": _french,
    "NO": _stdnum("no.kontonr"),
}


# ---- VAT numbers, with their country

_VAT_COUNTRIES = {
    **{
        country: country.upper()
        for country in "at be bg cy cz de dk ee es fi fr hr hu ie it lt lu lv mt nl pl pt ro se si sk"
        " gb xi".split()
    },
    "el": "EL",
    "gr": "EL",
}
_SAME_AS = {"el": "gr", "xi": "gb"}


def _vat(country: str) -> Check:
    """A VAT number that starts with its country."""
    prefix, own = _VAT_COUNTRIES[country], _SAME_AS.get(country, country)

    def check(text: str) -> bool:
        if prefix == "EL" and text.startswith("GR"):  # its other letters are printed as well
            text = prefix + text[2:]
        number = text.removeprefix(prefix)
        if not text.startswith(prefix) or not number.isascii() or not number.isalnum():
            return False
        module = import_module("stdnum.util").get_cc_module(own, "vat")
        return _named_somebody(number) and number[:2] != prefix and _is_valid(module, number)

    return check


def _vat_ch(text: str) -> bool:
    """Swiss enterprise number, with or without the word for VAT in one of the languages."""
    bare = re.sub("(MWST|TVA|IVA|TPV|HR)$", "", text)
    return _stdnum("ch.uid")(bare)


def _vat_no(text: str) -> bool:
    """Norwegian organisation number, with or without NO before it and MVA behind it."""
    bare = text.removeprefix("NO").removesuffix("MVA")
    return _stdnum("no.orgnr")(bare)


CHECKSUMS: dict[str, Check] = {
    "aba": _stdnum("us.rtn", 9),
    "bic": _stdnum("bic", 8, 11),
    "creditor_reference": _stdnum("iso11649"),
    "ean13": lambda text: len(text) == 13 and gtin(text),
    "gln": lambda text: len(text) == 13 and gtin(text),
    "gtin": gtin,
    "iban": iban,
    "isbn10": _stdnum("isbn", 10),
    "isbn13": lambda text: text[:3] in ("978", "979") and len(text) == 13 and gtin(text),
    "lei": _stdnum("lei", 20),
    "luhn": luhn,
    "qr_reference": _stdnum("ch.esr", 27),
    "sscc": lambda text: len(text) == 18 and _threes_and_ones(text),
    "vat_ch": _vat_ch,
    "vat_no": _vat_no,
    **{f"vat_{country}": _vat(country) for country in _VAT_COUNTRIES},
}
