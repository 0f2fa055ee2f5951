"""A witness: do the check digits of an identifier fit?"""

from collections.abc import Iterator

from extractors.evidence.witnesses import AGREES, DENIES, DocumentEvidence, Testimony, witness
from extractors.normalise import PROBLEMS
from extractors.types import FieldState

CHECKSUM_FAILED = "checksum_failed"


@witness("checksum/1")
def checksum(document: DocumentEvidence) -> Iterator[Testimony]:
    """The check digits fit, or do not; a field without a checksum has no such witness."""
    for candidate in document.candidates:
        if candidate.state is not FieldState.VALUE or candidate.value is None:
            continue
        check = document.type.field(candidate.name).checksum
        if check is None:
            continue
        if candidate.value.problem is None:
            yield Testimony(
                of=candidate, says=AGREES, because="checksum", details={"checksum": check}
            )
        elif candidate.value.problem == CHECKSUM_FAILED:
            yield Testimony(
                of=candidate,
                says=DENIES,
                because=CHECKSUM_FAILED,
                message=PROBLEMS[CHECKSUM_FAILED],
                details={"checksum": check},
            )
