"""All that is stored of one reading of one field, as a confidence method may look at it."""

from dataclasses import dataclass

from extractors.evidence.grounding import Agreement
from extractors.evidence.witnesses import Testimony
from extractors.normalise import Value
from extractors.reading.looks import Look
from extractors.rendering.image_quality import ImageQuality
from extractors.types import FieldReading, FieldState, Opening, Reading, TokenTrace


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldEvidence:
    """The evidence of one reading.

    What was not measured is None, and a witness that said nothing is not among the testimony.
    """

    state: FieldState
    tokens: tuple[TokenTrace, ...] = ()  # the value's, and last the one that ends it
    ends: bool = True  # the last of ``tokens`` is the ending token, not part of the value
    opening: Opening | None = None  # where the value and null part ways
    problem: str | None = None  # the reading's
    fingerprint: str | None = None  # of the model that read it
    decode_mode: str | None = None  # that it was read in
    # what further looks at the page say of it, in their order; None: no look was taken
    looks: tuple[Look, ...] | None = None
    value: Value | None = None
    agreement: Agreement | None = None  # with the words of its own page
    relevance: float | None = None  # a reranker's raw logit
    image_quality: ImageQuality | None = None  # of the page that was read
    testimony: tuple[Testimony, ...] = ()  # of its candidate, and of the list that it stands in

    @property
    def key(self) -> tuple[str, str]:
        """The model and decode mode that read it; weights are of one of these."""
        return self.fingerprint or "", self.decode_mode or ""

    @classmethod
    def of(cls, field: FieldReading, page: Reading) -> "FieldEvidence":
        """What a field of a page's reading shows by itself, before anything else looked at it."""
        return cls(
            state=field.state,
            tokens=field.tokens,
            ends=field.ends,
            opening=field.opening,
            problem=field.problem,
            fingerprint=page.fingerprint,
            decode_mode=page.decode_mode,
        )
