"""Who is next, whatever the length of the line."""

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from threading import Barrier
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text

from tests.factories import LEASE, Sessions, a_document, begin
from worker import store
from worker.store.types import Claim
from worker.tables.documents import Status

STAGES: Mapping[Status, str] = {
    Status.SCORED: "route",
    Status.EXTRACTED: "ground",
    Status.SUBMITTED: "render",
}


def best(db: Sessions, **asked: Any) -> Claim | None:
    with begin(db) as tx:
        return store.order.claim_best(tx, STAGES, lease=LEASE, **asked)


def all_in_order(db: Sessions) -> list[UUID]:
    found = []
    while (claim := best(db)) is not None:
        found.append(claim.document_id)
    return found


def set_(db: Sessions, document: UUID, what: str) -> None:
    with begin(db) as tx:
        tx.session.execute(text(f"UPDATE documents SET {what} WHERE id = :id"), {"id": document})


def test_priority_goes_first_then_later_stages_deadline_and_age(db: Sessions) -> None:
    """What is begun ends before more of its priority is begun; what is urgent waits for neither."""
    plain = a_document(db)
    late, soon = (a_document(db, deadline=datetime(2030, month, 1, tzinfo=UTC)) for month in (9, 2))
    urgent, low = a_document(db, priority=9), a_document(db, priority=0)
    begun, nearly = (a_document(db, status=at) for at in (Status.EXTRACTED, Status.SCORED))
    for document in (plain, late, soon, urgent, low):
        set_(db, document.id, "turn = 0")

    urgent_and_begun = a_document(db, priority=9, status=Status.EXTRACTED)
    low_and_begun = a_document(db, priority=0, status=Status.SCORED)

    first = [each.id for each in (urgent_and_begun, urgent, nearly, begun, soon, late, plain)]
    assert all_in_order(db) == [*first, low_and_begun.id, low.id]


def test_a_claim_says_what_was_claimed(db: Sessions) -> None:
    """As the claim of a document by its id does."""
    made = a_document(db, status=Status.EXTRACTED)
    claim = best(db)
    assert claim is not None
    assert (claim.document_id, claim.at, claim.stage) == (made.id, Status.EXTRACTED, "ground")
    assert (claim.document_type, claim.sha256, claim.failures) == ("slip", made.sha256, 0)
    with begin(db) as tx:
        assert store.documents.renew(tx, claim, LEASE)
        store.documents.finish(tx, claim, to=Status.GROUNDED)
    assert best(db) is None


@pytest.mark.parametrize(
    "hindrance",
    [
        "lease_until = now() + interval '1 minute'",
        "next_attempt_at = now() + interval '1 minute'",
        "failures = 4",
        "failures = 3, lease_until = now() - interval '1 s'",
    ],
)
def test_what_cannot_be_taken_holds_nobody_up(db: Sessions, hindrance: str) -> None:
    """It is held, waits, or used up its attempts; the next in line is taken."""
    first, second = a_document(db), a_document(db)
    set_(db, first.id, hindrance)
    assert all_in_order(db) == [second.id]


def test_a_lease_that_ran_out_counts_as_an_attempt(db: Sessions) -> None:
    """Whoever held it died without a word."""
    document = a_document(db)
    set_(db, document.id, "lease_until = now() - interval '1 s'")
    claim = best(db)
    assert claim is not None
    assert claim.failures == 1


def test_an_upstream_with_a_burst_does_not_hold_up_one_that_sends_its_first(db: Sessions) -> None:
    """It catches up with what is served now, and then they take turns."""
    burst = [a_document(db, upstream="bulk").id for _ in range(6)]
    first = [best(db), best(db)]  # two of it are served
    other = [a_document(db, upstream="erp").id for _ in range(3)]

    order = all_in_order(db)
    assert [each and each.document_id for each in first] == burst[:2]
    assert order == [*other[:2], burst[2], other[2], *burst[3:]]


def test_what_an_upstream_sent_long_ago_counts_neither_for_nor_against_it(db: Sessions) -> None:
    """While nothing waits, turns go on from the last one, whoever had it."""
    old = [a_document(db, upstream="old").id for _ in range(5)]
    for document in old:
        set_(db, document, "status = 'accepted', finished_at = now()")
    new = [a_document(db, upstream="new").id for _ in range(5)]
    of_old = a_document(db, upstream="old").id
    assert all_in_order(db) == [*new[:2], of_old, *new[2:]]


