"""Numbers, and what amounts share with them.

babel (CLDR) says which signs a locale uses.  price-parser and babel's own ``parse_decimal`` were
not taken: the first guesses ("1.204" is 1204 or 1.204 by luck), the second knows one locale at a
time.  Here the structure decides where it can only mean one thing ("1.204,50" anywhere), the locale
decides where two readings are possible, and what stays open is a problem.
"""

import re
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache

from extractors.documents.spec import DocumentType, FieldSpec, Kind
from extractors.normalise.characters import MAX_PARSED, plain
from extractors.normalise.locales import locale_of
from extractors.normalise.units import without_unit
from extractors.normalise.value import Unclear, Value

_MAX_DIGITS = 30
SPACE = " "
BODY = r"\d(?:[\d.,' \u066b\u066c]*\d)?"
DASH = r"[.,](?:-{1,2}|[\u2013\u2014])"  # "12,-": no cents
SIGNED = re.compile(
    rf"(?P<open>\()?(?P<lead>[-+\u2013]?)\s?(?P<body>{BODY})(?P<dash>{DASH})?"
    r"(?P<trail>\s?-)?(?P<close>\))?"
)
_FRACTIONS = {
    "½": "5", "¼": "25", "¾": "75", "⅛": "125", "⅜": "375", "⅝": "625", "⅞": "875",
    "⅕": "2", "⅖": "4", "⅗": "6", "⅘": "8",
}  # fmt: skip
_WITH_FRACTION = re.compile(rf"([-+]?)(\d{{0,6}})\s?([{''.join(_FRACTIONS)}])")


@dataclass(frozen=True, slots=True)
class Signs:
    """How a locale writes numbers."""

    decimal: str
    group: str
    pairs: bool  # Indian grouping: 12,34,567
    proven: bool = False  # the other of "." and "," is no decimal sign here


@lru_cache(maxsize=64)
def signs_of(locale: str) -> Signs:
    """The number signs of a locale."""
    known = locale_of(locale)
    symbols = known.number_symbols["latn"]
    group = plain_sign(symbols["group"])
    return Signs(
        decimal=plain_sign(symbols["decimal"]),
        group=group,
        pairs=known.decimal_formats[None].grouping == (3, 2),
    )


def signs_in(spec: DocumentType) -> Signs:
    """The number signs of a document type's papers."""
    signs = signs_of(spec.locale)
    if spec.decimal is None:
        return signs
    group = signs.group if signs.decimal == spec.decimal else {".": ",", ",": "."}[spec.decimal]
    return Signs(spec.decimal, group, pairs=signs.pairs, proven=True)


def plain_sign(sign: str) -> str:
    """CLDR's sign as ``plain`` spells it: all spaces and apostrophes are one."""
    return SPACE if sign.isspace() else sign.replace("\u2019", "'")


def number(text: str, field: FieldSpec, spec: DocumentType) -> Value:
    """A decimal number; a percent sign or a unit is allowed and does not change it."""
    plained = plain(text, "unparsable_number")
    bare = plained.strip("%").strip() if "%" in plained[:1] + plained[-1:] else plained
    match = SIGNED.fullmatch(bare)
    if match is None and bare is plained:
        if fraction := _WITH_FRACTION.fullmatch(without_unit(bare, spec.locale)):
            return Value(kind=field.kind, value=_with_fraction(fraction))
        match = SIGNED.fullmatch(_counted(without_unit(bare, spec.locale)))
    if match is None:
        raise Unclear("unparsable_number")
    value = signed(match, signs_in(spec), field.kind, decimals=None)
    return Value(kind=field.kind, value=value)


def _counted(text: str) -> str:
    """The number of "x2" and "2 x"."""
    return text[1:].lstrip() if text[:1] in "x×" and text[1:].strip().isdigit() else text


def _with_fraction(match: re.Match[str]) -> str:
    minus, whole, sign = match.groups()
    return f"{'-' if minus == '-' else ''}{(whole or '0').lstrip('0') or '0'}.{_FRACTIONS[sign]}"


def from_json(written: str, locale: str) -> str:
    """A JSON number as the locale prints it: it has one reading, which is not the locale's.

    Four decimals stand for three: they never look like a thousand, however the paper writes.
    """
    if not any(c in written for c in ".eE") or len(written) > _MAX_DIGITS:
        return written
    plain_form = f"{Decimal(written):f}"
    plain_form += "0" * (plain_form[-4:-3] == ".")
    if len(plain_form) > MAX_PARSED:
        return written
    try:
        return plain_form.replace(".", signs_of(locale).decimal)
    except ImportError:
        return plain_form


