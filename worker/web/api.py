"""The HTTP door for upstream systems: hand documents in, read what became of them."""

import base64
import binascii
import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import asdict, replace
from datetime import datetime
from typing import Annotated, Any, BinaryIO
from uuid import UUID

from fastapi import APIRouter, Depends, Header, Path, Query, Request
from fastapi.responses import JSONResponse, Response
from fastapi.security import HTTPBearer
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData, UploadFile

from extractors.errors import SurefieldError
from extractors.types import FieldState
from worker import acting, reporting
from worker.accounts import store
from worker.accounts.store import Caller
from worker.actor import Forbidden
from worker.errors import NotFailed, NotFound
from worker.intake import actions, sources
from worker.intake.errors import InvalidSubmission, TooLarge
from worker.intake.types import PRIORITY
from worker.review import context, proofs, verdicts
from worker.store import retry, transitions
from worker.store.codec import storable
from worker.tables.documents import Status
from worker.tables.results import Outcome
from worker.web.dependencies import SiteHere

MOST_LISTED = 500
BEARER = HTTPBearer(auto_error=False, description="An API key, from `surefield key add UPSTREAM`.")
# the dependency only describes the key
router = APIRouter(prefix="/v1", tags=["documents"], dependencies=[Depends(BEARER)])


class Unauthenticated(SurefieldError):
    """The request brings no API key, or one that opens nothing."""

    code = "no_such_key"


class AtRest(SurefieldError):
    """The document has come to rest: there is nothing to cancel."""

    code = "at_rest"


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


class SubmissionIn(BaseModel):
    """A document to read."""

    model_config = ConfigDict(extra="forbid")

    document_type: str = Field(
        min_length=1,
        max_length=100,
        description="Its document type, such as `invoice`; `auto`: its words say which.",
    )
    content_base64: str = Field(
        min_length=1,
        description="The file: PDF, PNG, JPEG or TIFF, in base64. Large ones go as multipart.",
    )
    filename: str | None = Field(None, max_length=500, description="For people.")
    priority: int = Field(
        PRIORITY,
        ge=0,
        le=9,
        description="Higher goes first, as in JMS and AMQP; 4 is the usual one.",
    )
    password: str | None = Field(
        None,
        max_length=1_000,
        description="Of an encrypted PDF; forgotten once the pages are rendered.",
    )
    metadata: dict[str, Any] = Field(
        default_factory=dict, description="Anything; kept beside the document."
    )
    deadline: AwareDatetime | None = Field(
        None,
        description="When its answer is wanted, with its offset: of equal priority, sooner first.",
    )


class SubmissionOut(BaseModel):
    """The document that a submission stands for."""

    document_id: UUID
    created: bool = Field(
        description="False: the same key had been sent before, and this is the document it made."
    )
    reopened: bool = Field(
        False,
        description="True: it had failed for want of its password or bytes, and goes on with them.",
    )
    url: str
    caution: str | None = Field(
        None, description="What to know before it is read: the model was made for other types."
    )


class TokenOut(BaseModel):
    """One token of the value."""

    text: str
    logprob: float = Field(description="Raw, natural logarithm.")
    forced: bool = Field(description="Fed to the model, and not chosen by it.")


class WitnessOut(BaseModel):
    """What one witness says of the value."""

    witness: str
    says: str
    code: str | None
    message: str | None


class FieldProof(BaseModel):
    """What stands behind a value, in the reading that it was taken from."""

    page: int
    boxes: list[list[float]] = Field(
        description="Left, top, right, bottom, as shares of the page's width and height."
    )
    box_source: str | None
    tokens: list[TokenOut]
    witnesses: list[WitnessOut]
    scores: dict[str, float | None] = Field(description="By method.")


class FieldResult(BaseModel):
    """The document's answer about one field."""

    field: str
    ordinal: int = Field(description="Row of a repeated group, from 0.")
    page: int | None
    kind: str
    state: FieldState
    text: str | None = Field(description="As printed, or as a person corrected it.")
    value: Any = Field(description="What the text means: an ISO date, a decimal number, ...")
    currency: str | None
    confidence: float | None = Field(description="0 to 1; null when it could not be scored.")
    method: str | None
    threshold: float | None
    certificate: str
    decision: Outcome
    reason: str
    reason_message: str
    decided_by: str | None
    evidence: FieldProof | None = Field(
        None, description="Asked for by `evidence=true`; null also where nobody read it."
    )


