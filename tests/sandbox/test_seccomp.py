"""The filter says yes to what is on its list and no to everything else, on both architectures."""

import errno
import re
from pathlib import Path

import pytest

from extractors.sandbox.seccomp import program
from extractors.sandbox.syscalls import ARCHITECTURES, COMPUTING, PROGRAM, THREADS

ALLOW, KILL = 0x7FFF0000, 0x80000000
EPERM, ENOSYS = 0x50000 | errno.EPERM, 0x50000 | errno.ENOSYS
HEADERS = {
    "x86_64": Path("/usr/include/x86_64-linux-gnu/asm/unistd_64.h"),
    "aarch64": Path("/usr/include/asm-generic/unistd.h"),
}


@pytest.fixture(params=ARCHITECTURES)
def machine(request):
    return ARCHITECTURES[request.param]


def verdict(code, audit, number, arguments=()):
    """What the kernel makes of one call: the filter, run by hand."""
    words = [number, audit, 0, 0]
    for argument in (*arguments, *[0] * (6 - len(arguments))):
        words += [argument & 0xFFFFFFFF, argument >> 32]
    at, held = 0, 0
    while True:
        operation, if_true, if_false, value = code[at]
        at += 1
        match operation:
            case 0x20:
                held = words[value // 4]
            case 0x54:
                held &= value
            case 0x15:
                at += if_true if held == value else if_false
            case 0x35:
                at += if_true if held >= value else if_false
            case 0x06:
                return value


@pytest.mark.parametrize(
    "calls", [COMPUTING, THREADS, PROGRAM], ids=["computing", "threads", "program"]
)
def test_of_all_numbers_those_on_the_list_are_allowed_and_no_other(machine, calls):
    """An argument that a condition would refuse is refused; without one, any will do."""
    code, listed = (
        program(machine, calls),
        {machine.numbers[name]: name for name in calls if name in machine.numbers},
    )
    for number in range(600):
        said = verdict(code, machine.audit, number, [0xFFFFFFFF] * 6)
        free = number in listed and not calls[listed[number]]
        refused = ENOSYS if number == machine.numbers["clone3"] else EPERM
        assert said == (ALLOW if free else refused), (number, listed.get(number))


@pytest.mark.parametrize(
    ("name", "arguments", "allowed"),
    [
        ("mmap", (0, 4096, 0b011), True),  # read and write
        ("mmap", (0, 4096, 0b101), False),  # and execute
        ("mprotect", (0, 4096, 0b011), True),
        ("mprotect", (0, 4096, 0b100), False),
        ("prlimit64", (0, 9), True),
        ("prlimit64", (1, 9), False),  # of another process
        ("clone", (0x3D0F00,), True),  # as glibc starts a thread
        ("clone", (0x7D0F00,), True),  # as musl does
        ("clone", (0x1200011,), False),  # as it forks
        ("clone", (0x3D0F00 | 0x10000000,), False),  # with a namespace for users
        ("sched_setaffinity", (0,), True),
        ("sched_setaffinity", (1,), False),
    ],
)
def test_an_argument_decides_where_the_list_names_one(machine, name, arguments, allowed):
    """The upper half of an argument changes nothing: the kernel does not look at it either."""
    code = program(machine, THREADS)
    for upper in (0, 1 << 32):
        given = [argument | upper for argument in arguments]
        said = verdict(code, machine.audit, machine.numbers[name], given)
        assert said == (ALLOW if allowed else EPERM)


def test_another_architecture_and_the_other_door_end_the_process(machine):
    """Numbers mean other calls there."""
    code = program(machine, COMPUTING)
    (other,) = (one for one in ARCHITECTURES.values() if one is not machine)
    assert verdict(code, other.audit, machine.numbers["read"]) == KILL
    assert verdict(code, machine.audit, 0x40000000 | machine.numbers["read"]) == KILL
    assert verdict(code, machine.audit, machine.numbers["read"]) == ALLOW


@pytest.mark.parametrize("calls", [COMPUTING, THREADS, PROGRAM])
def test_no_call_is_forgotten_in_the_table_of_an_architecture(machine, calls):
    """Some old ones aarch64 never had."""
    old = {"access", "readlink", "arch_prctl"} if machine is ARCHITECTURES["aarch64"] else set()
    assert calls.keys() - machine.numbers.keys() <= old


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_the_numbers_are_those_of_the_kernels_headers(name):
    """They never change; a slip of the pen would allow another call."""
    if not HEADERS[name].exists():
        pytest.skip("the kernel's headers are not installed")
    found = re.findall(r"#define __NR(?:3264)?_(\w+)\s+(\d+)\b", HEADERS[name].read_text())
    numbers = {call: int(number) for call, number in found}
    numbers.setdefault("newfstatat", numbers.get("fstatat"))  # one call under two names
    assert ARCHITECTURES[name].numbers.items() <= numbers.items()
