"""The review page: one doubtful field after the other, the next one always loaded."""

from datetime import timedelta
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Body, Form, Request
from fastapi.responses import HTMLResponse, JSONResponse, RedirectResponse, Response

from worker.accounts.store import Person
from worker.review import actions, context, leases, queue
from worker.review.actions import LONGEST_CORRECTION, Answer
from worker.review.card import Card, card_of, feedback
from worker.review.errors import ReviewConflict
from worker.review.types import ItemFilter
from worker.web.dependencies import Site, SiteHere, Someone, action_of, lease_for, limits
from worker.web.templating import render

router = APIRouter(prefix="/review")

AGES = {"1h": timedelta(hours=1), "1d": timedelta(days=1), "7d": timedelta(days=7)}
FILTERS = ("type", "field", "reason", "older", "priority", "document")


def filters_of(request: Request) -> ItemFilter:
    """Which items the address asks for; what makes no sense is left out."""
    asked = {name: request.query_params.get(name) or None for name in FILTERS}
    return ItemFilter(
        document_id=_uuid(asked["document"]),
        document_type=asked["type"],
        field=asked["field"],
        reason=asked["reason"],
        older_than=AGES.get(asked["older"] or ""),
        least_priority=_whole(asked["priority"]),
    )


def asked(request: Request) -> dict[str, str]:
    """The filters as they stand in the address."""
    return {name: request.query_params[name] for name in FILTERS if request.query_params.get(name)}


@router.get("", name="review_page")
def review_page(request: Request, site: SiteHere, person: Someone) -> Response:
    """The next field, leased to whoever asks."""
    card = _claim(request, site, person, besides=())
    return render(request, "review.html", card=card, asked=asked(request), **limits(site))


@router.get("/next", name="next_card")
def next_card(request: Request, site: SiteHere, person: Someone) -> Response:
    """The field after those that are shown, as a part of the page; an empty part when there is
    none.
    """
    besides = [
        found
        for each in request.query_params.getlist("besides")
        if (found := _uuid(each)) is not None
    ]
    card = _claim(request, site, person, besides=besides[:20])
    return render(request, "card.html", card=card) if card else HTMLResponse("")


@router.get("/items/{item_id}", name="item_page")
def item_page(request: Request, site: SiteHere, person: Someone, item_id: UUID) -> Response:
    """One field by its address, leased if it is free; a decided one shows what was decided."""
    with site.rt.transaction() as tx:
        leases.hold_items(tx, person.name, [item_id], lease=lease_for(request, site))
    return render(request, "review.html", card=_card(site, item_id), asked={}, **limits(site))


@router.post("/items/{item_id}/decide", name="decide_item")
def decide_item(
    request: Request,
    site: SiteHere,
    person: Someone,
    item_id: UUID,
    version: Annotated[int, Form(ge=1, le=2**31 - 1)],
    action: Annotated[str, Form()],
    text: Annotated[str, Form()] = "",
    seen: Annotated[bool, Form()] = False,
    took_ms: Annotated[int, Form(ge=0, le=2**31 - 1)] = 0,
) -> Response:
    """Keep a decision.  A second one gets 409 and a page that shows the first."""
    answer = Answer(
        action=action_of(action), version=version, text=text, seen=seen, took_ms=took_ms
    )
    try:
        decided = actions.decide(person.actor, item_id, answer, site.rt)
    except ReviewConflict as conflict:
        return _conflict(request, site, item_id, conflict)
    if "application/json" in request.headers.get("accept", ""):
        return JSONResponse(
            {"item": str(item_id), "version": decided.version, "open": decided.open_items}
        )
    if request.query_params.get("back") == "document":
        return RedirectResponse(f"/documents/{decided.document_id}", 303)
    return RedirectResponse(
        request.url_for("review_page").include_query_params(**asked(request)), 303
    )


@router.post("/items/{item_id}/skip", name="skip_item")
def skip_item(request: Request, site: SiteHere, person: Someone, item_id: UUID) -> Response:
    """Leave it to others for an hour."""
    actions.skip(person.actor, item_id, site.rt)
    return RedirectResponse(
        request.url_for("review_page").include_query_params(**asked(request)), 303
    )


