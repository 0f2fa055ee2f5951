"""What rendering lost doubts what rests on it."""

from dataclasses import dataclass, replace

import pytest

from extractors.documents import BUILT_IN
from extractors.evidence.gather import Candidate
from extractors.evidence.rendering_losses import rendering_losses
from extractors.evidence.witnesses import DocumentEvidence
from extractors.rendering.findings import Finding
from extractors.types import FieldState


@dataclass(frozen=True)
class Said:
    page: int


VALUE = Candidate(name="total", state=FieldState.VALUE, text="1.00", pages=(1,))
LATER = replace(VALUE, name="date", text="x", pages=(2,))
ABSENT = Candidate(name="iban", state=FieldState.ABSENT, pages=(1, 2))


def denied(*findings: Finding) -> set[str]:
    document = DocumentEvidence(
        type=BUILT_IN["invoice"],
        candidates=tuple(replace(one, said=(Said(1),)) for one in (VALUE, LATER, ABSENT)),  # type: ignore[arg-type]
        findings=findings,
    )
    return {one.of.name for one in rendering_losses(document)}


@pytest.mark.parametrize(
    ("findings", "names"),
    [
        ((), set()),
        ((Finding("attachment"),), set()),
        ((Finding("file_repaired"),), {"iban"}),
        ((Finding("content_damaged", 1),), {"total", "date", "iban"}),
        ((Finding("content_damaged", 2),), {"total", "date", "iban"}),
        ((Finding("file_cut_short"),), {"total", "date", "iban"}),
        ((Finding("attachment"), Finding("file_repaired")), {"iban"}),
        ((Finding("file_repaired"), Finding("content_damaged", 2)), {"total", "date", "iban"}),
    ],
)
def test_a_loss_doubts_what_rests_on_it(findings, names):
    """A note doubts nothing, a repair absences, a loss the whole document."""
    assert denied(*findings) == names


def test_a_repair_doubts_a_list_that_may_go_on_and_none_of_its_cells():
    """A list that was read stands for rows that were not."""
    rows = Candidate(name="lines", state=FieldState.VALUE, pages=(1,))
    cell = replace(VALUE, name="lines.amount", said=(Said(1),))  # type: ignore[arg-type]
    document = DocumentEvidence(
        type=BUILT_IN["invoice"], candidates=(rows, cell), findings=(Finding("file_repaired"),)
    )
    assert [one.of for one in rendering_losses(document)] == [rows]
