"""Audits: a person says what the page says, before they are shown what the machine read."""

import json
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Form, Request
from fastapi.responses import RedirectResponse, Response

from worker import health
from worker.audits import actions, store
from worker.audits.actions import Said
from worker.audits.tables import Found
from worker.audits.types import Compared, Waiting
from worker.review import context
from worker.review.card import page_json
from worker.web.dependencies import Site, SiteHere, Someone, action_of, lease_for
from worker.web.templating import render

router = APIRouter(prefix="/audits")


@router.get("", name="audits_page")
def audits_page(request: Request, site: SiteHere, person: Someone, planted: str = "") -> Response:
    """The next audit, held for whoever asks.

    planted: what became of an error that they were shown before
    """
    found = actions.next_audit(person.actor, site.rt, lease=lease_for(request, site))
    return _page(request, site, found, planted=planted)


@router.post("/{audit_id}", name="answer_audit")
def answer_audit(
    request: Request,
    site: SiteHere,
    person: Someone,
    audit_id: UUID,
    action: Annotated[str, Form()],
    text: Annotated[str, Form()] = "",
    seen: Annotated[bool, Form()] = False,
    compared: Annotated[bool, Form()] = False,
    took_ms: Annotated[int, Form(ge=0, le=2**31 - 1)] = 0,
) -> Response:
    """Keep what the person says; where it differs from the reading, they compare the two."""
    said = Said(action=action_of(action), text=text, seen=seen, compared=compared, took_ms=took_ms)
    answered = actions.answer(person.actor, audit_id, said, site.rt)
    if answered.found is None:
        with site.rt.transaction() as tx:
            before = store.waiting(tx, audit_id)
        planted = answered.noticed.value if answered.noticed else ""
        return _page(request, site, before, answered=answered, planted=planted)
    if answered.found is Found.WRONG and answered.of_list is not None:
        return RedirectResponse(
            request.url_for("list_page", document_id=answered.document_id, field=answered.of_list),
            303,
        )
    told = {"found": answered.found.value}
    if answered.noticed is not None:
        told["planted"] = answered.noticed.value
    return RedirectResponse(request.url_for("audits_page").include_query_params(**told), 303)


def _page(
    request: Request,
    site: Site,
    audit: Waiting | None,
    *,
    answered: Compared | None = None,
    planted: str = "",
) -> Response:
    told = actions.TOLD.get(planted)
    promises = health.certificates(site.rt)
    alarm = None if promises.sound else promises.words
    with site.rt.transaction() as tx:
        progress = store.progress(tx)
        pages = [] if audit is None else context.pages(tx, audit.document_id)
    if audit is None:
        return render(request, "audits_done.html", progress=progress, alarm=alarm, told=told)
    spec = site.rt.pinned_type(audit.document_type, audit.type_version)
    first = next((page for page in pages if page.number == audit.page), pages[0])
    view = {
        **page_json(audit.document_id, first),
        "boxes": [],  # where it was read would say what was read
        "pages": [page_json(audit.document_id, page) for page in pages],
    }
    return render(
        request,
        "audit.html",
        audit=audit,
        field=spec.field(audit.field),
        title=spec.title,
        view=json.dumps(view),
        image=view["image"],
        progress=progress,
        alarm=alarm,
        told=told,
        answered=answered,
        page_count=len(pages),
    )
