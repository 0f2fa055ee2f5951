"""Which OCR engine reads pictures here: the one that is named, else the best that is installed."""

from collections.abc import Sequence
from enum import StrEnum

from extractors.page.ocr import rapidocr, tesseract
from extractors.page.ocr.types import MEMORY_MB, SOURCE, SURE_ENOUGH, Recogniser, Size
from extractors.page.text import PageText


class Engine(StrEnum):
    """What may be named; the better one first."""

    RAPIDOCR = rapidocr.NAME
    TESSERACT = tesseract.NAME
    OFF = "off"


def chosen(named: Engine | None) -> Engine:
    """The engine that is named; where none is, the best that is installed."""
    return named or next(one for one in Engine if why_not(one, languages=()) is None)


def why_not(engine: Engine, languages: Sequence[str] = tesseract.ENGLISH) -> str | None:
    """Why this engine cannot read here, and what to do about it; None when it can."""
    if engine is Engine.RAPIDOCR:
        return rapidocr.why_not()
    return tesseract.why_not(languages) if engine is Engine.TESSERACT else None


def open_recogniser(
    engine: Engine,
    *,
    languages: Sequence[str] = tesseract.ENGLISH,
    timeout_s: float = 60.0,
    memory_mb: int = MEMORY_MB,
    walls_required: bool = False,
) -> Recogniser | None:
    """The engine, with nothing started yet; None for ``off``."""
    if engine is Engine.RAPIDOCR:
        return rapidocr.RapidOcr(
            timeout_s=timeout_s, memory_mb=memory_mb, walls_required=walls_required
        )
    if engine is Engine.TESSERACT:
        return tesseract.Tesseract(
            languages, timeout_s=timeout_s, memory_mb=memory_mb, walls_required=walls_required
        )
    return None


def page_text(png: bytes, recogniser: Recogniser, *, size_pt: Size) -> PageText:
    """What is recognised on a page, to be searched as a text layer is, under a source of its own.

    Raises OcrFailed.
    """
    seen = recogniser.words_of(png, size_pt=size_pt)
    return PageText([one.word for one in seen if one.confidence >= SURE_ENOUGH], source=SOURCE)
