"""Every example of docs/queue.md, as it is printed, from a clean folder, with the real client."""

import base64
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path

import pytest

from tests.embedded.processes import ROOT, eventually, free_port
from tests.faults.work import upstream
from tests.needed import cannot_run
from tests.pipeline.conftest import a_pdf
from tests.services.test_mailboxes import take
from tests.services.test_pipeline import database, settings_for  # noqa: F401  fixtures
from worker import bootstrap, sealing
from worker.accounts import store as accounts
from worker.cli import local
from worker.embedded.queues import conninfo
from worker.intake.taking import take_in
from worker.mailboxes.names import queue_of

PAGE = (ROOT / "docs/queue.md").read_text()
EXAMPLES = dict(re.findall(r"<!-- run: ([\w-]+) -->\n```\w+\n(.*?)```", PAGE, re.DOTALL))
JAVA = Path("/usr/share/java")
# example -> the brokers that it claims, the file's name, how it is run, what it installs
RUN: Mapping[str, tuple[Sequence[str], str, Sequence[str], Sequence[str]]] = {
    "curl": (("postgres",), "run.sh", ("bash", "-eu"), ()),
    "pika": (("rabbitmq",), "run.py", (sys.executable,), ("pip", "pika")),
    "celery": (("rabbitmq", "redis"), "run.py", (sys.executable,), ()),
    "amqplib": (("rabbitmq",), "run.js", ("node",), ("npm", "amqplib")),
    "celery-node": (("redis",), "run.js", ("node",), ("npm", "celery-node")),
    "java": (
        ("rabbitmq",),
        "Submit.java",
        ("java", "-cp", f"{JAVA / 'amqp-client.jar'}:{JAVA / 'slf4j-api.jar'}"),
        (),
    ),
    "redis-cli": (("redis",), "run.sh", ("bash", "-eu"), ()),
    "psql": (("postgres",), "run.sh", ("bash", "-eu"), ()),
}
SEALS = dict(re.findall(r"<!-- seals: (\w+) -->\n```\w+\n(.*?)```", PAGE, re.DOTALL))
# language -> the file's name, how it is run, what it installs
RUN_SEALS: Mapping[str, tuple[str, Sequence[str], Sequence[str]]] = {
    "python": ("seal.py", (sys.executable,), ()),
    "node": ("seal.js", ("node",), ("npm", "libsodium-wrappers")),
    "java": ("Seal.java", ("java", "-cp", f"{JAVA / 'jna.jar'}"), ()),
}
CASES = [(name, kind) for name, (kinds, *_) in RUN.items() for kind in kinds]


def test_every_example_of_the_page_is_run() -> None:
    """None is printed that nobody tries."""
    assert EXAMPLES.keys() == RUN.keys()
    assert PAGE.count("<!-- run:") == len(RUN)
    assert SEALS.keys() == RUN_SEALS.keys()
    assert PAGE.count("<!-- seals:") == len(RUN_SEALS)


@pytest.mark.parametrize("language", RUN_SEALS)
def test_what_an_example_seals_the_key_file_opens(language: str, tmp_path: Path) -> None:
    """Whatever letters the password has."""
    file, command, installs = RUN_SEALS[language]
    if shutil.which(command[0]) is None:
        cannot_run(f"There is no {command[0]} here. Install it, as docs/queue.md says.")
    if language == "java" and not (JAVA / "jna.jar").exists():
        cannot_run("apt-get install libjna-java libsodium23")
    install(tmp_path, installs)
    (tmp_path / file).write_text(SEALS[language])
    public = sealing.make_key(tmp_path / "installation.key")
    says = {"PUBLIC_KEY": base64.b64encode(public).decode(), "PASSWORD": "sésame, ouvre-toi"}
    sealed = base64.b64decode(run([*command, file], tmp_path, says), validate=True)
    assert sealing.opened(tmp_path / "installation.key", sealed).decode() == says["PASSWORD"]


@pytest.fixture
def clean(tmp_path: Path) -> Path:
    """A folder with nothing in it but the file."""
    folder = tmp_path / "clean"
    folder.mkdir()
    (folder / "slip.pdf").write_bytes(a_pdf("Foo Ltd A-17", "03/04/2026", "Total 12.50 EUR"))
    return folder


def install(folder: Path, how: Sequence[str]) -> None:
    """The client, as the page says."""
    if not how:
        return
    kind, package = how
    command = {
        "pip": [sys.executable, "-m", "pip", "install", "-q", "--target", ".", package],
        "npm": ["npm", "install", "--silent", package],
    }[kind]
    if shutil.which(command[0]) is None:
        cannot_run(f"There is no {command[0]} here. Install it: apt-get install {command[0]}")
    try:
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=120)
    except subprocess.TimeoutExpired:
        pytest.skip(f"no client can be fetched: {' '.join(command)} took 120 s")
    if done.returncode != 0:
        pytest.skip(f"no client can be fetched: {' '.join(command)}: {done.stderr[-300:]}")


@pytest.mark.parametrize(("name", "kind"), CASES)
def test_an_example_becomes_a_document(
    name: str,
    kind: str,
    clean: Path,
    tmp_path: Path,
    database: str,
    request: pytest.FixtureRequest,
) -> None:
    """Under its upstream and its key."""
    _, file, command, installs = RUN[name]
    if shutil.which(command[0]) is None:
        cannot_run(f"There is no {command[0]} here. Install it, as docs/queue.md says.")
    if name == "java" and not (JAVA / "amqp-client.jar").exists():
        cannot_run("apt-get install librabbitmq-client-java libslf4j-java")
    install(clean, installs)
    server = None if kind == "postgres" else request.getfixturevalue(kind)
    settings = settings_for(tmp_path, database, server)
    settings = settings.model_copy(update={"web_port": free_port()})
    (clean / file).write_text(EXAMPLES[name])
    with (
        local.database(settings, migrates=True) as ready,
        upstream(ready) as rt,
        closing(bootstrap.open_mailbox(ready)) as mailbox,
    ):
        with rt.transaction() as tx:
            key = accounts.make_key(tx, "erp")
        mailbox.make(queue_of("erp"))
        said = {
            "BROKER": server.url.removesuffix("//") if server else conninfo(database),
            "URL": f"http://127.0.0.1:{ready.web_port}",
            "KEY": key,
        }
        if name == "curl":
            with local.running(ready, web=True):
                eventually(lambda: _serves(ready.web_port), within_s=30)
                run([*command, file], clean, said)
        else:
            run([*command, file], clean, said)
            parcel = take(mailbox, queue_of("erp"))
            take_in(parcel, "erp", rt)
            mailbox.done(parcel)
        with rt.sessions() as session:
            found = session.connection().exec_driver_sql("SELECT upstream, key FROM submissions")
            assert [tuple(row) for row in found] == [("erp", f"{name}-1")]


def run(command: Sequence[str], folder: Path, says: Mapping[str, str]) -> str:
    """As somebody would who has copied it; what it prints."""
    done = subprocess.run(
        command,
        cwd=folder,
        env={**os.environ, **says},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def _serves(port: int) -> bool:
    return local._is_open(port)
