"""A witness: is a text whole, or only a piece of what stands in its cell?

A text that was cut short stands on the page all the same, and the next word stands close behind it.
A word that is a label is no value either.  It is denied only where every place that shows it says
so; a cell of a row is judged where its row stands.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

from extractors.documents.spec import Kind
from extractors.evidence.gather import Candidate, PageEvidence
from extractors.evidence.witnesses import DENIES, DocumentEvidence, Testimony, witness
from extractors.page.folding import squeezed
from extractors.page.label_phrases import NAMES, NUMBER_WORDS, PAPERS, PARTY
from extractors.page.layout import text_of
from extractors.page.text import PageText
from extractors.types import Box, FieldState, Word

TEXT_GOES_ON, IS_A_LABEL = "text_goes_on", "is_a_label"
CLOSE = 0.6  # of the words' height: a wider space parts two things
_LABEL_WORDS = 3  # of a label that follows in the same cell: "Foo Ltd  Tel. no.: 12"

Cell = tuple[Word, ...]


@dataclass(frozen=True, slots=True)
class _Seen:
    """What is wrong with a text at one place."""

    code: str
    whole: str  # what the cell says instead
    boxes: tuple[Box, ...]


@witness("whole-text/1")
def whole_text(document: DocumentEvidence) -> Iterator[Testimony]:
    """Texts that go on in their cell, and labels read as values."""
    for candidate in document.candidates:
        if candidate.state is not FieldState.VALUE:
            continue
        kind = document.type.field(candidate.name).kind
        if kind is Kind.IDENTIFIER and squeezed(candidate.text or "") in _NO_CODES:
            yield _label_read(candidate)
        if kind is not Kind.TEXT:
            continue
        seen = [
            _seen(candidate, said, document.pages[said.page], _others(document, candidate, said))
            for said in candidate.said
        ]
        if seen and all(seen) and (one := seen[0]) is not None:
            goes_on = one.code == TEXT_GOES_ON
            yield Testimony(
                of=candidate,
                says=DENIES,
                because=one.code,
                message=f"the page goes on: {one.whole}"
                if goes_on
                else f"{one.whole} is a label on the page, and no value",
                page=candidate.said[0].page,
                boxes=one.boxes,
                offers=one.whole if goes_on else None,
            )


def _label_read(candidate: Candidate) -> Testimony:
    return Testimony(
        of=candidate,
        says=DENIES,
        because=IS_A_LABEL,
        message=f"{candidate.text} is a label, and no value",
        page=candidate.said[0].page,
    )


def _others(
    document: DocumentEvidence, candidate: Candidate, said: PageEvidence
) -> tuple[Box, ...]:
    """Where the page shows what was read for other fields: no text goes on into those."""
    return tuple(
        box
        for other in document.candidates
        if other.name != candidate.name and other.state is FieldState.VALUE
        for each in other.said
        if each.page == said.page and each.grounding is not None
        for place in each.grounding.places
        for box in place
    )


def _seen(
    candidate: Candidate, said: PageEvidence, page: PageText, others: tuple[Box, ...]
) -> _Seen | None:
    """What is wrong at every place of the page; None where one of them shows the text whole."""
    if said.grounding is None or not said.grounding.places:
        return None
    places = said.grounding.places
    if candidate.group is not None:
        places = places[:1]
    found = [_at(place, page, alone=candidate.group is None) for place in places]
    found = [
        None if one and _runs_into(one, place, others) else one
        for one, place in zip(found, places, strict=True)
    ]
    return found[0] if all(found) else None


def _runs_into(one: _Seen, place: tuple[Box, ...], others: tuple[Box, ...]) -> bool:
    """Whether what the text goes on with is another field's value."""
    if one.code != TEXT_GOES_ON:
        return False
    more = [box for box in one.boxes if not any(_stands_in(box, own) for own in place)]
    return any(_stands_in(box, other) for box in more for other in others)