@router.post("/items/{item_id}/note", name="note_item")
def note_item(
    request: Request,
    site: SiteHere,
    person: Someone,
    item_id: UUID,
    text: Annotated[str, Form()] = "",
) -> Response:
    """Keep a remark beside the field; answers with all that was said about it."""
    said = actions.note(person.actor, item_id, text, site.rt)
    return render(request, "said.html", said=said)


@router.post("/items/{item_id}/parse", name="parse_text")
def parse_text(
    request: Request,
    site: SiteHere,
    person: Someone,
    item_id: UUID,
    text: Annotated[str, Form()] = "",
) -> Response:
    """What the field's kind makes of a text while it is typed."""
    with site.rt.transaction() as tx:
        seen = queue.item(tx, item_id)
    spec = site.rt.pinned_type(seen.document_type, seen.type_version)
    return render(
        request,
        "feedback.html",
        feedback=feedback(
            text[:LONGEST_CORRECTION], spec.field(seen.field), spec, known=seen.currency
        ),
    )


@router.post("/undo", name="undo_last")
def undo_last(request: Request, site: SiteHere, person: Someone) -> Response:
    """Take one's own last decision back and show that field again; an undo is a decision too."""
    undone = actions.undo_last(person.actor, site.rt, lease=site.review_lease)
    if undone.item_id is None:
        page = request.url_for("document_page", document_id=undone.document_id)
        return RedirectResponse(page, 303)
    if "hx-request" in request.headers or "x-part" in request.headers:
        return render(request, "card.html", card=_card(site, undone.item_id))
    return RedirectResponse(request.url_for("item_page", item_id=undone.item_id), 303)


@router.post("/heartbeat", name="heartbeat")
def heartbeat(
    site: SiteHere, person: Someone, items: Annotated[list[UUID], Body(embed=True, max_length=20)]
) -> dict[str, list[str]]:
    """The page is open still; answers which of its items are this person's."""
    with site.rt.transaction() as tx:
        held = leases.hold_items(tx, person.name, items, lease=site.review_lease)
    return {"held": [str(each) for each in held]}


@router.post("/forget-skips", name="forget_skips")
def forget_skips(request: Request, site: SiteHere, person: Someone) -> Response:
    """What was skipped comes again."""
    with site.rt.transaction() as tx:
        leases.forget_skips(tx, person.name)
    return RedirectResponse(request.url_for("review_page"), 303)


def _claim(
    request: Request, site: Site, person: Person, *, besides: tuple[UUID, ...] | list[UUID]
) -> Card | None:
    with site.rt.transaction() as tx:
        item = queue.claim_item(
            tx,
            person.name,
            lease=lease_for(request, site),
            filters=filters_of(request),
            besides=besides,
        )
        before = None if item is None else context.about(tx, item)
    return None if before is None else _card_of(site, before)


def _card(site: Site, item_id: UUID) -> Card:
    with site.rt.transaction() as tx:
        before = context.item_context(tx, item_id)
    return _card_of(site, before)


def _card_of(site: Site, before: context.ItemContext) -> Card:
    return card_of(
        before,
        site.rt.pinned_type(before.item.document_type, before.item.type_version),
        caution=site.rt.caution(before.item.document_type),
    )


def _conflict(request: Request, site: Site, item_id: UUID, conflict: ReviewConflict) -> Response:
    card = _card(site, item_id)
    first = next((each for each in reversed(card.said) if each.action is not None), None)
    part = "x-part" in request.headers
    template = "conflict.html" if part else "conflict_page.html"
    return render(request, template, status=409, card=card, first=first, mine=conflict.mine)


def _uuid(text: str | None) -> UUID | None:
    try:
        return UUID(text) if text else None
    except ValueError:
        return None


def _whole(text: str | None) -> int | None:
    try:
        return max(-100, min(100, int(text))) if text else None
    except ValueError:
        return None
