"""The HTTP door by which upstream systems hand documents in."""

import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Annotated, Any, BinaryIO
from uuid import UUID

from fastapi import APIRouter, Depends, Header, Request
from fastapi.responses import JSONResponse, Response
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData, UploadFile

from worker.actor import Forbidden
from worker.intake import actions, sources
from worker.intake.errors import InvalidSubmission, TooLarge
from worker.intake.types import PRIORITY
from worker.web.dependencies import SiteHere
from worker.web.doors import BEARER, Calling, UnsupportedMediaType, problems_of, words_of

router = APIRouter(prefix="/v1", tags=["documents"], dependencies=[Depends(BEARER)])


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
    return _request(sent, content=sources.decoded("content_base64", sent.content_base64))


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
