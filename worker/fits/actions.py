"""What people do about fits: put one in force, and take it back."""

from uuid import UUID

from worker.actor import Actor
from worker.fits import store
from worker.fits.types import FitState, Kept
from worker.review.errors import InvalidDecision
from worker.review.queue import check_name
from worker.runtime import Runtime

STATES = {
    FitState.SHADOW: "in the shadow",
    FitState.IN_FORCE: "in force",
    FitState.TAKEN_BACK: "taken back",
}


def use(actor: Actor, fit_id: UUID, because: str, rt: Runtime) -> Kept:
    """Its score is the combined score from now on; certificates of the one before cover nothing.

    Raises NotFound, InvalidDecision where it is in force already.
    """
    return _say(actor, fit_id, because, rt, decides=True)


def take_back(actor: Actor, fit_id: UUID, because: str, rt: Runtime) -> Kept:
    """What ships is the combined score again.

    Raises NotFound, InvalidDecision without a reason, or where it is not in force.
    """
    if not because.strip():
        raise InvalidDecision("Say why: surefield fit --take-back ID --because TEXT")
    return _say(actor, fit_id, because, rt, decides=False)


def _say(actor: Actor, fit_id: UUID, because: str, rt: Runtime, *, decides: bool) -> Kept:
    check_name(actor.name)
    with rt.transaction() as tx:
        before = store.kept(tx, fit_id, lock=True)
        if (before.state is FitState.IN_FORCE) is decides:
            raise InvalidDecision(
                f"Fit {fit_id} is {STATES[before.state]}: there is nothing to"
                " change. See: surefield fit --list"
            )
        reason = because.strip() or None
        store.say(tx, fit_id, decides=decides, who=actor.name, because=reason)
        return store.kept(tx, fit_id)
