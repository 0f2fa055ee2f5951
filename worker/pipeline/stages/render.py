"""An original becomes page images and words."""

from collections.abc import Collection
from uuid import UUID

from extractors.documents import AUTO, DocumentType
from extractors.rendering.einvoice import EInvoice
from extractors.rendering.findings import Finding
from worker import store
from worker.pipeline.attempt import attempt
from worker.pipeline.page_words import PageWords, words_of
from worker.pipeline.rendered import RenderedPages
from worker.rendering.protocol import RenderedPage
from worker.runtime import Runtime
from worker.store.types import Claim, NewPage
from worker.tables.documents import Status


def run(document: UUID | Claim, rt: Runtime) -> None:
    """Render every page of one submitted document, a page at a time."""
    with attempt(rt, document, at=Status.SUBMITTED, stage="render") as claim:
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
        with RenderedPages(limits) as pages:
            for page in rendered:
                words = words_of(page, rt.recogniser())
                findings += (*page.findings, *words.findings)
                einvoice = einvoice or page.einvoice
                stored = len(page.model.png), len(page.view_png)
                pages.add(_stored(page, words, rt), stored=stored)
            _save(claim, spec, pages, findings, einvoice, rt)


def _save(
    claim: Claim,
    spec: DocumentType | None,
    pages: RenderedPages,
    findings: Collection[Finding],
    einvoice: EInvoice | None,
    rt: Runtime,
) -> None:
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


def _stored(page: RenderedPage, words: PageWords, rt: Runtime) -> NewPage:
    """The images go to the blobs at once, so that a document of a thousand pages takes the memory
    of one.
    """
    return NewPage(
        number=page.number,
        width_pt=page.width_pt,
        height_pt=page.height_pt,
        model_sha256=rt.blobs.put(page.model.png),
        model_width_px=page.model.width_px,
        model_height_px=page.model.height_px,
        view_sha256=rt.blobs.put(page.view_png),
        quality=page.quality,
        words=words.words,
        words_source=words.source,
        layer_coverage=page.layer_coverage,
        turned=words.turned,
    )
