"""A real Chromium before the real site.

SUREFIELD_TEST_SCREENSHOTS names a folder for pictures of every page in both themes;
SUREFIELD_TEST_AXE the file axe.min.js of axe-core.
"""

import os
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from playwright.sync_api import Browser as Chromium
from playwright.sync_api import BrowserContext, Page, sync_playwright

from tests.needed import cannot_run
from tests.web.conftest import (  # noqa: F401  fixtures
    SiteInTest,
    make_house,
    make_site,
    renderer,
    site,
)
from worker.accounts import store
from worker.actor import Role

FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
PICTURES = os.environ.get("SUREFIELD_TEST_SCREENSHOTS")


@pytest.fixture(scope="session")
def chromium() -> Iterator[Chromium]:
    """One browser for the run."""
    path = (
        shutil.which("chromium")
        or shutil.which("chromium-browser")
        or shutil.which("google-chrome")
    )
    if path is None:
        cannot_run("There is no Chromium here. Install it: apt-get install chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield browser
        browser.close()


@dataclass
class Live:
    """The site behind a port, and windows on it."""

    site: SiteInTest
    url: str
    chromium: Chromium
    contexts: list[BrowserContext] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    def window(self, **options: Any) -> Page:
        """A window of a browser of its own, 1280 × 720; whatever its console complains about fails
        the test.
        """
        context = self.chromium.new_context(
            viewport={"width": 1280, "height": 720}, base_url=self.url, **options
        )
        context.set_default_timeout(10_000)
        self.contexts.append(context)
        page = context.new_page()
        page.on(
            "console",
            lambda said: (
                self.problems.append(said.text)
                if said.type == "error" and _matters(said.text)
                else None
            ),
        )
        page.on("pageerror", lambda error: self.problems.append(str(error)))
        return page

    def sign_in(self, name: str = "ada", role: Role = Role.REVIEWER, **options: Any) -> Page:
        """A window with this person signed in."""
        with self.site.house.rt.transaction() as tx:
            known = {each.name: each for each in store.people(tx)}
            person = known.get(name) or store.add_person(tx, name, role)
            secret = store.open_browser(tx, person.user_id, lasts=timedelta(hours=1))
        page = self.window(**options)
        page.context.add_cookies([{"name": "surefield", "value": secret, "url": self.url}])
        return page

    def run(self, sql: str) -> None:
        with self.site.house.rt.transaction() as tx:
            tx.session.connection().exec_driver_sql(sql)

    def wait_for(self, sql: str, wanted: Any, *, seconds: float = 10) -> None:
        """Until the database says so: a decision is sent behind the next field."""
        end = time.monotonic() + seconds
        while (found := [tuple(row) for row in self.site.house.rows(sql)]) != wanted:
            assert time.monotonic() < end, f"{found} is not {wanted}"
            time.sleep(0.02)


def _matters(text: str) -> bool:
    """A refusal or a lost connection that a test asks for is logged by the browser and by htmx
    too.
    """
    return not any(
        each in text
        for each in (
            "status of 4",
            "ERR_INTERNET_DISCONNECTED",
            "net::ERR_FAILED",
            "htmx:sendError",
            "htmx:afterRequest",
        )
    )


@pytest.fixture
def live(site: SiteInTest, chromium: Chromium) -> Iterator[Live]:
    """The usual site, served."""
    yield from serve(site, chromium)


@pytest.fixture
def serve_site(chromium: Chromium) -> Iterator[Callable[[SiteInTest], Live]]:
    """Serves any site."""
    running: list[Iterator[Live]] = []

    def start(other: SiteInTest) -> Live:
        running.append(serve(other, chromium))
        return next(running[-1])

    yield start
    for each in running:
        next(each, None)


def serve(site_in_test: SiteInTest, chromium: Chromium) -> Iterator[Live]:
    """The site on a free port until the test ends."""
    server = uvicorn.Server(
        uvicorn.Config(
            site_in_test.app, host="127.0.0.1", port=0, log_level="warning", access_log=False
        )
    )
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    found = Live(site_in_test, f"http://127.0.0.1:{port}", chromium)
    yield found
    for context in found.contexts:
        context.close()
    server.should_exit = True
    thread.join(10)
    assert found.problems == []


def snap(page: Page, name: str) -> None:
    """Pictures of the page by day and by night, if somebody wants them."""
    if PICTURES is None:
        return
    folder = Path(PICTURES)
    folder.mkdir(parents=True, exist_ok=True)
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        page.screenshot(path=folder / f"{name}-{scheme}.png")
    page.emulate_media(color_scheme="light")