def signed(match: re.Match[str], signs: Signs, kind: Kind, decimals: int | None) -> str:
    """The decimal that a match of SIGNED means, or Unclear."""
    minuses = [bool(match["open"]), match["lead"] in ("-", "\u2013"), bool(match["trail"])]
    if bool(match["open"]) != bool(match["close"]) or sum(minuses) + (match["lead"] == "+") > 1:
        raise Unclear(f"unparsable_{kind.value}")
    if match["dash"]:  # the decimal sign is in the ",-": any other separator parts thousands
        whole, fraction = _whole(match["body"], signs, kind), ""
    else:
        whole, fraction = _read(match["body"], signs, kind, decimals)
    value = (whole.lstrip("0") or "0") + (f".{fraction}" if fraction else "")
    negative = any(minuses) and value.strip("0.") != ""
    return f"-{value}" if negative else value


def _read(body: str, signs: Signs, kind: Kind, decimals: int | None) -> tuple[str, str]:
    """Digits before and after the decimal sign, or Unclear."""
    digits = re.split(r"\D", body)
    separators = re.findall(r"\D", body)
    if "" in digits or sum(map(len, digits)) > _MAX_DIGITS:
        raise Unclear(f"unparsable_{kind.value}")
    if not separators:
        return body, ""
    *first, last = separators
    # Of several separators the last is a decimal sign when it is another one than those before.
    ends_in_fraction = (
        last not in first if first else _one_separator(last, digits, signs, kind, decimals)
    )
    groups, fraction = (digits[:-1], digits[-1]) if ends_in_fraction else (digits, "")
    group_signs = set(first) if ends_in_fraction else set(separators)
    if not (
        _groups_hold(groups, group_signs, signs, with_fraction=ends_in_fraction)
        and (not ends_in_fraction or last in ".,\u066b")
    ):
        raise Unclear(f"unparsable_{kind.value}")
    return "".join(groups), fraction


def _whole(body: str, signs: Signs, kind: Kind) -> str:
    """The digits of a number that has no fraction, or Unclear."""
    digits, separators = re.split(r"\D", body), set(re.findall(r"\D", body))
    if "" in digits or sum(map(len, digits)) > _MAX_DIGITS:
        raise Unclear(f"unparsable_{kind.value}")
    if not _groups_hold(digits, separators, signs, with_fraction=True):
        raise Unclear(f"unparsable_{kind.value}")
    return "".join(digits)


def _one_separator(
    sign: str, digits: list[str], signs: Signs, kind: Kind, decimals: int | None
) -> bool:
    """Whether the only separator is a decimal sign."""
    whole, after = digits
    if sign not in ".,":
        return sign == "\u066b"
    if len(after) == 3 and len(whole) > 1 and whole[0] == "0":
        raise Unclear(f"ambiguous_{kind.value}")  # "09,000": a digit too few, or one misread
    could_group = len(after) == 3 and len(whole) <= 3 and whole[0] != "0"
    if could_group:
        if sign == signs.group or (signs.proven and sign != signs.decimal):
            return False
        # "12.345" where the dot is the decimal sign: fine for a weight, strange for money unless
        # it has mills.
        if sign == signs.decimal and (kind is Kind.NUMBER or decimals == 3):
            return True
        raise Unclear(f"ambiguous_{kind.value}")
    # Against the locale's habit only cents are taken: "12,50" is money everywhere, "12,5" may be a
    # cut-off "12,500".
    if sign == signs.decimal or whole == "0" or (kind is Kind.AMOUNT and len(after) == 2):
        return True
    raise Unclear(f"ambiguous_{kind.value}")


def _groups_hold(groups: list[str], used: set[str], signs: Signs, *, with_fraction: bool) -> bool:
    """Thousands stand in threes, set apart by one sign; in India in pairs before the last three."""
    if len(groups) == 1:
        return not used
    if len(used) != 1 or not used <= set(".,' \u066c") or groups[0].startswith("0"):
        return False
    if used == {SPACE} and not with_fraction and signs.group != SPACE:
        return False  # "12 345" may be two numbers of two columns
    threes = len(groups[0]) <= 3 and all(len(g) == 3 for g in groups[1:])
    indian = signs.pairs or (
        with_fraction and used == {","}
    )  # with a fraction they stand nowhere else
    pairs = (
        indian
        and len(groups[0]) <= 2
        and all(len(g) == 2 for g in groups[1:-1])
        and len(groups[-1]) == 3
    )
    return threes or pairs
