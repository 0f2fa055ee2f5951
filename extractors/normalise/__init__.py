"""Text as printed -> value, by kind and locale.

Strict on purpose: a text that can mean two things, or anything but its kind, gets a problem instead
of a guess, and a person looks at it.  One parser a kind, in one table; babel is imported only when
a value is parsed.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from dataclasses import field as dataclass_field
from functools import lru_cache

from extractors.documents.spec import DocumentType, FieldSpec, Kind
from extractors.normalise import amounts, currencies, dates, identifiers, numbers, words
from extractors.normalise.placeholders import stands_for_nothing
from extractors.normalise.value import PROBLEMS, Unclear, Value

__all__ = ["PARSERS", "PROBLEMS", "Value", "normalise"]

Parser = Callable[[str, FieldSpec, DocumentType], Value]

PARSERS: dict[Kind, Parser] = {
    Kind.TEXT: words.text,
    Kind.DATE: dates.date,
    Kind.AMOUNT: amounts.amount,
    Kind.CURRENCY: currencies.currency,
    Kind.NUMBER: numbers.number,
    Kind.BOOLEAN: words.boolean,
    Kind.CHOICE: words.choice,
    Kind.IDENTIFIER: identifiers.identifier,
}


def normalise(text: str, field: FieldSpec, spec: DocumentType) -> Value:
    """What ``text`` means in ``field``, or a problem when it does not mean exactly one thing.

    Raises BrokenDocumentType when the document type's locale or checksum does not exist, and
    KeyError for a group, which has no text of its own.
    """
    if field.kind in _BY_CONVENTION:
        return _remembered(
            _Number(text, field.kind, spec.locale, spec.decimal, spec.signs, field, spec)
        )
    return _parsed(text, field, spec)


@dataclass(frozen=True, slots=True)
class _Number:
    """A text whose meaning depends on nothing of its type but how numbers are written there."""

    text: str
    kind: Kind
    locale: str
    decimal: str | None
    signs: tuple[tuple[str, str], ...]
    field: FieldSpec = dataclass_field(compare=False)
    spec: DocumentType = dataclass_field(compare=False)


_BY_CONVENTION = frozenset({Kind.AMOUNT, Kind.NUMBER})


@lru_cache(maxsize=4096)  # a page's numbers are asked for once for each field that they could be
def _remembered(asked: _Number) -> Value:
    return _parsed(asked.text, asked.field, asked.spec)


def _parsed(text: str, field: FieldSpec, spec: DocumentType) -> Value:
    try:
        return PARSERS[field.kind](text, field, spec)
    except Unclear as unclear:
        code = unclear.code
    if code in _MAY_BE_NOTHING and not _DIGIT.search(text) and stands_for_nothing(text.strip()):
        code = "placeholder"
    return Value(kind=field.kind, value=None, problem=code, message=PROBLEMS[code])


_DIGIT = re.compile(r"\d")  # no placeholder has one, and most texts of numbers and dates do
# Problems of texts that are no value of their kind, and may say so themselves.
_MAY_BE_NOTHING = frozenset(
    {
        "unparsable_date",
        "unparsable_amount",
        "unparsable_number",
        "unknown_currency",
        "not_yes_or_no",
        "not_a_choice",
        "checksum_failed",
    }
)
