CREATE VIEW reporting.document_confidence AS
WITH in_force AS MATERIALIZED (SELECT method, document_type FROM reporting.fits WHERE state = 'in_force')
SELECT
    known.document_id,
    known.generation,
    count(*) AS fields,
    count(*) FILTER (WHERE known.right IS NULL) AS fields_unknown,
    -- a product by logarithms; one field that is surely wrong makes it 0, and very many doubtful ones
    -- make it smaller than a number can be
    CASE
        WHEN bool_or(known.right IS NULL) THEN NULL
        WHEN min(known.right) = 0 THEN 0
        ELSE exp(greatest(sum(ln(nullif(known.right, 0))), -700))
    END AS probability_right,
    CASE WHEN NOT bool_or(known.right IS NULL) THEN sum(1 - known.right) END AS expected_wrong
FROM (
    SELECT
        r.document_id,
        r.generation,
        CASE WHEN r.decision = 'reviewed' THEN 1.0::double precision ELSE coalesce(own.score, s.score) END AS right
    FROM public.results AS r
    JOIN public.documents AS d ON d.id = r.document_id AND d.generation = r.generation
    LEFT JOIN public.scores AS s ON s.field_id = r.field_id AND s.method = 'combined/1'
    LEFT JOIN LATERAL (  -- of the type's own weights before those of all types
        SELECT o.score
        FROM in_force AS f
        JOIN public.scores AS o ON o.field_id = r.field_id AND o.method = f.method
        WHERE (f.document_type IS NULL OR f.document_type = d.document_type) AND o.score IS NOT NULL
        ORDER BY f.document_type NULLS LAST, f.method
        LIMIT 1
    ) AS own ON true
    WHERE r.removed_at IS NULL
) AS known
GROUP BY known.document_id, known.generation;

COMMENT ON VIEW reporting.document_confidence IS 'One row a document that has an answer: how probable it is that every field of it is right. A field that a person decided is right; any other is right with its combined score, a calibrated probability: that of the fitted weights in force (reporting.fits), else combined/1. Scores of one document are multiplied as if they were independent: on slips that is off by 0.001 (two looks) and 0.023 (none) on average.';
COMMENT ON COLUMN reporting.document_confidence.document_id IS 'The document.';
COMMENT ON COLUMN reporting.document_confidence.generation IS 'Which answer of the document counts, from 1.';
COMMENT ON COLUMN reporting.document_confidence.fields IS 'Fields of that answer, rows of lists counted one by one.';
COMMENT ON COLUMN reporting.document_confidence.fields_unknown IS 'Of these, those without such a score: their model has no combined score, or they were not read.';
COMMENT ON COLUMN reporting.document_confidence.probability_right IS 'Probability that all of them are right, 0 to 1; NULL where a field is unknown.';
COMMENT ON COLUMN reporting.document_confidence.expected_wrong IS 'How many of them are wrong on average; NULL where a field is unknown.';
