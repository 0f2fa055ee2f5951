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
    rt_sigaction 13  rt_sigprocmask 14  rt_sigreturn 15  pread64 17  readv 19  writev 20
    access 21  sched_yield 24  mremap 25  madvise 28  getpid 39  socket 41  clone 56  execve 59
    exit 60  kill 62  uname 63  fcntl 72  getcwd 79  readlink 89  gettimeofday 96  getrusage 98
    sysinfo 99  ptrace 101  capset 126  sigaltstack 131  prctl 157  arch_prctl 158  gettid 186
    futex 202  sched_setaffinity 203  sched_getaffinity 204  getdents64 217  set_tid_address 218
    restart_syscall 219  clock_gettime 228  clock_nanosleep 230  exit_group 231  openat 257
    newfstatat 262  readlinkat 267  faccessat 269  set_robust_list 273  prlimit64 302
    getcpu 309  seccomp 317  getrandom 318  membarrier 324  statx 332  rseq 334
    io_uring_setup 425  clone3 435  faccessat2 439  landlock_create_ruleset 444
    landlock_add_rule 445  landlock_restrict_self 446
"""
_AARCH64 = """
    getcwd 17  fcntl 25  faccessat 48  openat 56  close 57  getdents64 61  lseek 62  read 63
    write 64  readv 65  writev 66  pread64 67  ppoll 73  readlinkat 78  newfstatat 79  fstat 80
    capset 91  exit 93  exit_group 94  set_tid_address 96  futex 98  set_robust_list 99
    clock_gettime 113  clock_nanosleep 115  ptrace 117  sched_setaffinity 122
    sched_getaffinity 123  sched_yield 124  restart_syscall 128  kill 129  sigaltstack 132
    rt_sigaction 134  rt_sigprocmask 135  rt_sigreturn 139  uname 160  getrusage 165  prctl 167
    getcpu 168  gettimeofday 169  getpid 172  gettid 178  sysinfo 179  socket 198  brk 214
    munmap 215  mremap 216  clone 220  execve 221  mmap 222  mprotect 226  madvise 233
    prlimit64 261  seccomp 277  getrandom 278  membarrier 283  statx 291  rseq 293
    io_uring_setup 425  clone3 435  faccessat2 439  landlock_create_ruleset 444
    landlock_add_rule 445  landlock_restrict_self 446
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
# A program that is started behind the walls: its loader maps code and opens libraries.  Which files
# there are is Landlock's matter.
PROGRAM: Mapping[str, Sequence[Only]] = {
    **THREADS,
    "mmap": (),
    "mprotect": (),
    "execve": (),
    "openat": (),
    "fstat": (),
    "newfstatat": (),
    "statx": (),
    "access": (),
    "faccessat": (),
    "faccessat2": (),
    "readlink": (),
    "readlinkat": (),
    "getdents64": (),
    "getcwd": (),
    "fcntl": (),
    "writev": (),
    "sysinfo": (),
    "uname": (),
    "arch_prctl": (),
    "set_tid_address": (),
}


def here() -> Architecture | None:
    """This machine's; None where its numbers are not known."""
    return ARCHITECTURES.get(os.uname().machine)
