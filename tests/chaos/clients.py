"""Upstream systems, each in a process of its own: they send until the other side says yes, and keep
in a ledger what it said yes to.

``python -m tests.chaos.clients KIND FOLDER``, with Surefield's settings in the environment and the
rest in the file ``clients.json`` of the folder.
"""

import base64
import json
import random
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx2
import kombu
import pymupdf
from celery import Celery

from tests.chaos.ledger import Ledger
from worker import bootstrap, tasks
from worker.embedded.broker import Kind, broker_options, kind_of
from worker.intake import actions, sources
from worker.intake.messages import TASK
from worker.intake.outages import is_outage
from worker.mailboxes import open_mailbox
from worker.mailboxes.names import queue_of
from worker.settings import Settings

PASSWORD = "of the file"
ENCRYPTED_ONE_IN = 6  # of those over HTTP: their senders are asked
TWICE, MALFORMED = 0.15, 0.15  # of the documents: sent again, and followed by nonsense
AGAIN_S = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class One:
    """One document to send."""

    key: str
    pdf: bytes
    encrypted: bool = False


class Refused(Exception):
    """The other side says that it will never take it."""


def a_document(kind: str, number: int, seed: int) -> One:
    """A slip of one or two pages that no other client sends."""
    pdf = pymupdf.open()
    for page in range(1 + number % 2):
        sheet = pdf.new_page(width=320, height=160)
        lines = ("Foo Ltd A-17", "03/04/2026", "Total 12.50 EUR", f"{kind} {seed} {number} {page}")
        for row, line in enumerate(lines):
            sheet.insert_text((20, 30 + 20 * row), line)
    if kind == "http" and number % ENCRYPTED_ONE_IN == 0:
        locked = {"encryption": pymupdf.PDF_ENCRYPT_AES_256, "user_pw": PASSWORD, "owner_pw": "o"}
        return One(key=f"{kind}-{number}", pdf=pdf.tobytes(**locked), encrypted=True)
    return One(key=f"{kind}-{number}", pdf=pdf.tobytes())


def message_of(one: One) -> dict[str, Any]:
    """As docs/queue.md has it."""
    return {
        "type": "slip",
        "key": one.key,
        "content_base64": base64.b64encode(one.pdf).decode(),
    }


class ByCelery:
    """The documented client of Python."""

    def __init__(self, url: str, upstream: str) -> None:
        self._url, self._queue = url, queue_of(upstream)
        self._app = self._made()

    def _made(self) -> Celery:
        app = Celery("chaos", set_as_current=False)
        app.conf.update(broker_options(self._url))
        return app

    def send(self, one: One) -> None:
        """Raises whatever the broker's client raises."""
        known = kombu.Queue(
            self._queue, kombu.Exchange(""), routing_key=self._queue, no_declare=True
        )
        try:
            self._app.send_task(TASK, kwargs=message_of(one), queue=known, retry=False)
        except Exception:
            self._app.close()
            self._app = self._made()
            raise


class ByMessage:
    """A raw message: a JSON object, with no envelope."""

    def __init__(self, url: str, upstream: str) -> None:
        self._mailbox, self._queue = open_mailbox(url), queue_of(upstream)

    def send(self, one: One) -> None:
        """Raises BrokerUnavailable."""
        self.say(json.dumps(message_of(one)).encode())

    def say(self, body: bytes) -> None:
        """Whatever it is."""
        self._mailbox.put(self._queue, body)


class ByHttp:
    """A program with a key."""

    def __init__(self, url: str, key: str) -> None:
        self._http = httpx2.Client(
            base_url=url, timeout=30, headers={"authorization": f"Bearer {key}"}
        )

    def send(self, one: One, password: str | None = None) -> UUID:
        """Raises httpx2.HTTPError, and Refused."""
        said = {"document_type": "slip", "content_base64": message_of(one)["content_base64"]}
        if password is not None:
            said["password"] = password
        answer = self._http.post("/v1/documents", json=said, headers={"idempotency-key": one.key})
        if answer.status_code < 500 and answer.status_code not in (200, 201, 408, 429):
            raise Refused(f"{answer.status_code}: {answer.text[:300]}")
        answer.raise_for_status()
        return UUID(answer.json()["document_id"])

    def status(self, document_id: UUID) -> str:
        """Raises httpx2.HTTPError."""
        answer = self._http.get(f"/v1/documents/{document_id}")
        answer.raise_for_status()
        return str(answer.json()["status"])


