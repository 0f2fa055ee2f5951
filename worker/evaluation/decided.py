"""Readings that people decided, with the evidence by which they were scored; needs numpy."""

from collections.abc import Iterator
from datetime import datetime
from itertools import groupby

from sqlalchemy import text

from extractors.decision.fitting import Label
from worker import store
from worker.db import Tx
from worker.pipeline.evidence import evidence_of
from worker.pipeline.further_looks import further_looks
from worker.runtime import Runtime
from worker.tables.documents import ANSWERED

# What people decided of the answers that count, before a cut: reviews, and audits of what was
# accepted.  What nobody can read on the page is neither right nor wrong.
LABELS = text("""
SELECT r.document_id, r.field_id, d.document_type, d.type_version,
    CASE WHEN NOT a.with_document THEN a.drawn_at END AS drawn_at,
    CASE
        WHEN r.decision = 'accepted' THEN true
        WHEN r.removed_at IS NOT NULL THEN false
        WHEN r.state = 'value' AND r.read_state = 'value' AND r.value IS NOT NULL
            AND r.read_value IS NOT NULL
        THEN r.value = r.read_value
            AND coalesce(r.currency, r.read_currency, '')
                = coalesce(r.read_currency, r.currency, '')
        ELSE (r.state, r.text) IS NOT DISTINCT FROM (r.read_state, r.read_text)
    END AS right
FROM public.results AS r
JOIN public.documents AS d ON d.id = r.document_id AND d.generation = r.generation
LEFT JOIN public.audits AS a ON a.result_id = r.id AND a.of_list IS NULL
WHERE r.field_id IS NOT NULL AND r.read_state <> 'unreadable'
  AND (CAST(:type AS text) IS NULL OR d.document_type = :type)
  AND (
    (r.decision = 'reviewed' AND r.decided_at < :until
        AND (r.state <> 'unreadable' OR r.removed_at IS NOT NULL))
    OR (r.decision = 'accepted' AND a.found = 'right' AND a.judged_at < :until)
  )
ORDER BY r.document_id, r.name, r.ordinal
""")

# The first drawn field that nobody has judged before the cut: of what was drawn later, those that
# are judged are no sample, since doubtful ones are judged first.
UNJUDGED = text("""
SELECT min(a.drawn_at)
FROM public.audits AS a
JOIN public.results AS r ON r.id = a.result_id
JOIN public.documents AS d ON d.id = a.document_id AND d.generation = r.generation
WHERE (CAST(:type AS text) IS NULL OR d.document_type = :type) AND d.status = ANY(:answered)
  AND NOT a.with_document
  AND coalesce(CASE WHEN r.decision = 'accepted' THEN a.judged_at ELSE r.decided_at END, 'infinity')
      >= :until
""")


def labels(tx: Tx, rt: Runtime, *, document_type: str | None, until: datetime) -> Iterator[Label]:
    """Every reading that people decided before then, whatever for, none of them weighted."""
    asked = {"type": document_type, "until": until}
    rows = tx.session.execute(LABELS, asked).all()
    answered = {"answered": sorted(ANSWERED)}
    unjudged = tx.session.execute(UNJUDGED, {**asked, **answered}).scalar_one()
    for document, some in groupby(rows, key=lambda row: row.document_id):
        decided = {row.field_id: row for row in some}
        first = next(iter(decided.values()))
        spec = rt.pinned_type(first.document_type, first.type_version)
        fields = store.evidence.evidence_of(tx, document)
        looks = (
            further_looks(store.evidence.looks_of(tx, document), fields, spec)
            if any(field.looked_at_again for field in fields)
            else {}
        )
        for field in fields:
            row = decided.get(field.field_id)
            if row is None:
                continue
            yield Label(
                evidence=evidence_of(field, spec, looks=looks.get(field.field_id)),
                right=row.right,
                document=str(document),
                drawn=row.drawn_at is not None and (unjudged is None or row.drawn_at < unjudged),
            )
