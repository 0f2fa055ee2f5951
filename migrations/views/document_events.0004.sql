CREATE VIEW reporting.document_events AS
SELECT
    e.id AS event_id,
    e.document_id,
    d.document_type,
    e.at,
    e.from_status,
    e.to_status,
    e.stage,
    e.claim_no,
    e.generation,
    e.duration,
    e.code,
    e.actor
FROM public.document_events AS e
JOIN public.documents AS d ON d.id = e.document_id;

COMMENT ON VIEW reporting.document_events IS 'One row each time that a document moved, its first row when it came into being, and one each time that a value of a reviewed document was corrected: that row has the code corrected, and begins and ends at reviewed. Each row of a document begins where the one before it ended.';
COMMENT ON COLUMN reporting.document_events.event_id IS 'Rises with every move of a document.';
COMMENT ON COLUMN reporting.document_events.document_id IS 'The document.';
COMMENT ON COLUMN reporting.document_events.document_type IS 'Its type now.';
COMMENT ON COLUMN reporting.document_events.at IS 'When it moved.';
COMMENT ON COLUMN reporting.document_events.from_status IS 'Where it stood before: submitted, untriaged, needs_type, rendered, extracted, grounded, scored, accepted, in_review, reviewed, rejected, split or failed; NULL when it came into being, or for what happened before moves were kept.';
COMMENT ON COLUMN reporting.document_events.to_status IS 'Where it stood from then on: submitted, untriaged, needs_type, rendered, extracted, grounded, scored, accepted, in_review, reviewed, rejected, split or failed.';
COMMENT ON COLUMN reporting.document_events.stage IS 'What moved it: submit, render, triage, extract, ground, score, route, review, again (a further answer begins) or sweep (it ends what workers left behind).';
COMMENT ON COLUMN reporting.document_events.claim_no IS 'Number of the attempt that moved it; NULL when none was needed.';
COMMENT ON COLUMN reporting.document_events.generation IS 'Which answer of the document was being made, from 1.';
COMMENT ON COLUMN reporting.document_events.duration IS 'How long it had stood at from_status: waiting and work together.';
COMMENT ON COLUMN reporting.document_events.code IS 'Code of the error, for a move to failed; reread, rescore or reroute where a further answer begins; corrected where a value was changed after the review.';
COMMENT ON COLUMN reporting.document_events.actor IS 'Who moved it: worker, sweeper, person: and a name, upstream: and a name, or migration for what an upgrade found.';
