"""Numbers and amounts.

babel (CLDR) says which signs a locale uses. price-parser and babel's own ``parse_decimal`` were not
taken: the first guesses ("1.204" is 1204 or 1.204 by luck), the second knows one locale at a time.
Here the structure decides where it can only mean one thing ("1.204,50" anywhere), the locale
decides where two readings are possible, and what stays open is a problem.
"""

import re
from dataclasses import dataclass
from functools import lru_cache

from extractors.documents.spec import DocumentType, FieldSpec, Kind
from extractors.normalise import currencies
from extractors.normalise.characters import plain
from extractors.normalise.locales import locale_of
from extractors.normalise.value import Unclear, Value

_MAX_DIGITS = 30
_SPACE = " "
_BODY = r"\d(?:[\d.,' \u066b\u066c]*\d)?"
_SIGNED = re.compile(
    rf"(?P<open>\()?(?P<lead>[-+\u2013]?)\s?(?P<body>{_BODY})(?P<dash>[.,](?:-{{1,2}}|[\u2013\u2014]))?(?P<trail>\s?-)?(?P<close>\))?"
)
_AMOUNT = re.compile(
    rf"(?P<head>[-+\u2013(]{{0,2}})\s?(?P<before>[^\d()+\u2013-]*?)\s?(?P<number>[-+\u2013(]{{0,2}}\s?{_BODY}(?:[.,](?:-{{1,2}}|[\u2013\u2014]))?(?:\s?-)?\)?)\s?(?P<after>[^\d()+\u2013-]*)(?P<tail>\)?)"
)


@dataclass(frozen=True, slots=True)
class Signs:
    """How a locale writes numbers."""

    decimal: str
    group: str
    pairs: bool  # Indian grouping: 12,34,567


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


def plain_sign(sign: str) -> str:
    """CLDR's sign as ``plain`` spells it: every space is one space, every apostrophe one
    apostrophe.
    """
    return _SPACE if sign.isspace() else sign.replace("\u2019", "'")


def number(text: str, field: FieldSpec, spec: DocumentType) -> Value:
    """A decimal number; a percent sign is allowed and does not change it: ``19 %`` is 19."""
    plained = plain(text, "unparsable_number")
    bare = plained.removesuffix("%").rstrip() if plained.endswith("%") else plained
    match = _SIGNED.fullmatch(bare)
    if match is None:
        raise Unclear("unparsable_number")
    return Value(
        kind=field.kind, value=_signed(match, signs_of(spec.locale), field.kind, decimals=None)
    )


def amount(text: str, field: FieldSpec, spec: DocumentType) -> Value:
    """A sum of money: number, sign in any usual place, currency before or after."""
    match = _AMOUNT.fullmatch(plain(text, "unparsable_amount"))
    if match is None:
        raise Unclear("unparsable_amount")
    currency = _printed_currency(match["before"], match["after"], spec.locale)
    # The sign may stand outside the currency ("-$12", "($12)"): put together, it is the plain
    # signed number again.
    inner = _SIGNED.fullmatch(match["head"] + match["number"].lstrip() + match["tail"])
    if inner is None:
        raise Unclear("unparsable_amount")
    decimals = currencies.decimals(currency) if currency else None
    return Value(
        kind=field.kind,
        value=_signed(inner, signs_of(spec.locale), field.kind, decimals),
        currency=currency,
    )


def _printed_currency(before: str, after: str, locale: str) -> str | None:
    """The ISO code of what is printed beside the number; None when nothing is, or several
    currencies use the sign.
    """
    codes: set[str] = set()
    for sign in filter(None, (before.strip(), after.strip())):
        try:
            codes.add(currencies.code_of(sign, locale, words_only_upper=True))
        except Unclear as unclear:
            if unclear.code != "ambiguous_currency":
                raise Unclear("unparsable_amount") from unclear
    if len(codes) > 1:
        raise Unclear("unparsable_amount")
    return codes.pop() if codes else None


def _signed(match: re.Match[str], signs: Signs, kind: Kind, decimals: int | None) -> str:
    minuses = [bool(match["open"]), match["lead"] in ("-", "\u2013"), bool(match["trail"])]
    if bool(match["open"]) != bool(match["close"]) or sum(minuses) + (match["lead"] == "+") > 1:
        raise Unclear(f"unparsable_{kind.value}")
    whole, fraction = _read(match["body"], signs, kind, decimals)
    if match["dash"] and fraction:  # "12,50,-" is not a spelling of anything
        raise Unclear(f"unparsable_{kind.value}")
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


def _one_separator(
    sign: str, digits: list[str], signs: Signs, kind: Kind, decimals: int | None
) -> bool:
    """Whether the only separator is a decimal sign."""
    whole, after = digits
    if sign not in ".,":
        return sign == "\u066b"
    could_group = len(after) == 3 and len(whole) <= 3 and whole[0] != "0"
    if could_group:
        if sign == signs.group:
            return False
        # "12.345" where the dot is the decimal sign: fine for a weight, strange for money unless it
        # has mills.
        if sign == signs.decimal and (kind is Kind.NUMBER or decimals == 3):
            return True
        raise Unclear(f"ambiguous_{kind.value}")
    # Against the locale's habit only cents are taken: "12,50" is money everywhere, "12,5" may be a
    # cut-off "12,500".
    if sign == signs.decimal or whole == "0" or (kind is Kind.AMOUNT and len(after) == 2):
        return True
    raise Unclear(f"ambiguous_{kind.value}")


def _groups_hold(groups: list[str], used: set[str], signs: Signs, *, with_fraction: bool) -> bool:
    """Thousands stand in threes (in India in pairs before the last three) and are set apart by one
    sign.
    """
    if len(groups) == 1:
        return not used
    if len(used) != 1 or not used <= set(".,' \u066c") or groups[0].startswith("0"):
        return False
    if used == {_SPACE} and not with_fraction and signs.group != _SPACE:
        return False  # "12 345" may be two numbers of two columns
    threes = len(groups[0]) <= 3 and all(len(g) == 3 for g in groups[1:])
    pairs = (
        signs.pairs
        and len(groups[0]) <= 2
        and all(len(g) == 2 for g in groups[1:-1])
        and len(groups[-1]) == 3
    )
    return threes or pairs
