"""What a process that opens strangers' files may use: set from inside it, enforced by the kernel.

Linux enforces all of it. Elsewhere what the system lacks is left out, and the worker's own time
limits remain.
"""

import ctypes
import os
import resource
import signal
import sys
from contextlib import suppress
from dataclasses import dataclass
from functools import cache

MB = 1 << 20
PR_SET_PDEATHSIG = 1


def end_with_parent(parent: int) -> None:
    """Be killed when the parent dies, even in the middle of a page, when nobody looks at standard
    input.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:  # it died before the call above
        sys.exit(1)


def write_nothing() -> None:
    """No files, no core dumps, no further processes.  Pipes stay."""
    for limit in (resource.RLIMIT_CORE, resource.RLIMIT_FSIZE, resource.RLIMIT_NPROC):
        resource.setrlimit(limit, (0, 0))


@dataclass(frozen=True, slots=True)
class Memory:
    """The address space of this process, measured from what it takes at rest."""

    at_rest: int  # bytes

    @classmethod
    def now(cls) -> "Memory":
        return cls(_figure("VmSize"))

    def allow(self, extra: int) -> None:
        """From now on an allocation past this many bytes more than at rest fails."""
        _bound(self.at_rest + extra)

    def lift(self) -> None:
        _, hard = resource.getrlimit(resource.RLIMIT_AS)
        resource.setrlimit(resource.RLIMIT_AS, (hard, hard))


def bound_memory(megabytes: int) -> None:
    """An allocation past this much address space fails; what this process starts may raise it."""
    _bound(megabytes * MB)


def _bound(wanted: int) -> None:
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(
        resource.RLIMIT_AS, (wanted if hard == resource.RLIM_INFINITY else min(wanted, hard), hard)
    )


def give_memory_back() -> None:
    """Return freed memory to the system, so that a warm process stays as small as it started."""
    # absent from musl
    if sys.platform == "linux" and hasattr(libc := ctypes.CDLL(None), "malloc_trim"):
        libc.malloc_trim(0)


def resident_mb() -> int:
    return _figure("VmRSS") // MB


def peak_resident_mb() -> int:
    """The peak of this program; ``getrusage`` would also count its parent's, from before the
    exec.
    """
    return _figure("VmHWM") // MB


def allow_processor(seconds: float) -> None:
    """End this process when it computes for longer than this from now on."""
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    used = resource.getrusage(resource.RUSAGE_SELF)
    resource.setrlimit(
        resource.RLIMIT_CPU, (int(used.ru_utime + used.ru_stime + seconds) + 1, hard)
    )


def _figure(name: str) -> int:
    """A figure of /proc/self/status in bytes; 0 where there is none."""
    status = _status()
    lines = [] if status is None else os.pread(status, 1 << 14, 0).decode().splitlines()
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith(name + ":")), 0)


@cache
def _status() -> int | None:
    """/proc/self/status, kept open: behind the walls it could not be opened again."""
    with suppress(OSError):
        return os.open("/proc/self/status", os.O_RDONLY | os.O_CLOEXEC)
    return None
