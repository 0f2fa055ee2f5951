"""Numbers and amounts.

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
from extractors.normalise import currencies
from extractors.normalise.characters import MAX_PARSED, folded, plain
from extractors.normalise.locales import language_of, locale_of
from extractors.normalise.units import without_unit
from extractors.normalise.value import Unclear, Value

_MAX_DIGITS = 30
_SPACE = " "
_BODY = r"\d(?:[\d.,' \u066b\u066c]*\d)?"
_DASH = r"[.,](?:-{1,2}|[\u2013\u2014])"  # "12,-": no cents
_SIGNED = re.compile(
    rf"(?P<open>\()?(?P<lead>[-+\u2013]?)\s?(?P<body>{_BODY})(?P<dash>{_DASH})?"
    r"(?P<trail>\s?-)?(?P<close>\))?"
)
_BESIDE = r"(?:[^\d()+\u2013-]|(?<=[^\W\d])-(?=[^\W\d]))*"  # what stands beside the digits
_AMOUNT = re.compile(
    rf"(?P<head>[-+\u2013(]{{0,2}})\s?(?P<before>{_BESIDE}?)(?P<gap>\s?)"
    rf"(?P<number>[-+\u2013(]{{0,2}}\s?{_BODY}(?:{_DASH})?(?:\s?-)?\)?)"
    rf"\s?(?P<after>{_BESIDE})(?P<behind>(?:(?<=[^\d\s])|(?<=[^\d\s]\s))-)?(?P<tail>\)?)"
)
_STARS = re.compile(r"^([^\d*]*)\*+\s?(?=[^*])|\s?\*+$")
_ENDINGS = re.compile(r"(?<=\d)\s?/[-=]+$")  # "Rs. 500/-": nothing follows
_IN_BRACKETS = re.compile(r"[(\[]([^\d()\[\]+\-]+)[)\]]")  # "12.00 (EUR)"
_SIGN_AS_POINT = re.compile(r"(\d[\d.,' ]*)([^\d$])(\d\d)")  # "12€50"
_TWO_POINTS = re.compile("[.,\u2026]\\s?[.,]$|\u2026$")  # "$..50": something is lost
_STOPS = re.compile(r"(?<=[.,]\d\d)\.$|(?<=\d)[,;:]+$")  # what ends a phrase
_RAISED_DOT = re.compile("(?<=\\d)\u00b7(?=\\d)")
_MINUS_TRIANGLES = "\u25b2\u25b3"
# "1 234 руб. 56 коп.": hundredths by name, folded.
_HUNDREDTHS = re.compile(r"(?P<whole>.*\D)\s?(?P<cents>\d\d)\s?(?P<name>[^\W\d_]+)\.?", re.DOTALL)
_HUNDREDTH_NAMES = frozenset(
    """
    коп копеек копейки копейка копійок копійки ct cts cent cents centime centimes centesimi
    centimos centavos centi gr groszy grosze h hal haleru haliere halierov ore bani ban st ст
    стотинки kr kurus pf pfennig rp rappen filler p penni senttia senti λεπτα para paise sen
    """.split()
)  # fmt: skip
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
    """CLDR's sign as ``plain`` spells it: all spaces and apostrophes are one."""
    return _SPACE if sign.isspace() else sign.replace("\u2019", "'")


def number(text: str, field: FieldSpec, spec: DocumentType) -> Value:
    """A decimal number; a percent sign or a unit is allowed and does not change it."""
    plained = plain(text, "unparsable_number")
    bare = plained.strip("%").strip() if "%" in plained[:1] + plained[-1:] else plained
    match = _SIGNED.fullmatch(bare)
    if match is None and bare is plained:
        if fraction := _WITH_FRACTION.fullmatch(without_unit(bare, spec.locale)):
            return Value(kind=field.kind, value=_with_fraction(fraction))
        match = _SIGNED.fullmatch(_counted(without_unit(bare, spec.locale)))
    if match is None:
        raise Unclear("unparsable_number")
    value = _signed(match, signs_of(spec.locale), field.kind, decimals=None)
    return Value(kind=field.kind, value=value)


def _counted(text: str) -> str:
    """The number of "x2" and "2 x"."""
    return text[1:].lstrip() if text[:1] in "x×" and text[1:].strip().isdigit() else text


def _with_fraction(match: re.Match[str]) -> str:
    minus, whole, sign = match.groups()
    return f"{'-' if minus == '-' else ''}{(whole or '0').lstrip('0') or '0'}.{_FRACTIONS[sign]}"


