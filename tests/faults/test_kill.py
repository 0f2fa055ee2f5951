"""kill -9 in the middle of the work: every document ends once, with one reading a page, within a
minute of the fault.
"""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.embedded.processes import ROOT, eventually, private_folder
from tests.faults.work import Counts, counts, hand_in, quick_settings, upstream, wait_until_resting
from worker.cli import local
from worker.embedded.orphans import mark_of, marked
from worker.embedded.postgres import EmbeddedPostgres
from worker.settings import Settings

pytestmark = pytest.mark.xdist_group("house")  # one house at a time: each has the machine to itself
DOCUMENTS = 100
PAGES = sum(1 + number % 3 for number in range(DOCUMENTS))
WITHIN_S = 60.0


@pytest.fixture
def settings() -> Iterator[Settings]:
    """A house of its own, in a folder that a server started by root can reach."""
    with private_folder() as folder:
        yield quick_settings(folder)


def pid_of(settings: Settings, victim: str) -> int:
    """The process to kill, by what it is."""
    if victim == "postgres":
        return EmbeddedPostgres(settings.state_dir).pid or 0
    name, _, which = victim.partition("'s ")
    found = list(marked(mark_of(settings.state_dir, f"{name}\n")))
    worker = next(
        process for process in found if process.ppid() not in {other.pid for other in found}
    )
    return (
        next(
            child
            for child in worker.children()
            if which in " ".join(child.cmdline()).replace("rendering.child", "render child")
        ).pid
        if which
        else worker.pid
    )


def is_whole(found: Counts) -> None:
    assert (found.resting, found.failed, found.without_results) == (DOCUMENTS, 0, 0)
    assert (found.pages_said, found.pages, found.readings, found.pages_read) == (
        PAGES,
        PAGES,
        PAGES,
        PAGES,
    )


@pytest.mark.parametrize(
    "victim", ["cpu-worker-1", "cpu-worker-2's render child", "gpu-worker", "postgres"]
)
def test_every_document_ends_once_after_a_kill(settings, victim):
    """A hundred documents, a kill in their middle, and nothing lost or doubled."""
    with (
        local.database(settings, migrates=True) as ready,
        local.running(ready),
        upstream(ready) as rt,
    ):
        hand_in(rt, DOCUMENTS)
        wait_until_resting(rt, DOCUMENTS // 5, within_s=60)
        middle = counts(rt)
        os.kill(pid_of(settings, victim), signal.SIGKILL)
        killed = time.monotonic()
        found = wait_until_resting(rt, DOCUMENTS, within_s=WITHIN_S)
        print(
            f"\n{victim} killed with {middle.resting} of {DOCUMENTS} at rest; all at rest"
            f" {time.monotonic() - killed:.1f} s later"
        )
    assert middle.resting < DOCUMENTS
    is_whole(found)


@pytest.mark.parametrize("victim", ["cpu-worker-1", "cpu-worker-2"])
def test_a_killed_idle_worker_holds_nobody_up(settings, victim):
    """A worker that waits for work holds nothing that the others need: they go on before it is
    back.
    """
    with (
        local.database(settings, migrates=True) as ready,
        local.running(ready),
        upstream(ready) as rt,
    ):
        hand_in(rt, 2)
        wait_until_resting(rt, 2, within_s=60)
        os.kill(pid_of(settings, victim), signal.SIGKILL)
        hand_in(rt, 10)
        found = wait_until_resting(rt, 12, within_s=WITHIN_S)
    assert (found.failed, found.without_results) == (0, 0)


def test_a_house_that_was_killed_whole_goes_on_where_it_was(settings):
    """kill -9 of the supervisor, the workers and Postgres at once, then the same command again on
    the same folder.
    """
    with local.database(settings, migrates=True) as ready, upstream(ready) as rt:
        hand_in(rt, DOCUMENTS)
    house = up(settings)
    try:
        with upstream(ready) as rt:
            wait_until_resting(rt, DOCUMENTS // 5, within_s=60)
            house.kill()
            for process in marked(mark_of(settings.state_dir)):
                process.kill()
            os.kill(pid_of(settings, "postgres"), signal.SIGKILL)
            house.wait()
            house = up(settings)
            is_whole(wait_until_resting(rt, DOCUMENTS, within_s=WITHIN_S))
    finally:
        house.terminate()
        house.wait(60)
    eventually(
        lambda: (
            not list(marked(mark_of(settings.state_dir)))
            and EmbeddedPostgres(settings.state_dir).pid is None
        )
    )


def up(settings: Settings) -> "subprocess.Popen[bytes]":
    own_port = {"SUREFIELD_WEB_PORT": str(local.free_port(0))}  # another run may hold the usual one
    environment = {
        **os.environ,
        **local.environment_of(settings),
        **own_port,
        "PYTHONPATH": str(ROOT),
    }
    log = Path(settings.state_dir) / "up.log"
    with log.open("ab") as out:
        return subprocess.Popen(
            [sys.executable, "-m", "worker", "up"],
            cwd=ROOT,
            env=environment,
            stdout=out,
            stderr=out,
            process_group=0,
        )


def test_ctrl_c_ends_everything_in_order(settings):
    """SIGINT to the terminal's process group: exit status 0, no process left, and the data in
    place.
    """
    house = up(settings)
    log = Path(settings.state_dir) / "up.log"
    eventually(
        lambda: "Surefield is up" in log.read_text() or house.poll() is not None, within_s=60
    )
    assert house.poll() is None, log.read_text()
    os.killpg(house.pid, signal.SIGINT)
    assert house.wait(60) == 0, log.read_text()
    assert list(marked(mark_of(settings.state_dir))) == []
    assert EmbeddedPostgres(settings.state_dir).pid is None
