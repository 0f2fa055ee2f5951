"""A witness: what stands under the field's own label, and under another field's.

Which label is a field's says its term of an e-invoice (``einvoice="due_date"``): labels are whole
phrases, see ``page/label_phrases.py``.  Where exactly one value stands under a field's own label,
another one is denied, and so is an absence; a value that stands under another field's label alone
is denied too.  Everything that a label gives is offered to people, with its place.
"""

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from extractors.documents.spec import DocumentType, FieldSpec, Kind
from extractors.evidence.gather import Candidate
from extractors.evidence.witnesses import (
    AGREES,
    DENIES,
    OFFERS,
    DocumentEvidence,
    Testimony,
    witness,
)
from extractors.normalise import Value, normalise
from extractors.page.folding import squeezed
from extractors.page.label_phrases import NAMES
from extractors.page.labelled import Label, is_code
from extractors.page.layout import text_of
from extractors.page.paying import DATE
from extractors.page.text import PageText
from extractors.types import Box, FieldState, Word

LABEL_DIFFERS, OTHERS_LABEL, LABEL_ABSENT = "label_differs", "others_label", "label_has_value"
SOFT = {"net": 1, "tax": 1}  # tiers from here on deny no other value
_KIND = {
    "number": Kind.IDENTIFIER,
    "date": Kind.DATE,
    "due_date": Kind.DATE,
    "net": Kind.AMOUNT,
    "tax": Kind.AMOUNT,
    "total": Kind.AMOUNT,
    "other_date": Kind.DATE,
    "other_number": Kind.IDENTIFIER,
    "other_amount": Kind.AMOUNT,
}
_LONGEST = {Kind.DATE: 5, Kind.AMOUNT: 3}

