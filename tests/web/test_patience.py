"""Connections that say little or nothing: they are hung up on, and hold nobody up."""

import asyncio
import re
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager

import pytest
import uvicorn

from tests.embedded.processes import eventually
from worker.accounts import passwords
from worker.web import hashing
from worker.web.hashing import Hashing, TooManySignIns
from worker.web.headers import LimitedBody
from worker.web.patience import Patient

HEAD = b"GET /healthz HTTP/1.1\r\nHost: testserver\r\n"


@contextmanager
def served(app, *, head_s: float = 10.0, most_open: int = 500) -> Iterator[int]:
    """The site on a port of its own, with this much patience."""
    protocol = type("Here", (Patient,), {"head_s": head_s, "most_open": most_open, "waiting": {}})
    config = uvicorn.Config(app, port=0, http=protocol, log_level="critical", lifespan="off")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    try:
        eventually(lambda: server.started, within_s=10)
        yield server.servers[0].sockets[0].getsockname()[1]
    finally:
        server.should_exit = True
        thread.join(10)


def open_to(port: int, said: bytes = b"") -> socket.socket:
    connection = socket.create_connection(("127.0.0.1", port), timeout=10)
    connection.sendall(said)
    return connection


def is_hung_up(connection: socket.socket) -> bool:
    """Whether the other side has gone."""
    connection.setblocking(False)
    try:
        while connection.recv(65_536):
            pass
        return True
    except BlockingIOError:
        return False
    except OSError:
        return True


def answers(port: int) -> bool:
    with closing(open_to(port, HEAD + b"Connection: close\r\n\r\n")) as connection:
        return connection.recv(20).startswith(b"HTTP/1.1 ")


@pytest.mark.parametrize("said", [b"", b"GET", HEAD])
def test_a_head_that_does_not_come_is_not_waited_for(site, said):
    """A whole one that came meanwhile was answered, and may be followed by another."""
    with (
        served(site.app, head_s=0.5) as port,
        closing(open_to(port, HEAD + b"\r\n")) as good,
        closing(open_to(port, said)) as half,
    ):
        assert good.recv(12).startswith(b"HTTP/1.1 ")
        eventually(lambda: is_hung_up(half), within_s=10)
        assert answers(port)


def test_a_head_that_comes_a_byte_at_a_time_has_no_more_time(site):
    """Each byte would begin it anew."""
    with served(site.app, head_s=0.5) as port, closing(open_to(port)) as slow:
        began = time.monotonic()

        def is_gone() -> bool:
            slow.setblocking(True)
            try:
                slow.sendall(b"G")
            except OSError:
                return True
            return is_hung_up(slow)

        eventually(is_gone, within_s=10)
        assert time.monotonic() - began < 9


def test_the_second_request_of_a_connection_has_a_time_of_its_own(site):
    """Half of it, and silence."""
    with served(site.app, head_s=0.5) as port, closing(open_to(port, HEAD + b"\r\n")) as one:
        assert one.recv(4096).startswith(b"HTTP/1.1 ")
        one.sendall(b"GET /he")
        time.sleep(0.1)
        assert not is_hung_up(one)
        eventually(lambda: is_hung_up(one), within_s=10)


def test_where_there_is_no_room_the_one_that_waits_longest_goes(site):
    """Whoever sends a whole request is answered, however many say nothing."""
    with served(site.app, most_open=8) as port:
        half = [open_to(port, HEAD) for _ in range(8)]
        assert answers(port)
        eventually(lambda: is_hung_up(half[0]), within_s=10)
        assert not is_hung_up(half[-1])
        more = [open_to(port, HEAD) for _ in range(20)]
        assert answers(port)
        for one in (*half, *more):
            one.close()


def test_six_hundred_half_requests_hold_up_no_other(site):
    """Heads and bodies."""
    body = (
        b"POST /sign-in HTTP/1.1\r\nHost: testserver\r\nContent-Length: 500\r\n"
        b"Content-Type: application/x-www-form-urlencoded\r\n\r\nname="
    )
    with served(site.app) as port:
        half = [open_to(port, HEAD if number % 2 else body) for number in range(600)]
        assert answers(port)
        for one in half:
            one.close()
        eventually(lambda: answers(port), within_s=10)


def run_body(pieces: list[tuple[float, bytes]], *, body_s: float) -> list[dict]:
    """What is answered to a body that comes in these pieces, each after so many seconds."""
    said: list[dict] = []

    async def app(scope, receive, send):
        while (await receive()).get("more_body"):
            pass
        said.append({"whole": True})

    async def main() -> None:
        left = list(pieces)

        async def receive():
            if not left:
                await asyncio.sleep(60)
            wait_s, body = left.pop(0)
            await asyncio.sleep(wait_s)
            return {"type": "http.request", "body": body, "more_body": bool(left)}

        limited = LimitedBody(app, file_bytes=10**9, uploads=re.compile("/"), body_s=body_s)
        scope = {"type": "http", "path": "/", "headers": []}
        try:
            await limited(scope, receive, None)
        except Exception as error:
            said.append({"code": error.code})  # type: ignore[attr-defined]

    asyncio.run(main())
    return said


