CREATE VIEW reporting.review_backlog AS
SELECT
    i.id AS item_id,
    i.document_id,
    d.document_type,
    r.name AS field,
    r.ordinal,
    r.page,
    i.reason,
    r.score,
    r.threshold,
    i.priority,
    i.deadline,
    i.deadline < now() AS overdue,
    i.created_at AS waiting_since,
    now() - i.created_at AS waiting_for,
    CASE WHEN i.lease_until >= now() THEN i.leased_by END AS held_by
FROM public.review_items AS i
JOIN public.results AS r ON r.id = i.result_id
JOIN public.documents AS d ON d.id = i.document_id
WHERE i.state = 'open';

COMMENT ON VIEW reporting.review_backlog IS 'One row a field that waits for a person now.';
COMMENT ON COLUMN reporting.review_backlog.item_id IS 'The review item.';
COMMENT ON COLUMN reporting.review_backlog.document_id IS 'The document.';
COMMENT ON COLUMN reporting.review_backlog.document_type IS 'Type of the document.';
COMMENT ON COLUMN reporting.review_backlog.field IS 'Name of the field; a member of a repeated group is group.member.';
COMMENT ON COLUMN reporting.review_backlog.ordinal IS 'Row of a repeated group, from 0.';
COMMENT ON COLUMN reporting.review_backlog.page IS 'Page that the value comes from, from 1.';
COMMENT ON COLUMN reporting.review_backlog.reason IS 'Code of why a person must look.';
COMMENT ON COLUMN reporting.review_backlog.score IS 'How sure the machine was, 0 to 1; NULL when the field was not scored.';
COMMENT ON COLUMN reporting.review_backlog.threshold IS 'The score from which the field would have been accepted.';
COMMENT ON COLUMN reporting.review_backlog.priority IS 'Higher goes first.';
COMMENT ON COLUMN reporting.review_backlog.deadline IS 'When the field must be decided; NULL when nothing set a deadline. No way of submitting sets one yet.';
COMMENT ON COLUMN reporting.review_backlog.overdue IS 'Whether the deadline has passed; NULL when nothing set one.';
COMMENT ON COLUMN reporting.review_backlog.waiting_since IS 'When the field was sent to review.';
COMMENT ON COLUMN reporting.review_backlog.waiting_for IS 'How long it has waited.';
COMMENT ON COLUMN reporting.review_backlog.held_by IS 'The person who has it open now; NULL when nobody has.';
