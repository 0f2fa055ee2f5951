"""A model's server in a process of its own: it answers chat completions as vLLM does, with one
answer for every slip, each character a token.

``python -m tests.chaos.model PORT``
"""

import hashlib
import json
import math
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

NAME = "chaos"
TRUTH = {
    "payee": "Foo Ltd",
    "date": "03/04/2026",
    "number": "A-17",
    "total": "12.50",
    "currency": "EUR",
    "items": [],
}
SURE, UNSURE = 0.999, 0.4
ONE_IN = 10  # pages of which the model is not sure: a person is asked


def completion(question: bytes) -> dict[str, Any]:
    """The same answer to the same question."""
    doubted = hashlib.sha256(question).digest()[0] % ONE_IN == 0
    logprob = math.log(UNSURE if doubted else SURE)
    text = json.dumps(TRUTH)
    said = [{"token": one, "logprob": logprob, "bytes": [*one.encode()]} for one in text]
    content = [{**one, "top_logprobs": [one]} for one in said]
    choice = {
        "index": 0,
        "message": {"role": "assistant", "content": text},
        "logprobs": {"content": content},
        "finish_reason": "stop",
        "token_ids": [ord(one) for one in text],
    }
    return {"id": "c", "object": "chat.completion", "model": NAME, "choices": [choice]}


class Handler(BaseHTTPRequestHandler):
    """Answers every question, and says what it serves."""

    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        """A chat completion."""
        self._say(completion(self.rfile.read(int(self.headers.get("content-length", 0)))))

    def do_GET(self) -> None:
        """The models."""
        self._say({"object": "list", "data": [{"id": NAME, "object": "model"}]})

    def _say(self, said: dict[str, Any]) -> None:
        body = json.dumps(said).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing."""


if __name__ == "__main__":
    ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
