"""What is stored of a reading, as confidence methods look at it."""

from collections.abc import Sequence

from extractors.decision.field_evidence import FieldEvidence
from extractors.documents import DocumentType
from extractors.evidence.grounding import Agreement
from extractors.evidence.witnesses import Testimony
from extractors.reading.looks import Look
from worker import store
from worker.store.types import StoredField


def evidence_of(
    field: StoredField,
    spec: DocumentType,
    *,
    testimony: Sequence[Testimony] = (),
    looks: tuple[Look, ...] | None = None,
) -> FieldEvidence:
    """All that is known of one reading of a field.

    testimony: of its candidate, and of the list that it stands in
    looks:     what further looks at its page say of it; None: none was taken
    """
    reading = field.reading
    return FieldEvidence(
        state=reading.state,
        tokens=reading.tokens,
        ends=reading.ends,
        opening=reading.opening,
        problem=reading.problem,
        fingerprint=field.fingerprint,
        decode_mode=field.decode_mode,
        value=store.candidates.value_of(field, spec),
        agreement=Agreement(field.agreement) if field.agreement else None,
        relevance=field.relevance,
        image_quality=field.image_quality,
        testimony=tuple(testimony),
        looks=looks,
    )
