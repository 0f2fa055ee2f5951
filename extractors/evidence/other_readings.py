"""A witness: what the other pages' readings say of the same field."""

from collections.abc import Iterator

from extractors.evidence.witnesses import AGREES, DENIES, DocumentEvidence, Testimony, witness
from extractors.types import FieldState


@witness("other-readings/1")
def other_readings(document: DocumentEvidence) -> Iterator[Testimony]:
    """Two pages that say the same agree; two values for one field deny each other."""
    for candidate in document.candidates:
        if candidate.state is not FieldState.VALUE:
            continue
        values = document.values(candidate.name, candidate.ordinal)
        others = [
            e.text or "" for rival in values if rival.key != candidate.key for e in rival.said
        ]
        if others:
            yield Testimony(
                of=candidate,
                says=DENIES,
                because="conflict",
                message=f"pages disagree: {' | '.join(others)}",
                details={"others": others},
            )
        elif len(candidate.said) > 1:
            yield Testimony(
                of=candidate,
                says=AGREES,
                because="repeated",
                details={"pages": list(candidate.pages)},
            )
