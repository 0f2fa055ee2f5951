"""A circuit breaker for each stage, where every worker sees it.

A stage without a row works.  An error of the installation opens its breaker: everybody pauses.
When the pause is over, one worker probes with one document; the others wait for what becomes of it.
"""

from datetime import timedelta
from enum import Enum

from sqlalchemy import delete, func, select, update
from sqlalchemy.dialects.postgresql import insert as pg_insert

from worker.db import Tx
from worker.store.codec import storable
from worker.store.types import Failure
from worker.tables.stage_pauses import StagePause

LONGEST_MESSAGE = 2_000
LONGEST = timedelta(minutes=1)  # between two probes


class Turn(Enum):
    """What a worker may do at a stage."""

    WORK = "work"
    PROBE = "probe"  # with one document, and nobody else does
    WAIT = "wait"


def turn(tx: Tx, stage: str, *, lease: timedelta) -> Turn:
    """Whether the stage works; of those who ask after its pause, one is to probe.

    lease: how long the others wait for the probe, should it never answer
    """
    due = tx.session.execute(
        select(StagePause.retry_at <= func.now()).where(StagePause.stage == stage)
    ).scalar_one_or_none()
    if due is None:
        return Turn.WORK
    if not due:
        return Turn.WAIT
    mine = tx.session.execute(
        update(StagePause)
        .where(StagePause.stage == stage, StagePause.retry_at <= func.now())
        .values(retry_at=func.now() + lease)
        .returning(StagePause.stage)
    ).one_or_none()
    return Turn.PROBE if mine else Turn.WAIT


def pausing(tx: Tx) -> dict[str, bool]:
    """The stages that pause, and whether somebody may probe now."""
    rows = tx.session.execute(select(StagePause.stage, (StagePause.retry_at <= func.now())))
    return {row[0]: row[1] for row in rows}


def begin(tx: Tx, stage: str, failure: Failure, *, first: timedelta, probed: bool) -> timedelta:
    """Pause the stage; each probe that fails doubles the pause, up to a minute.  Returns it.

    first: the first pause
    probed: this was the probe, and no error from before the pause began
    """
    seconds = first.total_seconds()
    row = pg_insert(StagePause).values(
        stage=stage,
        code=failure.code,
        message=storable(failure.message)[:LONGEST_MESSAGE],
        retry_at=func.now() + first,
    )
    probes = StagePause.probes + (1 if probed else 0)
    pause_s = func.least(seconds * func.power(2, func.least(probes, 16)), LONGEST.total_seconds())
    again = {
        "code": row.excluded.code,
        "message": row.excluded.message,
        "probes": probes,
        "retry_at": func.now() + func.make_interval(0, 0, 0, 0, 0, 0, pause_s)
        if probed
        else StagePause.retry_at,
    }
    left: timedelta = tx.session.execute(
        row.on_conflict_do_update(index_elements=["stage"], set_=again).returning(
            func.greatest(StagePause.retry_at - func.now(), func.make_interval())
        )
    ).scalar_one()
    return left


def give_turn_back(tx: Tx, stage: str) -> None:
    """The probe found nothing to probe with: whoever has a document may."""
    tx.session.execute(
        update(StagePause).where(StagePause.stage == stage).values(retry_at=func.now())
    )


def end(tx: Tx, stage: str) -> bool:
    """The stage works again; whether it had paused."""
    gone = tx.session.execute(
        delete(StagePause).where(StagePause.stage == stage).returning(StagePause.stage)
    )
    return gone.one_or_none() is not None


def why(tx: Tx) -> dict[str, str]:
    """The stages that pause, each with its error's code and words."""
    query = select(StagePause.stage, StagePause.code, StagePause.message)
    rows = tx.session.execute(query.order_by(StagePause.stage))
    return {row.stage: f"{row.code}: {row.message}" for row in rows}
