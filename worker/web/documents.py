"""Documents for people: the list, one document with all its fields beside its pages, and the pages' images."""

import json
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response

from worker import reporting
from worker.models import ItemState, Status
from worker.store import NotFound, desk
from worker.web.card import page_json, place_json
from worker.web.pages import render
from worker.web.site import SiteHere, Someone

router = APIRouter(prefix="/documents")

LISTED = 100


@router.get("", name="documents_page")
def documents_page(request: Request, site: SiteHere, person: Someone, status: str = "") -> Response:
    """The newest documents."""
    wanted = Status(status) if status in list(Status) else None
    rows = reporting.recent(site.rt.sessions, status=wanted, limit=LISTED)
    return render(request, "documents.html", rows=rows, chosen=status, statuses=list(Status), listed=LISTED)


@router.get("/{document_id}", name="document_page")
def document_page(request: Request, site: SiteHere, person: Someone, document_id: UUID, field: Annotated[str, Query()] = "") -> Response:
    """One document: every field beside the pages."""
    found = reporting.documents(site.rt.sessions, [document_id])
    if not found:
        raise NotFound(f"There is no document {document_id}.")
    rows = reporting.fields(site.rt.sessions, [document_id])
    with site.rt.transaction() as tx:
        pages = desk.pages(tx, document_id)
        items = desk.items_of(tx, document_id)
        found_at = desk.places_of(tx, document_id)
    view = json.dumps({"pages": [page_json(document_id, page) for page in pages]})
    places = {key: json.dumps({"page": place.page, **place_json(place)}) for key, place in found_at.items()}
    return render(
        request, "document.html", document=found[0], rows=rows, items=items, places=places, view=view, pages=pages, OPEN=ItemState.OPEN
    )


@router.get("/{document_id}/pages/{number}.png", name="page_image")
def page_image(site: SiteHere, person: Someone, document_id: UUID, number: int) -> Response:
    """One page as people see it."""
    with site.rt.transaction() as tx:
        page = next((page for page in desk.pages(tx, document_id) if page.number == number), None)
    if page is None:
        raise NotFound(f"Document {document_id} has no page {number}, or it is not rendered yet.")
    # Private: only this person's browser keeps it.  Its bytes never change, and its address carries their name.
    headers = {"cache-control": "private, max-age=86400, immutable", "etag": f'"{page.view_sha256}"'}
    return Response(site.rt.blobs.get(page.view_sha256), media_type="image/png", headers=headers)
