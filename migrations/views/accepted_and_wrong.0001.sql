CREATE VIEW reporting.accepted_and_wrong AS
SELECT
    document_type,
    model,
    fingerprint,
    method,
    certificate,
    count(*) AS drawn,
    count(*) FILTER (WHERE found IN ('right', 'wrong')) AS judged,
    count(*) FILTER (WHERE found = 'wrong') AS wrong,
    count(*) FILTER (WHERE found = 'illegible') AS illegible,
    count(*) FILTER (WHERE found IS NULL) AS not_judged,
    CASE
        WHEN count(*) FILTER (WHERE found IN ('right', 'wrong')) > 0
        THEN coalesce(sum(1 / rate) FILTER (WHERE found = 'wrong'), 0) / sum(1 / rate) FILTER (WHERE found IN ('right', 'wrong'))
    END AS share_wrong,
    min(drawn_at) AS first_drawn_at,
    max(drawn_at) AS last_drawn_at
FROM reporting.audits
WHERE was_accepted
GROUP BY document_type, model, fingerprint, method, certificate;

COMMENT ON VIEW reporting.accepted_and_wrong IS 'One row a document type, model, method and certificate: how many of the accepted fields that people audited are wrong. A share of few fields says little: with 299 judged and none wrong, at most 1 % is wrong (95 % confidence). surefield audit report prints the bound.';
COMMENT ON COLUMN reporting.accepted_and_wrong.document_type IS 'Type of the documents.';
COMMENT ON COLUMN reporting.accepted_and_wrong.model IS 'The model that read the values.';
COMMENT ON COLUMN reporting.accepted_and_wrong.fingerprint IS 'Fingerprint of that model.';
COMMENT ON COLUMN reporting.accepted_and_wrong.method IS 'The versioned method of the score.';
COMMENT ON COLUMN reporting.accepted_and_wrong.certificate IS 'The proof behind the threshold, uncertified or provisional.';
COMMENT ON COLUMN reporting.accepted_and_wrong.drawn IS 'Accepted fields that were drawn for an audit.';
COMMENT ON COLUMN reporting.accepted_and_wrong.judged IS 'Of these, those that a person found right or wrong.';
COMMENT ON COLUMN reporting.accepted_and_wrong.wrong IS 'Of these, those that are wrong.';
COMMENT ON COLUMN reporting.accepted_and_wrong.illegible IS 'Drawn fields that no person can read on their page.';
COMMENT ON COLUMN reporting.accepted_and_wrong.not_judged IS 'Drawn fields that nobody has looked at yet.';
COMMENT ON COLUMN reporting.accepted_and_wrong.share_wrong IS 'Share of the judged fields that is wrong, 0 to 1, each with the weight 1 / rate; NULL while nobody has judged one.';
COMMENT ON COLUMN reporting.accepted_and_wrong.first_drawn_at IS 'When the first of them was drawn.';
COMMENT ON COLUMN reporting.accepted_and_wrong.last_drawn_at IS 'When the last of them was drawn.';
