"""Where a page says a value: the words that spell it, and what they say instead when none do.

Dates, amounts and numbers are compared by what they mean, one stretch of words at a time, and a
stretch that goes on ("12" before "345.00", a minus before "5.00") is another value. Everything else
is compared by its characters.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from extractors.documents.spec import DocumentType, FieldSpec, Kind
from extractors.normalise import Value, normalise
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
    for layout in page.layouts:
        if field.kind in _STRETCH and value.problem is None:
            found = list(_stretches_meaning(value, needle, layout, field, spec))
        else:
            found = list(_spellings(text, needle, layout, field))
        if found:
            best = (
                Agreement.EXACT
                if any(agreed is Agreement.EXACT for agreed, _ in found)
                else Agreement.NORMALISED
            )
            spans = _apart(span for agreed, span in found if agreed is best)
            return Grounding(
                agreement=best,
                places=tuple(layout.boxes(span) for span in spans),
                source=page.source,
            )
    if field.kind in _MAY_BE_UNSAID:
        return None
    return Grounding(
        agreement=Agreement.NONE, nearest=nearest(needle, page.as_given, exact), source=page.source
    )


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


def _stretches_meaning(
    value: Value, needle: str, layout: Layout, field: FieldSpec, spec: DocumentType
) -> Iterator[tuple[Agreement, Span]]:
    """Stretches of words that mean ``value``, none inside a longer stretch that means something
    else.
    """
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


_LABEL = re.compile(r".*[:#=|]\s*")  # "Date:" glued to what it names
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
    return any(m.problem is None and not m.agrees_with(value) for m in means)


# ---- everything else: by characters


def _spellings(
    text: str, needle: str, layout: Layout, field: FieldSpec
) -> Iterator[tuple[Agreement, Span]]:
    for span in layout.find(needle, exact):
        if _stands_alone(layout, span, field.kind):
            yield Agreement.EXACT, span
    fold = _FOLDS.get(field.kind, loosely)
    for span in layout.find("".join(c for c, _ in fold(text)), fold):
        if _stands_alone(layout, span, field.kind):
            yield Agreement.NORMALISED, span


def loosely(text: str) -> list[tuple[str, int]]:
    """For texts: case, width, hyphens and punctuation do not count, but what stands between digits
    does.
    """
    kept: list[tuple[str, int]] = []
    for at, c in enumerate(text):
        between_digits = text[at - 1 : at].isdigit() and text[at + 1 : at + 2].isdigit()
        if unicodedata.category(c)[0] in "LNSM" or between_digits:
            kept += [
                (f, at) for f in unicodedata.normalize("NFKC", c).casefold() if not f.isspace()
            ]
    return kept


def to_the_letter(text: str) -> list[tuple[str, int]]:
    """For identifiers: only width, spaces and the kind of hyphen do not count."""
    return [
        (f, at)
        for at, c in enumerate(text)
        for f in unicodedata.normalize("NFKC", "-" if unicodedata.category(c) == "Pd" else c)
        if not f.isspace() and unicodedata.category(f) != "Cf"
    ]


_FOLDS = {Kind.IDENTIFIER: to_the_letter}


def _stands_alone(layout: Layout, span: Span, kind: Kind) -> bool:
    """The match is not a piece of a longer word or number."""
    head, tail = layout.words[span.first].text, layout.words[span.last].text
    if kind is Kind.CURRENCY:  # glued to its amount: "€12.00", "12.00EUR"
        return not (head[: span.start][-1:].isalpha() or tail[span.end :][:1].isalpha())
    return _border(head[: span.start][::-1], kind) and _border(tail[span.end :], kind, after=True)


def _border(rest: str, kind: Kind, *, after: bool = False) -> bool:
    """Whether what is left of the word, read away from the match, can be mere punctuation or a
    label.
    """
    if not rest:
        return True
    if rest[0].isalnum() or (kind is not Kind.TEXT and rest[0] in "-/_+\u2010\u2011\u2212"):
        return False
    if rest[0] in ".,'" and rest[1:2]:
        return not (rest[1].isalnum() if after else rest[1].isdigit())
    return True
