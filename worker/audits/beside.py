"""Drawn rows and routed documents as a score sees them that stood beside the one in force.

A row is drawn whatever it scores, so that one draw serves every score that its reading has. Weights
in the shadow are certified by it before they decide anything, and those that are taken back, after.
"""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import text

from extractors.decision.certificates import BANDS, Band
from extractors.decision.watching import CUTS, MOST_ROWS
from worker.db import Tx

_BAND = " ".join(f"WHEN m.mean >= {least:g} THEN '{band}'" for least, band in BANDS)

_BELOW = ", ".join(f"count(*) FILTER (WHERE s.score < {cut:g})" for cut in CUTS)

# By :method, over the rows of the answer ``a``: nothing unless it is a combined score and every
# reading has it that has a score at all, which is when routing goes by it.
_WHOLE = f"""
LATERAL (
    SELECT avg(s.score) AS mean, min(s.score) AS weakest,
        ARRAY[{_BELOW}]::smallint[] AS below
    FROM public.results AS q
    JOIN public.scores AS s ON s.field_id = q.field_id AND s.method = :method
    WHERE a.method <> :method AND starts_with(:method, 'combined/')
      AND q.document_id = a.document_id AND q.generation = a.generation
    HAVING NOT EXISTS (
        SELECT FROM public.pages AS p
        JOIN public.readings AS g ON g.page_id = p.id
        JOIN public.fields AS f ON f.reading_id = g.id
        JOIN public.scores AS o ON o.field_id = f.id AND o.score IS NOT NULL
        LEFT JOIN public.scores AS n ON n.field_id = f.id AND n.method = :method
        WHERE p.document_id = a.document_id AND n.score IS NULL AND g.generation IN (
            SELECT h.generation FROM public.results AS q
            JOIN public.fields AS f ON f.id = q.field_id
            JOIN public.readings AS h ON h.id = f.reading_id
            WHERE q.document_id = a.document_id AND q.generation = a.generation
        )
    )
) AS m
"""

# Drawn rows under :conditions that have the score :method, with the band of their document by it.
ROWS = f"""
SELECT a.id, a.result_id, a.document_id, a.generation, a.field, a.ordinal, a.family, a.drawn_at,
    CASE WHEN a.method = :method THEN a.score ELSE s.score END AS score,
    CASE WHEN a.method = :method THEN a.band {_BAND} ELSE '{Band.POOR}' END AS band
FROM (
    SELECT d.*, r.generation, r.field_id, r.name AS field, r.ordinal
    FROM public.audits AS d JOIN public.results AS r ON r.id = d.result_id
    WHERE d.conditions = :conditions AND d.drawn_at >= :since AND NOT d.with_document
) AS a
LEFT JOIN {_WHOLE} ON true
LEFT JOIN public.scores AS s ON s.field_id = a.field_id AND s.method = :method
WHERE a.method = :method OR (m.mean IS NOT NULL AND s.score IS NOT NULL)
"""

# Documents that were routed under :conditions since then, by how many rows score below each cut.
_ROWS = "coalesce(fewer[{at}], CASE WHEN weakest >= {cut:g} THEN 0 ELSE 1 END)"
_COUNTS = ", ".join(
    f"count(*) FILTER (WHERE {_ROWS.format(at=at, cut=cut)} >= {least})"
    for at, cut in enumerate(CUTS, 1)
    for least in range(1, MOST_ROWS + 1)
)
WINDOW = text(f"""
SELECT count(*) AS documents, ARRAY[{_COUNTS}] AS at_least
FROM (
    SELECT CASE WHEN a.method = :method THEN a.weakest ELSE m.weakest END AS weakest,
        CASE WHEN a.method = :method THEN a.below ELSE m.below END AS fewer
    FROM public.routings AS a
    LEFT JOIN {_WHOLE} ON true
    WHERE a.conditions = :conditions AND a.document_type = :document_type
      AND a.routed_at > :since AND (a.method = :method OR m.mean IS NOT NULL)
) AS came
""")


def window(tx: Tx, asked: Mapping[str, Any]) -> tuple[int, list[int]]:
    """How many documents came, and how many of them have at least 1, 2 and so on rows below the
    first cut, then the second, by the score of ``method``.
    """
    row = tx.session.execute(WINDOW, dict(asked)).one()
    return row.documents, row.at_least
