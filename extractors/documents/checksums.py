"""Check digits: a misread digit in an account or article number nearly always breaks them.

``CHECKSUMS`` is the table that ``identifier(..., checksum="iban")`` names. A document type's own
file may add to it::

    CHECKSUMS["member_no"] = lambda digits: luhn(digits[2:])

Each function takes the identifier in upper case without spaces, dots, dashes or slashes, and must
answer False, never raise, for whatever it is given.
"""

import re
from collections.abc import Callable, Sequence

_DASHES_AND_DOTS = str.maketrans("", "", " .-/\u2010\u2011\u2012\u2013")


def compact(identifier: str) -> str:
    """The form that checksums are computed on: upper case, without the signs that only help the
    eye.
    """
    return "".join(identifier.split()).translate(_DASHES_AND_DOTS).upper()


def _digits(text: str, *lengths: int) -> list[int] | None:
    if not (text.isascii() and text.isdigit()) or (lengths and len(text) not in lengths):
        return None
    return [int(c) for c in text]


def _weighted(digits: Sequence[int], weights: Sequence[int]) -> int:
    return sum(d * w for d, w in zip(digits, weights, strict=False))


def _mod97(text: str) -> int | None:
    """ISO 7064 MOD 97-10 over letters as two digits (A is 10)."""
    if not re.fullmatch("[0-9A-Z]+", text):
        return None
    return int("".join(str(int(c, 36)) for c in text)) % 97


# Length of an IBAN by country, from the SWIFT registry.
_IBAN_LENGTHS = {
    "AD": 24, "AE": 23, "AL": 28, "AT": 20, "AZ": 28, "BA": 20, "BE": 16, "BG": 22, "BH": 22, "BI": 27, "BR": 29, "BY": 28,
    "CH": 21, "CR": 22, "CY": 28, "CZ": 24, "DE": 22, "DJ": 27, "DK": 18, "DO": 28, "EE": 20, "EG": 29, "ES": 24, "FI": 18,
    "FK": 18, "FO": 18, "FR": 27, "GB": 22, "GE": 22, "GI": 23, "GL": 18, "GR": 27, "GT": 28, "HN": 28, "HR": 21, "HU": 28,
    "IE": 22, "IL": 23, "IQ": 23, "IS": 26, "IT": 27, "JO": 30, "KW": 30, "KZ": 20, "LB": 28, "LC": 32, "LI": 21, "LT": 20,
    "LU": 20, "LV": 21, "LY": 25, "MC": 27, "MD": 24, "ME": 22, "MK": 19, "MN": 20, "MR": 27, "MT": 31, "MU": 30, "NI": 28,
    "NL": 18, "NO": 15, "OM": 23, "PK": 24, "PL": 28, "PS": 29, "PT": 25, "QA": 29, "RO": 24, "RS": 22, "RU": 33, "SA": 24,
    "SC": 31, "SD": 18, "SE": 24, "SI": 19, "SK": 24, "SM": 27, "SO": 23, "ST": 25, "SV": 28, "TL": 23, "TN": 24, "TR": 26,
    "UA": 29, "VA": 22, "VG": 24, "XK": 20, "YE": 30,
}  # fmt: skip


def iban(text: str) -> bool:
    """International bank account number: the country's length, then mod 97 with the head moved to
    the end.
    """
    return (
        _IBAN_LENGTHS.get(text[:2]) == len(text)
        and text[2:4].isdigit()
        and _mod97(text[4:] + text[:4]) == 1
    )


def creditor_reference(text: str) -> bool:
    """Structured creditor reference ISO 11649: RF, two check digits, up to 21 characters."""
    return (
        text[:2] == "RF"
        and 5 <= len(text) <= 25
        and text[2:4].isdigit()
        and _mod97(text[4:] + text[:4]) == 1
    )


def lei(text: str) -> bool:
    """Legal entity identifier ISO 17442: 20 characters, mod 97."""
    return len(text) == 20 and text[-2:].isdigit() and _mod97(text) == 1


def luhn(text: str) -> bool:
    """Payment cards, SIREN and SIRET, IMEI: every second digit from the right doubled."""
    digits = _digits(text)
    if digits is None or len(digits) < 2:
        return False
    doubled = [d * 2 - 9 * (d > 4) for d in digits[-2::-2]]
    return (sum(digits[-1::-2]) + sum(doubled)) % 10 == 0


def gtin(text: str) -> bool:
    """EAN-8, UPC-A, EAN-13 and GTIN-14: weights 3 and 1 from the right."""
    digits = _digits(text, 8, 12, 13, 14)
    return digits is not None and (sum(digits[-1::-2]) + 3 * sum(digits[-2::-2])) % 10 == 0


def isbn13(text: str) -> bool:
    """A book's EAN: 13 digits under 978 or 979."""
    return len(text) == 13 and text[:3] in ("978", "979") and gtin(text)


def isbn10(text: str) -> bool:
    """A book's number before 2007: mod 11, X for ten."""
    digits = _digits(text[:9], 9)
    if digits is None or len(text) != 10 or not re.fullmatch("[0-9X]", text[9]):
        return False
    last = 10 if text[9] == "X" else int(text[9])
    return (_weighted(digits, range(10, 1, -1)) + last) % 11 == 0


def vat_de(text: str) -> bool:
    """German VAT number: DE and nine digits, ISO 7064 MOD 11,10."""
    digits = _digits(text[2:], 9)
    if digits is None or text[:2] != "DE" or digits[0] == 0:
        return False
    product = 10
    for digit in digits[:8]:
        product = ((product + digit) % 10 or 10) * 2 % 11
    return (11 - product) % 10 == digits[8]


def vat_be(text: str) -> bool:
    """Belgian enterprise number: BE and ten digits, the last two are 97 minus the rest mod 97."""
    digits = text[2:]
    return (
        text[:2] == "BE"
        and _digits(digits, 10) is not None
        and digits[0] in "01"
        and 97 - int(digits[:8]) % 97 == int(digits[8:])
    )


def vat_it(text: str) -> bool:
    """Italian VAT number: IT and eleven digits, Luhn."""
    return text[:2] == "IT" and len(text) == 13 and luhn(text[2:])


def vat_fr(text: str) -> bool:
    """French VAT number: FR, a two-digit key from the SIREN, and the SIREN, which is itself
    Luhn.
    """
    key, siren = text[2:4], text[4:]
    if text[:2] != "FR" or _digits(key, 2) is None or _digits(siren, 9) is None:
        return False
    return luhn(siren) and (12 + 3 * (int(siren) % 97)) % 97 == int(key)


def aba(text: str) -> bool:
    """US bank routing number: nine digits, weights 3, 7, 1."""
    digits = _digits(text, 9)
    return digits is not None and any(digits) and _weighted(digits, (3, 7, 1) * 3) % 10 == 0


CHECKSUMS: dict[str, Callable[[str], bool]] = {
    "aba": aba,
    "creditor_reference": creditor_reference,
    "ean13": lambda text: len(text) == 13 and gtin(text),
    "gtin": gtin,
    "iban": iban,
    "isbn10": isbn10,
    "isbn13": isbn13,
    "lei": lei,
    "luhn": luhn,
    "vat_be": vat_be,
    "vat_de": vat_de,
    "vat_fr": vat_fr,
    "vat_it": vat_it,
}
