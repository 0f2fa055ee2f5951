"""Which answers a person looks at whatever became of them, so that what is accepted can be
measured.

The draw knows nothing of scores, thresholds or values: it is a keyed hash of the row's place. Who
does not have the key cannot tell which rows are drawn.
"""

import hmac
from collections.abc import Sequence
from hashlib import sha256
from uuid import UUID

from extractors.decision.decide import ROW_IN_DOUBT, Decision
from extractors.decision.policy import Closed

_STEPS = 2**64  # of the hash

# Doubts that a score, or another threshold of it, would lift.
OF_SCORES = frozenset(
    {
        "low_score",
        "absence_unsure",
        "opening_unsure",
        "look_differs",
        "look_unsure",
        "looks_missing",
        ROW_IN_DOUBT.code,
        *Closed,  # else nothing could be certified where a certificate is required
    }
)


# Of a whole document's score this is a part, too.
OF_DOCUMENTS = OF_SCORES | {"list_unsure"}


def is_drawn(
    key: bytes, document_id: UUID, *, generation: int, name: str, ordinal: int, rate: float
) -> bool:
    """Whether the row is audited; the same row is drawn again, or again not.

    key:  secret of the installation, 32 bytes
    rate: the probability of the draw, 0 to 1
    """
    return _hit(key, f"{document_id}/{generation}/{name}/{ordinal}", rate)


def is_drawn_whole(key: bytes, document_id: UUID, *, generation: int, rate: float) -> bool:
    """Whether every row of the document is audited; a draw of its own beside those of its rows.

    key:  secret of the installation, 32 bytes
    rate: the probability of the draw, 0 to 1
    """
    return _hit(key, f"{document_id}/{generation}", rate)


def is_planted(
    key: bytes, document_id: UUID, *, generation: int, name: str, ordinal: int, rate: float
) -> bool:
    """Whether the row's audit shows an error that was planted; a draw of its own again."""
    return _hit(key, f"{document_id}/{generation}/{name}/{ordinal}/planted", rate)


def _hit(key: bytes, place: str, rate: float) -> bool:
    number = int.from_bytes(hmac.new(key, place.encode(), sha256).digest()[:8], "big")
    return number < rate * _STEPS


def could_be_accepted(decision: Decision) -> bool:
    """Whether the row's score alone decides: it has one, and no proof or witness stands against the
    row.
    """
    return decision.score is not None and all(doubt.code in OF_SCORES for doubt in decision.doubts)


def could_be_untouched(decisions: Sequence[Decision]) -> bool:
    """Whether scores alone decide if a person looks at the document."""
    return all(
        decision.score is not None and all(doubt.code in OF_DOCUMENTS for doubt in decision.doubts)
        for decision in decisions
    )
