CREATE VIEW reporting.straight_through AS
WITH ours AS (
    SELECT *, status = 'accepted' AND NOT decided_by_person AS is_untouched
    FROM reporting.documents
    WHERE status <> 'split'
)
SELECT
    (submitted_at AT TIME ZONE 'UTC')::date AS day,
    document_type,
    count(*) AS documents,
    count(*) FILTER (WHERE is_untouched) AS untouched,
    count(*) FILTER (WHERE status = 'accepted' AND NOT is_untouched) AS accepted_touched,
    count(*) FILTER (WHERE status IN ('needs_type', 'needs_input', 'in_review')) AS waiting,
    count(*) FILTER (WHERE status = 'reviewed') AS reviewed,
    count(*) FILTER (WHERE status = 'rejected') AS rejected,
    count(*) FILTER (WHERE status = 'failed') AS failed,
    count(*) FILTER (WHERE status IN ('submitted', 'untriaged', 'rendered', 'extracted', 'grounded', 'scored')) AS in_progress,
    count(*) FILTER (WHERE is_untouched)::float8 / nullif(count(*) FILTER (
        WHERE status IN ('accepted', 'needs_type', 'needs_input', 'in_review', 'reviewed', 'rejected', 'failed')
    ), 0) AS straight_through,
    sum(fields)::bigint AS fields,
    sum(fields_accepted)::bigint AS fields_accepted,
    sum(fields_accepted)::float8 / nullif(sum(fields), 0)::float8 AS fields_accepted_share,
    percentile_cont(0.5) WITHIN GROUP (ORDER BY extract(epoch FROM took)::float8)
        FILTER (WHERE is_untouched) AS median_seconds_untouched
FROM ours
GROUP BY 1, 2;

COMMENT ON VIEW reporting.straight_through IS 'One row a day and document type: how many documents no person had to touch. A file of several documents counts by its parts, and a document that was answered more than once by the answer that counts. A document whose type is open counts under auto.';
COMMENT ON COLUMN reporting.straight_through.day IS 'Day of submission, UTC.';
COMMENT ON COLUMN reporting.straight_through.document_type IS 'Type of the documents; auto while it is open.';
COMMENT ON COLUMN reporting.straight_through.documents IS 'Documents submitted that day: the sum of the next seven columns.';
COMMENT ON COLUMN reporting.straight_through.untouched IS 'Accepted, and no person decided their type, their split or any of their fields.';
COMMENT ON COLUMN reporting.straight_through.accepted_touched IS 'Accepted after a person had decided something of them, such as their type.';
COMMENT ON COLUMN reporting.straight_through.waiting IS 'Waiting for a person or for the sender: status needs_type, needs_input or in_review.';
COMMENT ON COLUMN reporting.straight_through.reviewed IS 'Decided by a person.';
COMMENT ON COLUMN reporting.straight_through.rejected IS 'Rejected by a person: not ours, illegible or a duplicate.';
COMMENT ON COLUMN reporting.straight_through.failed IS 'Failed.';
COMMENT ON COLUMN reporting.straight_through.in_progress IS 'Still on their way: status submitted, untriaged, rendered, extracted, grounded or scored.';
COMMENT ON COLUMN reporting.straight_through.straight_through IS 'untouched as a share of all documents that are not in progress, 0 to 1: waiting, rejected and failed ones count. NULL when there is none yet.';
COMMENT ON COLUMN reporting.straight_through.fields IS 'Fields of these documents.';
COMMENT ON COLUMN reporting.straight_through.fields_accepted IS 'Fields accepted: nobody saw them.';
COMMENT ON COLUMN reporting.straight_through.fields_accepted_share IS 'Share of the fields accepted, 0 to 1; NULL when there is no field yet. A failed document has no fields, so it counts nowhere in it.';
COMMENT ON COLUMN reporting.straight_through.median_seconds_untouched IS 'Median time from submission to acceptance, in seconds, of the untouched documents.';
