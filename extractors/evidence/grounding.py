"""Where a page says a value: the words that spell it, and what they say instead when none do.

Dates, amounts and numbers are compared by what they mean, one stretch of words at a time, and a
stretch that goes on ("12" before "345.00", a minus before "5.00") is another value. Everything else
is compared by its characters.
"""

import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from extractors.documents.spec import DocumentType, FieldSpec, Kind
from extractors.normalise import Value, normalise
from extractors.normalise.currencies import meant
from extractors.page.spelling import (
    WORD,
    border,
    is_part,
    loosely,
    plain,
    to_the_letter,
    unseparated,
)
from extractors.page.text import TEXT_LAYER, Layout, PageText, Span, exact, nearest
from extractors.types import Box


class Agreement(StrEnum):
    """How a page's words agree with a value."""

    EXACT = "exact"  # the same characters, but for spaces
    # the same after case, width and hyphenation, or the same date or amount in another spelling
    NORMALISED = "normalised"
    NONE = "none"  # the page has words, and the value is not among them


@dataclass(frozen=True, slots=True, kw_only=True)
class Grounding:
    """What a page's words say about one value."""

    agreement: Agreement
    places: tuple[tuple[Box, ...], ...] = ()  # every occurrence, in reading order; one box a line
    nearest: str | None = None  # when nothing agrees: what the page says that is most like it
    source: str = TEXT_LAYER

    @property
    def found(self) -> bool:
        return self.agreement is not Agreement.NONE


_LONGEST_CURRENCY = 30  # characters of a currency's name
# Longest stretch of words that spells one value ("Friday, the 3rd of April 2026" has seven).
_STRETCH = {Kind.DATE: 7, Kind.AMOUNT: 4, Kind.NUMBER: 3}
# A tick is no word, and a choice may be named otherwise on the page: not finding these contradicts
# nothing.
_MAY_BE_UNSAID = frozenset({Kind.BOOLEAN, Kind.CHOICE})


def ground(
    text: str,
    page: PageText,
    field: FieldSpec,
    spec: DocumentType,
    *,
    value: Value | None = None,
) -> Grounding | None:
    """Every place where the page says ``text``; None when the page's words cannot tell (there are
    none, or a tick is meant).

    text: as the model printed it, or a canonical value such as an ISO date.
    value: what it means, where the caller knows that already.
    """
    if not page.words or not text.strip():
        return None
    text = unicodedata.normalize("NFC", text)
    if value is None:
        value = normalise(text, field, spec)
    needle = "".join(text.split())
    for search in _SEARCHES.get(field.kind if value.problem is None else None, (_spellings,)):
        for layout in page.layouts:
            found = list(search(_Sought(text, needle, value, field, spec), layout))
            if found:
                return _places(found, layout, page.source)
    if field.kind in _MAY_BE_UNSAID:
        return None
    return Grounding(
        agreement=Agreement.NONE, nearest=nearest(needle, page.as_given, exact), source=page.source
    )


@dataclass(frozen=True, slots=True)
class _Sought:
    """What is looked for on a page."""

    text: str
    needle: str  # without spaces
    value: Value
    field: FieldSpec
    spec: DocumentType


Found = tuple[Agreement, Span]


def _places(found: Sequence[Found], layout: Layout, source: str) -> Grounding:
    exactly = any(agreed is Agreement.EXACT for agreed, _ in found)
    best = Agreement.EXACT if exactly else Agreement.NORMALISED
    spans = _apart(span for agreed, span in found if agreed is best)
    places = tuple(layout.boxes(span) for span in spans)
    return Grounding(agreement=best, places=places, source=source)


def _apart(spans: Iterable[Span]) -> list[Span]:
    """Without those that lie within an earlier one: "EUR 12.00" and the "12.00" in it are one
    place.
    """
    kept: list[Span] = []
    for span in spans:
        if not kept or (span.first, span.start) >= (kept[-1].last, kept[-1].end):
            kept.append(span)
    return kept


# ---- dates, amounts, numbers: by meaning


