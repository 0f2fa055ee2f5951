CREATE VIEW reporting.documents AS
SELECT
    d.id AS document_id,
    s.upstream,
    s.key AS submission_key,
    s.filename,
    d.document_type,
    s.document_type AS submitted_as,
    d.status,
    d.error_code AS code,
    d.error_message AS message,
    d.failures,
    d.page_count AS pages,
    d.part_of AS file_id,
    d.first_page,
    d.generation,
    coalesce(f.fields, 0) AS fields,
    coalesce(f.accepted, 0) AS fields_accepted,
    coalesce(f.waiting, 0) AS fields_in_review,
    coalesce(f.reviewed, 0) AS fields_reviewed,
    p.probability_right,
    p.expected_wrong,
    CASE WHEN d.status = 'accepted' THEN coalesce(f.certificate, 'uncertified') END AS certificate,
    EXISTS (SELECT FROM public.classifications AS c WHERE c.document_id = d.id AND c.who IS NOT NULL)
        OR EXISTS (SELECT FROM public.classifications AS c WHERE c.document_id = d.part_of AND c.who IS NOT NULL)
        OR EXISTS (SELECT FROM public.document_verdicts AS v WHERE v.document_id = d.id)
        OR EXISTS (
            SELECT FROM public.results AS r JOIN public.review_decisions AS v ON v.result_id = r.id
            WHERE r.document_id = d.id
        ) AS decided_by_person,
    s.metadata,
    d.created_at AS submitted_at,
    d.updated_at AS status_since,
    d.finished_at,
    d.finished_at - d.created_at AS took
FROM public.documents AS d
LEFT JOIN public.submissions AS s ON s.document_id = d.id
LEFT JOIN reporting.document_confidence AS p ON p.document_id = d.id
LEFT JOIN (
    SELECT
        r.document_id,
        r.generation,
        count(*) AS fields,
        count(*) FILTER (WHERE r.decision = 'accepted') AS accepted,
        count(*) FILTER (WHERE r.decision = 'review') AS waiting,
        count(*) FILTER (WHERE r.decision = 'reviewed') AS reviewed,
        min(c.id::text) AS certificate
    FROM public.results AS r
    LEFT JOIN public.certificates AS c ON c.id::text = r.certificate AND c.family = 'documents'
    WHERE r.removed_at IS NULL
    GROUP BY r.document_id, r.generation
) AS f ON f.document_id = d.id AND f.generation = d.generation;

COMMENT ON VIEW reporting.documents IS 'One row a document, whatever became of it: the failed ones, the rejected ones and those on their way, too. A file of several documents has a row with the status split, and each of its parts has one.';
COMMENT ON COLUMN reporting.documents.document_id IS 'The document.';
COMMENT ON COLUMN reporting.documents.upstream IS 'Who sent the document.';
COMMENT ON COLUMN reporting.documents.submission_key IS 'The key under which it was sent; unique for each upstream.';
COMMENT ON COLUMN reporting.documents.filename IS 'Name of the file, if the sender gave one.';
COMMENT ON COLUMN reporting.documents.document_type IS 'Type of the document, such as invoice; auto while it is open.';
COMMENT ON COLUMN reporting.documents.submitted_as IS 'The type that the sender named; auto when they left it open.';
COMMENT ON COLUMN reporting.documents.status IS 'Where the document stands: submitted, untriaged, needs_type, needs_input, rendered, extracted, grounded, scored, accepted, in_review, reviewed, rejected, split or failed.';
COMMENT ON COLUMN reporting.documents.code IS 'Code of why it failed or was rejected; while it is on its way, of the last attempt that went wrong; else NULL.';
COMMENT ON COLUMN reporting.documents.message IS 'The same in words for people, with what to do about it.';
COMMENT ON COLUMN reporting.documents.failures IS 'Attempts at this status that went wrong.';
COMMENT ON COLUMN reporting.documents.pages IS 'Pages of the document; NULL until they are counted.';
COMMENT ON COLUMN reporting.documents.file_id IS 'The document that stands for the whole file, for a part of one; else NULL.';
COMMENT ON COLUMN reporting.documents.first_page IS 'Page of that file with which the part begins, from 1.';
COMMENT ON COLUMN reporting.documents.generation IS 'Which answer of the document counts, from 1: it rises each time that the document is read, scored or routed again.';
COMMENT ON COLUMN reporting.documents.fields IS 'Fields of the answer that counts, rows of lists counted one by one.';
COMMENT ON COLUMN reporting.documents.fields_accepted IS 'Of these, accepted: nobody saw them.';
COMMENT ON COLUMN reporting.documents.fields_in_review IS 'Of these, waiting for a person.';
COMMENT ON COLUMN reporting.documents.fields_reviewed IS 'Of these, decided by a person.';
COMMENT ON COLUMN reporting.documents.probability_right IS 'Probability that every field is right, 0 to 1 (reporting.document_confidence); NULL where that is not known.';
COMMENT ON COLUMN reporting.documents.expected_wrong IS 'How many fields are wrong on average; NULL where that is not known.';
COMMENT ON COLUMN reporting.documents.certificate IS 'Of an accepted document, the certificate of whole documents that accepted it; uncertified when its fields were accepted one by one.';
COMMENT ON COLUMN reporting.documents.decided_by_person IS 'Whether a person ever decided something of it: its type, where its file is split, one of its fields, or that it is not to be used; also when they took it back.';
COMMENT ON COLUMN reporting.documents.metadata IS 'What the sender attached, as JSON.';
COMMENT ON COLUMN reporting.documents.submitted_at IS 'When it was submitted; of a part, when its file was split.';
COMMENT ON COLUMN reporting.documents.status_since IS 'Since when it stands at its status.';
COMMENT ON COLUMN reporting.documents.finished_at IS 'When nothing more was to be done: accepted, reviewed, rejected, split or failed; else NULL.';
COMMENT ON COLUMN reporting.documents.took IS 'Time from submitted_at to finished_at, waiting and work together; NULL until then.';
