"""One attempt at one document: claimed, kept alive by a heartbeat, and written down as failed when
it fails.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from functools import partial
from uuid import UUID

import structlog
from sqlalchemy.exc import DBAPIError

from extractors.errors import SurefieldError
from worker import db, store
from worker.db import Tx
from worker.errors import ClaimLost
from worker.outages import database_is_away, outage_of
from worker.pipeline.heartbeat import heartbeat
from worker.runtime import Runtime
from worker.store.pauses import Turn
from worker.store.types import Claim, Failure
from worker.tables.documents import Status

log = structlog.get_logger()

# how long a worker whose database went away waits to let go of what it holds
PATIENCE = timedelta(minutes=1)


@contextmanager
def attempt(
    rt: Runtime, document: UUID | Claim, *, at: Status, stage: str
) -> Iterator[Claim | None]:
    """The claim of a stage on the document, or None when it is not there to take.

    Then the message is a repeated one, or somebody else works on it, or the stage pauses.

    document: its id, or a claim that is held already

    An error inside ends the attempt: the document is tried again later, or fails with the error's
    code, by what the error says of itself. An error of the installation counts for nothing: the
    document goes back to the line, and the stage pauses for every worker. A lost claim ends it
    silently; a lost database gives the claim back as if it had never been taken.
    """
    claim = document if isinstance(document, Claim) else _taken(rt, document, at, stage)
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
        log.warning("claim_lost", document_id=str(claim.document_id), stage_at=at.value)
        _settle(rt, claim, sound=False)
    except Exception as error:
        _ended(rt, claim, error)
    else:
        _settle(rt, claim, sound=True)


def _taken(rt: Runtime, document_id: UUID, at: Status, stage: str) -> Claim | None:
    with rt.transaction() as tx:
        turn = store.pauses.turn(tx, stage, lease=rt.lease)
        if turn is Turn.WAIT:
            return None
        claim = store.documents.claim(
            tx, document_id, at=at, stage=stage, lease=rt.lease, max_attempts=rt.max_attempts
        )
        if claim is None and turn is Turn.PROBE:
            store.pauses.give_turn_back(tx, stage)
    return None if claim is None else replace(claim, probes=turn is Turn.PROBE)


def _ended(rt: Runtime, claim: Claim, error: Exception) -> None:
    """Whatever went wrong, said where it belongs: to the document, the stage, or nobody."""
    about = {"document_id": str(claim.document_id), "stage_at": claim.at.value}
    if database_is_away(error):
        log.warning("database_lost", **about, error=type(error).__name__)
        let_go(rt, partial(store.documents.release, held=claim))
    elif (outage := outage_of(error)) is not None:
        log.warning("stage_pauses", **about, code=outage.code)
        _write_down(rt, claim, outage)
    elif isinstance(error, SurefieldError):
        log.warning("attempt_failed", **about, code=error.code, retry=error.retry)
        _write_down(rt, claim, error)
    else:
        log.error("attempt_broke", **about, exc_info=error)
        _write_down(rt, claim, error)


def _write_down(rt: Runtime, claim: Claim, error: Exception) -> None:
    failure = Failure.of(error)
    try:
        with rt.transaction() as tx:
            if isinstance(error, SurefieldError) and error.installation:
                pause = store.pauses.begin(
                    tx, claim.stage, failure, first=rt.pause, probed=claim.probes
                )
                store.documents.give_back(tx, claim, failure, pause=pause)
                return
            store.documents.fail(
                tx, claim, failure, max_attempts=rt.max_attempts, backoff=rt.backoff
            )
        _settle(rt, claim, sound=True)
    except ClaimLost:
        log.warning("claim_lost", document_id=str(claim.document_id))
        _settle(rt, claim, sound=True)
    except DBAPIError as away:
        log.warning("database_lost", document_id=str(claim.document_id))
        if database_is_away(away):
            let_go(rt, partial(store.documents.release, held=claim))


def _settle(rt: Runtime, claim: Claim, *, sound: bool) -> None:
    """The probe has answered: the stage works again, or somebody else is to probe."""
    if not claim.probes:
        return
    try:
        with rt.transaction() as tx:
            if sound:
                store.pauses.end(tx, claim.stage)
            else:
                store.pauses.give_turn_back(tx, claim.stage)
    except DBAPIError as error:  # the turn ends with its lease
        log.warning("database_lost", stage=claim.stage, error=type(error).__name__)
        return
    if sound:
        log.info("stage_works_again", stage=claim.stage)


def let_go(rt: Runtime, release: Callable[[Tx], None]) -> None:
    """Give what is held back when the database answers again: its outage takes no attempt."""

    def once() -> None:
        with rt.transaction() as tx:
            release(tx)

    try:
        db.with_patience(once, patience=PATIENCE)
    except DBAPIError as error:
        log.warning("claim_not_given_back", error=type(error).__name__)
