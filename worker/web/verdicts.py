"""What a whole document is, said on its page: other type, not ours, illegible, a duplicate."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Form, Request
from fastapi.responses import JSONResponse, RedirectResponse, Response

from worker.review import verdict_actions, verdicts
from worker.review.errors import InvalidDecision
from worker.review.tables import Verdict
from worker.review.verdict_actions import Said
from worker.web.dependencies import SiteHere, Someone
from worker.web.templating import render

router = APIRouter(prefix="/documents/{document_id}")


@router.get("/verdict", name="ask_verdict")
def ask_verdict(
    request: Request, site: SiteHere, person: Someone, document_id: UUID, verdict: str = ""
) -> Response:
    """What must be known besides the verdict: which type, or of which document."""
    types = sorted(site.rt.document_types().values(), key=lambda each: each.title)
    with site.rt.transaction() as tx:
        alike = verdicts.alike(tx, document_id)
    return render(
        request,
        "verdict.html",
        verdict=verdict,
        document_id=document_id,
        types=types,
        alike=alike,
    )


@router.post("/verdict", name="judge_document")
def judge_document(
    request: Request,
    site: SiteHere,
    person: Someone,
    document_id: UUID,
    verdict: Annotated[str, Form()],
    type: Annotated[str, Form()] = "",
    of: Annotated[str, Form()] = "",
    seen: Annotated[bool, Form()] = False,
    took_ms: Annotated[int, Form(ge=0, le=2**31 - 1)] = 0,
) -> Response:
    """Keep a verdict on the whole document, or take the last one back."""
    if verdict not in list(Verdict):
        raise InvalidDecision(
            f"There is no verdict {verdict[:40]!r}. Choose from: {', '.join(Verdict)}."
        )
    said = Said(
        verdict=Verdict(verdict),
        document_type=type or None,
        duplicate_of=_document(of),
        seen=seen,
        took_ms=took_ms,
    )
    verdict_actions.judge(person.actor, document_id, said, site.rt)
    if "application/json" in request.headers.get("accept", ""):
        return JSONResponse({"document": str(document_id), "verdict": verdict})
    return RedirectResponse(request.url_for("document_page", document_id=document_id), 303)


def _document(said: str) -> UUID | None:
    """A document by its id, or by the address of its page.

    Raises InvalidDecision.
    """
    if not said.strip():
        return None
    try:
        return UUID(said.strip().rstrip("/").rpartition("/")[2])
    except ValueError:
        raise InvalidDecision(
            f"{said[:60]!r} names no document. Give its id, or the address of its page."
        ) from None
