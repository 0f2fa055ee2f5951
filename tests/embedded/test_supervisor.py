"""The supervisor keeps its children running and leaves none behind, however it or they end."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from tests.embedded.processes import ROOT, end_group, eventually
from worker.embedded.orphans import mark_of, marked
from worker.embedded.postgres import EmbeddedPostgres
from worker.embedded.supervisor import Child, ProcessFailed, Supervisor

SLEEP = "import time; time.sleep(600)"
STUBBORN = (
    "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('ready', flush=True);"
    f" {SLEEP}"
)
WITH_A_SESSION = (
    f"import subprocess, sys; subprocess.Popen([sys.executable, '-c', '{SLEEP}'],"
    f" start_new_session=True); {SLEEP}"
)
HOUSE = """
import sys, time
from pathlib import Path
from worker.embedded.postgres import EmbeddedPostgres
from worker.embedded.supervisor import Child, Supervisor
state = Path(sys.argv[1])
postgres = EmbeddedPostgres(state, durable=False)
postgres.start()
children = [Child(name="sleeper", argv=[sys.executable, "-c", sys.argv[2]])]
with Supervisor(state, children, postgres=postgres):
    print("up", flush=True)
    time.sleep(600)
"""


def python(name: str, code: str, **options: object) -> Child:
    return Child(name=name, argv=[sys.executable, "-c", code], **options)  # type: ignore[arg-type]


def processes(state_dir: Path) -> list[psutil.Process]:
    return list(marked(mark_of(state_dir)))


def test_children_run_while_the_block_lasts(tmp_path):
    """They are there inside and gone after it."""
    with Supervisor(tmp_path, [python("one", SLEEP), python("two", SLEEP)]):
        assert len(processes(tmp_path)) == 2
    assert processes(tmp_path) == []


def test_children_start_in_order_each_when_the_one_before_is_ready(tmp_path):
    """The second child's probe may rely on the first."""
    sign = tmp_path / "sign"
    first = python(
        "first",
        f"import time; time.sleep(0.3); open({str(sign)!r}, 'w'); {SLEEP}",
        probe=sign.exists,
    )
    second = python(
        "second", f"import os; print(os.path.exists({str(sign)!r}), flush=True); {SLEEP}"
    )
    with Supervisor(tmp_path, [first, second]):
        eventually(lambda: (tmp_path / "logs" / "second.log").read_text() == "True\n")


def test_a_child_that_dies_is_started_again_and_the_end_of_its_log_is_told(tmp_path):
    """Killed or crashed: somebody is told, with the child's last words, and it runs again."""
    told: list[str] = []
    with Supervisor(
        tmp_path, [python("worker", f"print('last words', flush=True); {SLEEP}")], tell=told.append
    ) as supervisor:
        killed = supervisor.pid_of("worker")
        assert killed
        eventually(lambda: "last words" in (tmp_path / "logs" / "worker.log").read_text())
        os.kill(killed, signal.SIGKILL)
        eventually(lambda: supervisor.pid_of("worker") not in (None, killed))
    assert "ended with status -9" in told[0]
    assert "last words" in told[0]


def test_a_killed_childs_own_children_are_ended_before_it_starts_again(tmp_path):
    """A worker's pool outlives a kill -9 of the worker, also in a session of its own."""
    with Supervisor(tmp_path, [python("worker", WITH_A_SESSION)]) as supervisor:
        eventually(lambda: len(processes(tmp_path)) == 2)
        before = {process.pid for process in processes(tmp_path)}
        os.kill(supervisor.pid_of("worker") or 0, signal.SIGKILL)
        eventually(lambda: len({process.pid for process in processes(tmp_path)} - before) == 2)
        assert not before & {process.pid for process in processes(tmp_path)}


def test_a_child_that_cannot_live_is_restarted_ever_more_rarely_and_named(tmp_path):
    """Restarting does not mend a wrong setting: the pauses grow, and the child is listed with its
    words.
    """
    with Supervisor(
        tmp_path, [python("broken", "raise SystemExit('no such model')")], tell=lambda _: None
    ) as supervisor:
        eventually(lambda: "broken" in supervisor.failing)
        assert "no such model" in supervisor.failing["broken"]
        assert (tmp_path / "logs" / "broken.log").read_text().count("no such model") <= 4


def test_a_child_that_does_not_become_ready_stops_the_start(tmp_path):
    """The error has the child's last words, and what had started is ended."""
    children = [
        python("good", SLEEP),
        python("bad", "raise SystemExit('port taken')", probe=lambda: False),
    ]
    with pytest.raises(ProcessFailed, match="port taken"), Supervisor(tmp_path, children):
        pass
    assert processes(tmp_path) == []


def test_a_command_that_does_not_exist_stops_the_start(tmp_path):
    """It says which one."""
    with (
        pytest.raises(ProcessFailed, match="no-such-program"),
        Supervisor(tmp_path, [Child(name="x", argv=["no-such-program"])]),
    ):
        pass


def test_a_child_that_ignores_the_request_to_end_is_killed(tmp_path):
    """After its grace; the others are not held up."""
    log = tmp_path / "logs" / "deaf.log"
    with Supervisor(tmp_path, [python("deaf", STUBBORN, grace_s=0.5), python("good", SLEEP)]):
        eventually(lambda: "ready" in log.read_text())
        started = time.monotonic()
    assert time.monotonic() - started < 5
    assert processes(tmp_path) == []


