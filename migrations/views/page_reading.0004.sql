CREATE VIEW reporting.page_reading AS
SELECT
    p.document_id,
    d.document_type,
    d.status AS document_status,
    p.number AS page,
    CASE p.status WHEN 'rendered' THEN 'waiting' ELSE p.status END AS state,
    p.rank,
    p.ranked_by,
    jsonb_array_length(p.words) AS words,
    p.words_source,
    p.layer_coverage,
    p.turned
FROM public.pages AS p
JOIN public.documents AS d ON d.id = p.document_id;

COMMENT ON VIEW reporting.page_reading IS 'One row a page: whether the model read it. Of a long document only the pages are read whose words promise the most.';
COMMENT ON COLUMN reporting.page_reading.document_id IS 'The document.';
COMMENT ON COLUMN reporting.page_reading.document_type IS 'Type of the document, such as invoice.';
COMMENT ON COLUMN reporting.page_reading.document_status IS 'Where the document stands: submitted, untriaged, needs_type, rendered, extracted, grounded, scored, accepted, in_review, reviewed, rejected, split or failed.';
COMMENT ON COLUMN reporting.page_reading.page IS 'Number of the page, from 1.';
COMMENT ON COLUMN reporting.page_reading.state IS 'waiting (for the model), read, left_out (not worth reading by its words, or over the limit) or failed.';
COMMENT ON COLUMN reporting.page_reading.rank IS 'How much its words promise among the pages of the document, from 1; NULL when all were read, or when it has no words to judge by.';
COMMENT ON COLUMN reporting.page_reading.ranked_by IS 'The method that ranked it, and behind a plus the fingerprint of the reranker that had a say; NULL when nothing was ranked.';
COMMENT ON COLUMN reporting.page_reading.words IS 'Words that are known of it; 0 for a scan that nobody recognised.';
COMMENT ON COLUMN reporting.page_reading.words_source IS 'Who says the words: text-layer (the file itself) or ocr (an OCR engine, from the picture).';
COMMENT ON COLUMN reporting.page_reading.layer_coverage IS 'Share of what is printed that the text layer of the file covers, 0..1; below 0.5 it is not taken for the words of the page. NULL: no text layer, or nothing to tell it by.';
COMMENT ON COLUMN reporting.page_reading.turned IS 'Direction of the print on a page that was read by OCR: 0, 90, 180 or 270 degrees clockwise; NULL: nobody looked, or it cannot be told.';
