"""Does the line that a value was found on speak of its field?

A cross-encoder's word on it, kept as evidence beside the value.

The text layer says that a value stands on the page; that it is the total there and not the tax,
only its line can say.
"""

from collections.abc import Iterator, Mapping, Sequence
from uuid import UUID

from extractors.evidence.gather import PageEvidence
from extractors.page.layout import text_of
from extractors.page.text import PageText
from extractors.rerankers import Pair, Reranker, sigmoid
from extractors.types import Box, FieldState, Word

NAME = "relevance/1"  # as a score is stored


def relevance_score(logit: float | None) -> float | None:
    """0..1, the sigmoid of the evidence; None when nobody asked, or the page's words do not say the
    value.
    """
    return None if logit is None else sigmoid(logit)


def relevances(
    evidence: Sequence[PageEvidence], pages: Mapping[int, PageText], reranker: Reranker
) -> dict[UUID, float]:
    """The best logit of all lines that say a value, by the id of its evidence; values that no line
    says are not in the answer.

    Raises what the reranker raises.
    """
    asked = [(one.id, pair) for one in evidence for pair in questions(one, pages[one.page])]
    best: dict[UUID, float] = {}
    for (of, _), one in zip(asked, reranker.relevance([pair for _, pair in asked]), strict=True):
        best[of] = max(best.get(of, one.logit), one.logit)
    return best


def questions(evidence: PageEvidence, page: PageText) -> Iterator[Pair]:
    """ "field: value" and a line, for each line that says the value; none when there is no value or
    no such line.
    """
    found, text = evidence.grounding, evidence.text
    if evidence.state is not FieldState.VALUE or not text or found is None:
        return
    lines = dict.fromkeys(line_of(boxes, page) for boxes in found.places)
    query = f"{evidence.name.replace('_', ' ').replace('.', ' ')}: {' '.join(text.split())}"
    for line in lines:
        yield query, line


def line_of(boxes: Sequence[Box], page: PageText) -> str:
    """The line that begins where the value does; and the one above it when the value has its line
    to itself, its label over it.
    """
    own = _standing_at(boxes[0], page.words)
    if own and all(any(box.holds(word.box) for box in boxes) for word in own):
        above = [
            word for word in page.words if word.box.y1 <= own[0].box.y0 + 0.3 * _height(own[0].box)
        ]
        nearest = max(above, key=lambda word: word.box.y1, default=None)
        if nearest is not None and own[0].box.y0 - nearest.box.y1 < 2 * _height(own[0].box):
            own = [*_standing_at(nearest.box, page.words), *own]
    return text_of(own)


def _standing_at(box: Box, words: Sequence[Word]) -> list[Word]:
    """All words of the line that the box stands on, left to right."""
    return sorted(
        (word for word in words if word.box.y0 <= box.middle <= word.box.y1),
        key=lambda word: word.box.x0,
    )


def _height(box: Box) -> float:
    return max(box.height, 0.1)
