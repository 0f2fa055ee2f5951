"""Numbers of system calls on the two architectures, and who may make which.

The kernel never changes a number.  They are written down here because no living library knows
them: the Python bindings of libseccomp are not on the package index.
"""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Architecture:
    """What the kernel calls a machine, and its numbers of the system calls named here."""

    audit: int  # as the filter sees it
    numbers: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Only:
    """A call is allowed only when ``argument & mask == value``, in the lower 32 bits."""

    argument: int  # its place, from 0
    mask: int
    value: int


_X86_64 = """
    read 0  write 1  close 3  fstat 5  poll 7  lseek 8  mmap 9  mprotect 10  munmap 11  brk 12
    rt_sigaction 13  rt_sigprocmask 14  rt_sigreturn 15  pread64 17  readv 19  sched_yield 24
    mremap 25  madvise 28  getpid 39  socket 41  clone 56  execve 59  exit 60  kill 62  uname 63
    gettimeofday 96  getrusage 98  sysinfo 99  ptrace 101  capset 126  sigaltstack 131  prctl 157
    gettid 186  futex 202  sched_setaffinity 203  sched_getaffinity 204  restart_syscall 219
    clock_gettime 228  clock_nanosleep 230  exit_group 231  openat 257  set_robust_list 273
    prlimit64 302  getcpu 309  seccomp 317  getrandom 318  membarrier 324  rseq 334
    io_uring_setup 425  clone3 435
    landlock_create_ruleset 444  landlock_add_rule 445  landlock_restrict_self 446
"""
_AARCH64 = """
    read 63  write 64  close 57  fstat 80  ppoll 73  lseek 62  mmap 222  mprotect 226  munmap 215
    brk 214  rt_sigaction 134  rt_sigprocmask 135  rt_sigreturn 139  pread64 67  readv 65
    sched_yield 124  mremap 216  madvise 233  getpid 172  socket 198  clone 220  execve 221
    exit 93  kill 129  uname 160  gettimeofday 169  getrusage 165  sysinfo 179  ptrace 117
    capset 91  sigaltstack 132  prctl 167  gettid 178  futex 98  sched_setaffinity 122
    sched_getaffinity 123  restart_syscall 128  clock_gettime 113  clock_nanosleep 115
    exit_group 94  openat 56  set_robust_list 99  prlimit64 261  getcpu 168  seccomp 277
    getrandom 278  membarrier 283  rseq 293  io_uring_setup 425  clone3 435
    landlock_create_ruleset 444  landlock_add_rule 445  landlock_restrict_self 446
"""


def _table(text: str) -> dict[str, int]:
    words = text.split()
    return dict(zip(words[::2], map(int, words[1::2]), strict=True))


ARCHITECTURES: Mapping[str, Architecture] = {
    "x86_64": Architecture(0xC000003E, _table(_X86_64)),
    "aarch64": Architecture(0xC00000B7, _table(_AARCH64)),
}

_PROT_EXEC = 0x4
_THREAD = 0x10900  # CLONE_VM, CLONE_SIGHAND, CLONE_THREAD
_NAMESPACES = 0x7E020080  # the flags of clone that make a new namespace

# Computing, memory that holds no code, and the pipes that are open already.
COMPUTING: Mapping[str, Sequence[Only]] = {
    "read": (),
    "readv": (),
    "write": (),
    "pread64": (),
    "lseek": (),
    "close": (),
    "mmap": (Only(2, _PROT_EXEC, 0),),
    "mprotect": (Only(2, _PROT_EXEC, 0),),
    "munmap": (),
    "mremap": (),
    "brk": (),
    "madvise": (),
    "futex": (),
    "rt_sigaction": (),
    "rt_sigprocmask": (),
    "rt_sigreturn": (),
    "sigaltstack": (),
    "clock_gettime": (),
    "clock_nanosleep": (),
    "gettimeofday": (),
    "getrandom": (),
    "getrusage": (),
    "prlimit64": (Only(0, 0xFFFFFFFF, 0),),  # its own limits, no other process's
    "getpid": (),
    "gettid": (),
    "sched_yield": (),
    "restart_syscall": (),
    "exit": (),
    "exit_group": (),
}
# Besides, threads of its own: not a process, and no namespace.
THREADS: Mapping[str, Sequence[Only]] = {
    **COMPUTING,
    "clone": (Only(0, _THREAD | _NAMESPACES, _THREAD),),
    "set_robust_list": (),
    "rseq": (),
    "sched_getaffinity": (),
    "sched_setaffinity": (Only(0, 0xFFFFFFFF, 0),),
    "getcpu": (),
    "membarrier": (),
}


def here() -> Architecture | None:
    """This machine's; None where its numbers are not known."""
    return ARCHITECTURES.get(os.uname().machine)
