"""Documents for people: the list, one document with all its fields beside its pages, and the pages'
images.
"""

import json
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Form, Query, Request
from fastapi.responses import JSONResponse, RedirectResponse, Response

from extractors.documents import DocumentType
from extractors.documents.spec import Kind
from worker import reporting
from worker.errors import NotFound
from worker.pipeline import again
from worker.pipeline.again import Again
from worker.questions import store as questions
from worker.review import actions, context, document_types, reads
from worker.review.actions import Answer
from worker.review.card import card_of, feedback, page_json, place_json
from worker.review.types import Untyped
from worker.store import transitions
from worker.tables.documents import ANSWERED, JUDGED, MAY_ASK, Status
from worker.web.dependencies import Site, SiteHere, Someone, action_of, limits
from worker.web.templating import render
from worker.web.uploads import offered

router = APIRouter(prefix="/documents")

LISTED = 100


@router.get("", name="documents_page")
def documents_page(request: Request, site: SiteHere, person: Someone, status: str = "") -> Response:
    """The newest documents."""
    wanted = Status(status) if status in list(Status) else None
    with site.rt.transaction() as tx:
        rows = reporting.recent(tx, status=wanted, limit=LISTED)
    return render(
        request,
        "documents.html",
        rows=rows,
        chosen=status,
        statuses=list(Status),
        listed=LISTED,
        types=offered(site, person),
        most=site.rt.max_bytes,
    )


@router.get("/{document_id}", name="document_page")
def document_page(
    request: Request,
    site: SiteHere,
    person: Someone,
    document_id: UUID,
    field: Annotated[str, Query()] = "",
) -> Response:
    """One document: every field beside the pages; what waits is decided with the keys of the
    review.

    field: the item on which to begin
    """
    with site.rt.transaction() as tx:
        found = reporting.documents(tx, [document_id])
        if not found:
            raise NotFound(f"There is no document {document_id}.")
        rows = reporting.fields(tx, [document_id])
        pages = context.pages(tx, document_id)
        items = reads.items_of(tx, document_id)
        places = context.places_of(tx, document_id)
        asks = found[0].status is Status.NEEDS_INPUT  # nothing of it is decided meanwhile
        waiting = [] if asks else context.waiting_in(tx, document_id, pages)
        asked = questions.listed(tx, document_id=document_id, state=None)
        open_type = next(iter(document_types.untyped(tx, document_id=document_id)), None)
    cards = [
        card_of(
            before,
            site.rt.pinned_type(before.item.document_type, before.item.type_version),
            caution=site.rt.caution(before.item.document_type),
        )
        for before in waiting
    ]
    return render(
        request,
        "document.html",
        document=found[0],
        rows=rows,
        items=items,
        cards={(card.item.field, card.item.ordinal): card for card in cards},
        places={
            key: json.dumps({"page": place.page, **place_json(place)})
            for key, place in places.items()
        },
        view=json.dumps({"pages": [page_json(document_id, page) for page in pages]}),
        pages=pages,
        chosen=field,
        open_type=open_type,
        types=_types(site, open_type),
        questions=asked,
        lists=_lists(site, found[0]),
        first=next((at for at, page in enumerate(pages) if page.rank == 1), 0),
        open_to_judge=found[0].status in JUDGED,
        open_to_ask=found[0].status in MAY_ASK - {Status.SUBMITTED},
        can_reread=found[0].status in ANSWERED | {Status.FAILED},
        open_to_change=found[0].status in ANSWERED,
        in_document=True,
        **limits(site),
    )


def _lists(site: Site, document: reporting.DocumentRow) -> list[str]:
    """The lists whose rows can be set right now."""
    if document.status not in ANSWERED:
        return []
    with site.rt.transaction() as tx:
        name, version = reads.type_of(tx, document.document_id)
    spec = site.rt.pinned_type(name, version)
    return [field.name for field in spec.fields if field.kind is Kind.GROUP]


def _types(site: Site, open_type: Untyped | None) -> list[DocumentType]:
    """What the document may be, the likeliest first; nothing when that is known."""
    if open_type is None:
        return []
    return sorted(
        site.rt.document_types().values(),
        key=lambda each: (each.name != open_type.likeliest, each.title),
    )


@router.post("/{document_id}/type", name="choose_type")
def choose_type(
    request: Request,
    site: SiteHere,
    person: Someone,
    document_id: UUID,
    type: Annotated[str, Form()] = "",
) -> Response:
    """Say what a document is; it goes on as that type, and the next one that waits for its type
    comes.
    """
    actions.choose_type(person.actor, document_id, type, site.rt)
    following = actions.next_untyped(site.rt)
    shown = following.document_id if following else document_id
    return RedirectResponse(request.url_for("document_page", document_id=shown), 303)


@router.post("/{document_id}/reread", name="reread_document")
def reread_document(
    request: Request, site: SiteHere, person: Someone, document_id: UUID
) -> Response:
    """Read a document again; what people decided stays where it reads the same."""
    again.one(site.rt, document_id, Again.REREAD, by=transitions.person(person.name))
    return RedirectResponse(request.url_for("document_page", document_id=document_id), 303)


@router.post("/{document_id}/correct", name="correct_field")
def correct_field(
    request: Request,
    site: SiteHere,
    person: Someone,
    document_id: UUID,
    field: Annotated[str, Form()],
    action: Annotated[str, Form()],
    ordinal: Annotated[int, Form(ge=0, le=2**31 - 1)] = 0,
    version: Annotated[int | None, Form(ge=1, le=2**31 - 1)] = None,
    text: Annotated[str, Form()] = "",
    seen: Annotated[bool, Form()] = False,
    took_ms: Annotated[int, Form(ge=0, le=2**31 - 1)] = 0,
) -> Response:
    """Say what a field is that was accepted, or decided, already."""
    answer = Answer(
        action=action_of(action), version=version, text=text, seen=seen, took_ms=took_ms
    )
    decided = actions.correct(person.actor, document_id, field, ordinal, answer, site.rt)
    if "application/json" in request.headers.get("accept", ""):
        return JSONResponse({"version": decided.version, "open": decided.open_items})
    return RedirectResponse(request.url_for("document_page", document_id=document_id), 303)


@router.post("/{document_id}/parse", name="parse_field")
def parse_field(
    request: Request,
    site: SiteHere,
    person: Someone,
    document_id: UUID,
    field: Annotated[str, Query()],
    text: Annotated[str, Form()] = "",
) -> Response:
    """What the field's kind makes of a text while it is typed."""
    with site.rt.transaction() as tx:
        name, version = reads.type_of(tx, document_id)
    spec = site.rt.pinned_type(name, version)
    said = feedback(text[: actions.LONGEST_CORRECTION], spec.field(field), spec)
    return render(request, "feedback.html", feedback=said)


@router.get("/{document_id}/pages/{number}.png", name="page_image")
def page_image(site: SiteHere, person: Someone, document_id: UUID, number: int) -> Response:
    """One page as people see it."""
    with site.rt.transaction() as tx:
        page = next(
            (page for page in context.pages(tx, document_id) if page.number == number), None
        )
    if page is None:
        raise NotFound(f"Document {document_id} has no page {number}, or it is not rendered yet.")
    # Private: only this person's browser keeps it. Its bytes never change, and its address carries
    # their name.
    headers = {
        "cache-control": "private, max-age=86400, immutable",
        "etag": f'"{page.view_sha256}"',
    }
    return Response(site.rt.blobs.get(page.view_sha256), media_type="image/png", headers=headers)
