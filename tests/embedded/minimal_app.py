"""The smallest Celery application: its tasks append a line to a file, so that a test can count what
ran, in which process.
"""

import json
import os
import time
from pathlib import Path

from celery import Celery

from worker.embedded.broker import broker_options

app = Celery("minimal")
app.conf.update(broker_options(os.environ["TEST_BROKER_URL"]), task_default_queue="cpu")
app.conf.broker_transport_options = {
    **app.conf.broker_transport_options,
    **json.loads(os.environ.get("TEST_TRANSPORT_OPTIONS", "{}")),
}


@app.task(name="note")
def note(word: str, seconds: float = 0.0) -> None:
    """Say that the task begins, take some time, and say that it is done."""
    _append(f"begin {word} {os.getpid()}")
    time.sleep(seconds)
    _append(f"end {word} {os.getpid()}")


@app.task(name="chain")
def chain(word: str) -> None:
    """Send the next message from inside a worker's process."""
    note.delay(word)


def _append(line: str) -> None:
    with Path(os.environ["TEST_OUTPUT"]).open(
        "a"
    ) as out:  # one write below 4 kB: lines of several processes do not mix
        out.write(line + "\n")
