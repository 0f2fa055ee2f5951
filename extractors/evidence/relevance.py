"""Does the line that a value was found on speak of its field?

A cross-encoder's word on it, kept as evidence beside the value.

The text layer says that a value stands on the page; that it is the total there and not the tax,
only its line can say.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from extractors.documents.spec import DocumentType
from extractors.evidence.grounding import ground
from extractors.page.text import PageText
from extractors.rerankers import Pair, Reranker, sigmoid
from extractors.types import Box, FieldReading, FieldState, Word

NAME = "relevance/1"  # as a score is stored


def relevance_score(reading: FieldReading) -> float | None:
    """0..1, the sigmoid of the evidence; None when nobody asked, or the page's words do not say the
    value.
    """
    return None if reading.relevance is None else sigmoid(reading.relevance)


def with_relevance(
    readings: Sequence[FieldReading], page: PageText, spec: DocumentType, reranker: Reranker
) -> tuple[FieldReading, ...]:
    """The readings, those whose value the page says with the best logit of all lines that say it.

    Raises what the reranker raises.
    """
    asked = [
        (at, pair) for at, reading in enumerate(readings) for pair in questions(reading, page, spec)
    ]
    best: dict[int, float] = {}
    for (at, _), one in zip(asked, reranker.relevance([pair for _, pair in asked]), strict=True):
        best[at] = max(best.get(at, one.logit), one.logit)
    return tuple(replace(reading, relevance=best.get(at)) for at, reading in enumerate(readings))


def questions(reading: FieldReading, page: PageText, spec: DocumentType) -> Iterator[Pair]:
    """ "field: value" and a line, for each line that says the value; none when there is no value or
    no such line.
    """
    if reading.state is not FieldState.VALUE or not reading.text:
        return
    found = ground(reading.text, page, spec.field(reading.name), spec)
    lines = dict.fromkeys(line_of(boxes, page) for boxes in found.places) if found else {}
    query = f"{reading.name.replace('_', ' ').replace('.', ' ')}: {' '.join(reading.text.split())}"
    for line in lines:
        yield query, line


def line_of(boxes: Sequence[Box], page: PageText) -> str:
    """The line that begins where the value does; and the one above it when the value has its line
    to itself, its label over it.
    """
    own = _standing_at(boxes[0], page.words)
    if own and all(any(_inside(word.box, box) for box in boxes) for word in own):
        above = [
            word for word in page.words if word.box.y1 <= own[0].box.y0 + 0.3 * _height(own[0].box)
        ]
        nearest = max(above, key=lambda word: word.box.y1, default=None)
        if nearest is not None and own[0].box.y0 - nearest.box.y1 < 2 * _height(own[0].box):
            own = [*_standing_at(nearest.box, page.words), *own]
    return " ".join(word.text for word in own)


def _standing_at(box: Box, words: Sequence[Word]) -> list[Word]:
    """All words of the line that the box stands on, left to right."""
    middle = (box.y0 + box.y1) / 2
    return sorted(
        (word for word in words if word.box.y0 <= middle <= word.box.y1),
        key=lambda word: word.box.x0,
    )


def _inside(inner: Box, outer: Box) -> bool:
    middle = (inner.x0 + inner.x1) / 2
    return outer.x0 <= middle <= outer.x1 and outer.y0 <= (inner.y0 + inner.y1) / 2 <= outer.y1


def _height(box: Box) -> float:
    return max(box.y1 - box.y0, 0.1)
