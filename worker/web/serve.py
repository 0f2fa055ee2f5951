"""The web process: ``surefield web``."""

from urllib.parse import urlsplit

import uvicorn
from fastapi import FastAPI

from worker import bootstrap, tasks
from worker.settings import Settings
from worker.web.app import create_app
from worker.web.patience import Patient

HERE = ("localhost", "127.0.0.1", "[::1]")
EVERYWHERE = frozenset({"0.0.0.0", "::"})


def build(settings: Settings) -> FastAPI:
    """The application over a runtime that wakes the workers."""
    wake = tasks.waker(tasks.create_celery(settings))
    return create_app(
        bootstrap.runtime(settings, announce=tasks.announcer(wake), wake=wake),
        public_url=settings.public_url,
        stays_signed_in=settings.stays_signed_in,
        signed_out_when_idle=settings.signed_out_when_idle,
        review_lease=settings.review_lease,
        uploads_at_once=settings.uploads_at_once,
        names=names_of(settings),
    )


def names_of(settings: Settings) -> frozenset[str] | None:
    """The hosts that the site is reached by; None where it listens on every network and nobody said
    its name.
    """
    everywhere = settings.web_host in EVERYWHERE
    if everywhere and settings.public_url is None:
        return None
    names = set(HERE)
    if not everywhere:
        names.add(settings.web_host.lower())
    if settings.public_url is not None:
        names.add((urlsplit(settings.public_url).hostname or "").lower())
    return frozenset(names)


def serve(settings: Settings) -> None:
    """Serve until told to stop."""
    uvicorn.run(
        build(settings),
        host=settings.web_host,
        port=settings.web_port,
        http=Patient,
        access_log=False,  # addresses hold one-time secrets
        log_level="warning",
        server_header=False,
        proxy_headers=bool(settings.trusted_proxies),
        forwarded_allow_ips=settings.trusted_proxies or None,
        timeout_graceful_shutdown=10,
    )
