"""Which words a page has: those of its text layer where that covers what is printed, else those
that an OCR engine sees in its picture.
"""

from dataclasses import dataclass

import structlog

from extractors.errors import OcrFailed
from extractors.page.ocr.types import SOURCE, SURE_ENOUGH, Recogniser
from extractors.page.ocr.upright import read_upright
from extractors.page.text import TEXT_LAYER
from extractors.rendering.findings import Finding
from extractors.rendering.ink import COVERS
from extractors.types import Word
from worker.rendering.protocol import RenderedPage

log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class PageWords:
    """A page's words, who says them, and what people are told of it."""

    words: tuple[Word, ...] = ()
    source: str = TEXT_LAYER
    turned: int | None = None  # the print's direction in degrees clockwise; None: nobody looked
    findings: tuple[Finding, ...] = ()


def words_of(page: RenderedPage, recogniser: Recogniser | None) -> PageWords:
    """The words of one rendered page.

    recogniser: what reads pictures; None: nothing does, and a page without a text layer has none
    """
    covered = page.layer_coverage is None or page.layer_coverage >= COVERS
    if page.words and covered:
        return PageWords(words=page.words)
    uncovered = (Finding("text_layer_partial", page.number),) if page.words else ()
    if recogniser is None:
        return PageWords(findings=uncovered)
    try:
        seen = read_upright(page.view_png, recogniser, size_pt=(page.width_pt, page.height_pt))
    except OcrFailed as error:  # the page can be read without them
        log.warning("page_not_recognised", page=page.number, code=error.code, words=str(error))
        return PageWords(findings=uncovered)
    return PageWords(
        words=tuple(one.word for one in seen.words if one.confidence >= SURE_ENOUGH),
        source=SOURCE,
        turned=seen.turned,
        findings=(Finding("perhaps_turned", page.number),) if seen.turned is None else (),
    )
