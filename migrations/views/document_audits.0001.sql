CREATE VIEW reporting.document_audits AS
SELECT
    w.document_id,
    w.generation,
    s.upstream,
    d.document_type,
    w.method,
    w.score,
    w.band,
    w.conditions,
    w.certificate,
    w.rate,
    w.was_untouched,
    CASE
        WHEN known.some_wrong OR coalesce(lists.some_wrong, false) THEN 'wrong'
        WHEN known.all_right AND coalesce(lists.all_right, true) THEN 'right'
    END AS found,
    known.wrong AS fields_wrong,
    coalesce(lists.wrong, 0) AS lists_wrong,
    w.drawn_at
FROM public.document_draws AS w
JOIN public.documents AS d ON d.id = w.document_id
LEFT JOIN public.submissions AS s ON s.document_id = d.id
JOIN LATERAL (
    SELECT
        coalesce(bool_or(NOT one.is_right), false) AS some_wrong,
        coalesce(bool_and(coalesce(one.is_right, false)), true) AS all_right,
        count(*) FILTER (WHERE NOT one.is_right) AS wrong
    FROM (
        SELECT CASE
            WHEN r.decision = 'review' THEN NULL
            WHEN r.decision = 'accepted' THEN CASE a.found WHEN 'right' THEN true WHEN 'illegible' THEN false END
            WHEN r.removed_at IS NOT NULL OR r.state = 'unreadable' THEN false
            WHEN r.state = 'value' AND r.read_state = 'value' AND r.value IS NOT NULL AND r.read_value IS NOT NULL
            THEN r.value = r.read_value AND coalesce(r.currency, r.read_currency, '') = coalesce(r.read_currency, r.currency, '')
            ELSE (r.state, r.text) IS NOT DISTINCT FROM (r.read_state, r.read_text)
        END AS is_right
        FROM public.results AS r
        LEFT JOIN public.audits AS a ON a.result_id = r.id AND a.of_list IS NULL
        WHERE r.document_id = w.document_id AND r.generation = w.generation AND r.kind <> 'group'
    ) AS one
) AS known ON true
JOIN LATERAL (
    SELECT
        bool_or(coalesce(a.found <> 'right', false)) AS some_wrong,
        bool_and(coalesce(a.found = 'right', false)) AS all_right,
        count(*) FILTER (WHERE a.found <> 'right') AS wrong
    FROM public.audits AS a
    JOIN public.results AS r ON r.id = a.result_id
    WHERE r.document_id = w.document_id AND r.generation = w.generation AND a.of_list IS NOT NULL
) AS lists ON true;

COMMENT ON VIEW reporting.document_audits IS 'One row a document that was drawn whole before it was decided, whatever became of it: people look at every field of it, and at how many rows each of its lists has. Only such documents tell how many are right from end to end.';
COMMENT ON COLUMN reporting.document_audits.document_id IS 'The document.';
COMMENT ON COLUMN reporting.document_audits.generation IS 'Which answer of the document it is about, from 1.';
COMMENT ON COLUMN reporting.document_audits.upstream IS 'Who sent the document.';
COMMENT ON COLUMN reporting.document_audits.document_type IS 'Type of the document, such as invoice.';
COMMENT ON COLUMN reporting.document_audits.method IS 'The versioned method of the scores.';
COMMENT ON COLUMN reporting.document_audits.score IS 'How probable it is that all of it is right, as it was routed: the product of the scores of its fields.';
COMMENT ON COLUMN reporting.document_audits.band IS 'Documents that read alike, by their mean score: clear from 0.99, fair from 0.85, poor below.';
COMMENT ON COLUMN reporting.document_audits.conditions IS 'Model, prompt, decode mode, version of the type and further looks, as a certificate has them.';
COMMENT ON COLUMN reporting.document_audits.certificate IS 'The certificate of whole documents that accepted it; uncertified when none did.';
COMMENT ON COLUMN reporting.document_audits.rate IS 'The probability that the document was drawn, above 0 to 1; a weight is 1 / rate.';
COMMENT ON COLUMN reporting.document_audits.was_untouched IS 'Whether routing accepted every field of it.';
COMMENT ON COLUMN reporting.document_audits.found IS 'wrong: at least one field or list is wrong, or no person can read it; right: people looked at all of it, and it is; NULL: something waits still.';
COMMENT ON COLUMN reporting.document_audits.fields_wrong IS 'Fields that are known to be wrong or illegible so far.';
COMMENT ON COLUMN reporting.document_audits.lists_wrong IS 'Lists of which rows are missing or too many, or that nobody can count.';
COMMENT ON COLUMN reporting.document_audits.drawn_at IS 'When it was drawn: when it was routed.';