def amount(text: str, field: FieldSpec, spec: DocumentType) -> Value:
    """A sum of money: number, sign in any usual place, currency before or after."""
    printed = plain(text, "unparsable_amount")
    if not any(map(str.isdigit, printed)):
        raise Unclear("unparsable_amount")
    printed = _without_frame(printed, spec)
    match = _AMOUNT.fullmatch(printed)
    if match is None and printed[0].isdigit():
        match = _AMOUNT.fullmatch(_as_decimals(printed, spec.locale))
    if match is None:
        raise Unclear("unparsable_amount")
    before, after = match["before"].strip(), match["after"].strip()
    if _TWO_POINTS.search(before):
        raise Unclear("unparsable_amount")
    currency = _printed_currency([part for part in (before, after) if part], spec)
    number = match["number"].lstrip()
    if match["gap"] or match["before"].endswith(_SPACE):
        _refuse_loose_stroke(before, number)
    # The sign may stand outside the currency ("-$12", "($12)", "12 €-"): put together, it is the
    # plain signed number again.
    together = match["head"] + number + (match["behind"] or "") + match["tail"]
    inner = _SIGNED.fullmatch(together)
    if inner is None:
        raise Unclear("unparsable_amount")
    in_yen = currency == "JPY" or any(sign in printed for sign in "¥￥円")
    if inner["trail"] and (in_yen or language_of(spec.locale) == "ja"):
        raise Unclear("ambiguous_minus")
    signs = signs_of(spec.locale)
    decimals = currencies.decimals(currency) if currency else None
    if before.endswith((".", ",")) and not currencies.owns_dot(before, spec.locale):
        value = _after_loose_point(before[-1], inner, signs, glued=not match["gap"])
    else:
        value = _signed(inner, signs, field.kind, decimals)
    return Value(kind=field.kind, value=value, currency=currency)


def _without_frame(printed: str, spec: DocumentType) -> str:
    """Without what only protects or ends an amount, and with the usual signs for unusual ones."""
    if "*" in printed:  # stars keep others from writing digits in front
        printed = _STARS.sub(r"\1", printed)
    if "/" in printed:
        printed = _ENDINGS.sub("", printed)
    if printed[-1] in ".,;:":
        printed = _STOPS.sub("", printed)
    if printed.endswith((")", "]")) or printed.startswith(("(", "[")):
        printed = _IN_BRACKETS.sub(r" \1 ", printed).strip()
    if not printed.isascii():
        printed = _RAISED_DOT.sub(".", printed)
        if printed[:1] in _MINUS_TRIANGLES and language_of(spec.locale) == "ja":
            printed = "-" + printed[1:].lstrip()
    return printed


def _as_decimals(printed: str, locale: str) -> str:
    """An amount whose cents stand after the currency, with a decimal sign instead."""
    decimal = signs_of(locale).decimal
    if match := _SIGN_AS_POINT.fullmatch(printed):
        whole, sign, cents = match.groups()
        return f"{whole}{decimal}{cents} {sign}" if currencies.is_sign(sign) else printed
    match = _HUNDREDTHS.fullmatch(printed)
    if match is None or folded(match["name"]) not in _HUNDREDTH_NAMES:
        return printed
    whole = re.fullmatch(r"(\d[\d' ]*\d|\d)\s?(?=\D)(.+)", match["whole"].rstrip(" ,"))
    return f"{whole[1]}{decimal}{match['cents']} {whole[2].strip()}" if whole else printed


def _refuse_loose_stroke(before: str, number: str) -> None:
    """A stroke with space on both sides may only part the sign from the digits: "EUR - 12.00"."""
    if before and number[:1] in "-\u2013" and number[1:2] == _SPACE:
        raise Unclear("ambiguous_minus")


def _after_loose_point(point: str, match: re.Match[str], signs: Signs, *, glued: bool) -> str:
    """The number behind a dot that is not its sign's.

    "$.75" is 75 cents; "$. 50" may be; "€. 1.234,56" has a decimal sign of its own.
    """
    body = match["body"]
    if glued and body.isdigit() and len(body) == 2 and point == signs.decimal:
        cents = _SIGNED.fullmatch(match[0].replace(body, f"0.{body}", 1))
        if cents is not None and not match["dash"]:
            return _signed(cents, Signs(".", ",", pairs=False), Kind.AMOUNT, 2)
    if not glued and len(re.split(r"\D", body)[-1]) == 2 and not body.isdigit():
        return _signed(match, signs, Kind.AMOUNT, 2)
    raise Unclear("unparsable_amount")


def _printed_currency(printed: list[str], spec: DocumentType) -> str | None:
    """The ISO code of what is printed beside the number.

    None when nothing is, or several currencies use the sign.
    """
    try:
        return currencies.code_of(printed, spec) if printed else None
    except Unclear as unclear:
        if unclear.code == "ambiguous_currency":
            return None
        raise Unclear("unparsable_amount") from unclear


def from_json(written: str, locale: str) -> str:
    """A JSON number as the locale prints it: it has one reading, which is not the locale's.

    Where babel is not installed, four decimals stand for three: they never look like a thousand.
    """
    if not any(c in written for c in ".eE") or len(written) > _MAX_DIGITS:
        return written
    plain_form = f"{Decimal(written):f}"
    if len(plain_form) > MAX_PARSED:
        return written
    try:
        return plain_form.replace(".", signs_of(locale).decimal)
    except ImportError:
        return plain_form + "0" * (plain_form[-4:-3] == ".")


def _signed(match: re.Match[str], signs: Signs, kind: Kind, decimals: int | None) -> str:
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
    could_group = len(after) == 3 and len(whole) <= 3 and whole[0] != "0"
    if could_group:
        if sign == signs.group:
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
    if used == {_SPACE} and not with_fraction and signs.group != _SPACE:
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
