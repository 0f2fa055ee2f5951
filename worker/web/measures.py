"""What is accepted, how much of it is wrong, and what is promised: for managers."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response

from extractors.decision.bounds import upper_bound
from extractors.decision.planted import LEAST_SHOWN, missed_share
from worker import reporting
from worker.accounts.store import Person
from worker.actor import Role
from worker.audits import certificates, store
from worker.web.dependencies import SiteHere, at_least
from worker.web.templating import render

router = APIRouter(prefix="/measures")

Manager = Annotated[Person, Depends(at_least(Role.MANAGER))]


@router.get("", name="measures_page")
def measures_page(request: Request, site: SiteHere, person: Manager) -> Response:
    """Rows and documents that people judged, certificates, and errors that were planted."""
    with site.rt.transaction() as tx:
        rows = reporting.accepted_and_wrong(tx)
        documents = reporting.untouched_and_wrong(tx)
        plans = certificates.list_plans(tx)
        shown, overlooked = store.overlooked(tx)
    return render(
        request,
        "measures.html",
        rows=rows,
        documents=documents,
        plans=plans,
        upper_bound=upper_bound,
        shown=shown,
        overlooked=overlooked,
        missed=missed_share(shown, overlooked),
        is_measured=shown >= LEAST_SHOWN,
    )
