"""Amounts: a number with its currency, and what countries print around the two.

A sign owns no dot and no dash that is not its own: "$.75" is 75 cents, and "EUR - 12.00" may be no
minus.
"""

import re

from extractors.documents.spec import DocumentType, FieldSpec, Kind
from extractors.normalise import currencies
from extractors.normalise.characters import folded, plain
from extractors.normalise.locales import language_of
from extractors.normalise.numbers import BODY, DASH, SIGNED, SPACE, Signs, signed, signs_in
from extractors.normalise.value import Unclear, Value

_BESIDE = r"(?:[^\d()+\u2013-]|(?<=[^\W\d])-(?=[^\W\d]))*"  # what stands beside the digits
_AMOUNT = re.compile(
    rf"(?P<head>[-+\u2013(]{{0,2}})\s?(?P<before>{_BESIDE}?)(?P<gap>\s?)"
    rf"(?P<number>[-+\u2013(]{{0,2}}\s?{BODY}(?:{DASH})?(?:\s?-)?\)?)"
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


def amount(text: str, field: FieldSpec, spec: DocumentType) -> Value:
    """A sum of money: number, sign in any usual place, currency before or after."""
    printed = plain(text, "unparsable_amount")
    if not any(map(str.isdigit, printed)):
        raise Unclear("unparsable_amount")
    printed = _without_frame(printed, spec)
    match = _AMOUNT.fullmatch(printed)
    if match is None and printed[0].isdigit():
        match = _AMOUNT.fullmatch(_as_decimals(printed, signs_in(spec).decimal))
    if match is None:
        raise Unclear("unparsable_amount")
    before, after = match["before"].strip(), match["after"].strip()
    if _TWO_POINTS.search(before):
        raise Unclear("unparsable_amount")
    currency = _printed_currency([part for part in (before, after) if part], spec)
    number = match["number"].lstrip()
    if match["gap"] or match["before"].endswith(SPACE):
        _refuse_loose_stroke(before, number)
    # The sign may stand outside the currency ("-$12", "($12)", "12 €-"): put together, it is the
    # plain signed number again.
    together = match["head"] + number + (match["behind"] or "") + match["tail"]
    inner = SIGNED.fullmatch(together)
    if inner is None:
        raise Unclear("unparsable_amount")
    in_yen = currency == "JPY" or any(sign in printed for sign in "¥￥円")
    if inner["trail"] and (in_yen or language_of(spec.locale) == "ja"):
        raise Unclear("ambiguous_minus")
    signs = signs_in(spec)
    decimals = currencies.decimals(currency) if currency else None
    if before.endswith((".", ",")) and not currencies.owns_dot(before, spec.locale):
        value = _after_loose_point(before[-1], inner, signs, glued=not match["gap"])
    else:
        value = signed(inner, signs, field.kind, decimals)
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


def _as_decimals(printed: str, decimal: str) -> str:
    """An amount whose cents stand after the currency, with a decimal sign instead."""
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
    if before and number[:1] in "-\u2013" and number[1:2] == SPACE:
        raise Unclear("ambiguous_minus")


def _after_loose_point(point: str, match: re.Match[str], signs: Signs, *, glued: bool) -> str:
    """The number behind a dot that is not its sign's.

    "$.75" is 75 cents; "$. 50" may be; "€. 1.234,56" has a decimal sign of its own.
    """
    body = match["body"]
    if glued and body.isdigit() and len(body) == 2 and point == signs.decimal:
        cents = SIGNED.fullmatch(match[0].replace(body, f"0.{body}", 1))
        if cents is not None and not match["dash"]:
            return signed(cents, Signs(".", ",", pairs=False), Kind.AMOUNT, 2)
    if not glued and len(re.split(r"\D", body)[-1]) == 2 and not body.isdigit():
        return signed(match, signs, Kind.AMOUNT, 2)
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
