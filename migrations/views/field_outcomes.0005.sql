CREATE VIEW reporting.field_outcomes AS
SELECT
    document_id,
    generation,
    upstream,
    submission_key,
    document_type,
    document_status,
    field,
    ordinal,
    page,
    kind,
    state,
    text,
    value,
    number,
    currency,
    decision,
    reason,
    score,
    method,
    threshold,
    certificate,
    read_state,
    read_text,
    read_value,
    read_currency,
    corrected,
    decided_by,
    decided_how,
    carried_over,
    in_domain,
    model,
    fingerprint,
    submitted_at,
    decided_at
FROM reporting.field_history
WHERE is_current AND NOT is_removed;

COMMENT ON VIEW reporting.field_outcomes IS 'One row a field of a document (and a row of a repeated group): what it is, how sure the machine was, and what became of it. Rows that a person removed are not there.';
COMMENT ON COLUMN reporting.field_outcomes.document_id IS 'The document.';
COMMENT ON COLUMN reporting.field_outcomes.upstream IS 'Who sent the document.';
COMMENT ON COLUMN reporting.field_outcomes.submission_key IS 'The key under which it was sent; unique for each upstream.';
COMMENT ON COLUMN reporting.field_outcomes.document_type IS 'Type of the document, such as invoice.';
COMMENT ON COLUMN reporting.field_outcomes.document_status IS 'Where the document stands: submitted, untriaged, needs_type, rendered, extracted, grounded, scored, accepted, in_review, reviewed, rejected, split or failed.';
COMMENT ON COLUMN reporting.field_outcomes.field IS 'Name of the field; a member of a repeated group is group.member.';
COMMENT ON COLUMN reporting.field_outcomes.ordinal IS 'Row of a repeated group, from 0; 0 for a field that stands once.';
COMMENT ON COLUMN reporting.field_outcomes.page IS 'Page that the value comes from, from 1.';
COMMENT ON COLUMN reporting.field_outcomes.kind IS 'Kind of the field: text, date, amount, currency, number, boolean, choice, identifier or group.';
COMMENT ON COLUMN reporting.field_outcomes.state IS 'value, absent (the document has no such field) or unreadable.';
COMMENT ON COLUMN reporting.field_outcomes.text IS 'The value as printed, or as a person wrote it.';
COMMENT ON COLUMN reporting.field_outcomes.value IS 'The value in one form: dates as 2026-03-04, numbers as 1204.50, currencies as EUR, true or false.';
COMMENT ON COLUMN reporting.field_outcomes.number IS 'The value as a number, for amounts and numbers.';
COMMENT ON COLUMN reporting.field_outcomes.currency IS 'ISO 4217 code of an amount, when the amount itself names one.';
COMMENT ON COLUMN reporting.field_outcomes.decision IS 'accepted (nobody saw it: its score reached the threshold and no witness denied it; on a scan without words few witnesses can speak, and the reading alone decides), review (waits for a person) or reviewed (a person decided).';
COMMENT ON COLUMN reporting.field_outcomes.reason IS 'Code of why it was accepted or sent to review.';
COMMENT ON COLUMN reporting.field_outcomes.score IS 'How sure the machine was, 0 to 1; NULL when the field was not scored.';
COMMENT ON COLUMN reporting.field_outcomes.method IS 'The versioned method of the score.';
COMMENT ON COLUMN reporting.field_outcomes.threshold IS 'The score from which the field would have been accepted at that time.';
COMMENT ON COLUMN reporting.field_outcomes.certificate IS 'The certificate whose threshold held (reporting.certificates); uncertified when the threshold is a plain setting, provisional for the first accepted fields of a model, which are all audited.';
COMMENT ON COLUMN reporting.field_outcomes.read_state IS 'What the machine had read: value, absent or unreadable.';
COMMENT ON COLUMN reporting.field_outcomes.read_text IS 'The value as the machine had read it.';
COMMENT ON COLUMN reporting.field_outcomes.read_value IS 'What the machine had read, in one form.';
COMMENT ON COLUMN reporting.field_outcomes.corrected IS 'Whether a person changed what the machine had read, or its currency; NULL where no person decided. How many accepted values are wrong says reporting.accepted_and_wrong.';
COMMENT ON COLUMN reporting.field_outcomes.decided_by IS 'The person who decided last; NULL when nobody did.';
COMMENT ON COLUMN reporting.field_outcomes.decided_how IS 'What the person did: accept, correct, absent or unreadable; rows: set the list right as a whole; remove: the document has no such row; undo: took the last decision back, and the one before holds.';
COMMENT ON COLUMN reporting.field_outcomes.in_domain IS 'Whether the model was made for this type of document.';
COMMENT ON COLUMN reporting.field_outcomes.model IS 'The model that read the value.';
COMMENT ON COLUMN reporting.field_outcomes.fingerprint IS 'Fingerprint of that model: weights, number type and resolution.';
COMMENT ON COLUMN reporting.field_outcomes.submitted_at IS 'When the document was submitted.';
COMMENT ON COLUMN reporting.field_outcomes.decided_at IS 'When the field was accepted or decided; NULL while it waits.';
COMMENT ON COLUMN reporting.field_outcomes.generation IS 'Which answer of the document it belongs to, from 1: it rises each time that the document is read, scored or routed again.';
COMMENT ON COLUMN reporting.field_outcomes.read_currency IS 'Currency that the machine had read; NULL when the amount itself names none.';
COMMENT ON COLUMN reporting.field_outcomes.carried_over IS 'Whether the decision was made about an earlier answer and holds for this one, since it reads the same.';
