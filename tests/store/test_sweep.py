"""What the sweeper does to one row, and to the row beside it."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session, sessionmaker

from tests.factories import a_document, begin, everything_about
from worker import store
from worker.tables.documents import Status

Sessions = sessionmaker[Session]
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)


def run(db: Sessions, statement: str, **values: Any) -> None:
    with begin(db) as tx:
        tx.session.execute(text(statement), values)


def left_s(db: Sessions, table: str) -> list[float | None]:
    """Seconds that each lease has left, by the rows' order."""
    order = "number" if table == "pages" else "upstream"
    left = f"SELECT extract(epoch FROM lease_until - now())::float FROM {table} ORDER BY {order}"
    with db() as session:
        rows = session.execute(text(left))
        return [row[0] for row in rows]


def test_no_lease_is_longer_than_one_from_now(db: Sessions) -> None:
    """A clock that was wrong held a document, or a page: shorter leases, and none, stay."""
    for name in "abc":
        a_document(db, upstream=name)
    read = a_document(db, status=Status.RENDERED, pages=3, upstream="d")
    for table, of in (("documents", "upstream"), ("pages", "number::text")):
        run(
            db,
            f"UPDATE {table} SET lease_until = now() + make_interval(secs => CASE {of}"
            " WHEN 'a' THEN 9000 WHEN '1' THEN 9000 WHEN 'b' THEN 20 WHEN '2' THEN 20 END)",
        )
    with begin(db) as tx:
        assert store.sweep.shorten_leases(tx, lease=MINUTE) == 2
    for table, rest in (("documents", [None, None]), ("pages", [None])):
        first, second, *others = left_s(db, table)
        assert first == pytest.approx(60, abs=5)
        assert second == pytest.approx(20, abs=5)
        assert others == rest
    with begin(db) as tx:
        assert store.sweep.shorten_leases(tx, lease=HOUR) == 0
    assert everything_about(db, read.id)["documents"][0]["claim_no"] == 1


def due(db: Sessions, *at: Status) -> int:
    with begin(db) as tx:
        return store.sweep.due(tx, at=at, patience=MINUTE, limit=8)


def test_what_moved_a_moment_ago_is_not_due_beside_what_stands_for_an_hour(db: Sessions) -> None:
    """Each at its own status; also while a clock is ahead of the database's."""
    old, elsewhere = a_document(db), a_document(db, status=Status.EXTRACTED)
    a_document(db)
    run(
        db,
        "UPDATE documents SET updated_at = now() - interval '1 h' WHERE id IN (:one, :two)",
        one=old.id,
        two=elsewhere.id,
    )
    assert due(db, Status.SUBMITTED) == due(db, Status.EXTRACTED) == 1
    assert due(db, Status.SUBMITTED, Status.EXTRACTED) == 2
    assert due(db, Status.SCORED) == 0


@pytest.mark.parametrize(
    ("page", "is_due"),
    [
        ("lease_until = NULL", 1),
        ("lease_until = now() - interval '1 s'", 1),
        ("lease_until = now() + interval '1 h'", 0),
        ("next_attempt_at = now() + interval '1 h'", 0),
        ("next_attempt_at = now() - interval '1 s'", 1),
        ("status = 'read'", 0),
        ("status = 'left_out'", 0),
    ],
)
def test_a_document_whose_pages_are_read_is_due_with_a_page_that_is_free(
    db: Sessions, page: str, is_due: int
) -> None:
    """Its other page is held, and another document's pages are nothing to it."""
    a_document(db, status=Status.RENDERED, pages=2)
    run(db, "UPDATE documents SET updated_at = now() - interval '1 h'")
    a_document(db, status=Status.RENDERED)
    run(
        db,
        "UPDATE pages SET lease_until = now() + interval '1 h' WHERE number = 2",
    )
    run(db, f"UPDATE pages SET {page} WHERE number = 1 AND document_id = (SELECT id FROM documents"
        " ORDER BY updated_at LIMIT 1)")  # fmt: skip
    assert due(db, Status.RENDERED) == is_due


def test_of_two_pages_only_the_one_whose_lease_ran_out_is_freed(db: Sessions) -> None:
    """The other one is being read; a page that nobody is to read any more counts nothing."""
    document = a_document(db, status=Status.RENDERED, pages=4)
    run(
        db,
        "UPDATE pages SET lease_until = now() + make_interval(secs => CASE number WHEN 2 THEN 900"
        " ELSE -1 END)",
    )
    run(db, "UPDATE pages SET status = 'left_out' WHERE number = 3")
    run(db, "UPDATE pages SET failures = 1, lease_until = NULL WHERE number = 4")
    before = {each["number"]: each for each in everything_about(db, document.id)["pages"]}
    with begin(db) as tx:
        assert store.sweep.expire_leases(tx, backoff=MINUTE, max_attempts=2) == []
    after = {each["number"]: each for each in everything_about(db, document.id)["pages"]}

    assert {number for number in after if after[number] != before[number]} == {1}
    assert (after[1]["failures"], after[1]["lease_until"]) == (1, None)
    assert after[1]["next_attempt_at"] is not None


def test_only_the_document_at_the_cap_ends(db: Sessions) -> None:
    """Of two whose workers died, and of two whose readers did; each says its last error."""
    ends, goes_on = a_document(db), a_document(db)
    page_ends, page_goes_on = (a_document(db, status=Status.RENDERED) for _ in range(2))
    run(db, "UPDATE documents SET lease_until = now() - interval '1 s' WHERE status = 'submitted'")
    run(db, "UPDATE pages SET lease_until = now() - interval '1 s'")
    run(
        db,
        "UPDATE documents SET failures = 2, error_code = 'x', error_message = 'It broke.'"
        " WHERE id = :id",
        id=ends.id,
    )
    run(db, "UPDATE pages SET failures = 2 WHERE document_id = :id", id=page_ends.id)
    with begin(db) as tx:
        ended = store.sweep.expire_leases(tx, backoff=MINUTE, max_attempts=3)
    assert sorted(ended) == sorted([ends.id, page_ends.id])

    rows = {
        each: everything_about(db, each.id)["documents"][0]
        for each in (ends, goes_on, page_ends, page_goes_on)
    }
    assert [row["status"] for row in rows.values()] == ["failed", "submitted", "failed", "rendered"]
    assert [row["failures"] for row in rows.values()] == [3, 1, 0, 0]
    assert rows[ends]["error_message"].endswith(
        "cut off 3 times: a worker was killed, or its machine went away. Look at the workers' logs"
        " and memory, then: surefield retry. Last error: It broke."
    )
    assert rows[page_ends]["error_message"].endswith("surefield retry.")
    assert rows[ends]["error_code"] == rows[page_ends]["error_code"] == "too_many_attempts"
