CREATE VIEW reporting.straight_through AS
WITH fields AS (
    SELECT
        r.document_id,
        count(*) AS fields,
        count(*) FILTER (WHERE r.decision = 'accepted') AS fields_accepted
    FROM public.results AS r
    JOIN public.documents AS d ON d.id = r.document_id AND d.generation = r.generation
    WHERE r.removed_at IS NULL
    GROUP BY r.document_id
)
SELECT
    (d.created_at AT TIME ZONE 'UTC')::date AS day,
    d.document_type,
    count(*) AS documents,
    count(*) FILTER (WHERE d.status = 'accepted') AS accepted,
    count(*) FILTER (WHERE d.status = 'in_review') AS in_review,
    count(*) FILTER (WHERE d.status = 'reviewed') AS reviewed,
    count(*) FILTER (WHERE d.status = 'failed') AS failed,
    count(*) FILTER (WHERE d.status NOT IN ('accepted', 'in_review', 'reviewed', 'failed')) AS in_progress,
    count(*) FILTER (WHERE d.status = 'accepted')::float8
        / nullif(count(*) FILTER (WHERE d.status IN ('accepted', 'in_review', 'reviewed', 'failed')), 0) AS straight_through,
    coalesce(sum(f.fields), 0)::bigint AS fields,
    coalesce(sum(f.fields_accepted), 0)::bigint AS fields_accepted,
    sum(f.fields_accepted)::float8 / nullif(sum(f.fields), 0)::float8 AS fields_straight_through,
    percentile_cont(0.5) WITHIN GROUP (ORDER BY extract(epoch FROM d.finished_at - d.created_at)::float8)
        FILTER (WHERE d.status = 'accepted') AS median_seconds_to_accept
FROM public.documents AS d
LEFT JOIN fields AS f ON f.document_id = d.id
WHERE d.status NOT IN ('split', 'rejected')
GROUP BY 1, 2;

COMMENT ON VIEW reporting.straight_through IS 'One row a day and document type: how much went through without a person. A file of several documents counts by its parts; what a person rejected counts nowhere, and a document that was answered more than once counts by the answer that counts.';
COMMENT ON COLUMN reporting.straight_through.day IS 'Day of submission, UTC.';
COMMENT ON COLUMN reporting.straight_through.document_type IS 'Type of the documents.';
COMMENT ON COLUMN reporting.straight_through.documents IS 'Documents submitted that day.';
COMMENT ON COLUMN reporting.straight_through.accepted IS 'Of these, accepted without a person.';
COMMENT ON COLUMN reporting.straight_through.in_review IS 'Of these, waiting for a person.';
COMMENT ON COLUMN reporting.straight_through.reviewed IS 'Of these, decided by a person.';
COMMENT ON COLUMN reporting.straight_through.failed IS 'Of these, failed.';
COMMENT ON COLUMN reporting.straight_through.in_progress IS 'Of these, still on their way.';
COMMENT ON COLUMN reporting.straight_through.straight_through IS 'Share of the documents that got through the machine (failed ones count) which were accepted without a person, 0 to 1; NULL when there is none yet.';
COMMENT ON COLUMN reporting.straight_through.fields IS 'Fields of these documents.';
COMMENT ON COLUMN reporting.straight_through.fields_accepted IS 'Fields accepted without a person.';
COMMENT ON COLUMN reporting.straight_through.fields_straight_through IS 'Share of the fields accepted without a person, 0 to 1; NULL when there is no field yet.';
COMMENT ON COLUMN reporting.straight_through.median_seconds_to_accept IS 'Median time from submission to acceptance, in seconds, of the documents accepted without a person.';
