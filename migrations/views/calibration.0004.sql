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
            THEN r.value = r.read_value
            ELSE (r.state, r.text) IS NOT DISTINCT FROM (r.read_state, r.read_text)
        END AS was_right
    FROM public.results AS r
    JOIN public.documents AS d ON d.id = r.document_id AND d.generation = r.generation
    JOIN public.scores AS s ON s.field_id = r.field_id
    WHERE r.decision = 'reviewed' AND r.read_state <> 'unreadable'
)
SELECT
    document_type,
    method,
    decile::int,
    decile::float8 / 10 AS score_from,
    (decile + 1)::float8 / 10 AS score_to,
    count(*) AS fields,
    count(*) FILTER (WHERE was_right) AS fields_right,
    count(*) FILTER (WHERE was_right)::float8 / count(*) AS share_right,
    avg(score) AS mean_score
FROM judged
GROUP BY document_type, method, decile;

COMMENT ON VIEW reporting.calibration IS 'One row a document type, method and tenth of the score: how often reviewers found right what the machine had read. It rests on reviewed fields only: they were sent to people because they were doubtful, so the share is not that of all fields with such a score, and most often lower. What was accepted unseen is not in it. Of a document that was answered more than once, those of the answer that counts; a field that nobody could read counts as wrong, and so does a row that a person removed.';
COMMENT ON COLUMN reporting.calibration.document_type IS 'Type of the documents.';
COMMENT ON COLUMN reporting.calibration.method IS 'The versioned method of the score.';
COMMENT ON COLUMN reporting.calibration.decile IS 'Tenth of the score, 0 to 9; NULL for fields that the method could not score.';
COMMENT ON COLUMN reporting.calibration.score_from IS 'Lowest score of the tenth.';
COMMENT ON COLUMN reporting.calibration.score_to IS 'Upper end of the tenth, not part of it except for 1.';
COMMENT ON COLUMN reporting.calibration.fields IS 'Reviewed fields: a person decided them.';
COMMENT ON COLUMN reporting.calibration.fields_right IS 'Reviewed fields that the machine had read right.';
COMMENT ON COLUMN reporting.calibration.share_right IS 'Share of the reviewed fields that was right, 0 to 1; it is not the share of all fields.';
COMMENT ON COLUMN reporting.calibration.mean_score IS 'Mean score of the reviewed fields.';
