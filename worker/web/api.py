"""The HTTP door for upstream systems that read what became of their documents."""

from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Path, Query, Request
from fastapi.responses import Response
from pydantic import AwareDatetime, BaseModel, Field

from extractors.errors import SurefieldError
from extractors.types import FieldState
from worker import reporting
from worker.accounts.store import Caller
from worker.errors import NotFailed, NotFound
from worker.intake.errors import InvalidSubmission
from worker.review import context, proofs, verdicts
from worker.store import retry, transitions
from worker.store.codec import storable
from worker.tables.documents import Status
from worker.tables.results import Outcome
from worker.web.dependencies import SiteHere
from worker.web.doors import BEARER, Calling, problems_of

MOST_LISTED = 500
# the dependency only describes the key
router = APIRouter(prefix="/v1", tags=["documents"], dependencies=[Depends(BEARER)])


class AtRest(SurefieldError):
    """The document has come to rest: there is nothing to cancel."""

    code = "at_rest"


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
    certificate: str | None = Field(
        description="Of an accepted document, the certificate of whole documents that accepted it;"
        " uncertified when its fields were accepted one by one. Null for any other."
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


DocumentId = Annotated[UUID, Path(description="As POST /v1/documents answered.")]


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