def _at(place: tuple[Box, ...], page: PageText, *, alone: bool) -> _Seen | None:
    ending = _cell_of(place[-1], page)
    if ending is None:
        return None
    cell, first, last = ending
    if cell[last].text.endswith(":") and place[-1].x1 <= cell[last].box.x1 + 1:
        return _Seen(IS_A_LABEL, text_of(cell[first : last + 1]), place)
    if len(place) == 1 and squeezed(text_of(cell[first : last + 1])) in _LABELS:
        following = cell[last + 1 :]
        if not following or not any(c.isalnum() for c in following[0].text):
            return _Seen(IS_A_LABEL, text_of(cell[first : last + 1]), place)
    if alone and first == last and _begins_a_label(cell, first):
        return _Seen(IS_A_LABEL, text_of(cell[first : last + 1]), place)
    end = _goes_on_to(cell, last)
    if end > last:
        whole = cell[first : end + 1]
        return _Seen(TEXT_GOES_ON, text_of(whole), tuple(w.box for w in whole))
    if alone and len(place) == 1 and _begins_before(cell, first, last):
        return _Seen(
            TEXT_GOES_ON, text_of(cell[: last + 1]), tuple(w.box for w in cell[: last + 1])
        )
    return None


_LABELS = frozenset(NAMES) | frozenset(PARTY) | PAPERS
_NO_CODES = _LABELS | NUMBER_WORDS


def _cell_of(box: Box, page: PageText) -> tuple[Cell, int, int] | None:
    """The cell that a box stands in, and its first and last word there."""
    middle = box.middle
    for line in page.lines:
        for cell in line:
            if not cell[0].box.y0 <= middle <= cell[0].box.y1:
                continue
            inside = [n for n, word in enumerate(cell) if _within(word.box, box)]
            if inside:
                return cell, inside[0], inside[-1]
    return None


def _within(word: Box, box: Box) -> bool:
    return min(word.x1, box.x1) - max(word.x0, box.x0) > 0.5 * min(word.width, box.width)


def _stands_in(word: Box, box: Box) -> bool:
    """In the same columns and on the same line."""
    middle = word.middle
    return box.y0 <= middle <= box.y1 and _within(word, box)


def _goes_on_to(cell: Cell, last: int) -> int:
    """The last word of the text that goes on behind this one; itself where it does not."""
    end = last
    while end + 1 < len(cell) and _joins(cell[end], cell[end + 1]):
        if any(word.text.endswith(":") for word in cell[end + 1 : end + 1 + _LABEL_WORDS]):
            break
        if end == last and _is_label(cell[end + 1 :]):
            break
        end += 1
    return end


def _joins(word: Word, after: Word) -> bool:
    """The second word belongs to the first: close behind, and nothing parts them."""
    height = max(word.box.height, after.box.height)
    return (
        after.box.x0 - word.box.x1 <= CLOSE * height
        and word.text[-1] not in ",;:|)"
        and (after.text[0].isalpha() or after.text in ("&", "+"))
    )


def _is_label(words: Cell) -> bool:
    spelled = ""
    for word in words[:_LABEL_WORDS]:
        spelled += squeezed(word.text)
        if spelled in _LABELS:
            return True
    return False


def _begins_a_label(cell: Cell, first: int) -> bool:
    """The first word of a cell that has a colon soon behind: "Globale Nummer: 4000"."""
    colon = next((n for n, w in enumerate(cell[: _LABEL_WORDS + 1]) if w.text[-1] == ":"), None)
    return (
        first == 0
        and bool(colon)
        and all(_joins(a, b) for a, b in pairwise(cell[: (colon or 0) + 1]))
    )


def _begins_before(cell: Cell, first: int, last: int) -> bool:
    """A text that began earlier in the cell: with a word before a single one, that is no label, or
    with the number of a house.
    """
    if first == 0:
        return False
    before = cell[first - 1]
    height = max(before.box.height, 1.0)
    if cell[first].box.x0 - before.box.x1 > CLOSE * height:
        return False
    if first == last:
        return before.text[-1].isalnum() and squeezed(text_of(cell[:first])) not in _LABELS
    return first == 1 and before.text.isdigit() and cell[first].text[0].isalpha()
