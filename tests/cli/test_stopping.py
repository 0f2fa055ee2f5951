"""Whoever runs a command ends it with Ctrl-C, once or impatiently."""

import signal
import subprocess
import sys
import time

import pytest

WAITS = """
from worker.cli.operations import stop_event
stop = stop_event()
print("ready", flush=True)
while not stop.wait(0.0001):
    pass
print("stopped", flush=True)
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("times", [1, 300])
def test_it_ends_however_often_it_is_told(number, times):
    """Once is enough."""
    process = subprocess.Popen([sys.executable, "-c", WAITS], stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        for _ in range(times):
            if process.poll() is None:
                process.send_signal(number)
        said, _ = process.communicate(timeout=20)
    finally:
        process.kill()
    assert said == "stopped\n"


def test_a_signal_in_the_middle_of_the_event_locks_nothing():
    """As a second Ctrl-C that comes while the first one is heard."""
    middle = "import os, signal\nwith stop._cond:\n    os.kill(os.getpid(), signal.SIGINT)\n"
    script = WAITS.replace("while not", f"{middle}while not")
    done = subprocess.run(
        [sys.executable, "-c", script], stdout=subprocess.PIPE, text=True, timeout=20
    )
    assert done.stdout == "ready\nstopped\n"


def test_a_signal_that_comes_while_nobody_waits_is_heard():
    """The event is set when somebody looks."""
    script = WAITS.replace("while not", "import time; time.sleep(0.5)\nwhile not")
    process = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        process.stdout.readline()
        time.sleep(0.1)
        process.send_signal(signal.SIGINT)
        said, _ = process.communicate(timeout=20)
    finally:
        process.kill()
    assert said == "stopped\n"
