CREATE VIEW reporting.audits AS
SELECT
    a.document_id,
    r.generation,
    s.upstream,
    d.document_type,
    r.name AS field,
    r.ordinal,
    r.kind,
    g.model,
    a.fingerprint,
    r.method,
    a.score,
    r.threshold,
    r.certificate,
    a.rate,
    a.was_accepted,
    CASE
        WHEN r.decision = 'review' THEN NULL
        WHEN r.decision = 'accepted' THEN CASE WHEN a.found <> 'wrong' THEN a.found END
        WHEN r.removed_at IS NOT NULL THEN 'wrong'
        WHEN r.state = 'unreadable' THEN 'illegible'
        WHEN r.state = 'value' AND r.read_state = 'value' AND r.value IS NOT NULL AND r.read_value IS NOT NULL
        THEN CASE WHEN r.value = r.read_value AND coalesce(r.currency, r.read_currency, '') = coalesce(r.read_currency, r.currency, '') THEN 'right' ELSE 'wrong' END
        ELSE CASE WHEN (r.state, r.text) IS NOT DISTINCT FROM (r.read_state, r.read_text) THEN 'right' ELSE 'wrong' END
    END AS found,
    a.judged_by,
    a.drawn_at,
    a.judged_at
FROM public.audits AS a
JOIN public.results AS r ON r.id = a.result_id
JOIN public.documents AS d ON d.id = a.document_id
LEFT JOIN public.submissions AS s ON s.document_id = d.id
LEFT JOIN public.fields AS f ON f.id = r.field_id
LEFT JOIN public.readings AS g ON g.id = f.reading_id
WHERE NOT a.with_document;

COMMENT ON VIEW reporting.audits IS 'One row a field that was drawn for an audit when it was scored, before it was decided and whatever became of it: only such fields tell how many values are right. Those that were accepted are looked at by people who type what stands on the page before they see what was read; those that went to review are judged by their review. Fields that are looked at only because their whole document was drawn are not among them: reporting.document_audits.';
COMMENT ON COLUMN reporting.audits.document_id IS 'The document.';
COMMENT ON COLUMN reporting.audits.generation IS 'Which answer of the document it belongs to, from 1.';
COMMENT ON COLUMN reporting.audits.upstream IS 'Who sent the document.';
COMMENT ON COLUMN reporting.audits.document_type IS 'Type of the document, such as invoice.';
COMMENT ON COLUMN reporting.audits.field IS 'Name of the field; a member of a repeated group is group.member.';
COMMENT ON COLUMN reporting.audits.ordinal IS 'Row of a repeated group, from 0; 0 for a field that stands once.';
COMMENT ON COLUMN reporting.audits.kind IS 'Kind of the field: text, date, amount, currency, number, boolean, choice or identifier.';
COMMENT ON COLUMN reporting.audits.model IS 'The model that read the value.';
COMMENT ON COLUMN reporting.audits.fingerprint IS 'Fingerprint of that model: weights, number type and resolution.';
COMMENT ON COLUMN reporting.audits.method IS 'The versioned method of the score.';
COMMENT ON COLUMN reporting.audits.score IS 'How sure the machine was, 0 to 1.';
COMMENT ON COLUMN reporting.audits.threshold IS 'The score from which the field would have been accepted at that time.';
COMMENT ON COLUMN reporting.audits.certificate IS 'The proof behind the threshold; uncertified when it is a plain setting, provisional for the first accepted fields of a model, which are all audited.';
COMMENT ON COLUMN reporting.audits.rate IS 'The probability that the field was drawn, above 0 to 1; a weight is 1 / rate.';
COMMENT ON COLUMN reporting.audits.was_accepted IS 'Whether routing accepted the field; else it went to review.';
COMMENT ON COLUMN reporting.audits.found IS 'right, wrong or illegible (no person can read it on the page); NULL: nobody has looked yet, or the correction was taken back.';
COMMENT ON COLUMN reporting.audits.judged_by IS 'Who audited an accepted field; NULL for those that are judged by their review.';
COMMENT ON COLUMN reporting.audits.drawn_at IS 'When the field was drawn: when its document was routed.';
COMMENT ON COLUMN reporting.audits.judged_at IS 'When an accepted field was audited; NULL while it waits, and for those that are judged by their review.';
