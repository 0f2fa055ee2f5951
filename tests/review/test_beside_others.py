"""Whatever people do with one document, its twin waits as it waited."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session, sessionmaker

from tests.factories import LEASE, a_document, begin, everything_about, results_of
from worker import store
from worker.db import Tx
from worker.review import leases, queue, undo, verdicts
from worker.review import store as review_store
from worker.review.errors import InvalidDecision, ReviewConflict
from worker.review.tables import Action, ItemState, Verdict
from worker.review.types import Decision, Item, ItemFilter
from worker.tables.documents import FINAL, Status

Sessions = sessionmaker[Session]
ADA, BOB = "ada", "bob"
BAD = frozenset({Status.FAILED, Status.REJECTED})  # their rows say why


@dataclass(frozen=True, slots=True)
class One:
    """A document of which something is done, with its two fields that wait."""

    id: UUID
    payee: Item
    total: Item


def said(item: Item, action: Action = Action.ACCEPT, who: str = ADA, **more: Any) -> Decision:
    return Decision(item_id=item.item_id, version=item.version, who=who, action=action, **more)


Act = Callable[[Tx, One], object]


def by_word(tx: Tx, one: One) -> None:
    says = said(one.total, Action.CORRECT, text="1.00", value="1.00")
    review_store.decide_by_word(tx, says, one.total)


def offered(tx: Tx, one: One) -> None:
    says = said(one.total, Action.CORRECT, text="1.00", value="1.00")
    review_store.offer(tx, says, one.total)


ACTS: dict[str, Act] = {
    **{
        str(action): lambda tx, one, action=action: review_store.decide(  # type: ignore[misc]
            tx,
            said(one.total, action, **({"text": "1"} if action is Action.CORRECT else {})),
        )
        for action in (Action.ACCEPT, Action.CORRECT, Action.ABSENT, Action.UNREADABLE)
    },
    "by the sender's word": by_word,
    "offered": offered,
    "superseded": lambda tx, one: review_store.supersede(tx, [one.id]),
    "held": lambda tx, one: leases.hold_items(tx, ADA, [one.total.item_id], lease=9 * LEASE),
    "held whole": lambda tx, one: leases.hold_document(tx, BOB, one.id, lease=LEASE),
    "given back": lambda tx, one: queue.release_item(tx, one.total.item_id, ADA),
    "given back whole": lambda tx, one: leases.release_document(tx, ADA, one.id),
    "skipped": lambda tx, one: leases.skip_item(tx, one.total.item_id, ADA),
    "taken": lambda tx, one: queue.claim_item(
        tx, ADA, lease=9 * LEASE, filters=ItemFilter(document_id=one.id)
    ),
    "rejected": lambda tx, one: verdicts.reject(tx, one.id, Verdict.NOT_OURS, who=ADA, seen=True),
    "of another type": lambda tx, one: verdicts.keep_other_type(
        tx, one.id, "invoice", who=ADA, seen=True
    ),
    "cancelled": lambda tx, one: (
        tx.session.execute(
            text("UPDATE documents SET status = 'extracted' WHERE id = :id"), {"id": one.id}
        )
        and verdicts.cancel(tx, one.id, by="upstream:tests")
    ),
}


def in_review(db: Sessions, **more: Any) -> One:
    """Both of its fields wait, and Ada holds them."""
    made = a_document(db, status=Status.SCORED, **more)
    with begin(db) as tx:
        held = store.documents.claim(tx, made.id, at=Status.SCORED, stage="route", lease=LEASE)
        assert held is not None
        waits = frozenset({"payee", "total"})
        store.results.save_results(tx, held, results_of(tx, made.id, review=waits))
        review_store.open_review(tx, held)
        store.documents.finish(tx, held, to=Status.IN_REVIEW)
        leases.hold_document(tx, ADA, made.id, lease=LEASE)
    return now(db, made.id)


def now(db: Sessions, document: UUID) -> One:
    """As its items are now, open or closed."""
    with begin(db) as tx:
        found = {
            each.field: each
            for closed in (False, True)
            for each in queue.list_items(tx, ItemFilter(document_id=document), closed=closed)
        }
    return One(document, found["payee"], found["total"])


def stays(db: Sessions, act: Act, one: One, other: One) -> None:
    before = everything_about(db, one.id), everything_about(db, other.id)
    with begin(db) as tx:
        act(tx, one)
    assert everything_about(db, one.id) != before[0]
    assert everything_about(db, other.id) == before[1]


def item_rows(db: Sessions, one: One) -> dict[UUID, Any]:
    """Everything of each item and of its result."""
    with db() as session:
        rows = session.execute(
            text(
                "SELECT i.id, to_jsonb(i) AS item, to_jsonb(r) AS result FROM review_items i"
                " JOIN results r ON r.id = i.result_id WHERE i.document_id = :id"
            ),
            {"id": one.id},
        )
        return {row.id: (row.item, row.result) for row in rows}


OF_ONE_FIELD = {
    *("accept", "correct", "absent", "unreadable", "by the sender's word", "offered"),
    *("held", "given back", "skipped"),
}


@pytest.mark.parametrize("name", ACTS)
def test_what_is_done_with_one_document_is_not_done_with_its_twin(db: Sessions, name: str) -> None:
    """Nor with the other field, where it is done with one."""
    one, other = in_review(db), in_review(db)
    before = item_rows(db, one)[one.payee.item_id]
    stays(db, ACTS[name], one, other)
    if name in OF_ONE_FIELD:
        assert item_rows(db, one)[one.payee.item_id] == before


@pytest.mark.parametrize("action", [Action.ACCEPT, Action.CORRECT, Action.ABSENT])
def test_taking_back_what_was_decided_of_one_leaves_what_was_decided_of_the_other(
    db: Sessions, action: Action
) -> None:
    """Both by the same person, of the same version."""
    both = in_review(db), in_review(db)
    more = {"text": "1"} if action is Action.CORRECT else {}
    with begin(db) as tx:
        for each in both:
            review_store.decide(tx, said(each.total, action, **more))
    one, other = (now(db, each.id) for each in both)
    stays(
        db,
        lambda tx, it: undo.take_back(tx, it.total.item_id, version=it.total.version, who=ADA),
        one,
        other,
    )
    again = now(db, one.id).total
    assert (again.text, again.item_state, again.state) == (
        both[0].total.text,
        ItemState.OPEN,
        both[0].total.state,
    )


@pytest.mark.parametrize("first", [0, 1])
def test_of_two_rejected_documents_one_comes_back(db: Sessions, first: int) -> None:
    """Whichever was rejected first; it alone waits again, as another version."""
    both = in_review(db), in_review(db)
    with begin(db) as tx:
        for each in both:
            verdicts.reject(tx, each.id, Verdict.ILLEGIBLE, who=ADA, seen=True)
    one, other = both[first], both[1 - first]
    stays(db, lambda tx, it: verdicts.take_back(tx, it.id, who=ADA), one, other)
    back = now(db, one.id)
    for item, was in ((back.payee, one.payee), (back.total, one.total)):
        assert (item.item_state, item.version) == (ItemState.OPEN, was.version + 2)
        assert (item.leased_by, item.lease_until) == (None, None)


@pytest.mark.parametrize("held_by", [None, ADA])
def test_a_verdict_closes_fields_and_an_undo_opens_those_that_were_open(
    db: Sessions, held_by: str | None
) -> None:
    """The one that was decided before stays decided."""
    one = in_review(db)
    with begin(db) as tx:
        if held_by is None:
            leases.release_all(tx, ADA)
        review_store.decide(tx, said(one.payee))
        verdicts.reject(tx, one.id, Verdict.NOT_OURS, who=BOB, seen=True)
    assert now(db, one.id).total.item_state is ItemState.CLOSED
    with begin(db) as tx:
        verdicts.take_back(tx, one.id, who=BOB)
    after = now(db, one.id)
    assert (after.payee.item_state, after.total.item_state) == (ItemState.CLOSED, ItemState.OPEN)


@pytest.mark.parametrize("status", list(Status))
def test_a_document_is_judged_where_a_person_has_it_and_cancelled_where_it_is_on_its_way(
    db: Sessions, status: Status
) -> None:
    """At every other status a verdict is a conflict, and nothing is left to cancel."""
    one = in_review(db)
    at = {"at": status, "id": one.id, "ended": status in FINAL, "bad": status in BAD}
    with begin(db) as tx:
        tx.session.execute(
            text(
                "UPDATE documents SET status = :at,"
                " finished_at = CASE WHEN :ended THEN now() END,"
                " error_code = CASE WHEN :bad THEN 'not_ours' END,"
                " error_message = CASE WHEN :bad THEN 'x' END WHERE id = :id"
            ),
            at,
        )

    def judged() -> bool:
        try:
            with begin(db) as tx:
                verdicts.reject(tx, one.id, Verdict.NOT_OURS, who=ADA, seen=True)
                raise InvalidDecision("It could be judged: undo it.")
        except ReviewConflict:
            return False
        except InvalidDecision:
            return True

    with begin(db) as tx:
        cancelled = verdicts.cancel(tx, one.id, by="upstream:tests")
        tx.session.rollback()
    waits = {Status.IN_REVIEW, Status.NEEDS_TYPE}
    assert judged() == (status in waits | {Status.ACCEPTED, Status.REVIEWED})
    ended = {Status.ACCEPTED, Status.REVIEWED, Status.FAILED, Status.SPLIT, Status.REJECTED}
    assert cancelled == (status not in ended)


def test_an_item_that_is_held_is_decided_by_its_holder_until_the_lease_ends(db: Sessions) -> None:
    """Somebody else gets a conflict, and so does an older version; afterwards it is anybody's."""
    one = in_review(db)
    for wrong in (
        said(one.total, who=BOB),
        Decision(item_id=one.total.item_id, version=9, who=ADA, action=Action.ACCEPT),
        said(one.total, again=True),
    ):
        with pytest.raises(ReviewConflict), begin(db) as tx:
            review_store.decide(tx, wrong)
    with begin(db) as tx:
        leases.hold_items(tx, ADA, [one.total.item_id], lease=timedelta(seconds=-1))
    with begin(db) as tx:
        decided = review_store.decide(tx, said(one.total, who=BOB))
    assert (decided.open_items, decided.status) == (1, Status.IN_REVIEW)
