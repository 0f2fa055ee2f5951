CREATE VIEW reporting.readings AS
SELECT
    p.document_id,
    d.document_type,
    p.number AS page,
    g.generation,
    g.look,
    g.forced,
    g.generation = d.reading_generation AND g.look = 0 AS is_current,
    g.model,
    g.fingerprint,
    g.prompt_hash,
    g.decode_mode,
    g.in_domain,
    (SELECT count(*) FROM public.fields AS f WHERE f.reading_id = g.id) AS fields,
    g.created_at AS read_at
FROM public.readings AS g
JOIN public.pages AS p ON p.id = g.page_id
JOIN public.documents AS d ON d.id = p.document_id;

COMMENT ON VIEW reporting.readings IS 'One row each time that a model read a page: by which model, and whether the newest answer is made from it.';
COMMENT ON COLUMN reporting.readings.document_id IS 'The document.';
COMMENT ON COLUMN reporting.readings.document_type IS 'Type of the document, such as invoice.';
COMMENT ON COLUMN reporting.readings.page IS 'Number of the page, from 1.';
COMMENT ON COLUMN reporting.readings.generation IS 'Of which answer it is the reading, from 1; answers that only score or route again have no reading of their own.';
COMMENT ON COLUMN reporting.readings.look IS '0: the reading that the answer is made from; 1 and 2: further looks at the same page, moved by a few pixels.';
COMMENT ON COLUMN reporting.readings.forced IS 'Whether that look read nothing: the first reading''s answer was held against the moved page, token by token.';
COMMENT ON COLUMN reporting.readings.is_current IS 'Whether the answer that was made last, or is being made, is made from it.';
COMMENT ON COLUMN reporting.readings.model IS 'The model that read the page.';
COMMENT ON COLUMN reporting.readings.fingerprint IS 'Fingerprint of that model: weights, number type and resolution.';
COMMENT ON COLUMN reporting.readings.prompt_hash IS 'Hash of the prompt.';
COMMENT ON COLUMN reporting.readings.decode_mode IS 'How the answer was decoded: json or fields.';
COMMENT ON COLUMN reporting.readings.in_domain IS 'Whether the model was made for this type of document.';
COMMENT ON COLUMN reporting.readings.fields IS 'Values that it found, rows of lists counted one by one.';
COMMENT ON COLUMN reporting.readings.read_at IS 'When it was stored.';
