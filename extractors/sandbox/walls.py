"""The walls around this process: raised once, after its imports, and never taken down.

Linux alone has them.  What the kernel lacks is left out and told, never passed over in silence.
"""

import ctypes
import struct
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from extractors.sandbox import landlock, seccomp
from extractors.sandbox.syscalls import COMPUTING, Only, here

_SET_NO_NEW_PRIVILEGES, _CAP_AMBIENT, _CLEAR_ALL = 38, 47, 4
_CAPABILITIES_VERSION = 0x20080522


@dataclass(frozen=True, slots=True, kw_only=True)
class Walls:
    """What is in force around a process."""

    seccomp: bool  # system calls by a list
    landlock: int  # version; 0: none
    network: bool  # TCP is refused by Landlock too

    @property
    def whole(self) -> bool:
        """No file, no connection, no program: the list of system calls says so by itself, and
        Landlock once more.
        """
        return self.seccomp and self.landlock > 0

    @property
    def words(self) -> str:
        """For people."""
        calls = "system calls by a list (seccomp)" if self.seccomp else "no seccomp"
        files = f"no file (Landlock {self.landlock})" if self.landlock else "no Landlock"
        return ", ".join((calls, files, *(("no TCP (Landlock)",) if self.network else ())))

    def as_told(self) -> dict[str, Any]:
        """For the process that asked for them."""
        return asdict(self)


NO_WALLS = Walls(seccomp=False, landlock=0, network=False)


def raise_walls(
    calls: Mapping[str, Sequence[Only]] = COMPUTING, *, readable: Sequence[Path] = ()
) -> Walls:
    """Shut this process in, as far as the kernel can; root and others alike."""
    if sys.platform != "linux":
        return NO_WALLS
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(_SET_NO_NEW_PRIVILEGES, 1, 0, 0, 0)
    _drop_capabilities(libc)
    files = landlock.open_only(readable)
    listed = seccomp.allow_only(calls)
    return Walls(seccomp=listed, landlock=files.version, network=files.network)


def walls_of(told: Mapping[str, Any]) -> Walls:
    """What another process told.

    Raises TypeError, ValueError or KeyError.
    """
    return Walls(
        seccomp=bool(told["seccomp"]),
        landlock=int(told["landlock"]),
        network=bool(told["network"]),
    )


def _drop_capabilities(libc: ctypes.CDLL) -> None:
    """Of root its rights; whoever has none loses nothing."""
    machine = here()
    if machine is None:
        return
    libc.prctl(_CAP_AMBIENT, _CLEAR_ALL, 0, 0, 0)
    header, none = struct.pack("=Ii", _CAPABILITIES_VERSION, 0), bytes(24)
    libc.syscall(machine.numbers["capset"], header, none)
