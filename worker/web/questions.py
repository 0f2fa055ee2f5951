"""The private link of one question: whoever has it answers there, without an account.

It shows the question, the page that belongs to it, and nothing else of any document.
"""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from fastapi.responses import RedirectResponse, Response
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import UploadFile

from extractors.errors import SurefieldError
from worker.errors import NotFound
from worker.questions import actions, store, tries
from worker.questions.errors import NoSuchLink, QuestionAnswered, QuestionOver
from worker.questions.types import Answer, Asked
from worker.review import context
from worker.tables.questions import QuestionState, Wanted
from worker.web.dependencies import Site, SiteHere
from worker.web.problems import status_of
from worker.web.templating import render

router = APIRouter(prefix="/q/{token}")

# the link is a secret: it goes into no other site's log, no cache and no index
PRIVATE = {
    "referrer-policy": "no-referrer",
    "cache-control": "no-store",
    "x-robots-tag": "noindex, nofollow",
}
TITLES = {404: "No question here", 409: "Answered already", 410: "This question is over"}


def tried(request: Request, site: SiteHere, token: str) -> None:
    """Counts the request, and raises TooManyQuestionTries, before anything is looked at."""
    address = request.client.host if request.client else "unknown"
    with site.rt.transaction() as tx:
        tries.note(tx, token, address)
    with site.rt.transaction() as tx:
        tries.check(tx, token, address)


Counted = Annotated[None, Depends(tried)]


@router.get("", name="question_page")
def question_page(request: Request, site: SiteHere, token: str, _: Counted) -> Response:
    """The question with a place for its answer; once answered, that it was."""
    try:
        asked = _asked(site, token)
        if asked.state is QuestionState.ANSWERED:
            return _said(request, 200, "Thank you", "Your answer came, and the paper goes on.")
        actions.check_open(asked)
    except SurefieldError as error:
        return _refused(request, error)
    return _form(request, site, asked, token)


@router.post("", name="answer_at_link")
async def answer_at_link(request: Request, site: SiteHere, token: str, _: Counted) -> Response:
    """Take the answer; a link takes one."""
    try:
        asked = await run_in_threadpool(_asked, site, token)
        actions.check_open(asked)
    except SurefieldError as error:
        return _refused(request, error)
    try:
        with site.uploads.of(asked.upstream):
            async with request.form(max_files=1, max_fields=3, max_part_size=100_000) as form:
                file = form.get("file")
                said = Answer(
                    text=_typed(form.get("text")),
                    password=_typed(form.get("password")),
                    file=file.file if isinstance(file, UploadFile) and file.size else None,
                )
                await run_in_threadpool(
                    actions.answer, asked.question_id, said, site.rt, door="link"
                )
    except (QuestionAnswered, QuestionOver) as error:
        return _refused(request, error)
    except SurefieldError as error:
        return _form(request, site, asked, token, problem=str(error), status=status_of(error))
    return RedirectResponse(request.url_for("question_page", token=token).path, 303, PRIVATE)


@router.get("/page.png", name="question_image")
def question_image(site: SiteHere, token: str, _: Counted) -> Response:
    """The page that belongs to the question, as long as it is open."""
    asked = _asked(site, token)
    actions.check_open(asked)
    with site.rt.transaction() as tx:
        pages = context.pages(tx, asked.document_id)
    page = next((one for one in pages if one.number == asked.page), None)
    if page is None:
        raise NotFound("No page belongs to this question.")
    content = site.rt.blobs.get(page.view_sha256)
    return Response(content, media_type="image/png", headers=PRIVATE)


def _asked(site: Site, token: str) -> Asked:
    with site.rt.transaction() as tx:
        return store.of_token(tx, token)


def _typed(given: object) -> str | None:
    return given if isinstance(given, str) and given else None


def _form(
    request: Request,
    site: Site,
    asked: Asked,
    token: str,
    *,
    problem: str = "",
    status: int = 200,
) -> Response:
    types = sorted(site.rt.document_types().values(), key=lambda each: each.title)
    return _page(
        request,
        "question.html",
        status=status,
        asked=asked,
        token=token,
        problem=problem,
        types=types if asked.wanted is Wanted.TYPE else [],
        most=site.rt.max_bytes,
        Wanted=Wanted,
    )


def _refused(request: Request, error: SurefieldError) -> Response:
    status = status_of(error)
    if not isinstance(error, NoSuchLink | QuestionAnswered | QuestionOver):
        raise error
    return _said(request, status, TITLES[status], str(error))


def _said(request: Request, status: int, title: str, detail: str) -> Response:
    return _page(request, "question_said.html", status=status, title=title, detail=detail)


def _page(request: Request, template: str, *, status: int, **values: Any) -> Response:
    response = render(request, template, status=status, **values)
    response.headers.update(PRIVATE)
    return response