def test_a_second_supervisor_in_the_same_folder_is_refused(tmp_path):
    """Two of them would start everything twice."""
    with Supervisor(tmp_path, []):
        assert Supervisor.runs(tmp_path)
        with pytest.raises(ProcessFailed, match="runs already"):
            Supervisor(tmp_path, []).start()
    assert not Supervisor.runs(tmp_path)


def test_a_folder_without_a_supervisor_has_none(tmp_path):
    """Also where none ever ran."""
    assert not Supervisor.runs(tmp_path / "never")


def test_a_killed_postgres_is_started_again(tmp_path):
    """Nobody's child, so it is watched by asking it."""
    postgres, told = EmbeddedPostgres(tmp_path, durable=False), []
    postgres.start()
    try:
        with Supervisor(tmp_path, [], postgres=postgres, tell=told.append):
            killed = postgres.pid
            os.kill(killed, signal.SIGKILL)
            eventually(lambda: postgres.answers() and postgres.pid != killed)
    finally:
        postgres.stop()
    assert told == ["the database does not answer; starting it again", "the database answers again"]


class StopsAgain(EmbeddedPostgres):
    """A server that is stopped once more in the moment in which it has started."""

    stops = 1

    def _refuse_other_settings(self) -> None:
        if self.stops:
            self.stops -= 1
            self._stop()
        super()._refuse_other_settings()


def test_a_postgres_that_is_stopped_while_it_starts_is_started_again(tmp_path):
    """The supervisor's look at it fails with an error of the driver, and the next one goes on."""
    EmbeddedPostgres(tmp_path, durable=False).start()
    postgres, told = StopsAgain(tmp_path, durable=False), []
    try:
        with Supervisor(
            tmp_path, [python("one", SLEEP)], postgres=postgres, tell=told.append
        ) as house:
            os.kill(postgres.pid or 0, signal.SIGKILL)
            eventually(lambda: postgres.stops == 0, within_s=30)
            eventually(postgres.answers, within_s=30)
            assert any("goes on after" in said for said in told)
            os.kill(house.pid_of("one") or 0, signal.SIGKILL)
            eventually(lambda: house.pid_of("one") is not None)
    finally:
        EmbeddedPostgres(tmp_path).stop()


def test_a_supervisor_that_cannot_write_its_list_still_looks_after_its_children(tmp_path):
    """As on a full disk: it is said once, and who dies is started again."""
    told: list[str] = []
    with Supervisor(tmp_path, [python("one", SLEEP)], tell=told.append) as house:
        (tmp_path / "children.new").mkdir()
        for _ in range(2):
            killed = house.pid_of("one")
            eventually(lambda: house.pid_of("one") is not None)
            os.kill(house.pid_of("one") or 0, signal.SIGKILL)
            eventually(lambda killed=killed: house.pid_of("one") not in (None, killed))
        said = [one for one in told if "goes on after" in one]
        assert len(said) == 1
        assert "IsADirectoryError" in said[0]


@pytest.fixture
def house(tmp_path):
    """A supervisor with a server and a stubborn child, as a process that can be killed."""
    command = [sys.executable, "-c", HOUSE, str(tmp_path), STUBBORN]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, process_group=0)
    assert process.stdout is not None
    assert process.stdout.readline() == b"up\n"
    yield process
    end_group(process)
    process.stdout.close()
    EmbeddedPostgres(tmp_path, durable=False).stop()


def test_a_killed_supervisor_leaves_nothing_running(house, tmp_path):
    """kill -9 runs no code of ours: the watchdog does, for the children and for a database that
    nobody uses.
    """
    postgres = EmbeddedPostgres(tmp_path, durable=False)
    assert len(processes(tmp_path)) == 1
    end_group(house, signal.SIGKILL)
    eventually(lambda: processes(tmp_path) == [] and postgres.pid is None)


def test_after_a_kill_of_everything_the_next_supervisor_clears_and_starts(house, tmp_path):
    """Also when the watchdog was killed, so that the children are still there."""
    left = processes(tmp_path)
    watchdogs = [
        child
        for child in psutil.Process(house.pid).children()
        if "watchdog" in " ".join(child.cmdline())
    ]
    assert len(watchdogs) == 1
    watchdogs[0].kill()
    end_group(house, signal.SIGKILL)
    assert [process.is_running() for process in left] == [True]
    with Supervisor(
        tmp_path, [python("sleeper", SLEEP)], postgres=EmbeddedPostgres(tmp_path, durable=False)
    ):
        # a zombie counts as gone: not everywhere does process 1 collect it
        assert left[0] not in processes(tmp_path)
        assert len(processes(tmp_path)) == 1


def test_the_next_supervisor_waits_for_the_watchdog(house, tmp_path):
    """A restart right after a kill -9 finds the folder free, not in use."""
    os.killpg(house.pid, signal.SIGKILL)  # and not collected: a zombie is not an owner
    with Supervisor(tmp_path, [python("sleeper", SLEEP)]):
        assert len(processes(tmp_path)) == 1
