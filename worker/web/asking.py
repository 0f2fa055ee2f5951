"""A reviewer asks the sender of a document, or does not need the answer any more."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Form, Query, Request
from fastapi.responses import RedirectResponse, Response

from worker import reporting
from worker.errors import NotFound
from worker.questions import actions, store
from worker.questions.actions import BY_PERSON
from worker.questions.errors import InvalidQuestion
from worker.questions.types import New
from worker.review import context, reads
from worker.tables.documents import Status
from worker.tables.questions import Wanted
from worker.web.dependencies import Site, SiteHere, Someone
from worker.web.templating import label, render

router = APIRouter(prefix="/documents/{document_id}")

# what a reviewer may wish, in the order of the page
WISHES = (Wanted.VALUE, Wanted.FILE, Wanted.TEXT)


@router.get("/ask", name="ask_page")
def ask_page(
    request: Request,
    site: SiteHere,
    person: Someone,
    document_id: UUID,
    field: Annotated[str, Query(max_length=200)] = "",
    ordinal: Annotated[int, Query(ge=0, le=2**31 - 1)] = 0,
    page: Annotated[int | None, Query(ge=1, le=2**31 - 1)] = None,
) -> Response:
    """What to ask, in the reviewer's own words."""
    with site.rt.transaction() as tx:
        found = reporting.documents(tx, [document_id])
        pages = context.pages(tx, document_id)
    if not found:
        raise NotFound(f"There is no document {document_id}.")
    fields = _fields(site, document_id)
    chosen = field if field in fields else ""
    return render(
        request,
        "ask.html",
        document=found[0],
        fields=fields,
        chosen=chosen,
        ordinal=ordinal if chosen else 0,
        page=page,
        pages=[one.number for one in pages],
        text=f"What is the {label(chosen)}?" if chosen else "",
        Wanted=Wanted,
    )


def _fields(site: Site, document_id: UUID) -> tuple[str, ...]:
    """Those that a value can be asked for; none where nothing was read."""
    with site.rt.transaction() as tx:
        if not store.hold(tx, document_id, lock=False).has_answer:
            return ()
        name, version = reads.type_of(tx, document_id)
    return site.rt.pinned_type(name, version).paths()


@router.post("/ask", name="ask_sender")
def ask_sender(
    request: Request,
    site: SiteHere,
    person: Someone,
    document_id: UUID,
    wanted: Annotated[str, Form()],
    text: Annotated[str, Form()] = "",
    field: Annotated[str, Form()] = "",
    ordinal: Annotated[int, Form(ge=0, le=2**31 - 1)] = 0,
    page: Annotated[str, Form()] = "",
) -> Response:
    """Ask; the link is shown this once."""
    if wanted not in list(Wanted):
        raise InvalidQuestion(f"Nobody can want {wanted[:40]!r}. Take: {', '.join(Wanted)}.")
    is_value = wanted == Wanted.VALUE
    new = New(
        wanted=Wanted(wanted),
        text=text.replace("\r\n", "\n").strip(),
        doubt=BY_PERSON,
        field=field if is_value else None,
        ordinal=ordinal if is_value else 0,
        page=int(page) if page.isdigit() and len(page) < 10 and int(page) else None,
    )
    link = actions.ask(person.actor, document_id, new, site.rt)
    return render(
        request,
        "asked.html",
        document_id=document_id,
        link=site.address(request, "question_page", token=link.token),
    )


@router.post("/questions/{question_id}/withdraw", name="withdraw_question")
def withdraw_question(
    request: Request, site: SiteHere, person: Someone, document_id: UUID, question_id: UUID
) -> Response:
    """Nobody needs the answer any more."""
    with site.rt.transaction() as tx:
        if store.of_id(tx, question_id).document_id != document_id:
            raise NotFound(f"Document {document_id} has no question {question_id}.")
    went = actions.withdraw(person.actor, question_id, site.rt)
    shown = "review_page" if went.status is Status.IN_REVIEW else "document_page"
    if shown == "review_page":
        to = request.url_for(shown).include_query_params(document=str(document_id))
        return RedirectResponse(to, 303)
    return RedirectResponse(request.url_for(shown, document_id=document_id), 303)
