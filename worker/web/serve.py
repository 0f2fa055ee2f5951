"""The web process: ``surefield web``."""

import uvicorn
from fastapi import FastAPI

from worker import bootstrap, tasks
from worker.settings import Settings
from worker.web.app import create_app


def build(settings: Settings) -> FastAPI:
    """The application over a runtime that wakes the workers."""
    wake = tasks.waker(tasks.create_celery(settings))
    return create_app(
        bootstrap.runtime(settings, announce=tasks.announcer(wake), wake=wake),
        public_url=settings.public_url,
        stays_signed_in=settings.stays_signed_in,
        review_lease=settings.review_lease,
        uploads_at_once=settings.uploads_at_once,
    )


def serve(settings: Settings) -> None:
    """Serve until told to stop."""
    uvicorn.run(
        build(settings),
        host=settings.web_host,
        port=settings.web_port,
        access_log=False,  # addresses hold one-time secrets
        log_level="warning",
        server_header=False,
        proxy_headers=bool(settings.trusted_proxies),
        forwarded_allow_ips=settings.trusted_proxies or None,
        timeout_graceful_shutdown=10,
    )
