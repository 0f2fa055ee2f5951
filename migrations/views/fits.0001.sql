CREATE VIEW reporting.fits AS
WITH last AS (  -- of one type, model and decode mode the last word counts
    SELECT DISTINCT ON (coalesce(f.document_type, ''), f.fingerprint, f.decode_mode)
        u.fit_id,
        u.decides
    FROM public.fit_uses AS u
    JOIN public.fits AS f ON f.id = u.fit_id
    ORDER BY coalesce(f.document_type, ''), f.fingerprint, f.decode_mode, u.id DESC
)
SELECT
    f.id AS fit,
    f.method,
    f.document_type,
    f.fingerprint,
    f.decode_mode,
    CASE
        WHEN coalesce(l.decides, false) THEN 'in_force'
        WHEN EXISTS (SELECT FROM public.fit_uses AS u WHERE u.fit_id = f.id) THEN 'taken_back'
        ELSE 'shadow'
    END AS state,
    f.until,
    f.documents,
    f.labels,
    f.wrong,
    f.drawn,
    f.drawn_wrong,
    f.is_better,
    f.because,
    f.who AS fitted_by,
    f.fitted_at
FROM public.fits AS f
LEFT JOIN last AS l ON l.fit_id = f.id;

COMMENT ON VIEW reporting.fits IS 'One row weights of the combined score that were fitted here by what people decided (surefield fit). Weights that ship with the package have none.';
COMMENT ON COLUMN reporting.fits.fit IS 'Its id.';
COMMENT ON COLUMN reporting.fits.method IS 'The name of its score: combined/1+ and the first 8 digits of the digest of its weights.';
COMMENT ON COLUMN reporting.fits.document_type IS 'Type of the documents; NULL: all types, but those that have weights of their own in force.';
COMMENT ON COLUMN reporting.fits.fingerprint IS 'Fingerprint of the model; readings of another one have no such score.';
COMMENT ON COLUMN reporting.fits.decode_mode IS 'The decode mode of the readings.';
COMMENT ON COLUMN reporting.fits.state IS 'shadow (its score is stored and decides nothing), in_force (it is the combined score) or taken_back (it was in force once; a person took it back, or other weights came after it).';
COMMENT ON COLUMN reporting.fits.until IS 'What people decided before then are its labels. Certificates of its score rest on documents that came later.';
COMMENT ON COLUMN reporting.fits.documents IS 'Documents with labels.';
COMMENT ON COLUMN reporting.fits.labels IS 'Fields that people decided.';
COMMENT ON COLUMN reporting.fits.wrong IS 'Of these, those that the machine had read wrong.';
COMMENT ON COLUMN reporting.fits.drawn IS 'Of these, those that were drawn beforehand, up to the first that nobody had judged.';
COMMENT ON COLUMN reporting.fits.drawn_wrong IS 'Of the drawn ones, those that the machine had read wrong.';
COMMENT ON COLUMN reporting.fits.is_better IS 'Whether its scores were nearer to what people found than those before, beyond chance, by weights that were fitted without the document.';
COMMENT ON COLUMN reporting.fits.because IS 'Why it was kept all the same; NULL where it is better.';
COMMENT ON COLUMN reporting.fits.fitted_by IS 'Who fitted it.';
COMMENT ON COLUMN reporting.fits.fitted_at IS 'When.';
