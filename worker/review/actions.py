"""What people do, with all rules inside: the web and the command line only translate.

Each function takes who acts and the runtime, opens its own transactions, and raises an error that
says what to do instead.
"""

from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from sqlalchemy import func

from extractors.documents.spec import DocumentType, Kind
from extractors.normalise import Value, normalise
from worker.actor import Actor, Forbidden, Role
from worker.db import Tx
from worker.review import context, document_types, leases, queue, reads, store, undo, verdicts
from worker.review.errors import InvalidDecision, NotSeen, ReviewConflict
from worker.review.settle import hold_document
from worker.review.tables import Action, ItemState
from worker.review.types import Decided, Decision, Item, ItemFilter, Untyped
from worker.runtime import Runtime
from worker.store.types import Piece
from worker.tables.results import Outcome

LONGEST_CORRECTION = 100_000  # characters
# what may be said of a page that cannot be shown, or has not been looked at
CORRECTIONS = frozenset({Action.CORRECT, Action.ABSENT, Action.UNREADABLE})
UNSEEN = frozenset({Action.UNREADABLE, Action.UNDO})


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a person says about one item, as they typed it."""

    action: Action
    version: int | None = None  # of the item as the person saw it; None: as it is now
    text: str = ""  # for a correction, as printed
    seen: bool = False  # the page that it rests on was before their eyes
    took_ms: int | None = None  # from seeing the field to deciding it


@dataclass(frozen=True, slots=True)
class Undone:
    """What is again as it was."""

    document_id: UUID
    item_id: UUID | None  # None: a document of which nothing waits


def decide(actor: Actor, item_id: UUID, answer: Answer, rt: Runtime) -> Decided:
    """Keep a decision; the very same one again, a retry, counts once.

    Accepting with another text than the item's is a correction: what was typed is meant.

    Raises NotFound, NotSeen, InvalidDecision, Forbidden, ReviewConflict.
    """
    if len(answer.text) > LONGEST_CORRECTION:
        raise InvalidDecision(
            f"A correction has at most {LONGEST_CORRECTION:,} characters. Shorten it."
        )
    with rt.transaction() as tx:
        seen = queue.item(tx, item_id)
        said = context.said_about(tx, item_id)
    check_seen(answer)
    decision = _decision(actor, seen, answer, rt)
    if (
        decision.action is Action.UNDO
        and not actor.role.covers(Role.MANAGER)
        and any(each.version == decision.version and each.who != actor.name for each in said)
    ):
        raise Forbidden("Only a manager takes back what somebody else decided. Tell them.")
    try:
        with rt.transaction() as tx:
            if decision.action is Action.UNDO:
                return undo.take_back(tx, item_id, version=decision.version, who=decision.who)
            return store.decide(tx, decision)
    except ReviewConflict as conflict:
        if (kept := _kept_already(decision, rt)) is not None:
            return kept
        conflict.mine = decision
        raise


def correct(
    actor: Actor, document_id: UUID, field: str, ordinal: int, answer: Answer, rt: Runtime
) -> Decided:
    """Say what a field is that was accepted, or decided, already; one that waits is decided.

    The document may be open, accepted or reviewed. What stood before stays on record, and an undo
    brings it back.

    Raises NotFound, NotSeen, InvalidDecision, Forbidden, ReviewConflict.
    """
    try:
        with rt.transaction() as tx:
            return correct_in(tx, actor, document_id, field, ordinal, answer, rt)
    except ReviewConflict as conflict:
        if conflict.mine is None:
            raise
        if (kept := _kept_already(conflict.mine, rt)) is not None:
            return kept
        raise


def correct_in(
    tx: Tx,
    actor: Actor,
    document_id: UUID,
    field: str,
    ordinal: int,
    answer: Answer,
    rt: Runtime,
) -> Decided:
    """The same in a transaction that does more than this.

    Raises NotFound, NotSeen, InvalidDecision, Forbidden, ReviewConflict.
    """
    if answer.action not in CORRECTIONS:
        raise InvalidDecision("A correction says another text, 'absent' or 'unreadable'.")
    check_seen(answer)
    hold_document(tx, document_id)
    item_id = store.item_about(tx, reads.result_of(tx, document_id, field, ordinal))
    seen = queue.item(tx, item_id)
    decision = _decision(actor, seen, answer, rt, again=True)
    if decision.version == seen.version:  # else the store refuses it
        _check_owner(actor, seen, context.said_about(tx, item_id))
    try:
        return store.decide(tx, decision)
    except ReviewConflict as conflict:
        conflict.mine = decision
        raise


def _check_owner(actor: Actor, seen: Item, said: tuple[context.Said, ...]) -> None:
    last = next((each for each in reversed(said) if each.version == seen.version), None)
    decided = seen.outcome is Outcome.REVIEWED and last is not None
    if decided and last and last.who != actor.name and not actor.role.covers(Role.MANAGER):
        raise Forbidden("Only a manager changes what somebody else decided. Tell them.")


def undo_last(actor: Actor, rt: Runtime, *, lease: timedelta) -> Undone:
    """Take one's own last decision, or verdict on a document, back.

    The field, or the first one that waits again, is held by whoever takes it back.

    Raises InvalidDecision when there is none from the last day.
    """
    with rt.transaction() as tx:
        last = reads.last_decision(tx, actor.name)
        judged = verdicts.last_of(tx, actor.name, since=func.now() - reads.UNDO_WITHIN)
        if judged is not None and (last is None or judged.at >= last.at):
            verdicts.take_back(tx, judged.document_id, who=actor.name)
            waiting = queue.list_items(tx, ItemFilter(document_id=judged.document_id), limit=1)
            undone = Undone(judged.document_id, waiting[0].item_id if waiting else None)
        elif last is not None:
            back = undo.take_back(tx, last.item_id, version=last.version, who=actor.name)
            undone = Undone(back.document_id, last.item_id)
        else:
            raise InvalidDecision("There is no decision of yours from the last day to take back.")
        if undone.item_id is not None:
            leases.hold_items(tx, actor.name, [undone.item_id], lease=lease)
    return undone


def skip(actor: Actor, item_id: UUID, rt: Runtime) -> None:
    """Leave the item to others; it does not come back to this person for an hour.

    Raises NotFound.
    """
    with rt.transaction() as tx:
        queue.item(tx, item_id)
        leases.skip_item(tx, item_id, actor.name)


def note(actor: Actor, item_id: UUID, text: str, rt: Runtime) -> tuple[context.Said, ...]:
    """Keep a remark beside the item; returns all that was said about it, oldest first.

    Raises NotFound, InvalidDecision.
    """
    with rt.transaction() as tx:
        queue.item(tx, item_id)
        leases.add_note(tx, item_id, actor.name, text)
        return context.said_about(tx, item_id)


def choose_type(actor: Actor, document_id: UUID, type_name: str, rt: Runtime) -> DocumentType:
    """Say what a document is; it goes on as that type.

    Raises UnknownDocumentType, NotFound, ReviewConflict, InvalidDecision.
    """
    spec = rt.document_type(type_name)
    with rt.transaction() as tx:
        document_types.choose_type(tx, document_id, spec.name, who=actor.name)
    return spec


def split(actor: Actor, document_id: UUID, pieces: list[Piece], rt: Runtime) -> list[UUID]:
    """Say which documents a file holds; returns the documents that go on.

    Raises UnknownDocumentType, NotFound, ReviewConflict, InvalidDecision.
    """
    for piece in pieces:
        rt.document_type(piece.document_type)
    with rt.transaction() as tx:
        return document_types.split_by_hand(tx, document_id, pieces, who=actor.name)


def next_untyped(rt: Runtime) -> Untyped | None:
    """The next document whose type a person must name."""
    with rt.transaction() as tx:
        return next(iter(document_types.untyped(tx, limit=1)), None)


def check_seen(answer: Answer) -> None:
    """Nobody confirms what they have not seen.

    Raises NotSeen.
    """
    if not answer.seen and answer.action not in UNSEEN:
        raise NotSeen(
            f"Look at the page before you decide {answer.action.value!r}. If it cannot be shown,"
            " decide 'unreadable', or skip the field."
        )


def _decision(
    actor: Actor, seen: Item, answer: Answer, rt: Runtime, *, again: bool = False
) -> Decision:
    """What the answer means for the item as it is.

    again: it may be decided already

    Raises InvalidDecision.
    """
    text = answer.text.replace("\r\n", "\n")  # as browsers send a text area
    action = answer.action
    if action is Action.ACCEPT and text.strip() and text != (seen.text or "").replace("\r\n", "\n"):
        action = Action.CORRECT
    meant = (
        _meaning(seen, text, rt.pinned_type(seen.document_type, seen.type_version))
        if (action is Action.CORRECT)
        else None
    )
    return Decision(
        item_id=seen.item_id,
        version=seen.version if answer.version is None else answer.version,
        who=actor.name,
        action=action,
        text=text if action is Action.CORRECT else None,
        value=meant.value if meant else None,
        currency=meant.currency if meant else None,
        seen=answer.seen,
        took_ms=answer.took_ms,
        again=again and seen.item_state is ItemState.CLOSED,
    )


def _meaning(seen: Item, text: str, spec: DocumentType) -> Value:
    field = spec.field(seen.field)
    if field.kind is Kind.GROUP:
        raise InvalidDecision(
            "A list has no text of its own. Set its rows right (key L, or surefield review rows),"
            " or decide accept, absent or unreadable."
        )
    meant = normalise(text, field, spec)
    if meant.problem is not None:
        raise InvalidDecision(
            f"This does not fit the field: {meant.message}. Type it as printed, or decide"
            " unreadable."
        )
    return meant


def _kept_already(decision: Decision, rt: Runtime) -> Decided | None:
    """What came of the very same decision of the same person, when it is the item's last: a
    retry whose first answer was lost.
    """
    same = (decision.who, decision.action, decision.text, decision.version + 1)
    with rt.transaction() as tx:
        said = context.said_about(tx, decision.item_id)
        if not any((each.who, each.action, each.text, each.version) == same for each in said):
            return None
        return store.decided_before(tx, decision.item_id)
