"""Files that people drop on the page of documents."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Request
from fastapi.responses import JSONResponse, Response
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import UploadFile

from extractors.documents import AUTO, DocumentType
from worker import reporting
from worker.accounts.store import Person
from worker.actor import Role
from worker.errors import NotFound
from worker.intake import actions, sources
from worker.intake.errors import InvalidSubmission
from worker.pipeline.flow import RESTING
from worker.tables.documents import Status
from worker.web.dependencies import Site, SiteHere, Someone, at_least
from worker.web.templating import label

router = APIRouter(prefix="/documents")

# before a byte of the body is read
Submitter = Annotated[Person, Depends(at_least(Role.MANAGER))]


def offered(site: Site, person: Person) -> list[DocumentType]:
    """The types that this person may hand files in as; none for whoever may not."""
    if not person.may(Role.MANAGER):
        return []
    return sorted(site.rt.document_types().values(), key=lambda each: each.title)


@router.post("", name="hand_in")
async def hand_in(request: Request, site: SiteHere, person: Submitter) -> Response:
    """Take one file; its page, and what to know before it is read."""
    if not request.headers.get("content-type", "").lower().startswith("multipart/form-data"):
        raise InvalidSubmission("Send the file as multipart/form-data, as the page does.")
    async with request.form(max_files=1, max_fields=5) as form:
        file, document_type = form.get("file"), str(form.get("document_type") or AUTO)
        if not isinstance(file, UploadFile):
            raise InvalidSubmission("No file came with it. Choose one, or drop it on the page.")
        asked = sources.Request(
            upstream=actions.WEB, document_type=document_type, filename=file.filename
        )
        taken = await run_in_threadpool(actions.hand_in, person.actor, file.file, asked, site.rt)
    said = {
        "document_id": str(taken.document_id),
        "created": taken.created,
        "url": request.app.url_path_for("document_page", document_id=taken.document_id),
        "caution": site.rt.caution(document_type),
    }
    return JSONResponse(said, 201 if taken.created else 200)


@router.get("/{document_id}/state", name="document_state")
def document_state(site: SiteHere, person: Someone, document_id: UUID) -> Response:
    """Where a document stands now, in a few words."""
    with site.rt.transaction() as tx:
        found = reporting.documents(tx, [document_id])
    if not found:
        raise NotFound(f"There is no document {document_id}.")
    row = found[0]
    return JSONResponse(
        {
            "status": row.status.value,
            "message": _message(row),
            "rests": row.status in RESTING,
        }
    )


def _message(row: reporting.DocumentRow) -> str:
    if row.status is Status.FAILED:
        return f"failed. {row.error_message or row.error_code}"
    type_ = "" if row.document_type == AUTO else f" as {label(row.document_type)}"
    fields = row.accepted + row.waiting + row.reviewed
    return {
        Status.NEEDS_TYPE: "Its words do not say what it is: choose its type.",
        Status.NEEDS_INPUT: "its sender is asked",
        Status.ACCEPTED: f"accepted{type_}, {row.accepted} fields",
        Status.IN_REVIEW: f"read{type_}: {row.waiting} of {fields} fields wait for a person",
        Status.REVIEWED: f"reviewed{type_}",
        Status.SPLIT: "several documents in one file: each goes on by itself",
        Status.REJECTED: "rejected by a person",
    }.get(row.status, "on its way")
