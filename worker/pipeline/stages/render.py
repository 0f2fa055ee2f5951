"""An original becomes page images and words."""

from uuid import UUID

import structlog

from extractors.documents import AUTO
from extractors.errors import OcrFailed
from extractors.page.ocr import engines
from extractors.page.ocr.types import SOURCE, Recogniser
from extractors.page.text import TEXT_LAYER
from extractors.rendering.einvoice import EInvoice
from extractors.rendering.findings import Finding
from extractors.types import Word
from worker import store
from worker.pipeline.attempt import attempt
from worker.rendering.protocol import RenderedPage
from worker.runtime import Runtime
from worker.store.types import NewPage
from worker.tables.documents import Status

log = structlog.get_logger()


def run(document_id: UUID, rt: Runtime) -> None:
    """Render every page of one submitted document, a page at a time."""
    with attempt(rt, document_id, at=Status.SUBMITTED, stage="render") as claim:
        if claim is None:
            return
        spec = None if claim.document_type == AUTO else rt.document_type(claim.document_type)
        original = rt.blobs.get(claim.sha256)
        with rt.transaction() as tx:
            password = store.documents.password_of(tx, claim)

        limits = rt.limits_for(spec)
        rendered = rt.renderer().render(
            original, canvas=rt.canvas(claim.document_type), password=password, limits=limits
        )
        findings: list[Finding] = []
        einvoice: EInvoice | None = None
        pages = []
        for page in rendered:
            findings += page.findings
            einvoice = einvoice or page.einvoice
            pages.append(_stored(page, rt))

        with rt.transaction() as tx:
            choice = spec is None or (
                spec.max_pages_read is not None and len(pages) > spec.max_pages_read
            )
            store.documents.finish(
                tx,
                claim,
                to=Status.UNTRIAGED if choice else Status.RENDERED,
                page_count=len(pages),
                pin=None if choice else spec,
            )
            store.pages.save_pages(tx, claim, pages)
            store.rendering.save(tx, claim, findings, einvoice)


def _stored(page: RenderedPage, rt: Runtime) -> NewPage:
    """The images go to the blobs at once, so that a document of a thousand pages takes the memory
    of one.
    """
    words, source = page.words, TEXT_LAYER
    recogniser = rt.recogniser()
    if not words and recogniser is not None:
        words, source = _recognised(page, recogniser), SOURCE
    return NewPage(
        number=page.number,
        width_pt=page.width_pt,
        height_pt=page.height_pt,
        model_sha256=rt.blobs.put(page.model.png),
        model_width_px=page.model.width_px,
        model_height_px=page.model.height_px,
        view_sha256=rt.blobs.put(page.view_png),
        quality=page.quality,
        words=words,
        words_source=source,
    )


def _recognised(page: RenderedPage, recogniser: Recogniser) -> tuple[Word, ...]:
    """The words of a picture; none when they cannot be had, since the page can be read without
    them.
    """
    size_pt = page.width_pt, page.height_pt
    try:
        return engines.page_text(page.view_png, recogniser, size_pt=size_pt).words
    except OcrFailed as error:
        log.warning("page_not_recognised", page=page.number, code=error.code, words=str(error))
        return ()
