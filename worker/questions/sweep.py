"""What time does to questions: their senders are reminded, and at last they expire."""

from worker.questions import actions, store
from worker.runtime import Runtime
from worker.store import transitions
from worker.tables.documents import Status
from worker.tables.questions import QuestionState

AT_ONCE = 100  # documents of one sweep
STAGE, REMINDER = "ask", "reminder"


def sweep(rt: Runtime) -> int:
    """Expire what is overdue, and remind of what is open; returns of how many documents.

    A document each transaction: whoever answers at this moment is waited for, and wins.
    """
    with rt.transaction() as tx:
        over = store.overdue(tx, limit=AT_ONCE)
        due = store.unreminded(tx, every=rt.remind_every, limit=AT_ONCE)
    for document_id in over:
        with rt.transaction() as tx:
            store.hold(tx, document_id)
            late = [one for one in store.listed(tx, document_id=document_id) if one.overdue]
            if late:
                actions.end(tx, late, to=QuestionState.EXPIRED, by=transitions.SWEEPER)
    for document_id in due:
        with rt.transaction() as tx:
            store.hold(tx, document_id)
            if store.note_reminder(tx, document_id, every=rt.remind_every):
                transitions.note(
                    tx,
                    document_id,
                    at=Status.NEEDS_INPUT,
                    by=transitions.SWEEPER,
                    stage=STAGE,
                    code=REMINDER,
                )
    return len(over) + len(due)
