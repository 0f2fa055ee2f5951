"""What is wrong with the installation, told from what is wrong with a document: one table.

An error of ours says it of itself (``SurefieldError.installation``).  Here stand those of the
machine and of the database, which say it by number.
"""

import errno
from collections.abc import Mapping

from sqlalchemy.exc import DBAPIError

from extractors.errors import OutOfMemory, SurefieldError
from worker import db
from worker.errors import MachineLacks, RightsMissing, WrongSchema

# what the operating system says -> what the machine lacks, and the mend
MACHINE: Mapping[int, str] = {
    errno.ENOSPC: "The disk is full. Make room, or move SUREFIELD_STATE_DIR.",
    errno.EDQUOT: "The disk quota is used up. Make room, or raise it.",
    errno.EROFS: "The file system is read only. Look at its disk.",
    errno.EIO: "The disk or its network answers with errors. Look at the system's log.",
    errno.ESTALE: "A network folder was mounted anew. Start the workers again.",
    errno.EMFILE: "This process has too many open files. Raise its limit.",
    errno.ENFILE: "This machine has too many open files. Raise its limit.",
    errno.EAGAIN: "No further process can be started. Raise the limit of processes.",
    errno.ENOMEM: "The machine has no memory left. Run fewer workers, or add memory.",
}
# undefined table, column, function, schema: the workers and the database are of two releases
SCHEMA = ("42P01", "42703", "42883", "3F000")
NO_RIGHT = "42501"
TOO_LONG = "57014"
NO_GPU_MEMORY = "OutOfMemoryError"  # torch's; this side of the border has no torch


def outage_of(error: BaseException) -> SurefieldError | None:
    """The error as one of the installation; None when it speaks of a document, or of nobody."""
    if isinstance(error, SurefieldError):
        return error if error.installation else None
    if isinstance(error, DBAPIError):
        state = str(getattr(error.orig, "sqlstate", None))
        if state == NO_RIGHT:
            return RightsMissing(
                "The role that this process has in the database may not do that. Run: surefield"
                " migrate, then surefield roles; and look whether it has the login that is meant"
                " for it."
            )
        if state.startswith(SCHEMA):
            return WrongSchema(
                "The database's tables are not those of this worker. Run: surefield migrate, and"
                " start workers of one release only."
            )
        return None  # away: whoever holds a claim lets it go
    if isinstance(error, OSError) and (said := MACHINE.get(error.errno or 0)):
        return MachineLacks(said)
    if type(error).__name__ == NO_GPU_MEMORY:
        return OutOfMemory(
            "The accelerator has no memory left. Use a larger one, a smaller model, or"
            " SUREFIELD_BATCH_PAGES=1, and look at what else runs on it."
        )
    return None


def database_is_away(error: BaseException) -> bool:
    """Whether the database did not answer, has no room, or two transactions met: nothing is said of
    the document.  A statement that took too long may be the document's own fault.
    """
    cancelled = str(getattr(getattr(error, "orig", None), "sqlstate", None)) == TOO_LONG
    return db.is_passing(error) and not cancelled
