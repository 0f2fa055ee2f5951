CREATE VIEW reporting.document_types AS
SELECT
    c.document_id,
    d.status AS document_status,
    d.document_type,
    c.method,
    c.document_type AS taken_for,
    c.confidence,
    c.fits,
    c.who AS decided_by,
    c.created_at AS decided_at
FROM public.classifications AS c
JOIN public.documents AS d ON d.id = c.document_id;

COMMENT ON VIEW reporting.document_types IS 'One row each time that a document which came without a type was taken for one: by its words, or by a person.';
COMMENT ON COLUMN reporting.document_types.document_id IS 'The document.';
COMMENT ON COLUMN reporting.document_types.document_status IS 'Where the document stands: submitted, untriaged, needs_type, rendered, extracted, grounded, scored, accepted, in_review, reviewed, rejected, split or failed. At needs_type a person must say what it is.';
COMMENT ON COLUMN reporting.document_types.document_type IS 'Its type now; auto while it is open.';
COMMENT ON COLUMN reporting.document_types.method IS 'The versioned method, or person.';
COMMENT ON COLUMN reporting.document_types.taken_for IS 'The type it was taken for; NULL when nothing spoke for any.';
COMMENT ON COLUMN reporting.document_types.confidence IS 'How sure the method was that it is this type and no other, 0 to 1; NULL for a person, and when there were no words.';
COMMENT ON COLUMN reporting.document_types.fits IS 'How well it fits each type by itself, 0 to 1.';
COMMENT ON COLUMN reporting.document_types.decided_by IS 'The person; NULL for a method.';
COMMENT ON COLUMN reporting.document_types.decided_at IS 'When.';
