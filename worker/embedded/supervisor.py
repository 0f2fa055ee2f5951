"""Keeps a table of processes running: starts them in order, restarts what dies, and leaves nothing
behind, however it ends.

It knows commands and probes, not what they are for. The embedded Postgres is watched beside them by
asking it, since it is nobody's child.
"""

import fcntl
import json
import logging
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, ClassVar

import psutil

from extractors.errors import SurefieldError
from worker.embedded.orphans import KEEP_MARK, MARK, end, mark_of
from worker.embedded.postgres import EmbeddedPostgres

log = logging.getLogger(__name__)

LOOK_EVERY_S = 0.2
PROBE_POSTGRES_EVERY_S = 1.0
# before a restart; doubled while a child keeps dying young
FIRST_PAUSE_S, LONGEST_PAUSE_S = (0.5, 30.0)
GROWN_UP_AFTER_S = 20.0
DIES_YOUNG = 3  # times in a row: restarting alone does not mend it
LOG_BYTES_MAX = 10_000_000
PACKAGES = Path(__file__).resolve().parents[2]
REFUSE_AFTER_S = 1.0  # a process is still there for a moment after a kill -9
TAKE_OVER_WITHIN_S = 20.0  # for the watchdog of a supervisor that was killed a moment ago


class ProcessFailed(SurefieldError):
    """A process that belongs to the house does not run."""

    code = "process_failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Child:
    """One process to keep running."""

    name: str
    argv: Sequence[str]
    env: Mapping[str, str] = field(default_factory=dict)  # added to the supervisor's own
    # true when it does its work; without one, running is enough
    probe: Callable[[], bool] | None = None
    ready_within_s: float = 60.0
    grace_s: float = 15.0  # between SIGTERM and SIGKILL


