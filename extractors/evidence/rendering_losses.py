"""A witness: what rendering lost.  The picture looks whole, and is not.

Where something of a page was not drawn, everything in the document is doubted: what is missing may
say otherwise, on whatever page the value stands.  Where a file had to be repaired, what was read is
right, and that something is absent proves nothing.
"""

from collections.abc import Iterator

from extractors.evidence.gather import Candidate
from extractors.evidence.witnesses import DENIES, DocumentEvidence, Testimony, witness
from extractors.rendering.findings import Finding, Severity
from extractors.types import FieldState

PAGE_NOT_WHOLE = "page_not_whole"


@witness("rendering-losses/1")
def rendering_losses(document: DocumentEvidence) -> Iterator[Testimony]:
    """One denial for each candidate and the gravest finding that it rests on."""
    findings = [one for one in document.findings if one.severity is not Severity.NOTE]
    if not findings:
        return
    for one in document.candidates:
        found = next((each for each in findings if _concerns(each, one)), None)
        if found is not None:
            yield Testimony(
                of=one,
                says=DENIES,
                because=PAGE_NOT_WHOLE,
                message=found.message,
                details={"finding": found.code},
                page=found.page,
            )


def _concerns(found: Finding, one: Candidate) -> bool:
    """A loss concerns all that was read; a repair concerns absences, and lists that may go on."""
    if found.severity is Severity.REPAIRED:
        return one.state is FieldState.ABSENT or ("." not in one.name and not one.said)
    return True
