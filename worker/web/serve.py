"""The web process: ``python -m worker.web.serve``.

Settings come from the environment, as everywhere.
"""

import os

import uvicorn
from fastapi import FastAPI

from worker import bootstrap, log
from worker.web.app import create_app
from worker.web.settings import WebSettings


def build(settings: WebSettings) -> FastAPI:
    """The application over a runtime that wakes the workers."""
    from worker import tasks  # reads the environment when it is imported

    return create_app(
        bootstrap.runtime(settings, announce=tasks.announce),
        public_url=settings.public_url,
        stays_signed_in=settings.stays_signed_in,
        review_lease=settings.review_lease,
    )


def main() -> None:
    """Serve until told to stop."""
    log.configure(json=os.environ.get("SUREFIELD_LOG", "text") == "json")
    settings = WebSettings()
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


if __name__ == "__main__":
    main()