def _stretches_meaning(sought: _Sought, layout: Layout) -> Iterator[Found]:
    """Stretches of words that mean the value, none inside a longer stretch that means something
    else.
    """
    value, needle, field, spec = sought.value, sought.needle, sought.field, sought.spec
    for first, last in _stretches_with_digits(value, layout):
        span = _meaning(value, layout, first, last, field, spec)
        if span is None or _goes_on(value, layout, first, last, field, spec):
            continue
        said = layout.text(first, last)
        same = "".join(said.split()) == needle or _inside(said, span, layout) == needle
        yield (Agreement.EXACT if same else Agreement.NORMALISED), span


def _inside(said: str, span: Span, layout: Layout) -> str:
    """The matched characters of a stretch, without spaces."""
    cut = len(layout.words[span.last].text) - span.end
    return "".join(said[span.start : len(said) - cut if cut > 0 else None].split())


def _stretches_with_digits(value: Value, layout: Layout) -> Iterator[tuple[int, int]]:
    """Side-by-side words whose digits could be the value's: a cheap sieve before anything is
    parsed.
    """
    longest, printed = _STRETCH[value.kind], str(value.value)
    if value.kind is not Kind.DATE:
        yield from layout.stretches_of(longest).get(re.sub(r"\D", "", printed).strip("0"), ())
        return
    year, day = printed[2:4], str(int(printed[8:]))
    for first, last, digits in layout.stretches(longest):
        if 3 <= len(digits) <= 8 and year in digits and day in digits:
            yield first, last


_LABEL = re.compile(r".*[:#=|]\s*(?=\S)")  # "Date:" glued to what it names
_EDGES = " .,;:*|\"'()[]"


def _meaning(
    value: Value, layout: Layout, first: int, last: int, field: FieldSpec, spec: DocumentType
) -> Span | None:
    """The part of the stretch that means ``value``: all of it, or what is left without labels and
    punctuation around it.
    """
    said = layout.text(first, last)
    whole = normalise(said, field, spec)
    if whole.problem is None and not whole.agrees_with(value):
        return None
    if whole.problem is None and said.strip(_EDGES) == said:
        return Span(first, last, 0, len(layout.words[last].text))
    start = match.end() if (match := _LABEL.match(said)) else 0
    start += len(said[start:]) - len(said[start:].lstrip(_EDGES))
    inner = said[start:].rstrip(_EDGES)
    cut = len(said) - start - len(inner)
    if start >= len(layout.words[first].text) or cut >= len(layout.words[last].text):
        return None  # the shorter stretch says the same
    if inner == said or not normalise(inner, field, spec).agrees_with(value):
        # What stands around it may belong to it: a minus in brackets.
        return Span(first, last, 0, len(layout.words[last].text)) if whole.problem is None else None
    return Span(first, last, start, len(layout.words[last].text) - cut)


def _goes_on(
    value: Value, layout: Layout, first: int, last: int, field: FieldSpec, spec: DocumentType
) -> bool:
    """Whether one more word on either side makes another value of it."""
    wider = [(first - 1, last)] if layout.tight(first - 1) else []
    wider += [(first, last + 1)] if layout.tight(last) else []
    means = (normalise(layout.text(a, b), field, spec) for a, b in wider)
    other = any(m.problem is None and not m.agrees_with(value) for m in means)
    return other and not (first == last and _in_a_product(layout, first))


def _in_a_product(layout: Layout, at: int) -> bool:
    """The word is one of three on a line, and two of them multiply to the third: a row of a narrow
    table, "2 120.00 240.00".
    """
    for first in range(max(at - 2, 0), at + 1):
        three = layout.words[first : first + 3]
        if len(three) == 3 and all(layout.beside(n, _ROW) for n in (first, first + 1)):
            a, b, product = (plain(word.text) for word in three)
            if a and b and product and a * b == product:
                return True
    return False


_ROW = 20.0  # heights between the cells of a row, at most


