CREATE VIEW reporting.questions AS
SELECT
    q.id AS question_id,
    q.document_id,
    s.upstream,
    s.key,
    d.document_type,
    q.generation,
    q.wanted,
    q.doubt,
    q.field,
    q.ordinal,
    q.text,
    q.asked_by,
    q.asked_at,
    q.expires_at,
    q.reminders,
    q.state,
    q.closed_at,
    q.closed_by,
    q.door,
    q.answer,
    q.closed_at - q.asked_at AS took
FROM public.questions AS q
JOIN public.documents AS d ON d.id = q.document_id
LEFT JOIN public.submissions AS s ON s.document_id = q.document_id;

COMMENT ON VIEW reporting.questions IS 'One row a question that the sender of a document was asked, and what was answered. A document with an open one is at needs_input.';
COMMENT ON COLUMN reporting.questions.question_id IS 'Id of the question.';
COMMENT ON COLUMN reporting.questions.document_id IS 'Document that it is about.';
COMMENT ON COLUMN reporting.questions.upstream IS 'Who sent the document, and is asked.';
COMMENT ON COLUMN reporting.questions.key IS 'Key under which the document was sent.';
COMMENT ON COLUMN reporting.questions.document_type IS 'Type of the document now; auto while it is open.';
COMMENT ON COLUMN reporting.questions.generation IS 'Which answer of the document was made last when it was asked.';
COMMENT ON COLUMN reporting.questions.wanted IS 'What an answer must be: password, file (a better scan), type, value or text.';
COMMENT ON COLUMN reporting.questions.doubt IS 'Why it was asked: encrypted_pdf, nothing_read, type_unclear, required_absent, conflict, or asked_by_person.';
COMMENT ON COLUMN reporting.questions.field IS 'Field of which a value is wanted; NULL where none is.';
COMMENT ON COLUMN reporting.questions.ordinal IS 'Row of a list, from 0; 0 also for what stands in no list.';
COMMENT ON COLUMN reporting.questions.text IS 'The question, as the sender read it.';
COMMENT ON COLUMN reporting.questions.asked_by IS 'Who asked: worker, or person: and the name.';
COMMENT ON COLUMN reporting.questions.asked_at IS 'When it was asked.';
COMMENT ON COLUMN reporting.questions.expires_at IS 'Until when an answer is taken.';
COMMENT ON COLUMN reporting.questions.reminders IS 'How often the sender was reminded.';
COMMENT ON COLUMN reporting.questions.state IS 'open, answered, withdrawn (nobody needed the answer any more) or expired.';
COMMENT ON COLUMN reporting.questions.closed_at IS 'When it was answered, withdrawn or expired; NULL while it is open.';
COMMENT ON COLUMN reporting.questions.closed_by IS 'Who closed it: upstream: and the name, person: and the name, worker or sweeper; NULL while it is open.';
COMMENT ON COLUMN reporting.questions.door IS 'Where the answer came in: link, api, command, or submission (the document came again with what it lacked); NULL where there is none.';
COMMENT ON COLUMN reporting.questions.answer IS 'The value, type or words of the answer; NULL where there is none, for a file, and always for a password.';
COMMENT ON COLUMN reporting.questions.took IS 'Time from the question to its end; NULL while it is open.';