class Supervisor:
    """Runs the children while the ``with`` block lasts, in a thread of its own."""

    def __init__(
        self,
        state_dir: Path,
        children: Sequence[Child],
        *,
        postgres: EmbeddedPostgres | None = None,
        tell: Callable[[str], None] = log.warning,
    ) -> None:
        self._state_dir = state_dir.expanduser().resolve()
        self._postgres = postgres
        self._tell = tell
        self._running = [_Running(child, self._state_dir) for child in children]
        self._written: dict[str, dict[str, int | None]] = {}
        self._stop = threading.Event()
        self._watcher = threading.Thread(target=self._watch, name="supervisor", daemon=True)
        self._watchdog: subprocess.Popen[bytes] | None = None
        self._probe_at = 0.0  # time.monotonic() of the next look at Postgres

    def __enter__(self) -> "Supervisor":
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    @staticmethod
    def runs(state_dir: Path) -> bool:
        """Whether a supervisor runs in this state folder."""
        try:
            with _lock_file(state_dir).open("rb") as file:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except FileNotFoundError:
            return False
        except BlockingIOError:
            return True
        return False

    @staticmethod
    def children_of(state_dir: Path) -> dict[str, str | None]:
        """Children of the supervisor that runs in this state folder, each with what is wrong with
        it, if anything; none where none runs.
        """
        return {
            name: _illness(one["pid"], one["young_deaths"] or 0)
            for name, one in _kept_children(state_dir).items()
        }

    @staticmethod
    def roots_of(state_dir: Path) -> list[str]:
        """Children of the supervisor that runs in this state folder, which are root."""
        return [name for name, one in _kept_children(state_dir).items() if _is_root(one["pid"])]

    def start(self) -> None:
        """Clear what an earlier supervisor left, start the children in order, each when the one
        before is ready, and watch them.

        Raises ProcessFailed, with the child's last words, when one does not become ready, and when
        another supervisor runs here.
        """
        self._take_over()
        try:
            for running in self._running:
                try:
                    running.start()
                except OSError as error:
                    raise ProcessFailed(
                        f"{running.child.name} cannot be started: {error}. Look at"
                        f" {running.child.argv[0]}."
                    ) from error
                running.wait_until_ready(self._stop)
            self._write_children()
            self._watcher.start()
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """Ask all children to end, kill those that do not in time, and wait for them.

        A second call does nothing.
        """
        self._stop.set()
        try:
            if self._watcher.is_alive():
                self._watcher.join()
            for running in self._running:
                running.ask_to_end()
            until = time.monotonic()
            for running in self._running:
                running.wait(until + running.child.grace_s)
        finally:  # also when Ctrl-C comes a second time
            if self._watchdog is not None:
                for running in self._running:
                    running.kill()
                end(mark_of(self._state_dir))
                self._dismiss_watchdog(self._watchdog)
                self._watchdog = None

    def pid_of(self, name: str) -> int | None:
        """Process id of a child that runs now."""
        return next((running.pid for running in self._running if running.child.name == name), None)

    @property
    def failing(self) -> Mapping[str, str]:
        """Children that died young three times in a row, with the end of their logs: restarting
        alone does not mend them.
        """
        return {
            running.child.name: running.last_words()
            for running in self._running
            if running.young_deaths >= DIES_YOUNG
        }

    def _take_over(self) -> None:
        """Become this folder's one supervisor, and end the children of one that was killed."""
        (self._state_dir / "logs").mkdir(parents=True, exist_ok=True)
        with _lock_file(self._state_dir).open("ab") as lock:
            began = time.monotonic()
            while not _locked(lock):
                other = _lock_file(self._state_dir).read_text().strip()
                patience_s = REFUSE_AFTER_S if _is_alive(other) else TAKE_OVER_WITHIN_S
                if time.monotonic() - began > patience_s:
                    raise ProcessFailed(
                        f"Surefield runs already in {self._state_dir} (process {other}). Stop it,"
                        " or use another state folder."
                    )
                time.sleep(0.1)
            lock.truncate(0)
            lock.write(f"{os.getpid()}\n".encode())
            lock.flush()
            end(mark_of(self._state_dir), grace_s=3.0)
            with (self._state_dir / "logs" / "watchdog.log").open("ab") as out:
                self._watchdog = subprocess.Popen(
                    [sys.executable, "-m", "worker.embedded.watchdog", str(self._state_dir)],
                    stdin=subprocess.PIPE,
                    stdout=out,
                    stderr=out,
                    env={
                        **os.environ,
                        "PYTHONPATH": os.pathsep.join(
                            [str(PACKAGES), os.environ.get("PYTHONPATH", "")]
                        ),
                    },
                    start_new_session=True,
                    # and with it the lock, which lasts as long as either of us
                    pass_fds=[lock.fileno()],
                )
            self._lock = os.dup(lock.fileno())

    def _dismiss_watchdog(self, watchdog: "subprocess.Popen[bytes]") -> None:
        assert watchdog.stdin is not None
        try:
            watchdog.stdin.write(b".")
            watchdog.stdin.close()
        except BrokenPipeError:
            pass  # somebody killed it
        watchdog.wait()
        os.close(self._lock)

    def _watch(self) -> None:
        """Look after everything until told to stop, whatever goes wrong with one look: the next
        one tries again.
        """
        troubles: dict[str, str] = {}  # by the look: each is told once
        while not self._stop.wait(LOOK_EVERY_S):
            for look in (self._look_at_children, self._write_children, self._look_at_postgres):
                try:
                    look()
                    troubles.pop(look.__name__, None)
                except Exception as error:
                    said = f"{type(error).__name__}: {error}"
                    if troubles.get(look.__name__) != said:
                        self._tell(f"the supervisor goes on after {said}")
                    troubles[look.__name__] = said

    def _look_at_children(self) -> None:
        for running in self._running:
            if said := running.look():
                self._tell(said)

    def _write_children(self) -> None:
        """For whoever asks from outside how the children are."""
        kept = {
            one.child.name: {"pid": one.pid, "young_deaths": one.young_deaths}
            for one in self._running
        }
        if kept != self._written:
            new = _children_file(self._state_dir).with_suffix(".new")
            new.write_text(json.dumps(kept), "utf-8")
            new.replace(_children_file(self._state_dir))
            self._written = kept

    def _look_at_postgres(self) -> None:
        if self._postgres is None or time.monotonic() < self._probe_at:
            return
        self._probe_at = time.monotonic() + PROBE_POSTGRES_EVERY_S
        if self._postgres.answers():
            return
        self._tell("the database does not answer; starting it again")
        try:
            self._postgres.start()
            self._tell("the database answers again")
        except SurefieldError as error:
            self._tell(str(error))


