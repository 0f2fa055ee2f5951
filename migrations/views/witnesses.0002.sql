CREATE VIEW reporting.witnesses AS
SELECT
    c.document_id,
    d.document_type,
    c.generation,
    c.name AS field,
    c.ordinal,
    c.number AS candidate,
    c.state,
    c.text,
    c.value #>> '{}' AS value,
    c.field_ids @> ARRAY[r.field_id] AS chosen,
    w.witness,
    w.says,
    w.code,
    w.message,
    w.page,
    w.offers
FROM public.witnesses AS w
JOIN public.candidates AS c ON c.id = w.candidate_id
JOIN public.documents AS d ON d.id = c.document_id
LEFT JOIN public.results AS r
    ON r.document_id = c.document_id AND r.generation = d.generation AND r.name = c.name AND r.ordinal = c.ordinal;

COMMENT ON VIEW reporting.witnesses IS 'One row for each thing that a witness says of a candidate: a distinct answer to a field of a document. A witness that says nothing has no row, and its silence is not agreement.';
COMMENT ON COLUMN reporting.witnesses.document_id IS 'The document.';
COMMENT ON COLUMN reporting.witnesses.document_type IS 'Type of the document, such as invoice.';
COMMENT ON COLUMN reporting.witnesses.generation IS 'Which answer of the document it was gathered for, from 1.';
COMMENT ON COLUMN reporting.witnesses.field IS 'Name of the field; a member of a repeated group is group.member, and the name of a group stands for the list as a whole.';
COMMENT ON COLUMN reporting.witnesses.ordinal IS 'Row of a repeated group, from 0; 0 for a field that stands once.';
COMMENT ON COLUMN reporting.witnesses.candidate IS 'Number of the candidate among those of the field, from 0.';
COMMENT ON COLUMN reporting.witnesses.state IS 'What the candidate says: value, absent (the document has no such field) or unreadable.';
COMMENT ON COLUMN reporting.witnesses.text IS 'The candidate as printed.';
COMMENT ON COLUMN reporting.witnesses.value IS 'The candidate in one form: dates as 2026-03-04, numbers as 1204.50, currencies as EUR, true or false.';
COMMENT ON COLUMN reporting.witnesses.chosen IS 'Whether the document answers with this candidate; NULL before anything is chosen, and for a list as a whole.';
COMMENT ON COLUMN reporting.witnesses.witness IS 'The versioned name of the witness, such as on-page/1.';
COMMENT ON COLUMN reporting.witnesses.says IS 'agrees, denies (a person looks, however sure the model is) or offers (another answer to choose).';
COMMENT ON COLUMN reporting.witnesses.code IS 'Code of why; a denial has the code of the reason for review.';
COMMENT ON COLUMN reporting.witnesses.message IS 'Why, in words for people.';
COMMENT ON COLUMN reporting.witnesses.page IS 'Page on which the witness saw it, from 1; NULL where no single page shows it.';
COMMENT ON COLUMN reporting.witnesses.offers IS 'Another answer that stands there and that nobody read; NULL where the witness has none.';