def test_one_upstream_does_not_take_every_worker_where_there_are_others(db: Sessions) -> None:
    """A worker stays free for whoever comes; alone, an upstream has all of them."""
    for _ in range(4):
        a_document(db, upstream="bulk")
    assert [best(db, at_once=1) is not None for _ in range(2)] == [True, True]

    other = a_document(db, upstream="erp")
    found = [best(db, at_once=2), best(db, at_once=2)]
    assert [each and each.document_id for each in found] == [other.id, None]


def test_a_lease_that_ran_out_keeps_no_upstream_from_its_turn(db: Sessions) -> None:
    """Whoever held it is gone; and there is another upstream, which has nothing to do now."""
    a_document(db, upstream="erp", status=Status.ACCEPTED)
    for _ in range(3):
        a_document(db, upstream="bulk")
    for _ in range(2):
        held = best(db)
        assert held is not None
        set_(db, held.document_id, "lease_until = now() - interval '1 s'")
        set_(db, held.document_id, "next_attempt_at = now() + interval '1 h'")

    assert best(db, at_once=1) is not None
    assert best(db, at_once=1) is None


def test_workers_that_ask_at_once_get_different_documents(db: Sessions) -> None:
    """Nobody waits for another, and none is missed."""
    made = {a_document(db).id for _ in range(6)}
    gate = Barrier(3)

    def take(_: int) -> UUID | None:
        with begin(db) as tx:
            gate.wait()
            claim = store.order.claim_best(tx, STAGES, lease=LEASE)
            gate.wait()  # none commits before all have asked
            return None if claim is None else claim.document_id

    with ThreadPoolExecutor(3) as pool:
        found = set(pool.map(take, range(3)))
    assert len(found) == 3
    assert found < made


def test_a_long_line_is_not_read_to_find_its_first(db: Sessions) -> None:
    """The index has the order: of twenty thousand rows a few are touched."""
    fill = """INSERT INTO documents (sha256, media_type, document_type, status, upstream, turn)
        SELECT repeat('0', 64), 'application/pdf', 'slip', 'submitted', 'u' || n % 7, n
        FROM generate_series(1, 20000) n"""
    with begin(db) as tx:
        tx.session.execute(text(fill))
        tx.session.execute(text("ANALYZE documents"))
    with begin(db) as tx:
        asked = {**store.order.line_of(STAGES), "lease": LEASE, "most": 4, "at_once": 1}
        explain = text(f"EXPLAIN (ANALYZE, FORMAT JSON) {store.order.CLAIM_BEST.text}")
        plan = tx.session.execute(explain, asked).scalar_one()[0]["Plan"]
    rows = [each["Actual Rows"] * each["Actual Loops"] for each in _nodes(plan)]
    assert max(rows) < 20, plan


def _nodes(plan: dict[str, Any]) -> list[dict[str, Any]]:
    return [plan, *(each for child in plan.get("Plans", []) for each in _nodes(child))]


def test_the_turn_of_a_long_line_is_found_by_index(db: Sessions) -> None:
    """Also when nothing waits."""
    for status, finished in (("submitted", "NULL"), ("accepted", "now()")):
        with begin(db) as tx:
            tx.session.execute(text("DELETE FROM documents"))
            tx.session.execute(
                text(
                    "INSERT INTO documents (sha256, media_type, document_type, status, upstream,"
                    " turn, finished_at) SELECT repeat('0', 64), 'application/pdf', 'slip',"
                    f" '{status}', 'u' || n % 7, n, {finished} FROM generate_series(1, 5000) n"
                )
            )
            tx.session.execute(text("ANALYZE documents"))
        with begin(db) as tx:
            explain = text(f"EXPLAIN (ANALYZE, FORMAT JSON) {store.order.NEXT_TURN.text}")
            plan = tx.session.execute(explain, {"upstream": "new"}).scalar_one()[0]["Plan"]
            turn = store.order.next_turn(tx, "new")
        assert turn == (1 if status == "submitted" else 5000)
        assert max(each["Actual Rows"] * each["Actual Loops"] for each in _nodes(plan)) < 50
