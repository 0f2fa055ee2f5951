"""What people found: of fields that were drawn for audits, and of those that they reviewed."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import text

from worker.db import Tx
from worker.evaluation.judging import Judged, Place

# Drawn fields that somebody judged: a sample of all that a score decides.
DRAWN = text("""
SELECT v.document_id, v.field AS path, v.ordinal, v.found = 'right' AS right, v.score,
    v.was_accepted AS accepted, coalesce(a.band, 'unknown') AS band, a.family
FROM reporting.audits AS v
JOIN public.results AS r ON r.document_id = v.document_id AND r.generation = v.generation
    AND r.name = v.field AND r.ordinal = v.ordinal
JOIN public.audits AS a ON a.result_id = r.id AND NOT a.with_document
WHERE v.found IN ('right', 'wrong') AND (CAST(:type AS text) IS NULL OR v.document_type = :type)
ORDER BY v.document_id, v.field, v.ordinal
""")


def drawn(tx: Tx, document_type: str | None = None) -> list[Judged]:
    """Judged fields among those that were drawn beforehand, whatever became of them."""
    rows = tx.session.execute(DRAWN, {"type": document_type})
    return [Judged(**row._mapping) for row in rows]


# Every score of the readings that the answers were taken from.
METHODS = text("""
SELECT s.method, r.document_id, r.name AS path, r.ordinal, s.score
FROM public.results AS r
JOIN public.documents AS d ON d.id = r.document_id AND d.generation = r.generation
JOIN public.scores AS s ON s.field_id = r.field_id
WHERE r.document_id = ANY(:ids) AND s.score IS NOT NULL
ORDER BY s.method
""")


def by_method(tx: Tx, document_ids: Sequence[UUID]) -> dict[str, dict[Place, float]]:
    """What each method says of these documents' answers, by place; of those it could score."""
    found: dict[str, dict[Place, float]] = {}
    for row in tx.session.execute(METHODS, {"ids": list(document_ids)}):
        place = row.document_id, row.path, row.ordinal
        found.setdefault(row.method, {})[place] = row.score
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Scored:
    """One drawn field with the score that decides."""

    method: str
    family: str
    score: float
    weight: float  # 1 / the probability that it was drawn
    right: bool | None  # None: nobody judged it yet


SCORED = text("""
SELECT a.method, a.family, a.score, 1 / a.rate AS weight,
    CASE WHEN v.found IN ('right', 'wrong') THEN v.found = 'right' END AS right
FROM public.audits AS a
JOIN public.results AS r ON r.id = a.result_id
JOIN reporting.audits AS v ON v.document_id = a.document_id AND v.generation = r.generation
    AND v.field = r.name AND v.ordinal = r.ordinal
WHERE v.document_type = :type AND NOT a.with_document AND a.method IS NOT NULL
  AND v.found IS DISTINCT FROM 'illegible'
""")


def scored(tx: Tx, document_type: str) -> list[Scored]:
    """Every drawn field of a type, judged or not."""
    rows = tx.session.execute(SCORED, {"type": document_type})
    return [Scored(**row._mapping) for row in rows]


def bands(tx: Tx, document_ids: list[UUID]) -> dict[UUID, str]:
    """How well each document reads, by the mean score of its fields, as it was routed last."""
    rows = tx.session.execute(
        text(
            "SELECT DISTINCT ON (document_id) document_id, band FROM routings"
            " WHERE document_id = ANY(:ids) ORDER BY document_id, generation DESC"
        ),
        {"ids": document_ids},
    )
    return {row.document_id: row.band for row in rows}
