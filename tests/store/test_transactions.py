"""Transactions: one commit, messages after it, and a database that goes away for a moment."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import psycopg
import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, IntegrityError, OperationalError
from sqlalchemy.orm import Session, sessionmaker

from tests.factories import a_submission, begin
from worker.db import (
    is_passing,
    open_engine,
    open_sessions,
    psycopg_url,
    transaction,
    with_patience,
)
from worker.intake import store as intake_store
from worker.tables.documents import Status

Sessions = sessionmaker[Session]
END_IT = "SELECT pg_terminate_backend(pg_backend_pid())"


def documents(db: Sessions) -> int:
    with db() as session:
        return int(session.execute(text("SELECT count(*) FROM documents")).scalar_one())


def test_messages_leave_after_the_commit(db: Sessions) -> None:
    """Whoever hears of a document finds it, on any connection."""
    seen: list[Any] = []
    with transaction(db, lambda document_id, status: seen.append((documents(db), status))) as tx:
        intake_store.submit(tx, a_submission())
        assert documents(db) == 0

    assert seen == [(1, Status.SUBMITTED)]


def test_a_transaction_that_fails_says_nothing_and_keeps_nothing(db: Sessions) -> None:
    """No message may speak of what never happened."""
    heard: list[UUID] = []

    def broken() -> None:
        with transaction(db, lambda document_id, status: heard.append(document_id)) as tx:
            intake_store.submit(tx, a_submission())
            raise RuntimeError

    with pytest.raises(RuntimeError):
        broken()

    assert (heard, documents(db)) == ([], 0)


def test_a_lost_message_does_not_lose_the_work(db: Sessions) -> None:
    """The broker is down: the commit stands, the other messages leave, and the sweeper finds the
    first.
    """
    heard: list[UUID] = []

    def announce(document_id: UUID, status: Status) -> None:
        heard.append(document_id)
        if len(heard) == 1:
            raise ConnectionError

    with transaction(db, announce) as tx:
        sent = [intake_store.submit(tx, a_submission()).document_id for _ in range(2)]

    assert heard == sent
    assert documents(db) == 2


def test_work_is_repeated_while_the_database_is_away(db: Sessions) -> None:
    """The server ends the connection twice; the third transaction goes through."""
    tries = []

    def work() -> None:
        with begin(db) as tx:
            tries.append(1)
            intake_store.submit(tx, a_submission())
            if len(tries) < 3:
                tx.session.execute(text(END_IT))

    with_patience(work, pause_s=0.01)

    assert (len(tries), documents(db)) == (3, 1)


def test_patience_ends(database_url: str) -> None:
    """A server that never answers is an error in the end, the driver's own."""
    nowhere = psycopg_url(database_url).set(query={"host": "/nonexistent"}).render_as_string()
    sessions = open_sessions(open_engine(nowhere))

    with pytest.raises(OperationalError):
        with_patience(lambda: documents(sessions), patience=timedelta(seconds=0.1), pause_s=0.05)


def test_a_mistake_is_not_repeated(db: Sessions) -> None:
    """What the database refuses today it refuses tomorrow."""
    tries = []

    def work() -> None:
        with begin(db) as tx:
            tries.append(1)
            tx.session.execute(
                text("INSERT INTO secrets (document_id, sealed) VALUES (gen_random_uuid(), '')")
            )

    with pytest.raises(IntegrityError):
        with_patience(work, pause_s=0.01)
    assert len(tries) == 1


@pytest.mark.parametrize(
    ("code", "passing"),
    [
        ("57P01", True),
        ("57P03", True),
        ("08006", True),
        ("40001", True),
        ("40P01", True),
        ("55P03", True),
        ("23505", False),
        ("42P01", False),
    ],
)
def test_only_what_may_pass_is_worth_another_try(db: Sessions, code: str, passing: bool) -> None:
    """Shutdown, start, broken line, serialisation, deadlock, lock timeout; no constraint and no
    missing table.
    """
    with pytest.raises(DBAPIError) as caught, db() as session:
        session.execute(text(f"DO $$ BEGIN RAISE EXCEPTION 'x' USING ERRCODE = '{code}'; END $$"))

    assert is_passing(caught.value) is passing


def test_a_pooled_connection_that_died_is_not_handed_out(db: Sessions, database_url: str) -> None:
    """After a restart of the server the next transaction simply works."""
    with db() as one, db() as other:
        dead = [
            session.execute(text("SELECT pg_backend_pid()")).scalar_one()
            for session in (one, other)
        ]
    with psycopg.connect(database_url.replace("+psycopg", "", 1), autocommit=True) as admin:
        admin.execute("SELECT pg_terminate_backend(pid) FROM unnest(%s::int[]) AS pid", [dead])

    with db() as session:
        assert session.execute(text("SELECT pg_backend_pid()")).scalar_one() not in dead


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+psycopg"])
def test_every_spelling_of_the_url_is_understood(scheme: str) -> None:
    """People paste what their provider shows them."""
    assert psycopg_url(f"{scheme}://u:p@h/d").drivername == "postgresql+psycopg"
