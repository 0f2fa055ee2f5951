"""What upstreams are told at: a process of its own that verifies each message with the library of
Standard Webhooks, and keeps it before it says yes.

``python -m tests.chaos.receiver PORT FOLDER``; the file ``modes.json`` of the folder says how each
path answers, ``secrets.json`` what signs there.
"""

import json
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from standardwebhooks import Webhook, WebhookVerificationError

from tests.chaos.ledger import Ledger

SLOW_S = 2.0
TOO_SLOW_S = 17.0  # longer than a message may take
WELL, WRONG, GONE, SLOW, TOO_SLOW = "200", "500", "410", "slow", "too slow"


def received(folder: Path) -> Path:
    """The ledger of what was taken."""
    return folder / "received"


def otherwise(folder: Path) -> Path:
    """The ledger of what was answered otherwise than at once and with a yes."""
    return folder / "otherwise"


def serve(port: int, folder: Path) -> None:
    """Until it is killed."""
    kept, met = Ledger(received(folder)), Ledger(otherwise(folder))
    secrets = json.loads((folder / "secrets.json").read_text())

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length", 0)))
            path = self.path.strip("/")
            mode = json.loads((folder / "modes.json").read_text()).get(path, WELL)
            if mode != WELL:
                met.write(path=path, mode=mode)
            if mode in (WRONG, GONE):
                return self._say(int(mode))
            try:
                Webhook(secrets[path]).verify(body, dict(self.headers.items()))
            except (WebhookVerificationError, KeyError) as error:
                kept.write(path=path, forged=str(error))
                return self._say(400)
            said = json.loads(body)
            document = said["data"]["document_id"]
            about = {"message": self.headers["webhook-id"], "event": said["id"]}
            kept.write(path=path, **about, document=document, type=said["type"], mode=mode)
            time.sleep({SLOW: SLOW_S, TOO_SLOW: TOO_SLOW_S}.get(mode, 0.0))
            return self._say(200)

        def _say(self, status: int) -> None:
            try:
                self.send_response(status)
                self.send_header("content-length", "0")
                self.end_headers()
            except OSError:
                self.close_connection = True  # the sender no longer waits

        def log_message(self, format: str, *args: Any) -> None:
            pass

    ThreadingHTTPServer(("127.0.0.1", port), Handler).serve_forever()


if __name__ == "__main__":
    serve(int(sys.argv[1]), Path(sys.argv[2]))
