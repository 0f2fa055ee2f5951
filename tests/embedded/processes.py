"""Real processes for tests: waiting for what they do, and ending them with all of their
children.
"""

import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

from celery import Celery

from worker.embedded.broker import broker_options

ROOT = Path(__file__).resolve().parents[2]


def eventually(
    holds: Callable[[], bool], *, within_s: float = 20.0, every_s: float = 0.05
) -> float:
    """Wait until it holds and return the seconds that took; fail when it does not in time."""
    started = time.monotonic()
    while not holds():
        assert time.monotonic() - started < within_s, (
            f"{holds} did not come true within {within_s} s"
        )
        time.sleep(every_s)
    return time.monotonic() - started


@contextmanager
def celery_worker(
    broker_url: str, output: Path, *arguments: str
) -> "Iterator[subprocess.Popen[bytes]]":
    """A real worker process of the minimal application, ready to take tasks; killed at the end with
    all of its children.
    """
    log = output.with_suffix(f".{uuid4().hex[:6]}.log")
    command = [
        sys.executable,
        "-m",
        "celery",
        "-A",
        "tests.embedded.minimal_app",
        "worker",
        "-l",
        "INFO",
        *arguments,
    ]
    with log.open("wb") as out:
        environment = {
            **os.environ,
            "TEST_BROKER_URL": broker_url,
            "TEST_OUTPUT": str(output),
            "PYTHONPATH": str(ROOT),
        }
        process = subprocess.Popen(
            command, cwd=ROOT, env=environment, stdout=out, stderr=out, process_group=0
        )
        try:
            eventually(lambda: b"ready." in log.read_bytes() or process.poll() is not None)
            assert process.poll() is None, log.read_text()
            yield process
        finally:
            end_group(process)


def end_group(process: "subprocess.Popen[bytes]", signal: int = 9) -> None:
    """Send a signal to a process we started and to its children, and collect it."""
    try:
        os.killpg(process.pid, signal)
    except ProcessLookupError:
        pass
    process.wait()


def free_port() -> int:
    """A TCP port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def private_folder() -> Iterator[Path]:
    """A temporary folder outside pytest's own, which every pytest run closes again to the account
    that a server under root runs as.
    """
    with tempfile.TemporaryDirectory(prefix="surefield-test-") as folder:
        yield Path(folder).resolve()


def send_task(url: str, *arguments: Any, name: str = "note") -> None:
    """Send one message to the minimal application."""
    app = Celery("sender", set_as_current=False)
    app.conf.update(broker_options(url), task_default_queue="cpu")
    app.send_task(name, arguments)
    app.close()


def ended(output: Path) -> list[str]:
    """The words whose tasks have ended, in that order."""
    return [line.split()[1] for line in output.read_text().splitlines() if line.startswith("end")]
