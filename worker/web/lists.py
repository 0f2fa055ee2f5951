"""The rows of a list, set right: the page, and the same as JSON."""

import json
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel, ConfigDict, Field

from worker import reporting
from worker.errors import NotFound
from worker.review import context, list_actions
from worker.review.card import page_json, place_json
from worker.review.row_texts import LONGEST_CELL, MOST_ROWS, TypedRow
from worker.web.dependencies import SiteHere, Someone
from worker.web.templating import render

router = APIRouter(prefix="/documents/{document_id}/lists/{field}")

Cell = Annotated[str, Field(max_length=LONGEST_CELL)]


class RowIn(BaseModel):
    """One row as it shall be."""

    model_config = ConfigDict(extra="forbid")

    was: int | None = None  # its number in the list as it was shown; null: a new row
    cells: dict[str, Cell | None]

    def typed(self) -> TypedRow:
        return TypedRow(was=self.was, cells=self.cells)


class RowsIn(BaseModel):
    """All rows of a list."""

    model_config = ConfigDict(extra="forbid")

    rows: list[RowIn] = Field(max_length=MOST_ROWS)
    version: str | None = Field(None, max_length=64)
    seen: bool = False
    took_ms: int | None = Field(None, ge=0, le=2**31 - 1)


@router.get("", name="list_page")
def list_page(
    request: Request, site: SiteHere, person: Someone, document_id: UUID, field: str
) -> Response:
    """The rows beside the page, to add, remove, move and edit; as JSON for whoever asks so."""
    shown = list_actions.show(document_id, field, site.rt)
    if "application/json" in request.headers.get("accept", ""):
        return JSONResponse(shown.as_json())
    with site.rt.transaction() as tx:
        found = reporting.documents(tx, [document_id])
        if not found:
            raise NotFound(f"There is no document {document_id}.")
        pages = context.pages(tx, document_id)
        places = context.places_of(tx, document_id)
    view: dict[str, Any] = {
        "pages": [page_json(document_id, page) for page in pages],
        "places": {
            f"{name.partition('.')[2]} {ordinal}": {"page": place.page, **place_json(place)}
            for (name, ordinal), place in places.items()
            if name.startswith(f"{field}.")
        },
    }
    return render(
        request,
        "list.html",
        document=found[0],
        shown=shown,
        list=json.dumps(shown.as_json()),
        view=json.dumps(view),
        pages=pages,
    )


@router.post("/check", name="check_rows")
def check_rows(
    site: SiteHere, person: Someone, document_id: UUID, field: str, sent: RowsIn
) -> dict[str, Any]:
    """What the rows mean while they are typed, and what they add up to."""
    return list_actions.check(document_id, field, [row.typed() for row in sent.rows], site.rt)


@router.post("", name="set_rows")
def set_rows(
    site: SiteHere, person: Someone, document_id: UUID, field: str, sent: RowsIn
) -> dict[str, Any]:
    """These are the rows of the list, all of them."""
    decided = list_actions.set_rows(
        person.actor,
        document_id,
        field,
        [row.typed() for row in sent.rows],
        site.rt,
        version=sent.version,
        seen=sent.seen,
        took_ms=sent.took_ms,
    )
    return {
        "document": str(decided.document_id),
        "open": decided.open_items,
        "status": decided.status,
    }
