"""Moves: only those that the table has, many in one statement, and one event each."""

from collections.abc import Collection
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import event, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session, sessionmaker

from tests.factories import a_document, begin, everything_about
from worker import store
from worker.errors import ClaimLost, IllegalMove
from worker.store import transitions
from worker.tables.documents import ALLOWED, FINAL, Status

Sessions = sessionmaker[Session]


def events(db: Sessions, document_id: UUID) -> list[Any]:
    with db() as session:
        return list(
            session.execute(
                text("SELECT * FROM document_events WHERE document_id = :id ORDER BY id"),
                {"id": document_id},
            )
        )


def move(db: Sessions, ids: Collection[UUID], at: Status, to: Status, **more: Any) -> list[UUID]:
    with begin(db) as tx:
        return transitions.move(tx, ids, at=[at], to=to, by="worker", stage="tests", **more)


def test_every_status_has_its_moves() -> None:
    """A status that is forgotten in the table could never be left, nor reached."""
    assert set(ALLOWED) == {None, *Status}
    assert {to for each in ALLOWED.values() for to in each} == set(Status)


def test_the_events_of_a_document_are_a_chain(db: Sessions) -> None:
    """From nothing to where it stands now; each begins where the one before it ended."""
    document = a_document(db, status=Status.IN_REVIEW)

    rows = events(db, document.id)

    ways = [(row.from_status, row.to_status, row.stage, row.actor) for row in rows]
    assert ways == [
        (None, "submitted", "submit", "upstream:tests"),
        ("submitted", "rendered", "render", "worker"),
        ("rendered", "extracted", "extract", "worker"),
        ("extracted", "grounded", "ground", "worker"),
        ("grounded", "scored", "score", "worker"),
        ("scored", "in_review", "route", "worker"),
    ]
    assert [row.claim_no for row in rows] == [None, 1, None, 2, 3, 4]


def test_the_time_spent_at_each_status_is_in_the_events(db: Sessions) -> None:
    """The durations add up to the document's age at its last move."""
    document = a_document(db, status=Status.ACCEPTED)

    first, *later = events(db, document.id)

    assert first.duration is None
    assert sum((row.duration for row in later), timedelta()) == later[-1].at - first.at
    assert all(row.duration >= timedelta() for row in later)


@pytest.mark.parametrize("to", sorted(set(Status) - ALLOWED[Status.RENDERED]))
def test_a_move_that_the_table_does_not_have_is_refused(db: Sessions, to: Status) -> None:
    """And nothing is written."""
    document = a_document(db, status=Status.RENDERED)
    before = everything_about(db, document.id)

    with pytest.raises(IllegalMove):
        move(db, [document.id], Status.RENDERED, to)

    assert everything_about(db, document.id) == before


def test_no_document_begins_in_the_middle(db: Sessions) -> None:
    """It is submitted, or a part of a file whose pages are there."""
    with pytest.raises(IllegalMove), begin(db) as tx:
        transitions.create(tx, uuid4(), {}, at=Status.SCORED, by="worker", stage="tests")


def test_many_documents_move_in_one_statement(db: Sessions) -> None:
    """With one event each; those that stand elsewhere stay, without one."""
    ids = [a_document(db, status=Status.GROUNDED).id for _ in range(5)]
    elsewhere = a_document(db, status=Status.RENDERED).id
    asked: list[str] = []

    def hear(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        asked.append(statement)

    event.listen(db.kw["bind"], "before_cursor_execute", hear)
    try:
        moved = move(db, [*ids, elsewhere], Status.GROUNDED, Status.SCORED)
    finally:
        event.remove(db.kw["bind"], "before_cursor_execute", hear)

    assert len(asked) == 1
    assert set(moved) == set(ids)
    assert all(events(db, each)[-1].to_status == "scored" for each in ids)
    assert events(db, elsewhere)[-1].to_status == "rendered"


def test_a_move_frees_and_forgets_what_belonged_to_the_status_before(db: Sessions) -> None:
    """Lease, failures, error, pause, announcement and password are gone with one rule."""
    document = a_document(db, password=b"geheim")
    with begin(db) as tx:
        tx.session.execute(
            text(
                "UPDATE documents SET lease_until = now(), failures = 3, error_code = 'x',"
                " error_message = 'y', next_attempt_at = now()"
            )
        )

    move(db, [document.id], Status.SUBMITTED, Status.RENDERED)

    tables = everything_about(db, document.id)
    (row,) = tables["documents"]
    left = {"lease_until", "error_code", "error_message", "next_attempt_at"}
    assert {row[name] for name in left} == {None}
    assert (row["failures"], row["finished_at"], tables["secrets"]) == (0, None, [])


@pytest.mark.parametrize("status", [Status.ACCEPTED, Status.FAILED])
def test_a_document_at_its_end_says_when(db: Sessions, status: Status) -> None:
    """The time of its end is the time of its last event."""
    document = a_document(db, status=status)

    (row,) = everything_about(db, document.id)["documents"]
    last = everything_about(db, document.id)["document_events"]

    assert row["finished_at"] == row["updated_at"] == max(each["at"] for each in last)


def test_a_failure_names_its_code_in_the_event(db: Sessions) -> None:
    """Dead letters and reports need no look at the document."""
    document = a_document(db, status=Status.FAILED)

    assert [(row.from_status, row.to_status, row.code) for row in events(db, document.id)][-1] == (
        "submitted",
        "failed",
        "unreadable_file",
    )


def test_a_lost_claim_moves_nothing_and_notes_nothing(db: Sessions) -> None:
    """The other worker's result counts, and its event."""
    document = a_document(db, status=Status.GROUNDED)
    with begin(db) as tx:
        held = store.documents.claim(
            tx, document.id, at=Status.GROUNDED, stage="score", lease=timedelta(0)
        )
        assert held is not None
    with begin(db) as tx:
        assert store.documents.claim(
            tx, document.id, at=Status.GROUNDED, stage="score", lease=timedelta(0)
        )
    before = events(db, document.id)

    with pytest.raises(ClaimLost), begin(db) as tx:
        store.documents.finish(tx, held, to=Status.SCORED)

    assert events(db, document.id) == before


def test_a_crash_before_the_commit_leaves_neither_move_nor_event(db: Sessions) -> None:
    """Both are one statement of one transaction."""
    document = a_document(db, status=Status.GROUNDED)
    before = everything_about(db, document.id)

    def die_after_the_move() -> None:
        with begin(db) as tx:
            transitions.move(
                tx,
                [document.id],
                at=[Status.GROUNDED],
                to=Status.SCORED,
                by="worker",
                stage="score",
            )
            raise RuntimeError("the worker dies here")

    with pytest.raises(RuntimeError):
        die_after_the_move()

    assert everything_about(db, document.id) == before


@pytest.mark.parametrize("statement", ["UPDATE document_events SET actor = 'eve'"])
def test_an_event_can_never_be_changed(db: Sessions, statement: str) -> None:
    """History is written once."""
    with pytest.raises(IntegrityError, match="append-only"), db.begin() as session:
        session.execute(text(statement))


def test_the_ends_are_the_same_in_the_database_and_in_python(db: Sessions) -> None:
    """The rule about the time of an end names exactly the statuses at which documents end."""
    with db() as session:
        rule = session.execute(
            text(
                "SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conname ="
                " 'documents_finished_check'"
            )
        ).scalar_one()

    assert {status for status in Status if f"'{status}'" in rule} == FINAL
