"""Whether this site can answer, and whether the work behind it goes on: for load balancers and
monitors.
"""

from fastapi import APIRouter
from fastapi.responses import JSONResponse
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from worker import health, store
from worker.web.dependencies import SiteHere

router = APIRouter(include_in_schema=False)


@router.get("/readyz")
def ready(site: SiteHere) -> JSONResponse:
    """200 while the database answers: then documents can be handed in and reviewed, whatever a
    stage lacks.  Which stages pause, and why, is said.
    """
    try:
        with site.rt.transaction() as tx:
            tx.session.execute(text("SELECT 1 FROM documents LIMIT 1"))
            pausing = store.pauses.why(tx)
    except SQLAlchemyError as error:
        return _answer({"database": f"broken: {type(error).__name__}"}, sound=False)
    words = {f"stage {name}": f"pauses: {why}" for name, why in pausing.items()}
    return _answer({"database": "ok", **words}, sound=True)


@router.get("/healthz")
def healthy(site: SiteHere) -> JSONResponse:
    """200 while every stage is served and every certificate keeps its promise; else 503 with the
    reason.
    """
    try:
        found = {**health.findings(site.rt), "certificates": health.certificates(site.rt)}
    except SQLAlchemyError as error:
        return _answer({"database": f"broken: {type(error).__name__}"}, sound=False)
    words = {name: f"{'ok' if one.sound else 'broken'}: {one.words}" for name, one in found.items()}
    return _answer(words, sound=all(one.sound for one in found.values()))


def _answer(checks: dict[str, str], *, sound: bool) -> JSONResponse:
    body = {"status": "ok" if sound else "broken", "checks": checks}
    return JSONResponse(body, 200 if sound else 503, headers={"cache-control": "no-store"})
