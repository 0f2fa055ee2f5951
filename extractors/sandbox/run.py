"""Run one program behind the walls: ``python -m extractors.sandbox.run MB SECONDS WALLS PROGRAM``.

The program may have arguments.  It has standard input and output, the libraries and data of the
system to read, so many megabytes and seconds of the processor, and nothing else.  WALLS is
"required" or "available"; without a program the walls are told, as JSON.
"""

import json
import os
import resource
import sys
from pathlib import Path

from extractors.sandbox.limits import MB, allow_processor
from extractors.sandbox.syscalls import PROGRAM
from extractors.sandbox.walls import raise_walls

NOT_WALLED = 125  # exit status: a wall is required that the kernel lacks
# libraries, programs and their data; what the loader and the threads look up
READABLE = (
    *("/usr", "/bin", "/lib", "/lib64", "/opt", "/nix/store"),
    *("/etc/ld.so.cache", "/etc/ld.so.preload", "/sys/devices/system/cpu", "/dev/null"),
)


def main() -> None:
    """Replace this process by the program."""
    megabytes, seconds, demand, *command = sys.argv[1:]
    data = filter(None, [os.environ.get("TESSDATA_PREFIX")])
    walls = raise_walls(PROGRAM, readable=[Path(one) for one in (*READABLE, *data)])
    if not command:
        print(json.dumps(walls.as_told()))
        return
    if demand == "required" and not walls.whole:
        sys.exit(NOT_WALLED)
    for limit, most in (
        (resource.RLIMIT_AS, int(megabytes) * MB),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(limit, (most, most))
    allow_processor(float(seconds))
    os.execv(command[0], command)


if __name__ == "__main__":
    main()
