"""What strangers cost the web: 600 half requests, 45 sign-ins and six large JSON uploads at once.

A web process of its own; while they go on, somebody else's page is asked for again and again, and
half a minute later its memory is looked at.
"""

import contextlib
import shutil
import socket
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack
from functools import partial
from pathlib import Path
from typing import Any

import httpx2
import psutil

from tests.embedded.processes import eventually
from tests.faults.work import quick_settings, upstream
from worker.accounts import store as accounts
from worker.actor import Role
from worker.cli import local
from worker.embedded.postgres import EmbeddedPostgres
from worker.web.dependencies import csrf_of

HALF, SIGN_INS, UPLOADS, UPLOAD_BYTES = 600, 45, 6, 31_000_000
PASSWORD = "correct horse battery"
AFTER_S = 30.0
Storm = Callable[[], AbstractContextManager[None]]


def run() -> list[dict[str, Any]]:
    """The measurements."""
    folder = Path(tempfile.mkdtemp(prefix="surefield-doors-"))
    settings = quick_settings(folder, web_port=local.free_port(0), key_file=folder / "key")
    try:
        with local.database(settings, migrates=True) as ready, upstream(ready) as rt:
            with rt.transaction() as tx:
                key = accounts.make_key(tx, "erp")
                ada = accounts.add_person(tx, "ada", Role.ADMIN, password=PASSWORD)
                browser = accounts.open_browser(tx, ada.user_id, lasts=ready.stays_signed_in)
            with local.running(ready, web=True, tell=lambda said: None):
                eventually(lambda: local._is_open(ready.web_port), within_s=60)
                return _measure(ready.web_port, key, browser, folder)
    finally:
        EmbeddedPostgres(folder).stop()
        shutil.rmtree(folder, ignore_errors=True)


def _measure(port: int, key: str, browser: str, folder: Path) -> list[dict[str, Any]]:
    url = f"http://127.0.0.1:{port}"
    web = _web_of(str(folder))
    with httpx2.Client(base_url=url, cookies={"surefield": browser}, timeout=60) as page:
        for _ in range(20):
            assert page.get("/account").status_code == 200
        before_mb = web.memory_info().rss / 1e6
        rows = []
        uploads = f"{UPLOADS} JSON uploads of {UPLOAD_BYTES // 1_000_000} MB"
        storms: dict[str, Storm] = {
            f"{HALF} half requests": partial(_half, port),
            f"{SIGN_INS} sign-ins at once": partial(_sign_ins, url),
            uploads: partial(_uploads, url, key),
        }
        for name, storm in storms.items():
            with storm():
                took, peak_mb = _asks(page, web)
            rows.append(_row(f"slowest of another's pages during {name}", took, "s", 1.0))
            rows.append(
                _row(
                    f"memory of the web meanwhile, above before: {name}",
                    peak_mb - before_mb,
                    "MB",
                    None,
                )
            )
        time.sleep(AFTER_S)
        left_mb = web.memory_info().rss / 1e6 - before_mb
        rows.append(_row(f"the same {AFTER_S:.0f} s after all of them", left_mb, "MB", 50.0))
        return rows


def _web_of(mark: str) -> psutil.Process:
    for one in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if one.cmdline()[-2:] == ["worker", "web"] and any(
                mark in v for v in one.environ().values()
            ):
                return one
    raise AssertionError("there is no web process")


def _asks(page: httpx2.Client, web: psutil.Process, seconds: float = 12.0) -> tuple[float, float]:
    """The slowest answer, seconds, and the largest memory, MB."""
    slowest = largest = 0.0
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        began = time.monotonic()
        assert page.get("/account").status_code == 200
        slowest = max(slowest, time.monotonic() - began)
        largest = max(largest, web.memory_info().rss / 1e6)
        time.sleep(0.02)
    return slowest, largest


@contextlib.contextmanager
def _half(port: int) -> Iterator[None]:
    head = b"GET /sign-in HTTP/1.1\r\nHost: localhost\r\n"
    body = b"POST /sign-in HTTP/1.1\r\nHost: localhost\r\nContent-Length: 500\r\n\r\nname="
    with ExitStack() as stack:
        for number in range(HALF):
            one = stack.enter_context(socket.create_connection(("127.0.0.1", port), timeout=10))
            with contextlib.suppress(OSError):
                one.sendall(head if number % 2 else body)
        yield


@contextlib.contextmanager
def _sign_ins(url: str) -> Iterator[None]:
    def sign_in(number: int) -> None:
        with httpx2.Client(base_url=url, timeout=60) as client:
            client.get("/sign-in")
            form = {"name": f"n{number}", "password": PASSWORD, "next": "/"}
            form["csrf"] = csrf_of(client.cookies["surefield"])
            client.post("/sign-in", data=form)

    yield from _at_once(SIGN_INS, sign_in)


@contextlib.contextmanager
def _uploads(url: str, key: str) -> Iterator[None]:
    body = b'{"document_type": "slip", "content_base64": "' + b"A" * UPLOAD_BYTES + b'"}'
    headers = {"authorization": f"Bearer {key}", "content-type": "application/json"}

    def upload(number: int) -> None:
        with (
            contextlib.suppress(httpx2.HTTPError),
            httpx2.Client(base_url=url, timeout=60) as client,
        ):
            client.post("/v1/documents", content=body, headers=headers)

    yield from _at_once(UPLOADS, upload)


def _at_once(number: int, work: Any) -> Iterator[None]:
    threads = [threading.Thread(target=work, args=(one,)) for one in range(number)]
    for thread in threads:
        thread.start()
    yield
    for thread in threads:
        thread.join()


def _row(metric: str, value: float, unit: str, goal: float | None) -> dict[str, Any]:
    return {
        "metric": metric,
        "value": value,
        "unit": unit,
        "goal": goal,
        "holds": goal is None or value <= goal,
    }