Cell = tuple[Word, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Labelled:
    """One value that stands under a label."""

    name: str
    tier: int
    page: int
    text: str
    value: Value
    label: str  # as printed
    boxes: tuple[Box, ...]

    def says(self, candidate: Candidate) -> bool:
        """The candidate is this value."""
        if candidate.value is not None and self.value.agrees_with(candidate.value):
            return True
        one, other = squeezed(self.text), squeezed(candidate.text or "")
        if self.value.kind is Kind.IDENTIFIER:  # of several words: "05 158 004"
            return bool(one) and (other.startswith(one) or other.endswith(one))
        return one == other and (self.value.problem is not None or candidate.value is None)


@witness("own-label/1")
def own_label(document: DocumentEvidence) -> Iterator[Testimony]:
    """The value under the field's label agrees, denies or is offered."""
    fields = {f.einvoice: f for f in document.type.fields if f.einvoice in NAMED}
    if not fields:
        return
    found: dict[str, list[Labelled]] = defaultdict(list)
    for number, page in document.pages.items():
        for one in values_on(number, page, fields, document.type):
            found[one.name].append(one)
    for term, field in fields.items():
        if field.kind is not _KIND[term]:
            continue
        others = [
            one
            for name, ones in found.items()
            # a receipt has one sum: what is a net sum elsewhere is a name of it there
            if name != term and name in fields and _KIND[name] is field.kind
            for one in ones
        ]
        for candidate in document.of(field.name):
            yield from _heard(candidate, term, found[term], others)


NAMED = frozenset(name for name, _ in NAMES.values() if not name.startswith("other"))


def _heard(
    candidate: Candidate, term: str, own: Sequence[Labelled], others: Sequence[Labelled]
) -> Iterator[Testimony]:
    best = surest(own)
    if candidate.state is not FieldState.VALUE:
        if best is not None:
            yield _missing(candidate, best)
        return
    agreeing = next((one for one in own if one.says(candidate)), None)
    if agreeing is not None and (best is None or best.says(candidate)):
        yield Testimony(
            of=candidate,
            says=AGREES,
            because="own_label",
            message=f"stands under {agreeing.label}",
            page=agreeing.page,
            boxes=agreeing.boxes,
        )
    elif best is not None and best.tier < SOFT.get(term, 9) and not best.says(candidate):
        yield Testimony(
            of=candidate,
            says=DENIES,
            because=LABEL_DIFFERS,
            message=f"under {best.label} the page says {best.text}",
            page=best.page,
            boxes=best.boxes,
            offers=best.text,
        )
    elif agreeing is None:
        yield from _under_another(candidate, others)


def surest(own: Sequence[Labelled]) -> Labelled | None:
    """The one value of the surest label; None where there are several, or none."""
    for tier in sorted({one.tier for one in own}):
        ones = [one for one in own if one.tier == tier]
        if all(_alike(ones[0], one) for one in ones):
            return ones[0]
        return None
    return None


def _alike(a: Labelled, b: Labelled) -> bool:
    return a.value.agrees_with(b.value) or squeezed(a.text) == squeezed(b.text)


def _missing(candidate: Candidate, best: Labelled) -> Testimony:
    absent = candidate.state is FieldState.ABSENT
    return Testimony(
        of=candidate,
        says=DENIES if absent else OFFERS,
        because=LABEL_ABSENT,
        message=f"under {best.label} the page says {best.text}",
        page=best.page,
        boxes=best.boxes,
        offers=best.text,
    )


def _under_another(candidate: Candidate, others: Sequence[Labelled]) -> Iterator[Testimony]:
    """All places of the value stand under labels of other fields."""
    theirs = [one for one in others if one.says(candidate)]
    places = [
        (said.page, place)
        for said in candidate.said
        if said.grounding is not None
        for place in said.grounding.places
    ]
    if theirs and places and all(any(_covers(one, *place) for one in theirs) for place in places):
        one = theirs[0]
        yield Testimony(
            of=candidate,
            says=DENIES,
            because=OTHERS_LABEL,
            message=f"stands under {one.label}, which is another value",
            page=one.page,
            boxes=one.boxes,
        )


def _covers(one: Labelled, page: int, place: Sequence[Box]) -> bool:
    return one.page == page and any(box.holds(place[0], near=1) for box in one.boxes)


# ---- the values under the labels


def values_on(
    number: int, page: PageText, fields: dict[str, FieldSpec], spec: DocumentType
) -> Iterator[Labelled]:
    """The values under the labels of a page."""
    by_kind = {_KIND[term]: field for term, field in fields.items() if field.kind is _KIND[term]}
    for label in page.labels:
        kind = _KIND[label.name]
        field = fields.get(label.name, by_kind.get(kind))
        if field is None or field.kind is not kind:
            continue
        words = _value(label, kind, field, spec)
        if words:
            text = text_of(words).strip(" ,;:")
            text = text.rstrip(".") if kind is not Kind.AMOUNT else text
            yield Labelled(
                name=label.name,
                tier=label.tier,
                page=number,
                text=text,
                value=normalise(text, field, spec),
                label=text_of(label.words).rstrip(" :"),
                boxes=tuple(word.box for word in words),
            )


def _value(label: Label, kind: Kind, field: FieldSpec, spec: DocumentType) -> Cell:
    """The words of the value: behind the label at once, else beneath it, and no more than that."""
    if kind is Kind.AMOUNT:
        return _amount(label, field, spec)
    for words in (label.after[0] if label.after else (), label.beneath):
        whole = words is label.beneath
        found = _date(words, field, spec) if kind is Kind.DATE else _code(words)
        if found and not (whole and len(found) < len(words)):
            return found
    return ()


def _code(words: Cell) -> Cell:
    return words[:1] if words and is_code(words[0].text) else ()


def _date(words: Cell, field: FieldSpec, spec: DocumentType) -> Cell:
    if not words:
        return ()
    if DATE.fullmatch(words[0].text.strip(".,;:()")):
        return words[:1]
    for length in range(min(_LONGEST[Kind.DATE], len(words)), 1, -1):
        text = text_of(words[:length]).strip(" ,;:")
        if any(c.isdigit() for c in text) and normalise(text, field, spec).problem is None:
            return words[:length]
    return ()


def _amount(label: Label, field: FieldSpec, spec: DocumentType) -> Cell:
    """One amount and no other number before the next label."""
    for words, beside in ((label.after[:1], label.after[1:]), ((label.beneath,), ())):
        first = words[0] if words else ()
        found = _longest(first, field, spec)
        if not found:
            continue
        rest = (first[len(found) :], *beside)
        following = [w for cell in rest for w in cell]
        alone = True
        for word in following:
            if squeezed(word.text) in NAMES:
                break
            if any(c.isdigit() for c in word.text):
                alone = False
                break
        return found if alone else ()
    return ()


def _longest(words: Cell, field: FieldSpec, spec: DocumentType) -> Cell:
    for length in range(min(_LONGEST[Kind.AMOUNT], len(words)), 0, -1):
        text = text_of(words[:length])
        if _MONEY.search(text) and (
            normalise(text, field, spec).problem is None or _looks_like_money(text)
        ):
            return words[:length]
    return ()


# A bare "30" behind "Net" is a number of days.
_MONEY = re.compile(r"\d[.,]\d{2}(?!\d)|[^\W\d_]\W*\d|\d\W*[^\W\d_]|[€$£¥₹]|\d[.,' ]\d{3}")


def _looks_like_money(text: str) -> bool:
    """An amount that this locale reads in no single way."""
    bare = text.strip("€$£ ")
    return bool(bare) and all(c.isdigit() or c in ".,-'" for c in bare)
