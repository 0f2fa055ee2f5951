"""A server on a real socket that answers with recorded bytes and remembers what it was asked."""

import json
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

# of a real vLLM 0.32.0 with a tiny random model, word for word
RESPONSES = Path(__file__).parent / "responses"


@dataclass(frozen=True, slots=True)
class Reply:
    """One HTTP answer."""

    status: int
    body: bytes
    after_s: float = 0.0
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Asked:
    """One HTTP request."""

    path: str
    headers: Mapping[str, str]
    body: dict[str, Any]


def recorded(name: str) -> Reply:
    """What the real server answered."""
    said = json.loads((RESPONSES / f"{name}.json").read_text("utf-8"))
    return Reply(said["status"], json.dumps(said["body"]).encode())


def body_of(name: str) -> dict[str, Any]:
    """The recorded body, to be changed where a test needs what was not recorded."""
    body: dict[str, Any] = json.loads(recorded(name).body)
    return body


def ok(body: Mapping[str, Any]) -> Reply:
    return Reply(200, json.dumps(body).encode())


class Server:
    """Answers its replies one after the other, the last one again and again; or what ``decide``
    makes of a request.
    """

    def __init__(self, *replies: Reply, decide: Callable[[Asked], Reply] | None = None) -> None:
        self.asked: list[Asked] = []
        self._replies = replies
        self._decide = decide
        self._lock = threading.Lock()

    def reply(self, asked: Asked) -> Reply:
        with self._lock:
            self.asked.append(asked)
            number = len(self.asked) - 1
        return (
            self._decide(asked)
            if self._decide
            else self._replies[min(number, len(self._replies) - 1)]
        )

    @contextmanager
    def running(self) -> Iterator[str]:
        """The base URL, for as long as the server runs."""
        http = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        thread = threading.Thread(
            target=http.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True
        )
        thread.start()
        try:
            yield f"http://127.0.0.1:{http.server_address[1]}/v1"
        finally:
            http.shutdown()
            http.server_close()


def _handler(server: Server) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            sent = self.rfile.read(int(self.headers.get("content-length", 0))) or b"{}"
            asked = Asked(
                self.path, {k.lower(): v for k, v in self.headers.items()}, json.loads(sent)
            )
            reply = server.reply(asked)
            time.sleep(reply.after_s)
            try:
                self.send_response(reply.status)
                for name, value in {
                    "content-length": str(len(reply.body)),
                    **reply.headers,
                }.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(reply.body)
            except OSError:
                self.close_connection = True  # the client no longer waits

        do_GET = do_POST

        def log_message(self, format: str, *args: Any) -> None:
            pass

    return Handler
