"""The process that takes answers is killed again and again: every question is answered once."""

import http.client
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.pipeline.conftest import Make, a_pdf
from tests.questions.making import LACKING, an_asking_house, questions, sent, the_question
from worker.accounts import store as accounts
from worker.questions import actions
from worker.tables.questions import QuestionState

DOCUMENTS, KILLS = 24, 4
TAKEN, BEFORE = {200, 303}, 409


class Web:
    """The web in a process of its own, that can be killed and comes back."""

    def __init__(self, environment: dict[str, str], port: int) -> None:
        self.environment = {**environment, "SUREFIELD_WEB_PORT": str(port)}
        self.url = f"http://127.0.0.1:{port}"
        self.start()

    def start(self) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "worker", "web"],
            env=self.environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        for _ in range(600):
            if _asked(f"{self.url}/healthz") == 200:
                return
            time.sleep(0.1)
        raise AssertionError("the web does not come up")

    def kill(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()


@contextmanager
def killed_again_and_again(web: Web, done: threading.Event) -> Iterator[list[int]]:
    """Kill it while answers come, as often as wanted or until all are in."""
    killed: list[int] = []

    def work() -> None:
        while len(killed) < KILLS and not done.wait(0.25):
            web.kill()
            killed.append(web.process.pid)
            web.start()

    thread = threading.Thread(target=work)
    thread.start()
    yield killed
    done.set()
    thread.join()


@pytest.mark.parametrize("door", ["link", "api"])
def test_each_question_is_answered_once_whenever_the_web_is_killed(
    make_house: Make, database_url: str, tmp_path: Path, door: str
) -> None:
    """Whoever got no answer sends it again; 409 says that the first one had come."""
    house = an_asking_house(make_house, LACKING)
    lines = ("Foo Ltd A-17", "03/04/2026", "Total 12.50 EUR")
    documents = [sent(house, a_pdf(*lines, f"paper {n}")) for n in range(DOCUMENTS)]
    asked = [the_question(house, document) for document in documents]
    tokens = [actions.renew(one.question_id, house.rt).token for one in asked]
    with house.rt.transaction() as tx:
        key = accounts.make_key(tx, "tests")
    environment = {
        **os.environ,
        "SUREFIELD_DATABASE_URL": database_url,
        "SUREFIELD_STATE_DIR": str(tmp_path),
    }
    web, all_in = Web(environment, _free_port()), threading.Event()

    def answer(at: int) -> tuple[int, int]:
        """How often it was sent, and the last status."""
        time.sleep(0.3)
        for tries in range(1, 400):
            if door == "link":
                code = _asked(f"{web.url}/q/{tokens[at]}", b"text=12.50")
            else:
                url = f"{web.url}/v1/questions/{asked[at].question_id}/answer"
                headers = {"authorization": f"Bearer {key}", "content-type": "application/json"}
                code = _asked(url, b'{"text": "12.50"}', headers)
            if code is None:
                time.sleep(0.1)
                continue
            if code in TAKEN or code == BEFORE:
                return tries, code
            assert code in {429, 503}, code
            time.sleep(0.2)
        raise AssertionError("no answer was ever taken")

    try:
        with killed_again_and_again(web, all_in) as killed, ThreadPoolExecutor(2) as threads:
            said = list(threads.map(answer, range(DOCUMENTS)))
    finally:
        web.kill()

    assert len(killed) == KILLS
    assert all(code in TAKEN | {BEFORE} for _, code in said)
    states = Counter(one.state for each in documents for one in questions(house, each))
    assert states == {QuestionState.ANSWERED: DOCUMENTS}
    assert Counter(house.status(each) for each in documents) == {"reviewed": DOCUMENTS}
    assert len(house.rows("SELECT 1 FROM review_decisions")) == DOCUMENTS
    assert len(house.rows("SELECT 1 FROM review_answers")) == DOCUMENTS


def _asked(
    url: str, body: bytes | None = None, headers: dict[str, str] | None = None
) -> int | None:
    """The status of the answer; None where none came."""
    request = urllib.request.Request(url, body, headers or {})
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code
    except (OSError, http.client.HTTPException):
        return None


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
