"""Processes that a supervisor started, found by a mark in their environment, whoever is their
parent now.

A list of process ids would miss what was started in the moment before a kill -9, and name strangers
once ids are used again. The mark is inherited, so it also finds the render children, which have
process groups of their own.
"""

import os
from collections.abc import Iterator
from pathlib import Path

import psutil

MARK = "SUREFIELD_SUPERVISED_BY"
# the setproctitle package, which Celery uses where it is installed, writes over the environment
# otherwise
KEEP_MARK = {"SPT_NOENV": "1"}


def mark_of(state_dir: Path, child: str = "") -> str:
    """The mark of everything that one state folder's supervisor starts, or of one child and its
    descendants.
    """
    return f"{state_dir.resolve()}\n{child}"


def marked(mark: str) -> Iterator[psutil.Process]:
    """Living processes whose mark begins like this.

    Those of other users cannot be looked at, and are not ours.
    """
    for process in psutil.process_iter():
        try:
            ours = process.environ().get(MARK, "").startswith(mark)
            if ours and process.pid != os.getpid() and process.status() != psutil.STATUS_ZOMBIE:
                yield process
        except (psutil.Error, OSError):
            continue


def end(mark: str, *, grace_s: float = 0.0) -> int:
    """End all marked processes, gently first when there is grace, and return how many there
    were.
    """
    found = list(marked(mark))
    if found and grace_s:
        for process in found:
            _quietly(process.terminate)
        psutil.wait_procs(found, timeout=grace_s)
    for _ in range(10):  # again: one may have started another meanwhile
        rest = list(marked(mark))
        if not rest:
            break
        for process in rest:
            _quietly(process.kill)
        psutil.wait_procs(rest, timeout=1.0)
    return len(found)


def _quietly(act: object) -> None:
    try:
        act()  # type: ignore[operator]
    except psutil.NoSuchProcess:
        pass
