"""The web process and the commands around it, as an operator runs them."""

import os
import re
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request

import pytest

PORT_WAIT_S = 30


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def environment(database_url, tmp_path):
    """The environment of an installation of its own."""
    return {
        **os.environ,
        "SUREFIELD_DATABASE_URL": database_url,
        "SUREFIELD_STATE_DIR": str(tmp_path),
        "SUREFIELD_WEB_PORT": str(free_port()),
    }


def command(environment, *words: str) -> subprocess.CompletedProcess[str]:
    """One of the commands about people, as typed."""
    code = (
        "import sys, typer; from worker.cli import people; app ="
        " typer.Typer();app.add_typer(people.user, name='user'); app.add_typer(people.key,"
        " name='key'); app(sys.argv[1:])"
    )
    return subprocess.run(
        [sys.executable, "-c", code, *words],
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
    )


def test_the_web_process_never_loads_the_model_or_the_pdf_library(environment):
    """It runs on a machine without torch."""
    code = (
        "import sys, worker.web.serve, worker.tasks; print(*{name.partition('.')[0] for name in"
        " sys.modules})"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
    )
    assert (
        set(done.stdout.split()) & {"torch", "transformers", "llguidance", "pymupdf", "fitz"}
        == set()
    )


def test_the_web_process_serves_and_stops(environment):
    """Started by its command, with settings from the environment; it ends on a signal, and its log
    has no address in it.
    """
    url = f"http://127.0.0.1:{environment['SUREFIELD_WEB_PORT']}/sign-in/some-secret"
    process = subprocess.Popen(
        [sys.executable, "-m", "worker", "web"],
        env=environment,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        end = time.monotonic() + PORT_WAIT_S
        while True:
            try:
                with urllib.request.urlopen(url) as answer:
                    assert answer.status == 200
                    break
            except urllib.error.URLError:
                assert time.monotonic() < end, "the web did not come up"
                time.sleep(0.1)
    finally:
        process.terminate()
        _, log = process.communicate(timeout=20)
    assert process.returncode in {0, -15}
    assert "some-secret" not in log


def test_a_person_is_invited_from_the_terminal(environment):
    """The link is all that is printed; a second invitation is refused with the mend."""
    done = command(environment, "user", "add", "grace", "--role", "admin")
    assert done.returncode == 0, done.stderr
    assert re.fullmatch(
        rf"http://127\.0\.0\.1:{environment['SUREFIELD_WEB_PORT']}/sign-in/[\w-]{{43}}\n",
        done.stdout,
    )
    again = command(environment, "user", "add", "Grace")
    assert again.returncode != 0
    assert "surefield user link" in again.stderr
    assert "grace" in command(environment, "user", "list").stdout


def test_an_upstream_gets_a_key_from_the_terminal(environment):
    """Printed once; later only its first characters are seen."""
    made = command(environment, "key", "add", "erp")
    key = made.stdout.strip()
    assert re.fullmatch(r"sf_[\w-]{43}", key)
    assert "surefield.submissions.erp" in made.stderr
    listed = command(environment, "key", "list").stdout
    assert key[:9] in listed
    assert key not in listed
