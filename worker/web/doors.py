"""What the doors for programs share: whose key a request brings, and how their errors look."""

from typing import Annotated, Any

from fastapi import Depends, Request
from fastapi.security import HTTPBearer
from pydantic import BaseModel, Field, ValidationError

from extractors.errors import SurefieldError
from worker import acting
from worker.accounts import store
from worker.accounts.store import Caller
from worker.actor import Forbidden
from worker.store import transitions
from worker.web.dependencies import SiteHere

BEARER = HTTPBearer(auto_error=False, description="An API key, from `surefield key add UPSTREAM`.")


class Unauthenticated(SurefieldError):
    """The request brings no API key, or one that opens nothing."""

    code = "no_such_key"


class UnsupportedMediaType(SurefieldError):
    """The request's body is neither multipart nor JSON."""

    code = "unsupported_file"


class Problem(BaseModel):
    """An error, as RFC 9457 has it."""

    type: str
    title: str
    status: int
    detail: str
    code: str
    errors: list[dict[str, str]] = Field(default_factory=list)


REFUSALS = {
    401: "No such key",
    403: "Not for this key",
    404: "No such document",
    422: "Something does not fit",
    500: "A fault",
    503: "Not now; `Retry-After` says when to come again",
}


def problems_of(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The errors of a door, for its description."""
    words = {
        **REFUSALS,
        409: "The key stands for other bytes, or the document stands otherwise",
        413: "Too large",
        410: "The question is over",
        415: "Neither multipart nor JSON",
        400: "Broken request, such as one with a NUL",
        408: "The body came too slowly",
        429: "Too many requests, or too many of yours wait; `Retry-After` says when to come again",
    }
    content = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
    return {
        status: {"description": words[status], "model": Problem, "content": content}
        for status in (400, 401, 403, 422, 429, 503, *statuses)
    }


def caller_here(request: Request, site: SiteHere) -> Caller:
    """Whose key the request brings.

    Raises NoSuchKey, TooManyRequests.
    """
    scheme, _, key = request.headers.get("authorization", "").partition(" ")
    found = None
    if scheme.lower() == "bearer" and key.strip():
        with site.rt.transaction() as tx:
            found = store.caller_of(tx, key.strip())
    if found is None:
        raise Unauthenticated(
            "Send your API key: 'Authorization: Bearer sf_...'. Make one with: surefield key add"
            " UPSTREAM."
        )
    acting.is_(transitions.upstream(found.upstream))
    if found.per_minute is not None:
        site.rates.count(found.key_id, found.per_minute)
    return found


Calling = Annotated[Caller, Depends(caller_here)]


def upstream_here(caller: Calling) -> str:
    """The upstream, for what concerns all its documents.

    Raises Forbidden.
    """
    if caller.document_types is not None:
        raise Forbidden(
            f"This key is for {', '.join(sorted(caller.document_types))} alone. Use one that is for"
            " all document types."
        )
    return caller.upstream


Upstream = Annotated[str, Depends(upstream_here)]


def words_of(error: ValidationError) -> str:
    """What does not fit in a body, without a word of it."""
    said = [
        f"{'.'.join(map(str, each['loc'])) or 'body'}: {each['msg']}"
        for each in error.errors(include_input=False)
    ]
    return "; ".join(said[:10]) + ". Look at /v1/openapi.json for what is taken."