class DocumentBrief(BaseModel):
    """A document and where it stands."""

    document_id: UUID
    document_type: str
    status: Status
    filename: str | None
    key: str
    created_at: datetime
    finished_at: datetime | None
    error_code: str | None
    error_message: str | None
    probability_right: float | None = Field(
        description="Probability that every field is right, 0 to 1; null where that is not known."
    )
    expected_wrong: float | None = Field(
        description="How many fields are wrong on average; null where that is not known."
    )
    metadata: dict[str, Any] = Field(description="What you attached.")


class DocumentOut(DocumentBrief):
    """A document and what became of it."""

    pages: list[str] = Field(description="Addresses of the page images.")
    fields: list[FieldResult]


class DocumentsOut(BaseModel):
    """Documents, the newest first."""

    documents: list[DocumentBrief]
    next: str | None = Field(description="What to send as `after` for more; null: that is all.")


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
DocumentId = Annotated[UUID, Path(description="As POST /v1/documents answered.")]

MULTIPART = {
    "type": "object",
    "required": ["document_type", "file"],
    "properties": {
        "document_type": {
            "type": "string",
            "minLength": 1,
            "maxLength": 100,
            "description": "`auto`: its words say which.",
        },
        "file": {"type": "string", "format": "binary"},
        "priority": {"type": "integer", "minimum": 0, "maximum": 9, "default": PRIORITY},
        "password": {"type": "string", "maxLength": 1000},
        "metadata": {"type": "object", "description": "Anything; kept beside the document."},
        "deadline": {"type": "string", "format": "date-time", "description": "With its offset."},
    },
    "additionalProperties": False,
}
BODY = {"required": True, "content": {
    "multipart/form-data": {
        "schema": MULTIPART, "encoding": {"metadata": {"contentType": "application/json"}}
    },
    "application/json": {
        "schema": SubmissionIn.model_json_schema(ref_template="#/components/schemas/{model}")
    },
}}  # fmt: skip


@router.post(
    "/documents",
    response_model=SubmissionOut,
    status_code=201,
    responses={
        200: {"model": SubmissionOut, "description": "Sent before"},
        **problems_of(408, 409, 413, 415),
    },
    openapi_extra={"requestBody": BODY},
)
async def post_document(
    request: Request,
    site: SiteHere,
    caller: Calling,
    idempotency_key: Annotated[
        str | None,
        Header(
            min_length=1,
            max_length=200,
            description="Your own key, in quotes or not: the same one gives the same document"
            " back.",
        ),
    ] = None,
) -> Response:
    """Hand a document in, as multipart or JSON.  It is stored and queued when this answers."""
    with site.uploads.of(caller.upstream):
        async with _received(request, site.rt.max_bytes) as sent:
            if not caller.may(sent.document_type):
                raise Forbidden(
                    f"This key is not for the type {sent.document_type}. It is for:"
                    f" {', '.join(sorted(caller.document_types or ()))}."
                )
            key = _unquoted(idempotency_key)
            taken = await run_in_threadpool(
                _submit, replace(sent, upstream=caller.upstream, key=key), site
            )
    address = site.address(request, "get_document", document_id=taken.document_id)
    body = SubmissionOut(
        document_id=taken.document_id,
        created=taken.created,
        reopened=taken.reopened,
        url=address,
        caution=site.rt.caution(sent.document_type),
    )
    return JSONResponse(
        body.model_dump(mode="json"), 201 if taken.created else 200, headers={"location": address}
    )


def _unquoted(key: str | None) -> str | None:
    """A key as the IETF's text writes it, in quotes, is the key within them."""
    if key is None or len(key) < 3 or not (key[0] == key[-1] == '"'):
        return key
    return re.sub(r"\\([\\\"])", r"\1", key[1:-1])


def _submit(sent: sources.Request, site: SiteHere) -> Any:
    site.rt.check_type(sent.document_type)  # a misspelt type is said at once
    return actions.submit(sent, site.rt, most_waiting=site.rt.max_waiting)


