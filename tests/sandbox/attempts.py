"""The render child, taken over: it is started as ever, and what it is asked to render it attacks.

Run by test_walls.py as ``python -m tests.sandbox.attempts PARENT UID WALLS``.  WALLS is ``yes``,
or ``no`` to show that each attempt succeeds where no walls are.
"""

import ctypes
import mmap
import os
import resource
import signal
import socket
import sys

from extractors.sandbox.walls import NO_WALLS
from worker.rendering import child

LIBC = ctypes.CDLL(None, use_errno=True)
# of x86-64 and of aarch64
NUMBERS = {
    name: of_both[os.uname().machine == "aarch64"]
    for name, of_both in {
        "ptrace": (101, 117),
        "shmget": (29, 194),
        "prctl": (157, 167),
        "unshare": (272, 97),
        "process_vm_readv": (310, 270),
        "memfd_create": (319, 279),
        "execveat": (322, 281),
        "io_uring_setup": (425, 425),
        "bpf": (321, 280),
        "keyctl": (250, 219),
        "pidfd_open": (434, 434),
    }.items()
}
PTRACE_SEIZE, PTRACE_DETACH = 0x4206, 17
CLONE_NEWUSER = 0x10000000
AT_EMPTY_PATH = 0x1000
ATTEMPTS = {}


def attempt(function):
    """One attempt; it ends without an error when it succeeds."""
    ATTEMPTS[function.__name__] = function
    return function


def call(name, *arguments):
    """A system call by its number, so that no library refuses beforehand."""
    done = LIBC.syscall(NUMBERS[name], *arguments)
    if done < 0:
        raise OSError(ctypes.get_errno(), name)
    return done


@attempt
def connect_by_tcp(at):
    with socket.socket() as line:
        line.connect(("127.0.0.1", at["port"]))


@attempt
def send_by_udp(at):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as line:
        line.sendto(b"x", ("127.0.0.1", at["port"]))


@attempt
def connect_to_a_unix_socket_such_as_postgres_has(at):
    with socket.socket(socket.AF_UNIX) as line:
        line.connect(at["socket"])


@attempt
def read_the_environment_of_a_worker(at):
    with open(f"/proc/{at['victim']}/environ", "rb") as file:
        assert b"postgresql://" in file.read()


@attempt
def read_another_document(at):
    with open(at["document"], "rb") as file:
        assert file.read()


@attempt
def write_a_blob(at):
    with open(at["folder"] + "/new", "wb"):
        pass


@attempt
def remove_a_file(at):
    os.unlink(at["folder"] + "/to_remove")


@attempt
def list_a_folder(at):
    assert os.listdir(at["folder"])


@attempt
def look_whether_a_file_is_there(at):
    os.stat(at["document"])


@attempt
def trace_a_worker(at):
    call("ptrace", PTRACE_SEIZE, at["victim"], 0, 0)
    LIBC.syscall(NUMBERS["ptrace"], PTRACE_DETACH, at["victim"], 0, 0)


@attempt
def read_the_memory_of_a_worker(at):
    """Nothing to read is asked for: that the kernel would is enough."""
    call("process_vm_readv", at["victim"], None, 0, None, 0, 0)


@attempt
def signal_a_worker(at):
    os.kill(at["victim"], signal.SIGCONT)


@attempt
def hold_a_worker_by_a_descriptor(at):
    os.close(call("pidfd_open", at["victim"], 0))


@attempt
def start_a_process(at):
    if (pid := os.fork()) == 0:
        os._exit(0)
    os.waitpid(pid, 0)


@attempt
def run_a_program(at):
    """A program that is not there: where it is looked for, the kernel would have run another."""
    try:
        os.execv("/nowhere", ["nowhere"])
    except FileNotFoundError:
        pass


@attempt
def run_a_program_from_memory(at):
    file = call("memfd_create", b"program", 0)
    try:
        os.write(file, b"not one")
        call("execveat", file, b"", None, None, AT_EMPTY_PATH)
    except OSError as error:
        if error.strerror != "execveat" or error.errno != 8:  # ENOEXEC: it was looked at
            raise
    finally:
        os.close(file)


@attempt
def make_memory_that_holds_code(at):
    mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_EXEC).close()


@attempt
def share_memory_with_a_worker(at):
    call("shmget", 0, 4096, 0o600)


@attempt
def queue_calls_in_a_ring(at):
    """The ring needs a place for its description: an empty one is a bad one."""
    try:
        call("io_uring_setup", 1, None)
    except OSError as error:
        if error.errno != 14:  # EFAULT: it was looked for
            raise


@attempt
def load_a_program_into_the_kernel(at):
    """An empty one is a bad one: it was looked at."""
    try:
        call("bpf", 0, None, 0)
    except OSError as error:
        if error.errno != 22:  # EINVAL
            raise


@attempt
def use_the_keyring(at):
    call("keyctl", 0, -3, 1, 0, 0)


@attempt
def make_a_namespace_of_its_own(at):
    call("unshare", CLONE_NEWUSER)


@attempt
def rename_itself_by_prctl(at):
    call("prctl", 15, b"postgres", 0, 0, 0)


@attempt
def let_files_grow_again(at):
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))


@attempt
def limit_a_worker(at):
    limits = resource.prlimit(at["victim"], resource.RLIMIT_CPU)
    resource.prlimit(at["victim"], resource.RLIMIT_CPU, limits)


@attempt
def ask_by_the_other_door(at):
    """x86-64 has numbers for another width of pointers."""
    LIBC.syscall(0x40000000 | 39)


DEADLY = ATTEMPTS.pop("ask_by_the_other_door")


def attack(pdf, request, data, send):
    """In place of rendering: the attempts that the request names, and which errors they met."""
    results = {}
    for name in request["attempts"]:
        try:
            (ATTEMPTS | {DEADLY.__name__: DEADLY})[name](request["at"])
            results[name] = None
        except Exception as error:
            results[name] = f"{type(error).__name__}: {error}"
    return {"results": results, "again": True}


def main():
    uid = int(sys.argv[2])
    child._serve = attack
    raised = child.raise_walls

    def as_somebody():
        """The account is changed after the imports: an ordinary one may not reach the library."""
        if uid != os.geteuid():
            os.setgroups([])
            os.setgid(uid)
            os.setuid(uid)
        return raised() if sys.argv[3] == "yes" else NO_WALLS

    child.raise_walls = as_somebody
    if sys.argv[3] == "no":
        child.sandbox.write_nothing = lambda: None
    child.main()


if __name__ == "__main__":
    main()
