"""Taking an answer back: all that it decided is again as it was before."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import func, null, update

from worker.db import Tx
from worker.review.errors import ReviewConflict
from worker.review.history import Kept, decided_by, keep_answer, keep_decision, standing
from worker.review.lists import Place, arrange, read_list
from worker.review.queue import check_name, counting, item
from worker.review.settle import hold_document, settle
from worker.review.store import seen_of, turn
from worker.review.tables import Action, ItemState
from worker.review.types import Decided, Decision
from worker.tables.results import Outcome, Result


def take_back(tx: Tx, item_id: UUID, *, version: int, who: str) -> Decided:
    """Take back the answer that decided this item; an undo is an answer too.

    A field that waited before it waits again; one that was accepted, or decided by an earlier
    answer, is again what it was then.

    Raises NotFound, ReviewConflict when the item is another version or nothing is decided of it,
    InvalidDecision for an unusable name.
    """
    check_name(who)
    document_id = item(tx, item_id).document_id
    hold_document(tx, document_id)
    counting(tx, item_id)
    last = standing(tx, item_id)
    if last is None:
        raise ReviewConflict(
            f"Nothing that is decided of item {item_id} can be taken back. Look at it again."
        )
    said = _undo(item_id, version, who)
    answer_id = keep_answer(tx, said)
    covered = decided_by(tx, last.answer_id)
    for each in covered:
        _take_back(tx, each, answer_id, version if each.item_id == item_id else None, who)
    for each in covered:
        if "arrangement" in each.seen:
            _rearrange(tx, document_id, each.seen)
    waiting, status = settle(tx, document_id, who=who)
    return Decided(document_id, item(tx, item_id).version, waiting, status)


def _take_back(tx: Tx, kept: Kept, answer_id: int, version: int | None, who: str) -> None:
    if standing(tx, kept.item_id) != kept:
        raise ReviewConflict(
            f"Item {kept.item_id} was decided again after that. Take the later decision back first."
        )
    now = item(tx, kept.item_id)
    undo = _undo(kept.item_id, now.version if version is None else version, who)
    before = Outcome(kept.seen.get("decision") or Outcome.REVIEW)  # older ones were all waiting
    turn(tx, undo, to=ItemState.OPEN if before is Outcome.REVIEW else ItemState.CLOSED)
    keep_decision(tx, undo, answer_id, seen_of(now))
    was: dict[str, Any] = {
        "state": kept.seen["state"],
        "text": kept.seen["text"],
        "value": kept.seen["value"],
        "decision": before,
        "decided_at": null() if before is Outcome.REVIEW else func.now(),
    }
    if "currency" in kept.seen:  # older ones do not say it
        was["currency"] = kept.seen["currency"]
    tx.session.execute(update(Result).where(Result.id == kept.result_id).values(was))


def _rearrange(tx: Tx, document_id: UUID, seen: Mapping[str, Any]) -> None:
    """The rows of a list stand again where they stood."""
    places = [
        Place(**{**each, "result_id": UUID(each["result_id"])}) for each in seen["arrangement"]
    ]
    arrange(tx, read_list(tx, document_id, str(seen["list"])), places)


def _undo(item_id: UUID, version: int, who: str) -> Decision:
    return Decision(item_id=item_id, version=version, who=who, action=Action.UNDO, again=True)
