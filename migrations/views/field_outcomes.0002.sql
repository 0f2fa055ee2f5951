CREATE VIEW reporting.field_outcomes AS
SELECT
    d.id AS document_id,
    s.upstream,
    s.key AS submission_key,
    d.document_type,
    d.status AS document_status,
    r.name AS field,
    r.ordinal,
    r.page,
    r.kind,
    r.state,
    r.text,
    r.value #>> '{}' AS value,
    CASE
        WHEN r.kind IN ('amount', 'number') AND r.value #>> '{}' ~ '^-?[0-9]{1,100}(\.[0-9]{1,100})?$'
        THEN (r.value #>> '{}')::numeric
    END AS number,
    r.currency,
    r.decision,
    r.reason,
    r.score,
    r.method,
    r.threshold,
    r.certificate,
    r.read_state,
    r.read_text,
    r.read_value #>> '{}' AS read_value,
    r.decision = 'reviewed' AND CASE
        WHEN r.state = 'value' AND r.read_state = 'value' AND r.value IS NOT NULL AND r.read_value IS NOT NULL
        THEN r.value <> r.read_value
        ELSE (r.state, r.text) IS DISTINCT FROM (r.read_state, r.read_text)
    END AS corrected,
    p.who AS decided_by,
    p.action AS decided_how,
    g.in_domain,
    g.model,
    g.fingerprint,
    d.created_at AS submitted_at,
    r.decided_at
FROM public.results AS r
JOIN public.documents AS d ON d.id = r.document_id
LEFT JOIN public.submissions AS s ON s.document_id = d.id
LEFT JOIN LATERAL (
    SELECT who, action FROM public.review_decisions WHERE result_id = r.id AND r.decision = 'reviewed' ORDER BY id DESC LIMIT 1
) AS p ON true
LEFT JOIN public.fields AS f ON f.id = r.field_id
LEFT JOIN public.readings AS g ON g.id = f.reading_id
WHERE r.removed_at IS NULL;

COMMENT ON VIEW reporting.field_outcomes IS 'One row a field of a document (and a row of a repeated group): what it is, how sure the machine was, and what became of it. Rows that a person removed are not there.';
COMMENT ON COLUMN reporting.field_outcomes.document_id IS 'The document.';
COMMENT ON COLUMN reporting.field_outcomes.upstream IS 'Who sent the document.';
COMMENT ON COLUMN reporting.field_outcomes.submission_key IS 'The key under which it was sent; unique for each upstream.';
COMMENT ON COLUMN reporting.field_outcomes.document_type IS 'Type of the document, such as invoice.';
COMMENT ON COLUMN reporting.field_outcomes.document_status IS 'Where the document stands: submitted, rendered, extracted, scored, accepted, in_review, reviewed or failed.';
COMMENT ON COLUMN reporting.field_outcomes.field IS 'Name of the field; a member of a repeated group is group.member.';
COMMENT ON COLUMN reporting.field_outcomes.ordinal IS 'Row of a repeated group, from 0; 0 for a field that stands once.';
COMMENT ON COLUMN reporting.field_outcomes.page IS 'Page that the value comes from, from 1.';
COMMENT ON COLUMN reporting.field_outcomes.kind IS 'Kind of the field: text, date, amount, currency, number, boolean, choice, identifier or group.';
COMMENT ON COLUMN reporting.field_outcomes.state IS 'value, absent (the document has no such field) or unreadable.';
COMMENT ON COLUMN reporting.field_outcomes.text IS 'The value as printed, or as a person wrote it.';
COMMENT ON COLUMN reporting.field_outcomes.value IS 'The value in one form: dates as 2026-03-04, numbers as 1204.50, currencies as EUR, true or false.';
COMMENT ON COLUMN reporting.field_outcomes.number IS 'The value as a number, for amounts and numbers.';
COMMENT ON COLUMN reporting.field_outcomes.currency IS 'ISO 4217 code of an amount, when the amount itself names one.';
COMMENT ON COLUMN reporting.field_outcomes.decision IS 'accepted (with proof, unseen), review (waits for a person) or reviewed (a person decided).';
COMMENT ON COLUMN reporting.field_outcomes.reason IS 'Code of why it was accepted or sent to review.';
COMMENT ON COLUMN reporting.field_outcomes.score IS 'How sure the machine was, 0 to 1; NULL when the field was not scored.';
COMMENT ON COLUMN reporting.field_outcomes.method IS 'The versioned method of the score.';
COMMENT ON COLUMN reporting.field_outcomes.threshold IS 'The score from which the field would have been accepted at that time.';
COMMENT ON COLUMN reporting.field_outcomes.certificate IS 'The proof behind the threshold; uncertified when it is a plain setting.';
COMMENT ON COLUMN reporting.field_outcomes.read_state IS 'What the machine had read: value, absent or unreadable.';
COMMENT ON COLUMN reporting.field_outcomes.read_text IS 'The value as the machine had read it.';
COMMENT ON COLUMN reporting.field_outcomes.read_value IS 'What the machine had read, in one form.';
COMMENT ON COLUMN reporting.field_outcomes.corrected IS 'Whether a person changed what the machine had read.';
COMMENT ON COLUMN reporting.field_outcomes.decided_by IS 'The person who decided last; NULL when nobody did.';
COMMENT ON COLUMN reporting.field_outcomes.decided_how IS 'What the person did: accept, correct, absent or unreadable; rows: set the list right as a whole.';
COMMENT ON COLUMN reporting.field_outcomes.in_domain IS 'Whether the model was made for this type of document.';
COMMENT ON COLUMN reporting.field_outcomes.model IS 'The model that read the value.';
COMMENT ON COLUMN reporting.field_outcomes.fingerprint IS 'Fingerprint of that model: weights, number type and resolution.';
COMMENT ON COLUMN reporting.field_outcomes.submitted_at IS 'When the document was submitted.';
COMMENT ON COLUMN reporting.field_outcomes.decided_at IS 'When the field was accepted or decided; NULL while it waits.';
