"""How one document writes numbers and dates: one decimal sign, one order of day and month.

Pure. A type names the locale of its papers, and a paper may come from elsewhere. One amount or one
date that can be read in one way only proves the document's habit, and settles the others:
30/04/2026 has no month 30, so 03/04/2026 beside it is the 3rd of April. Where two of them prove
opposite habits, nothing is settled and the witness denies what stays open.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from extractors.documents.spec import DocumentType, Kind
from extractors.evidence.witnesses import DENIES, DocumentEvidence, Testimony, witness
from extractors.types import FieldState, Word

ORDERS_DIFFER, SIGNS_DIFFER = "date_orders_differ", "decimal_signs_differ"
_NUMBERS = (Kind.AMOUNT, Kind.NUMBER)
_BODY = re.compile(r"\d(?:[\d.,'’\s]*\d)?")
_DAY = re.compile(r"(?<![\d.,/-])(\d{1,2})\s?([./-])\s?(\d{1,2})\s?\2\s?\d{4}(?!\d)")
_SHORT_DAY = re.compile(r"(?<![\d.,/-])(\d{1,2})\s?([./-])\s?(\d{1,2})\s?\2\s?'?\d{2}(?!\d)")
_CENTS = re.compile(r"\D{0,3}\d{1,3}(?:[.,'’]?\d{3})*[.,]\d\d\D{0,3}")
_OTHER = {".": ",", ",": "."}


@dataclass(frozen=True, slots=True, kw_only=True)
class Conventions:
    """What a document proves about its own spelling; several of a kind contradict each other."""

    amounts: frozenset[str] = frozenset()  # decimal signs that amounts prove
    numbers: frozenset[str] = frozenset()  # that other numbers prove
    day_first: frozenset[bool] = frozenset()  # that dates prove

    def of(self, spec: DocumentType) -> DocumentType:
        """The type as this document writes it."""
        signs = self.amounts or self.numbers
        decimal = next(iter(signs)) if len(signs) == 1 else spec.decimal
        day_first = next(iter(self.day_first)) if len(self.day_first) == 1 else spec.day_first
        if not self.day_first and signs == {","}:
            day_first = True  # nobody who writes a decimal comma sets the month before the day
        return replace(spec, decimal=decimal, day_first=day_first)

    @property
    def orders_differ(self) -> bool:
        return len(self.day_first) > 1

    @property
    def signs_differ(self) -> bool:
        return len(self.amounts | self.numbers) > 1


def conventions(said: Iterable[tuple[Kind, str]], pages: Iterable[Sequence[Word]]) -> Conventions:
    """What the texts that were read, by kind, and the words of the pages prove."""
    texts = list(said)
    words = [word.text for page in pages for word in page if word.text[-1:].isdigit()]
    amounts = _signs(text for kind, text in texts if kind is Kind.AMOUNT)
    numbers = _signs(text for kind, text in texts if kind is Kind.NUMBER)
    if not amounts | numbers:
        amounts = _signs(word for word in words if _CENTS.fullmatch(word))
    dates = [text for kind, text in texts if kind is Kind.DATE]
    day_first = {order for text in dates for order in _orders(_DAY, text)}
    day_first |= {order for text in dates for order in _orders(_SHORT_DAY, text)}
    # a short one that no field asks for may be a time, a share or a version
    day_first |= {order for word in words if len(word) <= 12 for order in _orders(_DAY, word)}
    return Conventions(amounts=amounts, numbers=numbers, day_first=frozenset(day_first))


def _signs(texts: Iterable[str]) -> frozenset[str]:
    bodies = (_BODY.findall(text) for text in texts)
    signs = (decimal_of(found[0]) for found in bodies if len(found) == 1)
    return frozenset(sign for sign in signs if sign is not None)


def decimal_of(body: str) -> str | None:
    """The decimal sign of a number that can have no other; None where it is open, or has none."""
    *groups, after = re.split(r"\D", body)
    seps = re.findall(r"\D", body)
    if not seps or seps[-1] not in _OTHER:
        return None
    last: str = seps[-1]
    if len(seps) > 1:
        if last not in seps[:-1]:
            return last
        # "1.234.567": what parts thousands is no decimal sign
        threes = set(seps) == {last} and all(len(g) == 3 for g in (*groups[1:], after))
        return _OTHER[last] if threes else None
    # "09,000" is neither thousands nor thousandths: it proves nothing
    may_part_thousands = len(after) == 3 and len(groups[0]) <= 3 and groups[0] != "0"
    return None if may_part_thousands else last


def _orders(form: re.Pattern[str], text: str) -> Iterator[bool]:
    """What a date in figures proves: whether its day comes first."""
    for match in form.finditer(text):
        first, second = int(match[1]), int(match[3])
        if (first > 12) != (second > 12) and max(first, second) <= 31 and min(first, second) > 0:
            yield first > 12


@witness("conventions/1")
def one_convention(document: DocumentEvidence) -> Iterator[Testimony]:
    """Where a document writes in two ways, what can be read in both of them is denied."""
    values = [
        (document.type.field(one.name).kind, one)
        for one in document.candidates
        if one.state is FieldState.VALUE and one.text
    ]
    proven = conventions(
        [(kind, one.text or "") for kind, one in values],
        [page.words for page in document.pages.values()],
    )
    for kind, one in values:
        if kind is Kind.DATE and proven.orders_differ and _DAY.search(one.text or ""):
            yield Testimony(
                of=one,
                says=DENIES,
                because=ORDERS_DIFFER,
                message="this document writes dates with the day first and with the month first",
            )
        elif kind in _NUMBERS and proven.signs_differ and _is_open(one.text or ""):
            yield Testimony(
                of=one,
                says=DENIES,
                because=SIGNS_DIFFER,
                message="this document writes numbers with a decimal comma and a decimal point",
            )


def _is_open(text: str) -> bool:
    """The one sign in the number could be a decimal sign or part thousands."""
    found = _BODY.findall(text)
    return len(found) == 1 and len(re.findall("[.,]", found[0])) == 1 and not decimal_of(found[0])