class _Running:
    """One child, its present process, and when to start the next."""

    QUICK: ClassVar[float] = 0.05

    def __init__(self, child: Child, state_dir: Path) -> None:
        self.child = child
        self.young_deaths = 0
        self._log = state_dir / "logs" / f"{child.name}.log"
        self._mark = mark_of(state_dir, child.name + "\n")
        self._process: subprocess.Popen[bytes] | None = None
        self._started = self._start_at = 0.0

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process and self._process.poll() is None else None

    def start(self) -> None:
        self._log.parent.mkdir(parents=True, exist_ok=True)
        if self._log.exists() and self._log.stat().st_size > LOG_BYTES_MAX:
            self._log.replace(self._log.with_suffix(".log.1"))
        with self._log.open("ab") as out:
            environment = {**os.environ, **self.child.env, **KEEP_MARK, MARK: self._mark}
            self._process = subprocess.Popen(
                list(self.child.argv),
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                process_group=0,
            )
        self._started = time.monotonic()

    def wait_until_ready(self, stop: threading.Event) -> None:
        until = time.monotonic() + self.child.ready_within_s
        while self.child.probe and not self.child.probe():
            if self.pid is None or time.monotonic() > until:
                how = (
                    f"ended with status {self._status}"
                    if self.pid is None
                    else f"was not ready within {self.child.ready_within_s:.0f} s"
                )
                raise ProcessFailed(
                    f"{self.child.name} {how}. See {self._log}:\n{self.last_words()}"
                )
            stop.wait(self.QUICK)

    def look(self) -> str | None:
        """Restart the process if it is gone and its pause is over; says so when something has just
        gone wrong.
        """
        if self.pid is not None:
            if time.monotonic() - self._started > GROWN_UP_AFTER_S:
                self.young_deaths = 0
            return None
        if self._process is not None:
            status, self._process = self._status, None
            pause = self._schedule(young=time.monotonic() - self._started < GROWN_UP_AFTER_S)
            end(self._mark)  # its own children, if it was killed
            return (
                f"{self.child.name} ended with status {status}; starting it again in {pause:.1f} s."
                f" See {self._log}:\n{self.last_words(5)}"
            )
        if time.monotonic() >= self._start_at:
            try:
                self.start()
            except OSError as error:
                return (
                    f"{self.child.name} cannot be started: {error}; trying again in"
                    f" {self._schedule(young=True):.1f} s"
                )
        return None

    def _schedule(self, *, young: bool) -> float:
        self.young_deaths = self.young_deaths + 1 if young else 1
        pause = min(FIRST_PAUSE_S * 2.0 ** (self.young_deaths - 1), LONGEST_PAUSE_S)
        self._start_at = time.monotonic() + pause
        return pause

    def ask_to_end(self) -> None:
        if self._process and self.pid is not None:
            # not the group: a worker ends its render child itself, after the running task
            self._process.send_signal(signal.SIGTERM)

    def wait(self, until: float) -> None:
        while self.pid is not None and time.monotonic() < until:
            time.sleep(self.QUICK)

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    @property
    def _status(self) -> int | None:
        return self._process.poll() if self._process else None

    def last_words(self, lines: int = 15) -> str:
        try:
            return "\n".join(self._log.read_text(errors="replace").splitlines()[-lines:])
        except OSError:
            return ""


def _lock_file(state_dir: Path) -> Path:
    return state_dir.expanduser().resolve() / "supervisor.lock"


def _children_file(state_dir: Path) -> Path:
    return state_dir.expanduser().resolve() / "children.json"


def _kept_children(state_dir: Path) -> dict[str, dict[str, int | None]]:
    if not Supervisor.runs(state_dir):
        return {}
    try:
        kept: dict[str, dict[str, int | None]]
        kept = json.loads(_children_file(state_dir).read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return kept


def _is_root(pid: int | None) -> bool:
    try:
        return pid is not None and psutil.Process(pid).uids().effective == 0
    except psutil.Error:
        return False


def _illness(pid: int | None, young_deaths: int) -> str | None:
    """What is wrong with a child, in words; None when nothing is."""
    try:
        if pid is not None and psutil.Process(pid).status() == psutil.STATUS_STOPPED:
            return f"is frozen (process {pid})"
    except psutil.Error:
        pid = None
    if young_deaths >= DIES_YOUNG:
        return f"died {young_deaths} times in a row soon after its start"
    return "is being started again" if pid is None else None


def _locked(file: BinaryIO) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _is_alive(pid: str) -> bool:
    try:
        return bool(psutil.Process(int(pid)).status() != psutil.STATUS_ZOMBIE)
    except (ValueError, psutil.Error):
        return False