@pytest.mark.parametrize(
    ("pieces", "whole"),
    [
        ([(0.0, b"x"), (0.0, b"y")], True),
        ([(0.0, b"x"), (30.0, b"y")], False),
        ([(0.02, b"x")] * 30, False),
        ([(0.05, b"x" * 10_000)] * 10, True),  # long, and fast enough
    ],
)
def test_a_body_has_half_a_minute_and_a_second_more_for_so_many_bytes(pieces, whole):
    """Here a fifth of a second; one that trickles is not read to its end."""
    assert run_body(pieces, body_s=0.2) == ([{"whole": True}] if whole else [{"code": "too_slow"}])


def test_who_has_read_a_whole_body_may_wait_for_its_sender_as_long_as_it_likes():
    """An answer that takes its time listens whether somebody is there still."""
    seen: list[str] = []

    async def app(scope, receive, send):
        seen.extend([(await receive())["type"] for _ in range(2)])

    async def receive():
        if not seen_body:
            seen_body.append(True)
            return {"type": "http.request", "body": b"x", "more_body": False}
        await asyncio.sleep(0.3)
        return {"type": "http.disconnect"}

    seen_body: list[bool] = []
    limited = LimitedBody(app, file_bytes=10**9, uploads=re.compile("/"), body_s=0.1)
    asyncio.run(limited({"type": "http", "path": "/", "headers": []}, receive, None))
    assert seen == ["http.request", "http.disconnect"]


def test_a_body_that_is_too_slow_is_answered_and_hung_up_on(site, monkeypatch):
    """With what to do, and all headers."""
    monkeypatch.setattr("worker.web.headers.BODY_S", 0.3)
    half = (
        b"POST /v1/documents HTTP/1.1\r\nHost: testserver\r\nContent-Length: 500\r\n"
        b"Authorization: " + site.key()["authorization"].encode() + b"\r\n"
        b"Content-Type: application/json\r\n\r\n{"
    )
    layers = [one for one in site.app.user_middleware if one.cls is LimitedBody]
    layers[0].kwargs["body_s"] = 0.3
    with served(site.app) as port, closing(open_to(port, half)) as slow:
        said = b""
        while part := slow.recv(4096):
            said += part
    assert said.startswith(b"HTTP/1.1 408 ")
    assert b"too_slow" in said
    assert b"content-security-policy" in said.lower()


def waits_for(seconds: float) -> Callable[[], float]:
    def wait() -> float:
        time.sleep(seconds)
        return seconds

    return wait


def test_two_passwords_are_hashed_at_once_and_the_rest_wait_outside_of_threads():
    """Whoever reads a page meanwhile gets a thread."""
    peak = running = 0
    lock = threading.Lock()

    def hashes() -> None:
        nonlocal peak, running
        with lock:
            running += 1
            peak = max(peak, running)
        time.sleep(0.02)
        with lock:
            running -= 1

    async def main() -> int:
        line = Hashing()
        tasks = [asyncio.create_task(line.run(hashes)) for _ in range(45)]
        await asyncio.sleep(0.01)
        threads = threading.active_count()
        await asyncio.gather(*tasks)
        return threads

    assert asyncio.run(main()) < 45
    assert peak == hashing.AT_ONCE


def test_where_too_many_wait_a_password_is_not_looked_at():
    """It may be tried again in a moment."""

    async def main() -> int:
        line, refused = Hashing(), 0
        most = hashing.AT_ONCE + hashing.MOST_WAITING
        tasks = [asyncio.create_task(line.run(waits_for(0.001))) for _ in range(most + 5)]
        for one in await asyncio.gather(*tasks, return_exceptions=True):
            refused += isinstance(one, TooManySignIns)
        return refused

    assert asyncio.run(main()) == 5


def test_no_transaction_is_open_while_a_password_is_hashed(site, monkeypatch):
    """A slow hash holds no connection."""
    seen = []
    check = passwords.check

    def looks(known, password):
        seen.extend(
            site.house.rows(
                "SELECT 1 FROM pg_stat_activity WHERE state = 'idle in transaction'"
                " AND datname = current_database()"
            )
        )
        return check(known, password)

    monkeypatch.setattr(passwords, "check", looks)
    client = site.anybody()
    client.get("/sign-in")
    form = {"name": "ada", "password": "x" * 12, "csrf": _csrf(client)}
    assert client.post("/sign-in", data=form).status_code == 401
    assert seen == []


def _csrf(client) -> str:
    from worker.web.dependencies import csrf_of

    return csrf_of(client.cookies["surefield"])


@pytest.mark.parametrize(("bytes_", "status"), [(7_000_000, 422), (8_500_000, 413)])
def test_json_of_some_megabytes_is_taken_and_more_is_sent_otherwise(site, bytes_, status):
    """It is held in memory; the answer names the way for more."""
    body = b'{"document_type": "slip", "content_base64": "' + b"!" * bytes_ + b'"}'
    headers = {**site.key(), "content-type": "application/json"}
    answer = site.anybody().post("/v1/documents", content=body, headers=headers)
    assert answer.status_code == status
    assert ("multipart" in answer.text) is (status == 413)
