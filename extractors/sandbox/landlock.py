"""Landlock: from now on this thread, and what it starts, opens no file but those beneath a few
folders, and no connection.

The kernel's second answer beside seccomp: it judges what is opened, not by which call.  Rules grew
with its versions, so each asks for what its kernel knows.
"""

import ctypes
import os
import struct
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from extractors.sandbox.syscalls import Architecture, here

_GIVE_VERSION = 1
_BENEATH_A_PATH = 1
_EXECUTE, _READ_FILE, _READ_FOLDER = 1 << 0, 1 << 2, 1 << 3
_OF_FILES = _EXECUTE | _READ_FILE
_FIRST_RIGHTS = (1 << 13) - 1  # the rights over files of version 1
# version -> what it added: moving to another folder, truncating, control of devices
_LATER_RIGHTS = {2: 1 << 13, 3: 1 << 14, 5: 1 << 15}
_NETWORK_FROM, _TCP = 4, 0b11  # binding, connecting
_SCOPES_FROM, _SCOPES = 6, 0b11  # abstract Unix sockets, and signals, to processes outside


@dataclass(frozen=True, slots=True)
class Landlock:
    """What was asked of the kernel."""

    version: int  # 0: it has no Landlock, or none is in force
    network: bool  # TCP is refused too


NONE = Landlock(0, network=False)


def open_only(beneath: Sequence[Path] = ()) -> Landlock:
    """Files beneath these paths may be read and run, all others not even opened; what is in force.

    It needs PR_SET_NO_NEW_PRIVS and can never be undone.  Files that are open stay so.
    """
    machine = here() if sys.platform == "linux" else None
    if machine is None:
        return NONE
    libc = ctypes.CDLL(None, use_errno=True)
    version = _version(libc, machine)
    if version < 1:
        return NONE
    rights = _FIRST_RIGHTS | sum(bit for since, bit in _LATER_RIGHTS.items() if since <= version)
    network = version >= _NETWORK_FROM
    asked = struct.pack("=Q", rights)
    if network:
        asked += struct.pack("=Q", _TCP)
    if version >= _SCOPES_FROM:
        asked += struct.pack("=Q", _SCOPES)
    rules = libc.syscall(machine.numbers["landlock_create_ruleset"], asked, len(asked), 0)
    if rules < 0:
        return NONE
    try:
        for path in beneath:
            _allow(libc, machine, rules, path)
        refused = libc.syscall(machine.numbers["landlock_restrict_self"], rules, 0)
    finally:
        os.close(rules)
    return NONE if refused else Landlock(version, network)


def version() -> int:
    """The kernel's version of Landlock; 0 where it has none."""
    machine = here() if sys.platform == "linux" else None
    return _version(ctypes.CDLL(None), machine) if machine else 0


def _version(libc: ctypes.CDLL, machine: Architecture) -> int:
    number = machine.numbers["landlock_create_ruleset"]
    return max(int(libc.syscall(number, None, 0, _GIVE_VERSION)), 0)


def _allow(libc: ctypes.CDLL, machine: Architecture, rules: int, path: Path) -> None:
    """A path that is not there is left out."""
    try:
        place = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError:
        return
    try:
        rights = _OF_FILES | (_READ_FOLDER if path.is_dir() else 0)
        rule = struct.pack("=Qi", rights, place)
        libc.syscall(machine.numbers["landlock_add_rule"], rules, _BENEATH_A_PATH, rule, 0)
    finally:
        os.close(place)
