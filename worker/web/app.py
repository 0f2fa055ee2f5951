"""The web application, put together."""

import re
from datetime import timedelta
from pathlib import Path

from fastapi import Depends, FastAPI, Request
from fastapi.responses import RedirectResponse
from starlette.responses import Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from worker.runtime import Runtime
from worker.web import (
    api,
    asking,
    audits,
    documents,
    events,
    health,
    lists,
    measures,
    people,
    problems,
    questions,
    questions_api,
    review,
    review_queue,
    signin,
    submissions,
    uploads,
    verdicts,
    webhooks,
)
from worker.web.dependencies import Site, from_our_page
from worker.web.hashing import Hashing
from worker.web.headers import Door, KnownHosts, LimitedBody, PlainAddress, SecureHeaders
from worker.web.turns import Rates, Turns

STATIC = Path(__file__).parent / "static"
# the addresses that take files
UPLOADS = re.compile(r"/documents|/v1/documents|/v1/questions/[^/]+/answer|/q/[^/]+")
A_DAY = timedelta(days=1)


class KeptStatic(StaticFiles):
    """Our own scripts and styles: their addresses carry their version, so browsers may keep
    them.
    """

    async def get_response(self, path: str, scope: Scope) -> Response:
        response = await super().get_response(path, scope)
        if response.status_code == 200:
            response.headers["cache-control"] = "public, max-age=31536000, immutable"
        return response


def create_app(
    rt: Runtime,
    *,
    stays_signed_in: timedelta,
    signed_out_when_idle: timedelta,
    review_lease: timedelta,
    public_url: str | None = None,
    uploads_at_once: int = 4,
    names: frozenset[str] | None = None,
) -> FastAPI:
    """The site over one runtime.

    public_url: how people and programs reach it, such as "https://review.example.org"; with https
                its cookies are marked as such
    uploads_at_once: of one upstream
    names: of hosts, under which it answers; None: any
    """
    site = Site(
        rt=rt,
        public_url=public_url,
        stays_signed_in=stays_signed_in,
        signed_out_when_idle=signed_out_when_idle,
        review_lease=review_lease,
        uploads=Turns(uploads_at_once),
        hashing=Hashing(),
        rates=Rates(),
    )
    app = FastAPI(
        title="Surefield",
        version="1",
        summary="Hand documents in, and read what became of them.",
        openapi_url="/v1/openapi.json",
        docs_url=None,  # it would load scripts from elsewhere
        redoc_url=None,
    )
    app.state.site = site
    problems.install(app)
    for pages in (
        signin,
        review,
        review_queue,
        audits,
        uploads,
        documents,
        lists,
        verdicts,
        asking,
        measures,
        people,
        webhooks,
    ):
        app.include_router(
            pages.router, dependencies=[Depends(from_our_page)], include_in_schema=False
        )
    # whoever has the link is asked, signed in or not: the link itself is what nobody can forge
    app.include_router(questions.router, include_in_schema=False)
    app.include_router(submissions.router)
    app.include_router(api.router)
    app.include_router(questions_api.router)
    app.include_router(events.router)
    app.include_router(health.router)
    app.mount("/static", KeptStatic(directory=STATIC), name="static")
    app.add_api_route("/", _home, methods=["GET"], include_in_schema=False)
    app.add_middleware(
        LimitedBody,
        file_bytes=rt.max_bytes,
        uploads=UPLOADS,
    )
    app.add_middleware(Door)
    app.add_middleware(PlainAddress)
    app.add_middleware(KnownHosts, names=names)
    app.add_middleware(SecureHeaders, https=site.secure)
    return app


def _home(request: Request) -> RedirectResponse:
    return RedirectResponse(request.url_for("review_page"), 303)
