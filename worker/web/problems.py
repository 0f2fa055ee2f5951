"""Errors as answers: RFC 9457 problems for programs, a page for people.

Nothing of a traceback, nothing of a document.
"""

from collections.abc import Mapping
from typing import Any

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, RedirectResponse, Response
from sqlalchemy.exc import SQLAlchemyError, TimeoutError
from starlette.exceptions import HTTPException

from extractors.errors import SurefieldError, UnknownDocumentType, UnreadableFile
from worker import db
from worker.intake.errors import InvalidSubmission
from worker.outages import outage_of
from worker.web import policy
from worker.web.templating import render
from worker.web.turns import TooManyRequests

log = structlog.get_logger()

PROBLEM = "application/problem+json"
DATABASE = "database_unavailable"
STATUS: Mapping[str, int] = {
    "not_found": 404,
    "missing_blob": 404,
    "review_conflict": 409,
    "not_at_rest": 409,
    "not_failed": 409,
    "at_rest": 409,
    "key_reused": 409,
    "name_taken": 409,
    "question_answered": 409,
    "invalid_question": 409,
    "question_over": 410,
    "no_such_link": 404,
    "invalid_answer": 422,
    "invalid_decision": 422,
    "not_seen": 422,
    "invalid_text": 400,
    "invalid_rows": 422,
    "invalid_person": 422,
    "invalid_webhook": 422,
    "too_slow": 408,
    "too_large": 413,
    "unsupported_file": 415,
    "blobs_unavailable": 503,
    "too_many_tries": 429,
    "too_many_waiting": 429,
    "too_many_uploads": 429,
    "too_many_requests": 429,
    "not_signed_in": 401,
    "no_such_key": 401,
    "forbidden": 403,
    "forged_request": 403,
}
TITLES: Mapping[int, str] = {
    400: "The request makes no sense",
    401: "Not signed in",
    403: "Not allowed",
    404: "Not found",
    405: "Not possible here",
    408: "Too slow",
    409: "It stands otherwise",
    410: "No more",
    413: "Too large",
    415: "Not a file of this kind",
    422: "Something does not fit",
    429: "Too many at once",
    500: "Something broke here",
    503: "Not now",
}
# when to come again, seconds
RETRY_AFTER_S: Mapping[str, int] = {
    "too_many_sign_ins": 5,
    "too_many_waiting": 30,
    "too_many_uploads": 5,
    DATABASE: 5,
}
RETRY_AFTER_503_S = 10
API = "/v1"
UPLOAD = ("POST", "/documents")


def install(app: FastAPI) -> None:
    """Give every error an answer."""
    app.add_exception_handler(SurefieldError, _ours)
    app.add_exception_handler(SQLAlchemyError, _database)
    app.add_exception_handler(OSError, _machine)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(Exception, _unexpected)


def status_of(error: SurefieldError) -> int:
    """The HTTP status that an error of ours stands for."""
    if error.code in STATUS:
        return STATUS[error.code]
    if isinstance(error, InvalidSubmission | UnknownDocumentType | UnreadableFile):
        return 422
    return 503 if error.retry else 500


def answer(request: Request, status: int, code: str, detail: str, **more: Any) -> Response:
    """The error as a problem for programs, as a page for people."""
    title = TITLES.get(status, "Something went wrong")
    if _for_programs(request):
        body = {
            "type": f"urn:surefield:problem:{code}",
            "title": title,
            "status": status,
            "detail": detail,
            "code": code,
            **more,
        }
        response: Response = JSONResponse(body, status, media_type=PROBLEM)
    else:
        response = render(
            request, "problem.html", status=status, title=title, detail=detail, code=code
        )
    if status == 408:
        response.headers["connection"] = "close"  # the rest of the request is not waited for
    if status == 401 and _for_programs(request):
        response.headers["www-authenticate"] = "Bearer"
    wait_s = RETRY_AFTER_S.get(code, RETRY_AFTER_503_S if status == 503 else None)
    if wait_s is not None:
        response.headers["retry-after"] = str(wait_s)
    return response


def _for_programs(request: Request) -> bool:
    """Whoever sends JSON, or asks the API, reads JSON; so does the script that sends files."""
    path, kind = request.url.path, request.headers.get("content-type", "")
    if (request.method, path) == UPLOAD:
        return True
    return path == API or path.startswith(f"{API}/") or kind.startswith("application/json")


async def _ours(request: Request, error: Exception) -> Response:
    assert isinstance(error, SurefieldError)
    status = status_of(error)
    if status >= 500:
        log.warning("request_failed", code=error.code, path=request.scope.get("route_path", ""))
    if (
        error.code == "not_signed_in"
        and request.method == "GET"
        and "hx-request" not in request.headers
        and _is_page(request)
    ):
        return RedirectResponse(
            request.url_for("sign_in_page").include_query_params(next=_here(request)), 303
        )
    response = answer(request, status, error.code, str(error))
    if isinstance(error, TooManyRequests):
        response.headers["retry-after"] = str(error.wait_s)
    return response


async def _database(request: Request, error: Exception) -> Response:
    if not (db.is_passing(error) or isinstance(error, TimeoutError)):
        return await _machine(request, error)
    log.warning("request_failed", code=DATABASE, error=type(error).__name__)
    return answer(
        request, 503, DATABASE, "The database does not answer now. Send the same again in a moment."
    )


async def _machine(request: Request, error: Exception) -> Response:
    outage = outage_of(error)
    if outage is None:
        return await _unexpected(request, error)
    log.warning("request_failed", code=outage.code, error=type(error).__name__)
    return answer(request, 503, outage.code, str(outage))


def _is_page(request: Request) -> bool:
    return "text/html" in request.headers.get("accept", "")


def _here(request: Request) -> str:
    query = request.url.query
    return request.url.path + (f"?{query}" if query else "")


async def _invalid(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    errors = [
        {"where": ".".join(str(part) for part in each["loc"]), "what": each["msg"]}
        for each in error.errors()
    ]
    detail = (
        "; ".join(f"{each['where']}: {each['what']}" for each in errors)
        or "The request does not fit."
    )
    return answer(request, 422, "invalid_request", detail, errors=errors)


async def _http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    codes = {404: "not_found", 405: "method_not_allowed", 400: "bad_request", 413: "too_large"}
    details = {
        404: "There is nothing at this address.",
        405: "This address does not take that method.",
    }
    response = answer(
        request,
        error.status_code,
        codes.get(error.status_code, "http_error"),
        details.get(error.status_code, str(error.detail)),
    )
    response.headers.update(error.headers or {})
    return response


async def _unexpected(request: Request, error: Exception) -> Response:
    log.error("request_broke", error=type(error).__name__)
    detail = "It was written to the log. Try again; if it stays, tell whoever runs this."
    response = answer(request, 500, "internal", detail)
    # it is answered outside of everything else that writes headers
    response.headers.update(policy.headers(https=request.app.state.site.secure))
    response.headers["cache-control"] = "no-store"
    return response
