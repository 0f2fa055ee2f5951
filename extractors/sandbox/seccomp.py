"""A seccomp filter: a list of system calls that this process may make; every other one fails.

A refused call fails with EPERM and does not end the process: the libraries live well with a "no",
and what a taken process does after it is refused too.  A call by another architecture's door ends
the process, since its numbers mean other calls.
"""

import ctypes
import errno
import struct
import sys
from collections.abc import Mapping, Sequence

from extractors.sandbox.syscalls import Architecture, Only, here

_LOAD, _AND, _JUMP_IF_EQUAL, _JUMP_IF_AT_LEAST, _RETURN = 0x20, 0x54, 0x15, 0x35, 0x06
_KILL_PROCESS, _ERRNO, _ALLOW = 0x80000000, 0x00050000, 0x7FFF0000
# offsets in struct seccomp_data; of an argument the lower half, as both machines store it
_NUMBER_AT, _ARCHITECTURE_AT, _ARGUMENTS_AT = 0, 4, 16
_X32 = 0x40000000  # numbers from here on are the other door of x86-64
_SET_MODE_FILTER, _TSYNC = 1, 1

Instruction = tuple[int, int, int, int]  # code, jump if true, jump if false, value


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("instructions", ctypes.c_char_p))


def allow_only(calls: Mapping[str, Sequence[Only]]) -> bool:
    """From now on every thread of this process makes these calls alone; whether the kernel took
    it. It needs PR_SET_NO_NEW_PRIVS and can never be undone.
    """
    machine = here() if sys.platform == "linux" else None
    if machine is None:
        return False
    code = b"".join(struct.pack("=HBBI", *one) for one in program(machine, calls))
    filled = _Program(len(code) // 8, code)
    libc = ctypes.CDLL(None, use_errno=True)
    number = machine.numbers["seccomp"]
    return int(libc.syscall(number, _SET_MODE_FILTER, _TSYNC, ctypes.byref(filled))) == 0


def program(machine: Architecture, calls: Mapping[str, Sequence[Only]]) -> list[Instruction]:
    """The filter, in the order in which the kernel runs it."""
    made = [
        (_LOAD, 0, 0, _ARCHITECTURE_AT),
        (_JUMP_IF_EQUAL, 1, 0, machine.audit),
        (_RETURN, 0, 0, _KILL_PROCESS),
        (_LOAD, 0, 0, _NUMBER_AT),
        (_JUMP_IF_AT_LEAST, 0, 1, _X32),
        (_RETURN, 0, 0, _KILL_PROCESS),
        # a newer libc asks by this number first, and by the older one where it is not there
        (_JUMP_IF_EQUAL, 0, 1, machine.numbers["clone3"]),
        (_RETURN, 0, 0, _ERRNO | errno.ENOSYS),
    ]
    for name in filter(machine.numbers.__contains__, calls):  # aarch64 lacks the oldest ones
        checks = _checks(calls[name])
        made += [(_JUMP_IF_EQUAL, 0, len(checks), machine.numbers[name]), *checks]
    return [*made, (_RETURN, 0, 0, _ERRNO | errno.EPERM)]


def _checks(conditions: Sequence[Only]) -> list[Instruction]:
    """What decides once the number fits."""
    made: list[Instruction] = []
    for one in conditions:
        made += [
            (_LOAD, 0, 0, _ARGUMENTS_AT + 8 * one.argument),
            (_AND, 0, 0, one.mask),
            (_JUMP_IF_EQUAL, 1, 0, one.value),
            (_RETURN, 0, 0, _ERRNO | errno.EPERM),
        ]
    return [*made, (_RETURN, 0, 0, _ALLOW)]