def _same_characters(sought: _Sought, layout: Layout) -> Iterator[Found]:
    """The very characters, where nothing that means the value was found: spaced out, cut by a line
    or glued to a word.
    """
    for span in layout.find(sought.needle, exact):
        head, tail = layout.words[span.first].text, layout.words[span.last].text
        before, after = head[: span.start], tail[span.end :]
        if (
            layout.together(span, loose=False)
            and (border(before[::-1], sought.field.kind) or WORD.fullmatch(before))
            and border(after, sought.field.kind, after=True)
            and not (layout.tight(span.first - 1) and is_part(layout.words[span.first - 1].text))
            and not (layout.tight(span.last) and is_part(layout.words[span.last + 1].text))
            and not _means_another(sought, layout, span)
        ):
            yield Agreement.EXACT, span


def _means_another(sought: _Sought, layout: Layout, span: Span) -> bool:
    """The words as a whole mean something else: "(5.00)" is a minus."""
    whole = normalise(layout.text(span.first, span.last), sought.field, sought.spec)
    return whole.problem is None and not whole.agrees_with(sought.value)


# ---- currencies: by sign, code or name


def _currencies(sought: _Sought, layout: Layout) -> Iterator[Found]:
    """Signs, codes and names of the currency, alone or beside an amount."""
    for at, word in enumerate(layout.words):
        for match in _NOT_DIGITS.finditer(word.text):
            said = match[0].strip(_EDGES)
            if said and _is_currency(said, sought):
                start = match.start() + match[0].index(said)
                yield Agreement.NORMALISED, Span(at, at, start, start + len(said))
        if layout.tight(at):
            two = layout.text(at, at + 1).strip(_EDGES)
            if two.replace(" ", "").isalpha() and _is_currency(two, sought):
                yield (
                    Agreement.NORMALISED,
                    Span(at, at + 1, 0, len(layout.words[at + 1].text.rstrip(_EDGES))),
                )


_NOT_DIGITS = re.compile(r"[^\d\s.,'’()-]+(?:\.[^\d\s.,'’()-]+)*\.?")


def _is_currency(said: str, sought: _Sought) -> bool:
    if len(said) > _LONGEST_CURRENCY:
        return False
    value = normalise(said, sought.field, sought.spec)
    if value.problem != "ambiguous_currency":
        return value.agrees_with(sought.value)
    return sought.value.value in meant(said, sought.spec.locale).codes


# ---- everything else: by characters


def _spellings(sought: _Sought, layout: Layout) -> Iterator[Found]:
    field, text = sought.field, sought.text
    for span in layout.find(sought.needle, exact):
        if _stands_alone(layout, span, field.kind):
            yield Agreement.EXACT, span
    fold = unseparated if field.checksum else _FOLDS.get(field.kind, loosely)
    for span in layout.find("".join(c for c, _ in fold(text)), fold):
        if _stands_alone(layout, span, field.kind):
            yield Agreement.NORMALISED, span


_FOLDS = {Kind.IDENTIFIER: to_the_letter}


def _stands_alone(layout: Layout, span: Span, kind: Kind) -> bool:
    """The match is not a piece of a longer word or number."""
    if not layout.together(span, loose=kind in _LOOSE) and not layout.in_boxes(span):
        return False
    head, tail = layout.words[span.first].text, layout.words[span.last].text
    if kind is Kind.CURRENCY:  # glued to its amount: "€12.00", "12.00EUR"
        return not (head[: span.start][-1:].isalpha() or tail[span.end :][:1].isalpha())
    return border(head[: span.start][::-1], kind) and border(tail[span.end :], kind, after=True)


_LOOSE = frozenset({Kind.TEXT, Kind.CHOICE, Kind.BOOLEAN, Kind.CURRENCY})


# How each kind is sought, until something is found; all others by their characters.
_SEARCHES: dict[Kind | None, tuple[Callable[[_Sought, Layout], Iterator[Found]], ...]] = {
    **dict.fromkeys(_STRETCH, (_stretches_meaning, _same_characters)),
    Kind.CURRENCY: (_spellings, _currencies),
}
