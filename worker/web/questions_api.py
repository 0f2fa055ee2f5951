"""The HTTP door for upstream systems that are asked: what, the answer, and a new private link."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from io import BytesIO
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Path, Query, Request
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import UploadFile

from worker.intake import sources
from worker.questions import actions, store
from worker.questions.errors import InvalidAnswer
from worker.questions.types import Answer
from worker.tables.documents import Status
from worker.tables.questions import QuestionState, Wanted
from worker.web.dependencies import SiteHere
from worker.web.doors import BEARER, UnsupportedMediaType, Upstream, problems_of, words_of

MOST_LISTED = 500
router = APIRouter(prefix="/v1", tags=["questions"], dependencies=[Depends(BEARER)])
QuestionId = Annotated[UUID, Path(description="The question's id.")]


class QuestionOut(BaseModel):
    """One thing that you are asked about a document of yours."""

    question_id: UUID
    document_id: UUID
    key: str = Field(description="Under which you sent the document.")
    wanted: Wanted = Field(description="What an answer must be.")
    doubt: str = Field(description="Why it is asked, as a code.")
    field: str | None = Field(description="Of which a value is wanted.")
    ordinal: int = Field(description="Row of a repeated group, from 0.")
    text: str = Field(description="The question, for people.")
    asked_at: datetime
    expires_at: datetime
    state: QuestionState
    closed_at: datetime | None


class QuestionsOut(BaseModel):
    """Questions, the oldest first."""

    questions: list[QuestionOut]


class AnswerIn(BaseModel):
    """An answer; exactly one of these, as the question wants it."""

    model_config = ConfigDict(extra="forbid")

    text: str | None = Field(
        None, max_length=4_000, description="A value as printed, a type's name, or words."
    )
    password: str | None = Field(
        None, max_length=1_000, description="Of an encrypted PDF; kept until it is opened."
    )
    content_base64: str | None = Field(
        None, description="A better scan: PDF, PNG, JPEG or TIFF. Large ones go as multipart."
    )


class AnsweredOut(BaseModel):
    """What an answer led to."""

    document_id: UUID
    status: Status = Field(description="Where the document stands now.")
    open_questions: int = Field(description="Others that wait for an answer about it.")


class LinkOut(BaseModel):
    """A private link to one question."""

    link: str = Field(description="Told this once; a link that was told before ends.")


BODY = {"required": True, "content": {
    "multipart/form-data": {"schema": {
        "type": "object",
        "properties": {"file": {"type": "string", "format": "binary"}},
        "additionalProperties": False,
    }},
    "application/json": {
        "schema": AnswerIn.model_json_schema(ref_template="#/components/schemas/{model}")
    },
}}  # fmt: skip


@router.get(
    "/questions", response_model=QuestionsOut, responses=problems_of(), name="list_questions"
)
def list_questions(
    site: SiteHere,
    upstream: Upstream,
    document_id: Annotated[UUID | None, Query(description="Only about this document.")] = None,
    state: Annotated[
        QuestionState | None, Query(description="Without it, those that are open.")
    ] = QuestionState.OPEN,
    limit: Annotated[int, Query(ge=1, le=MOST_LISTED)] = 100,
) -> QuestionsOut:
    """What you are asked about your documents, the oldest first."""
    with site.rt.transaction() as tx:
        found = store.listed(
            tx, upstream=upstream, document_id=document_id, state=state, limit=limit
        )
    return QuestionsOut(questions=[QuestionOut.model_validate(one.as_json()) for one in found])


@router.post(
    "/questions/{question_id}/answer",
    response_model=AnsweredOut,
    responses=problems_of(404, 408, 409, 410, 413, 415, 429),
    openapi_extra={"requestBody": BODY},
    name="answer_question",
)
async def answer_question(
    request: Request, site: SiteHere, upstream: Upstream, question_id: QuestionId
) -> AnsweredOut:
    """Answer a question about a document of yours, as JSON, or as multipart with a `file`.  There
    is one answer; the document goes on from it.
    """
    with site.uploads.of(upstream):
        async with _received(request) as said:
            went = await run_in_threadpool(
                actions.answer, question_id, said, site.rt, door="api", upstream=upstream
            )
    return AnsweredOut(
        document_id=went.document_id, status=went.status, open_questions=went.open_questions
    )


@router.post(
    "/questions/{question_id}/link",
    response_model=LinkOut,
    responses=problems_of(404, 409, 410),
    name="link_question",
)
def link_question(
    request: Request, site: SiteHere, upstream: Upstream, question_id: QuestionId
) -> LinkOut:
    """A private link at which whoever has it answers this question, and nothing else."""
    link = actions.renew(question_id, site.rt, upstream=upstream)
    return LinkOut(link=site.address(request, "question_page", token=link.token))


@asynccontextmanager
async def _received(request: Request) -> AsyncIterator[Answer]:
    """What was sent; a file is on disk as long as it is needed."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind == "application/json":
        yield await run_in_threadpool(_of_json, await request.body())
    elif kind == "multipart/form-data":
        async with request.form(max_files=1, max_fields=1) as form:
            file = form.get("file")
            if not isinstance(file, UploadFile):
                raise InvalidAnswer("The part 'file' is missing. Send the better scan under it.")
            yield Answer(file=file.file)
    else:
        raise UnsupportedMediaType(
            "Send application/json with text, password or content_base64, or multipart/form-data"
            " with a file."
        )


def _of_json(body: bytes) -> Answer:
    try:
        sent = AnswerIn.model_validate_json(body)
    except ValidationError as error:
        raise InvalidAnswer(words_of(error)) from error
    given = [one for one in (sent.text, sent.password, sent.content_base64) if one is not None]
    if len(given) != 1:
        raise InvalidAnswer("Send exactly one of text, password and content_base64.")
    content = (
        None
        if sent.content_base64 is None
        else sources.decoded("content_base64", sent.content_base64)
    )
    return Answer(
        text=sent.text,
        password=sent.password,
        file=None if content is None else BytesIO(content),
    )
