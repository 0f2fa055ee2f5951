CREATE VIEW reporting.certificates AS
SELECT
    id::text AS certificate,
    document_type,
    family,
    band,
    method,
    fingerprint,
    conditions,
    alpha,
    state,
    state = 'certified' AND valid_until > now() AS holds,
    threshold,
    size,
    judged,
    wrong,
    effect,
    bound,
    delta,
    missed,
    planned_by,
    planned_at,
    tested_at,
    valid_until,
    window_documents,
    window_doubtful,
    watched_since,
    alarmed_at,
    alarm,
    changed_at,
    resumed_by,
    resumed_because,
    withdrawn_at,
    withdrawn_because
FROM public.certificates;

COMMENT ON VIEW reporting.certificates IS 'One row a promise about accepted fields, or about documents that nobody touches: planned before its labels were seen, tested once on fields, or documents, that were drawn for audits, and then a threshold. Of twenty that hold, one may be wrong.';
COMMENT ON COLUMN reporting.certificates.certificate IS 'Its id, as field_outcomes.certificate has it.';
COMMENT ON COLUMN reporting.certificates.document_type IS 'Type of the documents.';
COMMENT ON COLUMN reporting.certificates.family IS 'money (amounts, and where they are paid to), rest, or documents: whole ones that nobody touches.';
COMMENT ON COLUMN reporting.certificates.band IS 'Documents that read alike, by their mean score: clear from 0.99, fair from 0.85, poor below.';
COMMENT ON COLUMN reporting.certificates.method IS 'The versioned method of the score.';
COMMENT ON COLUMN reporting.certificates.fingerprint IS 'Fingerprint of the model.';
COMMENT ON COLUMN reporting.certificates.conditions IS 'What it is tied to: model, prompt, decode mode, version of the type and further looks; documents under other conditions are not covered.';
COMMENT ON COLUMN reporting.certificates.alpha IS 'The promise: the largest share of wrong ones among the accepted fields, or documents, 0 to 1.';
COMMENT ON COLUMN reporting.certificates.state IS 'planned (not tested yet), certified, not_held (not even the strictest threshold keeps the promise), suspended (an alarm: it accepts nothing until a person resumes it), broken (audits confirmed the alarm: people decide every field until it is withdrawn) or withdrawn.';
COMMENT ON COLUMN reporting.certificates.holds IS 'Whether anything is accepted by it now.';
COMMENT ON COLUMN reporting.certificates.threshold IS 'The score from which fields are accepted, or documents; NULL until it is certified.';
COMMENT ON COLUMN reporting.certificates.size IS 'How many drawn fields, or documents, its test looks at.';
COMMENT ON COLUMN reporting.certificates.judged IS 'Of these, those at the threshold or above.';
COMMENT ON COLUMN reporting.certificates.wrong IS 'Of these, those that are wrong, or that no person can read.';
COMMENT ON COLUMN reporting.certificates.effect IS 'Design effect of batches: the counts are divided by it.';
COMMENT ON COLUMN reporting.certificates.bound IS 'The largest share of wrong ones that the counts allow for, with the confidence 1 - delta.';
COMMENT ON COLUMN reporting.certificates.delta IS 'How often such a promise may be broken, 0 to 1.';
COMMENT ON COLUMN reporting.certificates.missed IS 'Share of the errors that people are taken to overlook, 0 to 1.';
COMMENT ON COLUMN reporting.certificates.planned_by IS 'Who planned the test.';
COMMENT ON COLUMN reporting.certificates.planned_at IS 'When; only fields that were drawn later count.';
COMMENT ON COLUMN reporting.certificates.tested_at IS 'When it was tested; NULL: not yet.';
COMMENT ON COLUMN reporting.certificates.valid_until IS 'When it ends by itself.';
COMMENT ON COLUMN reporting.certificates.window_documents IS 'Documents of its type and conditions between its plan and its test; NULL: they were not counted.';
COMMENT ON COLUMN reporting.certificates.window_doubtful IS 'Of these, those with a field that scores below 0.9.';
COMMENT ON COLUMN reporting.certificates.watched_since IS 'Since when documents and audits are held against it: its test, or when it was resumed.';
COMMENT ON COLUMN reporting.certificates.alarmed_at IS 'When the last alarm suspended it; NULL: none did.';
COMMENT ON COLUMN reporting.certificates.alarm IS 'What raised that alarm, in a sentence.';
COMMENT ON COLUMN reporting.certificates.changed_at IS 'Since when documents have probably been worse; audits of fields from then on settle the alarm.';
COMMENT ON COLUMN reporting.certificates.resumed_by IS 'Who let it accept again after an alarm, at watched_since; NULL: nobody.';
COMMENT ON COLUMN reporting.certificates.resumed_because IS 'Why.';
COMMENT ON COLUMN reporting.certificates.withdrawn_at IS 'When it was withdrawn.';
COMMENT ON COLUMN reporting.certificates.withdrawn_because IS 'Why it was withdrawn.';
