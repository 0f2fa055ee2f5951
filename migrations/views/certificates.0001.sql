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
    withdrawn_at,
    withdrawn_because
FROM public.certificates;

COMMENT ON VIEW reporting.certificates IS 'One row a promise about accepted fields: planned before its labels were seen, tested once on fields that were drawn for audits, and then a threshold. Of twenty that hold, one may be wrong.';
COMMENT ON COLUMN reporting.certificates.certificate IS 'Its id, as field_outcomes.certificate has it.';
COMMENT ON COLUMN reporting.certificates.document_type IS 'Type of the documents.';
COMMENT ON COLUMN reporting.certificates.family IS 'money (amounts, and where they are paid to) or rest.';
COMMENT ON COLUMN reporting.certificates.band IS 'Documents that read alike, by their mean score: clear from 0.99, fair from 0.85, poor below.';
COMMENT ON COLUMN reporting.certificates.method IS 'The versioned method of the score.';
COMMENT ON COLUMN reporting.certificates.fingerprint IS 'Fingerprint of the model.';
COMMENT ON COLUMN reporting.certificates.conditions IS 'What it is tied to: model, prompt, decode mode, version of the type and further looks; documents under other conditions are not covered.';
COMMENT ON COLUMN reporting.certificates.alpha IS 'The promise: the largest share of wrong ones among the accepted fields, 0 to 1.';
COMMENT ON COLUMN reporting.certificates.state IS 'planned (not tested yet), certified, not_held (not even the strictest threshold keeps the promise) or withdrawn.';
COMMENT ON COLUMN reporting.certificates.holds IS 'Whether fields are accepted by it now.';
COMMENT ON COLUMN reporting.certificates.threshold IS 'The score from which fields are accepted; NULL until it is certified.';
COMMENT ON COLUMN reporting.certificates.size IS 'How many drawn fields its test looks at.';
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
COMMENT ON COLUMN reporting.certificates.withdrawn_at IS 'When it was withdrawn.';
COMMENT ON COLUMN reporting.certificates.withdrawn_because IS 'Why it was withdrawn.';
