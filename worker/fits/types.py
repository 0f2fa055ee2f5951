"""What fits take and give: frozen values."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from extractors.decision.combined import Prior


class FitState(StrEnum):
    """What became of weights that were fitted here."""

    SHADOW = "shadow"  # its score is stored, and decides nothing
    IN_FORCE = "in_force"
    TAKEN_BACK = "taken_back"  # it decided once; others came, or a person took it back


@dataclass(frozen=True, slots=True, kw_only=True)
class Live:
    """A score that is computed."""

    method: str
    prior: Prior


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """One row of the view ``reporting.fits``."""

    fit: UUID
    method: str
    document_type: str | None
    fingerprint: str
    decode_mode: str
    state: FitState
    until: datetime
    documents: int
    labels: int
    wrong: int
    drawn: int
    drawn_wrong: int
    is_better: bool
    because: str | None
    fitted_by: str
    fitted_at: datetime
