"""An original becomes page images and words."""

import time
from collections.abc import Collection, Iterator
from contextlib import closing
from dataclasses import dataclass
from uuid import UUID

from extractors.documents import AUTO, Ask, DocumentType
from extractors.rendering.einvoice import EInvoice
from extractors.rendering.findings import Finding
from worker import store
from worker.pipeline import doubts
from worker.pipeline.attempt import attempt
from worker.pipeline.page_words import PageWords, words_of
from worker.pipeline.rendered import NOTHING, RenderedPages
from worker.rendering.protocol import RenderedPage
from worker.runtime import Runtime
from worker.store.types import Claim, NewPage
from worker.tables.documents import Status


def run(document: UUID | Claim, rt: Runtime) -> None:
    """Render every page of one submitted document, a page at a time.

    A long one gives its claim back after some seconds, between two pages, so that others come in
    between; what is rendered is kept, and whoever takes it next goes on from there.
    """
    with attempt(rt, document, at=Status.SUBMITTED, stage="render") as claim:
        if claim is None:
            return
        until = time.monotonic() + rt.render_for.total_seconds()
        spec = None if claim.document_type == AUTO else rt.document_type(claim.document_type)
        original = rt.blobs.get(claim.sha256)
        with rt.transaction() as tx:
            password = store.documents.password_of(tx, claim, rt.key_file)
            turns = store.pages.rendered_before(tx, claim)

        before, limits = turns or NOTHING, rt.limits_for(spec)
        ask = doubts.asks(rt, spec, Ask.ENCRYPTED)
        rendered = rt.renderer().render(
            original,
            canvas=rt.canvas(claim.document_type),
            password=password,
            limits=limits,
            first=before.pages + 1,
            waited_s=before.waited_s,
        )
        waited = _Waited(before.waited_s)
        findings: list[Finding] = []
        einvoice: EInvoice | None = None
        with (
            doubts.encrypted(claim, rt, ask=ask, tried=password is not None),
            RenderedPages(limits, before) as pages,
            closing(rendered),
        ):
            for page in waited.between(rendered):
                words = words_of(page, rt.recogniser())
                findings += (*page.findings, *words.findings)
                einvoice = einvoice or page.einvoice
                stored = len(page.model.png), len(page.view_png)
                pages.add(_stored(page, words, rt), stored=stored)
                may_pause = turns is not None and page.number < page.page_count
                if may_pause and time.monotonic() > until:
                    _give_turn_back(claim, pages, findings, einvoice, waited.seconds, rt)
                    return
            _save(claim, spec, pages, findings, einvoice, rt)


@dataclass
class _Waited:
    """How long the worker waited for pages, its own work between them left out."""

    seconds: float

    def between(self, pages: Iterator[RenderedPage]) -> Iterator[RenderedPage]:
        while True:
            began = time.monotonic()
            page = next(pages, None)
            self.seconds += time.monotonic() - began
            if page is None:
                return
            yield page


def _give_turn_back(
    claim: Claim,
    pages: RenderedPages,
    findings: Collection[Finding],
    einvoice: EInvoice | None,
    waited_s: float,
    rt: Runtime,
) -> None:
    with rt.transaction() as tx:
        store.pages.save_pages(tx, claim, pages)
        store.rendering.save(tx, claim, findings, einvoice)
        store.documents.give_turn_back(
            tx, claim, stored_bytes=pages.stored_bytes, waited_s=waited_s
        )


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
            spec.max_pages_read is not None and pages.count > spec.max_pages_read
        )
        store.documents.finish(
            tx,
            claim,
            to=Status.UNTRIAGED if choice else Status.RENDERED,
            page_count=pages.count,
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