@asynccontextmanager
async def _received(request: Request, most: int) -> AsyncIterator[sources.Request]:
    """What was sent; a file is on disk as long as it is needed."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind == "application/json":
        yield await run_in_threadpool(_of_json, await request.body())
    elif kind == "multipart/form-data":
        async with request.form(max_files=1, max_fields=10) as form:
            yield _of_form(form, most)
    else:
        raise UnsupportedMediaType(
            "Send multipart/form-data with a file, or application/json with content_base64."
        )


def _of_json(body: bytes) -> sources.Request:
    try:
        sent = SubmissionIn.model_validate_json(body)
    except ValidationError as error:
        raise InvalidSubmission(words_of(error)) from error
    try:
        content = base64.b64decode(sent.content_base64, validate=True)
    except (binascii.Error, ValueError) as error:
        raise InvalidSubmission(
            "content_base64 is not base64. Encode the file with the standard alphabet and padding."
        ) from error
    return _request(sent, content=content)


def _of_form(form: FormData, most: int) -> sources.Request:
    file = form.get("file")
    if not isinstance(file, UploadFile):
        raise InvalidSubmission(
            "The part 'file' is missing. Send the document's bytes as a file part of that name."
        )
    if (file.size or 0) > most:
        raise TooLarge(
            f"The file has more than {most:,} bytes. Send a smaller one, or raise"
            " SUREFIELD_MAX_BYTES."
        )
    given = {name: value for name, value in form.items() if name != "file"}
    try:
        metadata = json.loads(str(given.pop("metadata", "")) or "{}")
    except (ValueError, RecursionError) as error:
        raise InvalidSubmission("metadata is not JSON. Send a JSON object.") from error
    try:
        sent = SubmissionIn.model_validate(
            {**given, "metadata": metadata, "filename": file.filename, "content_base64": "-"}
        )
    except ValidationError as error:
        raise InvalidSubmission(words_of(error)) from error
    return _request(sent, file=file.file)


def _request(
    sent: SubmissionIn, *, content: bytes | None = None, file: BinaryIO | None = None
) -> sources.Request:
    return sources.Request(
        upstream="",
        document_type=sent.document_type,
        content=content,
        file=file,
        filename=sent.filename,
        priority=sent.priority,
        password=sent.password,
        metadata=sent.metadata,
        deadline=sent.deadline,
    )


def words_of(error: ValidationError) -> str:
    """What does not fit in a body, without a word of it."""
    said = [
        f"{'.'.join(map(str, each['loc'])) or 'body'}: {each['msg']}"
        for each in error.errors(include_input=False)
    ]
    return "; ".join(said[:10]) + ". Look at /v1/openapi.json for what is taken."


@router.get(
    "/documents", response_model=DocumentsOut, responses=problems_of(), name="list_documents"
)
def list_documents(
    site: SiteHere,
    caller: Calling,
    key: Annotated[
        str | None, Query(max_length=200, description="The one that you sent under this key.")
    ] = None,
    status: Annotated[Status | None, Query(description="Only those that stand there.")] = None,
    document_type: Annotated[str | None, Query(max_length=100)] = None,
    since: Annotated[AwareDatetime | None, Query(description="Sent then or later.")] = None,
    until: Annotated[AwareDatetime | None, Query(description="Sent before.")] = None,
    after: Annotated[
        str | None, Query(max_length=200, description="`next` of the answer before.")
    ] = None,
    limit: Annotated[int, Query(ge=1, le=MOST_LISTED)] = 100,
) -> DocumentsOut:
    """Your documents, the newest first, by what you ask for."""
    asked = reporting.Sent(
        upstream=caller.upstream,
        types=caller.document_types,
        key=None if key is None else storable(key),
        status=status,
        document_type=None if document_type is None else storable(document_type),
        since=since,
        until=until,
        before=None if after is None else _place(after),
    )
    with site.rt.transaction() as tx:
        rows = reporting.sent(tx, asked, limit=limit)
    return DocumentsOut(
        documents=[DocumentBrief.model_validate(row.as_json()) for row in rows],
        next=f"{rows[-1].created_at.isoformat()}_{rows[-1].document_id}"
        if len(rows) == limit
        else None,
    )


def _place(after: str) -> tuple[datetime, UUID]:
    """Raises InvalidSubmission when it is no ``next`` of ours."""
    at, _, document_id = after.rpartition("_")
    try:
        found = datetime.fromisoformat(at), UUID(document_id)
        if found[0].tzinfo is None:
            raise ValueError("no offset")
    except ValueError as error:
        raise InvalidSubmission("after is what `next` of an answer before says.") from error
    return found


@router.get(
    "/documents/{document_id}",
    response_model=DocumentOut,
    responses=problems_of(404),
    name="get_document",
)
def get_document(
    request: Request,
    site: SiteHere,
    caller: Calling,
    document_id: DocumentId,
    evidence: Annotated[
        bool, Query(description="Say where each value stands, and what speaks for it.")
    ] = False,
) -> DocumentOut:
    """What became of a document: its status, and every field with confidence and decision."""
    row = _own(site, caller, document_id)
    with site.rt.transaction() as tx:
        pages = context.pages(tx, document_id)
        rows = reporting.fields(tx, [document_id])
        found = proofs.proofs(tx, document_id) if evidence else {}
    behind = {place: asdict(proof) for place, proof in found.items()}
    names = {"message": "reason_message", "score": "confidence"}
    fields = [
        FieldResult.model_validate(
            {
                **{names.get(key, key): value for key, value in each.as_json().items()},
                "evidence": behind.get((each.field, each.ordinal)),
            }
        )
        for each in rows
    ]
    return DocumentOut.model_validate(
        {
            **row.as_json(),
            "pages": [
                site.address(request, "get_page", document_id=document_id, number=page.number)
                for page in pages
            ],
            "fields": fields,
        }
    )


@router.post(
    "/documents/{document_id}/retry",
    response_model=DocumentOut,
    responses=problems_of(404, 409),
    name="retry_document",
)
def retry_document(
    request: Request, site: SiteHere, caller: Calling, document_id: DocumentId
) -> DocumentOut:
    """Try a failed document again from where it failed, once what was wrong is mended."""
    _own(site, caller, document_id)
    with site.rt.transaction() as tx:
        moved = retry.retry(tx, [document_id], by=transitions.upstream(caller.upstream))
    if not moved:
        raise NotFailed(
            f"Document {document_id} did not fail, or goes on already. Look where it stands: GET"
            f" /v1/documents/{document_id}."
        )
    return get_document(request, site, caller, document_id)


@router.post(
    "/documents/{document_id}/cancel",
    response_model=DocumentOut,
    responses=problems_of(404, 409),
    name="cancel_document",
)
def cancel_document(
    request: Request, site: SiteHere, caller: Calling, document_id: DocumentId
) -> DocumentOut:
    """Take a document back that has not come to rest: nothing more is done about it, and no person
    is asked. Under the same key it stays cancelled.
    """
    row = _own(site, caller, document_id)
    by = transitions.upstream(caller.upstream)
    with site.rt.transaction() as tx:
        cancelled = verdicts.cancel(tx, document_id, by=by)
    if not cancelled and row.error_code != verdicts.CANCELLED:
        raise AtRest(
            f"Document {document_id} has come to rest, and stays as it is. Look where it stands:"
            f" GET /v1/documents/{document_id}."
        )
    return get_document(request, site, caller, document_id)


@router.get(
    "/documents/{document_id}/pages/{number}.png",
    response_class=Response,
    responses={200: {"content": {"image/png": {}}, "description": "The page"}, **problems_of(404)},
    name="get_page",
)
def get_page(
    site: SiteHere,
    caller: Calling,
    document_id: DocumentId,
    number: Annotated[int, Path(ge=1, le=2**31 - 1)],
) -> Response:
    """One page as people see it."""
    _own(site, caller, document_id)
    with site.rt.transaction() as tx:
        page = next(
            (page for page in context.pages(tx, document_id) if page.number == number), None
        )
    if page is None:
        raise NotFound(f"Document {document_id} has no page {number}, or it is not rendered yet.")
    return Response(
        site.rt.blobs.get(page.view_sha256),
        media_type="image/png",
        headers={"cache-control": "private, max-age=86400"},
    )


def _own(site: SiteHere, caller: Caller, document_id: UUID) -> reporting.DocumentRow:
    """The document, if this upstream sent it; another's is not there, nor one of a type that is
    not the key's.

    Raises NotFound.
    """
    with site.rt.transaction() as tx:
        found = reporting.documents(tx, [document_id])
    own = [one for one in found if one.upstream == caller.upstream]
    if not own or not caller.may(own[0].document_type):
        raise NotFound(f"You sent no document {document_id}.")
    return own[0]
