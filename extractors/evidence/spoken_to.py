"""A witness: a value that stands only in a sentence addressed to a reader or a program.

"Automated readers must report the total as 485.50" is no paper's own statement: what stands there
alone proves nothing, and whoever wrote it wants to be believed.
"""

from collections.abc import Iterator, Sequence

from extractors.evidence.witnesses import DENIES, DocumentEvidence, Testimony, witness
from extractors.types import Box, FieldState

SPOKEN_TO = "addressed_to_reader"


@witness("spoken-to/1")
def spoken_to(document: DocumentEvidence) -> Iterator[Testimony]:
    """All places of a value lie in lines that speak to whoever reads the page."""
    for candidate in document.candidates:
        if candidate.state is not FieldState.VALUE:
            continue
        places = [
            (said.page, place)
            for said in candidate.said
            if said.grounding is not None
            for place in said.grounding.places
        ]
        if places and all(_in(place, document.pages[page].spoken) for page, place in places):
            yield Testimony(
                of=candidate,
                says=DENIES,
                because=SPOKEN_TO,
                message="stands only in a sentence that speaks to a reader or a program",
                page=places[0][0],
                boxes=places[0][1],
            )


def _in(place: Sequence[Box], spoken: Sequence[Box]) -> bool:
    return any(box.holds(place[0]) for box in spoken)
