CREATE VIEW reporting.document_parts AS
SELECT
    d.part_of AS file_id,
    d.id AS document_id,
    s.upstream,
    s.key AS submission_key,
    d.document_type,
    d.status AS document_status,
    d.first_page,
    d.page_count AS pages
FROM public.documents AS d
LEFT JOIN public.submissions AS s ON s.document_id = d.id
WHERE d.part_of IS NOT NULL;

COMMENT ON VIEW reporting.document_parts IS 'One row a document that came in one file with others: where in the file it stood.';
COMMENT ON COLUMN reporting.document_parts.file_id IS 'The document that stands for the whole file; its status is split.';
COMMENT ON COLUMN reporting.document_parts.document_id IS 'The part, a document of its own.';
COMMENT ON COLUMN reporting.document_parts.upstream IS 'Who sent the file.';
COMMENT ON COLUMN reporting.document_parts.submission_key IS 'The key of the file, and behind it the pages of the part.';
COMMENT ON COLUMN reporting.document_parts.document_type IS 'Type of the part.';
COMMENT ON COLUMN reporting.document_parts.document_status IS 'Where the part stands: submitted, untriaged, needs_type, rendered, extracted, grounded, scored, accepted, in_review, reviewed, rejected, split or failed.';
COMMENT ON COLUMN reporting.document_parts.first_page IS 'Page of the file with which the part begins, from 1.';
COMMENT ON COLUMN reporting.document_parts.pages IS 'Pages of the part.';
