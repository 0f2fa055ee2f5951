"""One attempt at one document: claimed, kept alive by a heartbeat, and written down as failed when
it fails.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

import structlog
from sqlalchemy.exc import OperationalError

from extractors.errors import SurefieldError
from worker import store
from worker.errors import ClaimLost
from worker.pipeline.heartbeat import heartbeat
from worker.runtime import Runtime
from worker.store.types import Claim, Failure
from worker.tables.documents import Status

log = structlog.get_logger()


@contextmanager
def attempt(rt: Runtime, document_id: UUID, *, at: Status, stage: str) -> Iterator[Claim | None]:
    """The claim of a stage on the document, or None when it is not there to take.

    Then the message is a repeated one, or somebody else works on it, or the stage rests.

    An error inside ends the attempt: the document is tried again later, or fails with the error's
    code, by what the error says of itself. An error of the installation counts for nothing: the
    document goes back to the line, and the stage rests. A lost claim or a lost database ends it
    silently: the lease runs out and another worker goes on.
    """
    if rt.rests.last(stage):
        yield None
        return
    with rt.transaction() as tx:
        claim = store.documents.claim(
            tx, document_id, at=at, stage=stage, lease=rt.lease, max_attempts=rt.max_attempts
        )
    if claim is None:
        yield None
        return

    def renew() -> bool:
        with rt.transaction() as tx:
            return store.documents.renew(tx, claim, rt.lease)

    try:
        with heartbeat(renew, lease=rt.lease):
            yield claim
    except ClaimLost:
        log.warning("claim_lost", document_id=str(document_id), stage_at=at.value)
    except OperationalError as error:
        log.warning(
            "database_lost",
            document_id=str(document_id),
            stage_at=at.value,
            error=type(error.orig).__name__,
        )
    except SurefieldError as error:
        if error.installation:
            rt.rests.begin(stage, rt.rest)
        log.warning(
            "attempt_failed",
            document_id=str(document_id),
            stage_at=at.value,
            code=error.code,
            retry=error.retry,
        )
        _write_down(rt, claim, error)
    except Exception as error:
        log.exception("attempt_broke", document_id=str(document_id), stage_at=at.value)
        _write_down(rt, claim, error)


def _write_down(rt: Runtime, claim: Claim, error: Exception) -> None:
    try:
        with rt.transaction() as tx:
            if isinstance(error, SurefieldError) and error.installation:
                store.documents.give_back(tx, claim, Failure.of(error), rest=2 * rt.rest)
            else:
                store.documents.fail(
                    tx, claim, Failure.of(error), max_attempts=rt.max_attempts, backoff=rt.backoff
                )
    except ClaimLost:
        log.warning("claim_lost", document_id=str(claim.document_id))
    except OperationalError:
        log.warning("database_lost", document_id=str(claim.document_id))
