CREATE VIEW reporting.calibration AS
WITH judged AS (
    SELECT
        d.document_type,
        s.method,
        s.score,
        CASE WHEN s.score IS NOT NULL THEN least(floor(s.score * 10), 9) END AS decile,  -- least() passes over NULL
        CASE
            WHEN r.state = 'unreadable' OR r.removed_at IS NOT NULL THEN false
            WHEN r.state = 'value' AND r.read_state = 'value' AND r.value IS NOT NULL AND r.read_value IS NOT NULL
            THEN r.value = r.read_value AND coalesce(r.currency, r.read_currency, '') = coalesce(r.read_currency, r.currency, '')
            ELSE (r.state, r.text) IS NOT DISTINCT FROM (r.read_state, r.read_text)
        END AS was_right
    FROM public.results AS r
    JOIN public.documents AS d ON d.id = r.document_id AND d.generation = r.generation
    JOIN public.scores AS s ON s.field_id = r.field_id
    WHERE r.decision = 'reviewed' AND r.read_state <> 'unreadable'
),
reviewed AS (
    SELECT
        document_type,
        method,
        decile,
        count(*) AS fields,
        count(*) FILTER (WHERE was_right) AS fields_right,
        avg(score) AS mean_score
    FROM judged
    GROUP BY document_type, method, decile
),
drawn AS (
    SELECT
        u.document_type,
        s.method,
        CASE WHEN s.score IS NOT NULL THEN least(floor(s.score * 10), 9) END AS decile,
        u.was_accepted,
        count(*) AS fields,
        count(*) FILTER (WHERE u.found IN ('right', 'wrong')) AS found,
        sum(1 / u.rate) AS weight,
        sum(1 / u.rate) FILTER (WHERE u.found = 'right') AS weight_right,
        sum(1 / u.rate) FILTER (WHERE u.found IN ('right', 'wrong')) AS weight_found
    FROM reporting.audits AS u
    JOIN public.documents AS d ON d.id = u.document_id AND d.generation = u.generation
    JOIN public.results AS r ON r.document_id = u.document_id AND r.generation = u.generation AND r.name = u.field AND r.ordinal = u.ordinal
    JOIN public.scores AS s ON s.field_id = r.field_id
    GROUP BY u.document_type, s.method, decile, u.was_accepted
),
measured AS (  -- what was accepted and what was not, each by its own judged fields, joined by their weights
    SELECT
        document_type,
        method,
        decile,
        sum(fields) AS fields,
        sum(found) AS found,
        CASE WHEN bool_and(found > 0) THEN sum(weight * coalesce(weight_right, 0) / weight_found) / sum(weight) END AS share_right
    FROM drawn
    GROUP BY document_type, method, decile
)
SELECT
    coalesce(r.document_type, m.document_type) AS document_type,
    coalesce(r.method, m.method) AS method,
    coalesce(r.decile, m.decile)::int AS decile,
    coalesce(r.decile, m.decile)::float8 / 10 AS score_from,
    (coalesce(r.decile, m.decile) + 1)::float8 / 10 AS score_to,
    coalesce(r.fields, 0) AS fields,
    coalesce(r.fields_right, 0) AS fields_right,
    r.fields_right::float8 / r.fields AS share_right,
    r.mean_score,
    coalesce(m.fields, 0)::bigint AS drawn,
    coalesce(m.found, 0)::bigint AS drawn_judged,
    m.share_right AS drawn_share_right
FROM reviewed AS r
FULL JOIN measured AS m ON (m.document_type, m.method, coalesce(m.decile, -1)) = (r.document_type, r.method, coalesce(r.decile, -1));

COMMENT ON VIEW reporting.calibration IS 'One row a document type, method and tenth of the score: how often reviewers found right what the machine had read. It rests on reviewed fields only: they were sent to people because they were doubtful, so the share is not that of all fields with such a score, and most often lower. What was accepted unseen is not in these columns; drawn_share_right is the share of all fields, by those that were drawn for an audit. Of a document that was answered more than once, those of the answer that counts; a field that nobody could read counts as wrong, and so does a row that a person removed.';
COMMENT ON COLUMN reporting.calibration.document_type IS 'Type of the documents.';
COMMENT ON COLUMN reporting.calibration.method IS 'The versioned method of the score.';
COMMENT ON COLUMN reporting.calibration.decile IS 'Tenth of the score, 0 to 9; NULL for fields that the method could not score.';
COMMENT ON COLUMN reporting.calibration.score_from IS 'Lowest score of the tenth.';
COMMENT ON COLUMN reporting.calibration.score_to IS 'Upper end of the tenth, not part of it except for 1.';
COMMENT ON COLUMN reporting.calibration.fields IS 'Reviewed fields: a person decided them.';
COMMENT ON COLUMN reporting.calibration.fields_right IS 'Reviewed fields that the machine had read right.';
COMMENT ON COLUMN reporting.calibration.share_right IS 'Share of the reviewed fields that was right, 0 to 1; it is not the share of all fields.';
COMMENT ON COLUMN reporting.calibration.mean_score IS 'Mean score of the reviewed fields.';
COMMENT ON COLUMN reporting.calibration.drawn IS 'Fields with such a score that were drawn for an audit when they were scored, whatever became of them.';
COMMENT ON COLUMN reporting.calibration.drawn_judged IS 'Of these, those that an audit or a review found right or wrong.';
COMMENT ON COLUMN reporting.calibration.drawn_share_right IS 'Share of all fields with such a score that is right, 0 to 1, estimated from the drawn ones, each with the weight 1 / rate; NULL while none of the accepted ones, or none of the others, is judged.';
