"""Ends a supervisor's children when the supervisor itself was killed: ``python -m
worker.embedded.watchdog STATE_DIR``.

It waits on a pipe from the supervisor. A byte says that all is in order; the end of the pipe
without one says that the supervisor is gone, however it went. It runs in a session of its own and
holds the supervisor's lock until it is done, so that the next supervisor waits.
"""

import logging
import sys
import time
from pathlib import Path

from worker.embedded.orphans import end, mark_of

UNUSED_FOR_S = 2.0


def main(state_dir: Path) -> None:
    """Wait; then end what is left, and the embedded Postgres unless somebody uses it."""
    if sys.stdin.buffer.read(1):
        return
    end(mark_of(state_dir), grace_s=3.0)
    time.sleep(UNUSED_FOR_S)
    from worker.embedded.postgres import (
        EmbeddedPostgres,  # here: this process waits for days, and should be small
    )

    EmbeddedPostgres(state_dir).stop_if_unused()


if __name__ == "__main__":
    logging.basicConfig(format="%(asctime)s watchdog: %(message)s")
    main(Path(sys.argv[1]))
