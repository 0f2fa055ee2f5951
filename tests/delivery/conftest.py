"""A house, and a receiver that listens on this machine."""

import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_network
from typing import Any

import pytest
from standardwebhooks import Webhook as Verifier

from tests.web.conftest import make_house, make_site, renderer, site  # noqa: F401  fixtures
from worker.delivery import deliver, events, trials
from worker.runtime import Runtime

HERE = (ip_network("127.0.0.0/8"),)
Says = Callable[[int], int | tuple[int, dict[str, str]]]  # the number of the request, from 1


@dataclass
class Receiver:
    """An HTTP server that keeps what it was sent."""

    url: str
    says: Says
    got: list[tuple[dict[str, str], bytes]] = field(default_factory=list)

    def bodies(self) -> list[dict[str, Any]]:
        return [json.loads(body) for _, body in self.got]

    def types(self) -> list[str]:
        return [str(body["type"]) for body in self.bodies()]

    def verified(self, secret: str) -> list[Any]:
        """What a receiver with the library of Standard Webhooks takes; it raises for the rest."""
        return [Verifier(secret).verify(body, headers) for headers, body in self.got]


def send_all(rt: Runtime) -> int:
    """Publish, and send what is due one after the other; returns how many messages went out."""
    sent = 0
    with rt.transaction() as tx:
        events.publish(tx)
    while True:
        with rt.transaction() as tx:
            message = deliver.claim(tx, rt.key_file)
        if message is None:
            return sent
        answer = deliver.deliver(message, allowed=HERE)
        with rt.transaction() as tx:
            deliver.settle(tx, message, answer)
        sent += 1


def try_all(rt: Runtime) -> int:
    """Send the test messages that are wanted; returns how many."""
    sent = 0
    while True:
        with rt.transaction() as tx:
            trial = trials.claim(tx, rt.key_file)
        if trial is None:
            return sent
        answer = trial.send(allowed=HERE)
        with rt.transaction() as tx:
            trials.settle(tx, trial, answer)
        sent += 1


@pytest.fixture
def receive() -> Iterator[Callable[[Says], Receiver]]:
    """Start a receiver that answers like this."""
    servers: list[ThreadingHTTPServer] = []

    def start(says: Says = lambda n: 204) -> Receiver:
        lock = threading.Lock()

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                with lock:
                    receiver.got.append(({k.lower(): v for k, v in self.headers.items()}, body))
                    said = says(len(receiver.got))
                status, more = said if isinstance(said, tuple) else (said, {})
                self.send_response(status)
                for name, value in more.items():
                    self.send_header(name, value)
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        servers.append(server)
        receiver = Receiver(f"http://127.0.0.1:{server.server_port}/hook?a=1", says)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        return receiver

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()
