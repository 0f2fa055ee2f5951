"""A kernel without walls: this process, and what it starts, is told that there are none.

Run as ``python -m tests.sandbox.without_walls REQUIRED CALL ...``: the calls are those that fail,
as they do where the kernel does not know them.
"""

import ctypes
import errno
import struct
import sys
from dataclasses import asdict

from extractors.errors import SurefieldError
from extractors.sandbox import seccomp
from extractors.sandbox.syscalls import here
from tests.factories import render_limits
from tests.rendering.files import CANVAS, a_pdf
from worker.rendering.renderer import Renderer


def forget(calls):
    """A filter of the test's own: these calls are unknown, all others allowed."""
    code = [(0x20, 0, 0, 0)]
    for name in calls:
        code += [(0x15, 0, 1, here().numbers[name]), (0x06, 0, 0, 0x50000 | errno.ENOSYS)]
    packed = b"".join(struct.pack("=HBBI", *one) for one in [*code, (0x06, 0, 0, 0x7FFF0000)])
    libc = ctypes.CDLL(None)
    libc.prctl(38, 1, 0, 0, 0)
    filled = seccomp._Program(len(packed) // 8, packed)
    assert libc.syscall(here().numbers["seccomp"], 1, 0, ctypes.byref(filled)) == 0


def main():
    forget(sys.argv[2:])
    with Renderer(walls_required=sys.argv[1] == "required") as renderer:
        try:
            pages = list(renderer.render(a_pdf(), canvas=CANVAS, limits=render_limits(view_dpi=36)))
            print(len(pages), asdict(renderer.walls()))
        except SurefieldError as error:
            print(error.code, error)


if __name__ == "__main__":
    main()