class ByLibrary:
    """A program on the same machine that calls ``submit``."""

    def __init__(self, settings: Settings, upstream: str) -> None:
        app = Celery("chaos", set_as_current=False)
        app.conf.update(broker_options(bootstrap.broker_url(settings)))
        wake = tasks.waker(app)
        self._upstream = upstream
        self._rt = bootstrap.runtime(settings, announce=tasks.announcer(wake), wake=wake)

    def send(self, one: One) -> None:
        """Raises what is away, and Refused."""
        request = sources.Request(
            upstream=self._upstream, document_type="slip", content=one.pdf, key=one.key
        )
        try:
            actions.submit(request, self._rt)
        except Exception as error:
            if is_outage(error):
                raise
            raise Refused(f"{type(error).__name__}: {error}") from error


def until_yes(send: Callable[[], Any], ledger: Ledger, key: str, until: float) -> Any:
    """Send it, again while the other side does not answer; what it says is written down."""
    while True:
        try:
            told = send()
        except Refused as error:
            ledger.write(key=key, refused=str(error))
            return None
        except Exception as error:
            ledger.write(key=key, unanswered=type(error).__name__)
            if time.monotonic() > until:
                raise
            time.sleep(AGAIN_S)
        else:
            ledger.write(key=key, yes=True)
            return told


def run(kind: str, folder: Path) -> None:
    """Send all of this client's documents, spread over the run."""
    said = json.loads((folder / "clients.json").read_text())
    settings = Settings()
    url = bootstrap.broker_url(settings)
    rng = random.Random(f"{said['seed']} {kind}")
    ledger = Ledger(folder / f"{kind}.ledger")
    makers: dict[str, Callable[[], Any]] = {
        "queue": lambda: ByCelery(url, kind),
        "raw": lambda: ByMessage(url, kind),
        "http": lambda: ByHttp(said["web"], said["key"]),
        "library": lambda: ByLibrary(settings, kind),
    }
    client = makers[kind]()
    began, until = time.monotonic(), time.monotonic() + said["lasts_s"] + 300
    asked: dict[UUID, One] = {}
    for number in range(said["documents"]):
        time.sleep(
            max(0.0, began + number * said["lasts_s"] / said["documents"] - time.monotonic())
        )
        one = a_document(kind, number, said["seed"])
        for _ in range(1 + (rng.random() < TWICE)):
            told = until_yes(partial(client.send, one), ledger, one.key, until)
        if one.encrypted and told is not None:
            asked[told] = one
        if kind == "raw" and rng.random() < MALFORMED:
            nonsense(client, ledger, number, kind_of(url), until)
    answer(client, asked, until)


def nonsense(client: ByMessage, ledger: Ledger, number: int, broker: Kind, until: float) -> None:
    """What is no submission, each in another way; Postgres takes nothing but JSON."""
    shapes = [b'"nonsense %d"', b'{"type": "slip", "nonsense": %d}', b"[%d]", b'{"key": "n-%d"}']
    if broker is not Kind.PGMQ:
        shapes += [b"nonsense %d", b'{"type": %d']
    body = shapes[number % len(shapes)] % number
    until_yes(lambda: client.say(body), ledger, f"nonsense {number}", until)


def answer(client: ByHttp, asked: dict[UUID, One], until: float) -> None:
    """Whoever is asked for a password sends the document again, with it."""
    while asked and time.monotonic() < until:
        for document_id, one in list(asked.items()):
            try:
                status = client.status(document_id)
                if status == "needs_input":
                    client.send(one, PASSWORD)
                elif status not in ("submitted", "untriaged"):
                    del asked[document_id]
            except httpx2.HTTPError:
                pass
        time.sleep(AGAIN_S)


if __name__ == "__main__":
    run(sys.argv[1], Path(sys.argv[2]))
