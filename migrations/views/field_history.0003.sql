CREATE VIEW reporting.field_history AS
SELECT
    d.id AS document_id,
    r.generation,
    r.generation = d.generation AS is_current,
    r.removed_at IS NOT NULL AS is_removed,
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
    r.read_currency,
    CASE
        WHEN r.decision <> 'reviewed' THEN NULL
        WHEN r.state = 'value' AND r.read_state = 'value' AND r.value IS NOT NULL AND r.read_value IS NOT NULL
        THEN r.value <> r.read_value OR coalesce(r.currency <> r.read_currency, false)
        ELSE (r.state, r.text) IS DISTINCT FROM (r.read_state, r.read_text)
    END AS corrected,
    p.who AS decided_by,
    p.action AS decided_how,
    p.carried_from IS NOT NULL AS carried_over,
    g.in_domain,
    g.model,
    g.fingerprint,
    d.created_at AS submitted_at,
    r.decided_at
FROM public.results AS r
JOIN public.documents AS d ON d.id = r.document_id
LEFT JOIN public.submissions AS s ON s.document_id = d.id
LEFT JOIN LATERAL (
    SELECT who, action, carried_from FROM public.review_decisions WHERE result_id = r.id AND r.decision = 'reviewed' ORDER BY id DESC LIMIT 1
) AS p ON true
LEFT JOIN public.fields AS f ON f.id = r.field_id
LEFT JOIN public.readings AS g ON g.id = f.reading_id;

COMMENT ON VIEW reporting.field_history IS 'One row a field of each answer that a document ever had: what was read and decided then, by which model, method and threshold.';
COMMENT ON COLUMN reporting.field_history.document_id IS 'The document.';
COMMENT ON COLUMN reporting.field_history.upstream IS 'Who sent the document.';
COMMENT ON COLUMN reporting.field_history.submission_key IS 'The key under which it was sent; unique for each upstream.';
COMMENT ON COLUMN reporting.field_history.document_type IS 'Type of the document, such as invoice.';
COMMENT ON COLUMN reporting.field_history.document_status IS 'Where the document stands: submitted, untriaged, needs_type, rendered, extracted, grounded, scored, accepted, in_review, reviewed, rejected, split or failed.';
COMMENT ON COLUMN reporting.field_history.field IS 'Name of the field; a member of a repeated group is group.member.';
COMMENT ON COLUMN reporting.field_history.ordinal IS 'Row of a repeated group, from 0; 0 for a field that stands once.';
COMMENT ON COLUMN reporting.field_history.page IS 'Page that the value comes from, from 1.';
COMMENT ON COLUMN reporting.field_history.kind IS 'Kind of the field: text, date, amount, currency, number, boolean, choice, identifier or group.';
COMMENT ON COLUMN reporting.field_history.state IS 'value, absent (the document has no such field) or unreadable.';
COMMENT ON COLUMN reporting.field_history.text IS 'The value as printed, or as a person wrote it.';
COMMENT ON COLUMN reporting.field_history.value IS 'The value in one form: dates as 2026-03-04, numbers as 1204.50, currencies as EUR, true or false.';
COMMENT ON COLUMN reporting.field_history.number IS 'The value as a number, for amounts and numbers.';
COMMENT ON COLUMN reporting.field_history.currency IS 'ISO 4217 code of an amount, when the amount itself names one.';
COMMENT ON COLUMN reporting.field_history.decision IS 'accepted (nobody saw it: its score reached the threshold and no witness denied it; on a scan without words few witnesses can speak, and the reading alone decides), review (waits for a person) or reviewed (a person decided).';
COMMENT ON COLUMN reporting.field_history.reason IS 'Code of why it was accepted or sent to review.';
COMMENT ON COLUMN reporting.field_history.score IS 'How sure the machine was, 0 to 1; NULL when the field was not scored.';
COMMENT ON COLUMN reporting.field_history.method IS 'The versioned method of the score.';
COMMENT ON COLUMN reporting.field_history.threshold IS 'The score from which the field would have been accepted at that time.';
COMMENT ON COLUMN reporting.field_history.certificate IS 'The certificate whose threshold held (reporting.certificates); uncertified when the threshold is a plain setting, provisional for the first accepted fields of a model, which are all audited.';
COMMENT ON COLUMN reporting.field_history.read_state IS 'What the machine had read: value, absent or unreadable.';
COMMENT ON COLUMN reporting.field_history.read_text IS 'The value as the machine had read it.';
COMMENT ON COLUMN reporting.field_history.read_value IS 'What the machine had read, in one form.';
COMMENT ON COLUMN reporting.field_history.corrected IS 'Whether a person changed what the machine had read, or its currency; NULL where no person decided. How many accepted values are wrong says reporting.accepted_and_wrong.';
COMMENT ON COLUMN reporting.field_history.decided_by IS 'The person who decided last; NULL when nobody did.';
COMMENT ON COLUMN reporting.field_history.decided_how IS 'What the person did: accept, correct, absent or unreadable; rows: set the list right as a whole; remove: the document has no such row; undo: took the last decision back, and the one before holds.';
COMMENT ON COLUMN reporting.field_history.in_domain IS 'Whether the model was made for this type of document.';
COMMENT ON COLUMN reporting.field_history.model IS 'The model that read the value.';
COMMENT ON COLUMN reporting.field_history.fingerprint IS 'Fingerprint of that model: weights, number type and resolution.';
COMMENT ON COLUMN reporting.field_history.submitted_at IS 'When the document was submitted.';
COMMENT ON COLUMN reporting.field_history.decided_at IS 'When the field was accepted or decided; NULL while it waits.';
COMMENT ON COLUMN reporting.field_history.generation IS 'Which answer of the document it belongs to, from 1: it rises each time that the document is read, scored or routed again.';
COMMENT ON COLUMN reporting.field_history.is_current IS 'Whether it belongs to the answer that counts; each field of a document has one such row that is not removed.';
COMMENT ON COLUMN reporting.field_history.is_removed IS 'Whether a person removed it from the answer.';
COMMENT ON COLUMN reporting.field_history.read_currency IS 'Currency that the machine had read; NULL when the amount itself names none.';
COMMENT ON COLUMN reporting.field_history.carried_over IS 'Whether the decision was made about an earlier answer and holds for this one, since it reads the same.';
