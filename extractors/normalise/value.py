"""What a text means, or why nobody can say."""

import re
import unicodedata
from dataclasses import dataclass
from decimal import Decimal

from extractors.documents.spec import Kind

# code -> what people read.  Codes are stored as reasons and safe to count in SQL.
PROBLEMS = {
    "empty": "nothing is printed here",
    "unprintable": "holds characters that cannot be printed",
    "struck_out": "struck out on the page",
    "placeholder": "stands for nothing there, and is no value",
    "endless_repetition": "the same over and over: the reader got stuck",
    "mixed_scripts": "letters of two alphabets in one word: probably misread",
    "ambiguous_hyphen": "the hyphen at the line's end may belong to the name or not",
    "too_long": "longer than anything of its kind",
    "unparsable_date": "not a date that can be read in one way",
    "no_such_date": "no such day in the calendar",
    "ambiguous_date": "day and month could be either way round",
    "day_month_order": "day and month stand the other way round than in this document type",
    "ambiguous_century": "the century of the two-digit year is open",
    "implausible_year": "the year is not between 1900 and 2100",
    "ambiguous_calendar": "the year could be of the country's own calendar",
    "weekday_mismatch": "the weekday is not that day's",
    "unparsable_amount": "not an amount that can be read in one way",
    "ambiguous_amount": "the sign between the digits could be a decimal sign or a thousands sign",
    "ambiguous_minus": "the stroke behind the amount may be a minus, or only its end",
    "unparsable_number": "not a number that can be read in one way",
    "ambiguous_number": "the sign between the digits could be a decimal sign or a thousands sign",
    "unknown_currency": "not a currency",
    "ambiguous_currency": "several currencies use this sign",
    "not_yes_or_no": "neither yes nor no",
    "not_a_choice": "not one of the choices",
    "checksum_failed": "the check digits do not fit",
}


class Unclear(Exception):
    """A text that has no single meaning; ``code`` is a key of PROBLEMS.

    Never leaves this package.
    """

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@dataclass(frozen=True, slots=True, kw_only=True)
class Value:
    """What a text means; ``value`` is None exactly when there is a problem."""

    kind: Kind
    value: (
        str | bool | None
    )  # JSON-able: "2026-04-03", "1204.50", "EUR", True, a choice, an identifier, the text
    currency: str | None = None  # ISO 4217, if printed within an amount and unmistakable
    problem: str | None = None  # a key of PROBLEMS
    message: str | None = None  # the problem in words, for people

    def agrees_with(self, other: "Value") -> bool:
        """Both mean the same: the one comparison of values that there is.

        A currency that one of them leaves out does not contradict; case, accents, spaces and
        punctuation of texts do not count.  A value with a problem agrees with nothing.
        """
        if self.value is None or other.value is None or self.kind is not other.kind:
            return False
        currencies = {self.currency, other.currency} - {None}
        return len(currencies) < 2 and _comparable(self) == _comparable(other)


def _comparable(value: Value) -> object:
    if isinstance(value.value, str) and value.kind in (Kind.AMOUNT, Kind.NUMBER):
        return Decimal(value.value)
    if isinstance(value.value, str) and value.kind is Kind.TEXT:
        return _letters_and_digits(value.value)
    return value.value


def _letters_and_digits(text: str) -> str:
    """What two spellings of one text share: case, accents, width and punctuation do not count.

    What stands between digits does: "1.5" is not "15"; so do signs such as + and &, and the vowel
    signs of Indic scripts.
    """
    text = "".join(text.split()).casefold()
    if not text.isascii():
        text = _ACCENTS.sub("", unicodedata.normalize("NFKD", text).casefold())
    kept = "".join(
        c
        for at, c in enumerate(text)
        if unicodedata.category(c)[0] in "LNMS"
        or c in _SPOKEN
        or (text[at - 1 : at].isdigit() and text[at + 1 : at + 2].isdigit())
    )
    return kept or text


_ACCENTS = re.compile("[\u0300-\u036f]")
_SPOKEN = "&%#@*"
