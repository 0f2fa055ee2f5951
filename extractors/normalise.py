"""Text as printed -> value, by kind and locale.

Strict on purpose: a text that can mean two things, or anything but its kind, gets a problem instead of a guess, and a person
looks at it.
"""

from dataclasses import dataclass
from decimal import Decimal

from extractors.documents.spec import Kind


@dataclass(frozen=True, slots=True, kw_only=True)
class Value:
    """What a text means; ``value`` is None exactly when there is a problem."""

    kind: Kind
    value: str | bool | None  # JSON-able: "2026-04-03", "1204.50", "EUR", True, a choice, an identifier, the text
    currency: str | None = None  # ISO 4217, if printed within an amount
    problem: str | None = None  # a code: "unparsable_date", "checksum_failed", ...
    message: str | None = None  # the problem in words, for people

    def agrees_with(self, other: "Value") -> bool:
        """Both mean the same: a currency that one of them leaves out does not contradict, case and spaces of texts do not count.

        A value with a problem agrees with nothing.
        """
        if self.value is None or other.value is None or self.kind is not other.kind:
            return False
        currencies = {self.currency, other.currency} - {None}
        return len(currencies) < 2 and _comparable(self) == _comparable(other)


def _comparable(value: Value) -> object:
    if isinstance(value.value, str) and value.kind in (Kind.AMOUNT, Kind.NUMBER):
        return Decimal(value.value)
    if isinstance(value.value, str) and value.kind is Kind.TEXT:
        return "".join(value.value.split()).casefold()
    return value.value
