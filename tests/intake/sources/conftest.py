"""A house whose sources lie at real servers of this machine."""

import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from tests.pipeline.conftest import make_house, renderer  # noqa: F401  fixtures
from worker.intake import actions, sources

# a path of the server -> its status, its headers, its body
Pages = dict[str, tuple[int, dict[str, str], bytes]]


@pytest.fixture
def serve() -> Iterator[Callable[[Pages], str]]:
    """Start a server with these pages; the URL of its top.  ``{top}`` in a header stands for it."""
    servers: list[ThreadingHTTPServer] = []

    def start(pages: Pages) -> str:
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                status, headers, body = pages.get(self.path, (404, {}, b""))
                self.send_response(status)
                for name, value in {"content-length": str(len(body)), **headers}.items():
                    self.send_header(name, value.format(top=top))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                pass

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        servers.append(server)
        top = f"http://127.0.0.1:{server.server_port}"
        threading.Thread(target=server.serve_forever, daemon=True).start()
        return top

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


def taken(house, source: str, *, upstream: str = "t") -> bytes:
    """Submit what lies there; the bytes that were stored."""
    request = sources.Request(upstream=upstream, document_type="slip", source=source)
    document = actions.submit(request, house.rt).document_id
    (row,) = house.rows("SELECT sha256 FROM documents WHERE id = :id", id=document)
    return house.rt.blobs.get(row.sha256)
