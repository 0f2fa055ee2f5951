"""Looks at the pictures of a document, at the places that its text layer alone speaks for."""

from collections.abc import Sequence

import structlog

from extractors.errors import OcrFailed
from extractors.evidence.in_picture import MARGINS, places, widened, with_looks
from extractors.evidence.witnesses import DocumentEvidence
from extractors.types import Box
from worker.runtime import Runtime
from worker.store.types import StoredPage

log = structlog.get_logger()


def looked_at(
    document: DocumentEvidence, pages: Sequence[StoredPage], rt: Runtime
) -> DocumentEvidence:
    """The document with what OCR sees at those places: one call a page, and a second one for what
    the first did not show.  Without an engine nobody looks.
    """
    recogniser = rt.recogniser()
    if recogniser is None:
        return document
    by_number = {page.number: page for page in pages}
    seen: dict[tuple[int, Box], str] = {}
    for look in range(len(MARGINS)):
        for number, boxes in places(document, seen).items():
            page = by_number[number]
            cuts = [widened(box, look) for box in boxes]
            try:
                png = rt.blobs.get(page.view_sha256)
                texts = recogniser.texts_at(png, cuts, size_pt=page.size_pt)
            except OcrFailed as error:  # it is then written down that nobody looked
                log.warning("picture_not_looked_at", page=number, code=error.code, words=str(error))
                return with_looks(document, seen)
            seen |= {(number, box): text for box, text in zip(boxes, texts, strict=True)}
    return with_looks(document, seen)
