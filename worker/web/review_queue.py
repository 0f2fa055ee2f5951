"""The queue at a glance: what waits, since when, and how fast it goes."""

from fastapi import APIRouter, Request
from fastapi.responses import Response

from worker.actor import Role
from worker.review import document_types, reads
from worker.review.types import ItemFilter
from worker.web.dependencies import SiteHere, Someone
from worker.web.review import AGES, asked, filters_of
from worker.web.templating import render

router = APIRouter()

MOST_UNTYPED = 20  # documents without a type that are listed


@router.get("/queue", name="queue_page")
def queue_page(request: Request, site: SiteHere, person: Someone) -> Response:
    """Counts, age and pace; a manager sees everybody's."""
    with site.rt.transaction() as tx:
        rows = reads.backlog(tx, ItemFilter())
        wanted = asked(request)
        shown = reads.backlog(tx, filters_of(request)) if wanted else rows
        mine = next(iter(reads.pace(tx, person.name)), None)
        everybody = reads.pace(tx) if person.may(Role.MANAGER) else []
        skipped = reads.skipped(tx, person.name)
        untyped = document_types.untyped(tx, limit=MOST_UNTYPED)
    late = [row.overdue for row in shown if row.overdue is not None]
    return render(
        request,
        "queue.html",
        rows=shown,
        asked=wanted,
        ages=list(AGES),
        types=sorted({row.document_type for row in rows}),
        fields=sorted({row.field for row in rows}),
        reasons=sorted({row.reason for row in rows}),
        waiting=sum(row.waiting for row in shown),
        overdue=sum(late) if late else None,
        oldest=min((row.oldest for row in shown), default=None),
        mine=mine,
        everybody=everybody,
        skipped=skipped,
        untyped=untyped,
    )
