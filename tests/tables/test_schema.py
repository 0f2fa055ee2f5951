"""The schema: one history, reversible, equal to the models, and closed sets equal to the enums."""

import re
import traceback
from concurrent.futures import ThreadPoolExecutor
from enum import StrEnum

import psycopg
import pytest
from alembic import command
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine, inspect, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session, sessionmaker

from extractors.evidence.witnesses import Says
from extractors.types import FieldState
from tests.factories import a_document, begin
from worker.audits.tables import PlanState
from worker.db import open_engine
from worker.delivery.tables import DeliveryState, Kind, WebhookState
from worker.migrate import alembic_config, migrate
from worker.review.tables import Action, ItemState, Verdict
from worker.tables.documents import Status
from worker.tables.evidence import PageStatus
from worker.tables.questions import QuestionState, Wanted
from worker.tables.results import Outcome

CLOSED = [
    ("documents", "status", Status),
    ("pages", "status", PageStatus),
    ("fields", "state", FieldState),
    ("candidates", "state", FieldState),
    ("witnesses", "says", Says),
    ("results", "state", FieldState),
    ("results", "read_state", FieldState),
    ("results", "decision", Outcome),
    ("review_items", "state", ItemState),
    ("review_decisions", "action", Action),
    ("review_answers", "action", Action),
    ("document_verdicts", "verdict", Verdict),
    ("events", "kind", Kind),
    ("events", "status", Status),
    ("webhooks", "state", WebhookState),
    ("deliveries", "state", DeliveryState),
    ("certificates", "state", PlanState),
    ("questions", "wanted", Wanted),
    ("questions", "state", QuestionState),
    ("questions", "back", Status),
]


def tables_of(url: str) -> set[str]:
    engine = create_engine(url)
    try:
        return set(inspect(engine).get_table_names()) - {"alembic_version"}
    finally:
        engine.dispose()


@pytest.mark.parametrize(
    ("table", "column", "kind"),
    CLOSED,
    ids=lambda each: each if isinstance(each, str) else each.__name__,
)
def test_a_closed_set_is_the_same_in_the_database_and_in_python(
    db: sessionmaker[Session], table: str, column: str, kind: type[StrEnum]
) -> None:
    """A CHECK that forgets a member would fail at the worst moment; one too many would let nonsense
    in.
    """
    with db() as session:
        rule = session.execute(
            text("SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conname = :name"),
            {"name": f"{table}_{column}_check"},
        ).scalar_one()

    assert set(re.findall(r"'([a-z_]+)'", rule)) == {member.value for member in kind}


def test_the_models_and_the_migrations_agree(database_url: str) -> None:
    """``alembic check`` finds nothing to add to the history."""
    engine = open_engine(database_url)
    with engine.connect() as connection:
        command.check(alembic_config(connection))
    engine.dispose()


def test_there_is_one_head(database_url: str) -> None:
    """Two heads would leave it to chance which of them a database gets."""
    engine = open_engine(database_url)
    with engine.connect() as connection:
        heads = ScriptDirectory.from_config(alembic_config(connection)).get_heads()
    engine.dispose()

    assert len(heads) == 1


def test_up_down_up_ends_where_it_began(empty_database_url: str) -> None:
    """Every migration can be taken back and applied again."""
    migrate(empty_database_url)
    first = tables_of(empty_database_url)
    engine = create_engine(empty_database_url)
    with engine.connect() as connection:
        command.downgrade(alembic_config(connection), "base")
    left = tables_of(empty_database_url)
    with engine.connect() as connection:
        schemas = set(inspect(connection).get_schema_names())
        functions = connection.execute(
            text("SELECT count(*) FROM pg_proc WHERE pronamespace = 'public'::regnamespace")
        ).scalar_one()
    engine.dispose()

    migrate(empty_database_url)

    assert left == set()
    assert "reporting" not in schemas
    assert functions == 0
    assert tables_of(empty_database_url) == first


def test_what_was_scored_without_evidence_gets_its_evidence_first(empty_database_url: str) -> None:
    """A document that an upgrade finds between scoring and routing has no candidates to choose
    from.
    """
    engine = create_engine(empty_database_url)
    with engine.connect() as connection:
        command.upgrade(alembic_config(connection), "0010_type_versions")
    with engine.begin() as connection:
        connection.execute(
            text(
                "INSERT INTO documents (sha256, media_type, document_type, status, lease_until)"
                " VALUES (repeat('0', 64), 'application/pdf', 'slip', 'scored', now())"
            )
        )
    with engine.connect() as connection:
        command.upgrade(alembic_config(connection), "head")
    with engine.connect() as connection:
        row = connection.execute(text("SELECT status, lease_until FROM documents")).one()
        moves = connection.execute(
            text("SELECT from_status, to_status, actor FROM document_events")
        ).all()
    engine.dispose()

    assert tuple(row) == ("extracted", None)
    assert [tuple(move) for move in moves] == [("scored", "extracted", "migration")]


def test_several_processes_may_migrate_at_once(empty_database_url: str) -> None:
    """The command line, two workers and the sweeper start together on a new database."""
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(migrate, [empty_database_url] * 4))

    assert "documents" in tables_of(empty_database_url)


OLD_DECISION = """
WITH d AS (INSERT INTO documents (sha256, media_type, document_type, status)
           VALUES (repeat('a', 64), 'application/pdf', 'slip', 'in_review') RETURNING id),
     r AS (INSERT INTO results (document_id, name, kind, state, read_state, decision, reason)
           SELECT id, 'total', 'amount', 'absent', 'absent', 'review', 'x' FROM d
           RETURNING id, document_id),
     i AS (INSERT INTO review_items (result_id, document_id, reason)
           SELECT id, document_id, 'x' FROM r RETURNING id, result_id)
INSERT INTO review_decisions (item_id, result_id, version, who, action, text, seen, took_ms)
SELECT id, result_id, 2, 'ada', 'correct', '12.50', '{}', 900 FROM i
"""


def test_decisions_of_before_get_the_answers_they_came_of(empty_database_url: str) -> None:
    """Nothing that a person said is lost, and nobody is said to have looked who was not asked."""
    engine = open_engine(empty_database_url)
    with engine.connect() as connection:
        command.upgrade(alembic_config(connection), "0007_second_looks")
        connection.execute(text(OLD_DECISION))
        connection.commit()
    migrate(empty_database_url)
    with engine.connect() as connection:
        (row,) = connection.execute(
            text("SELECT a.* FROM review_answers a JOIN review_decisions d ON d.answer_id = a.id")
        )
    engine.dispose()

    assert (row.who, row.action, row.text, row.version) == ("ada", "correct", "12.50", 1)
    assert (row.took_ms, row.seen) == (900, None)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE review_decisions SET who = 'eve'",
        "DELETE FROM review_decisions",
        "TRUNCATE review_decisions",
    ],
    ids=["update", "delete", "truncate"],
)
def test_a_decision_can_never_be_changed(db: sessionmaker[Session], statement: str) -> None:
    """What a person decided stays on record; an undo is a further decision."""
    with pytest.raises(IntegrityError, match="append-only"), db.begin() as session:
        session.execute(text(statement))


ACCEPTED = (
    "INSERT INTO results (document_id, name, kind, state, text, read_state, decision, reason,"
    " score, threshold, decided_at) VALUES (:id, 'total', 'amount', :state, :text, 'value',"
    " 'accepted', 'x', :score, :threshold, now())"
)


@pytest.mark.parametrize(
    ("state", "text_", "score", "threshold"),
    [
        ("value", "1", None, 0.7),
        ("value", "1", 0.69, 0.7),
        ("value", "1", 0.9, None),
        ("value", "1", float("nan"), 0.7),
        ("value", "1", 1.5, 0.7),
        ("value", "1", 0.9, float("nan")),
        ("value", None, 0.9, 0.7),
        ("unreadable", None, 0.9, 0.7),
        ("absent", "1", 0.9, 0.7),
    ],
)
def test_the_database_refuses_to_accept_without_proof(
    db: sessionmaker[Session],
    state: str,
    text_: str | None,
    score: float | None,
    threshold: float | None,
) -> None:
    """Whatever the code does: no score, a low one, NaN, no threshold or no value is never
    accepted.
    """
    document = a_document(db)
    values = {
        "id": document.id,
        "state": state,
        "text": text_,
        "score": score,
        "threshold": threshold,
    }

    with pytest.raises(IntegrityError, match="check constraint"), db.begin() as session:
        session.execute(text(ACCEPTED), values)


def test_the_database_accepts_with_proof(db: sessionmaker[Session]) -> None:
    """The same row with a score that reaches the threshold is taken, so the refusals above have the
    right cause.
    """
    document = a_document(db)
    with begin(db) as tx:
        tx.session.execute(
            text(ACCEPTED),
            {"id": document.id, "state": "value", "text": "1", "score": 0.7, "threshold": 0.7},
        )


def test_nan_is_no_score(db: sessionmaker[Session]) -> None:
    """In SQL NaN is greater than every threshold, so it must never be stored."""
    document = a_document(db, status=Status.EXTRACTED)
    with pytest.raises(IntegrityError, match="scores_range_check"), db.begin() as session:
        session.execute(
            text(
                "INSERT INTO scores (field_id, method, score) "
                "SELECT f.id, 'm/1', 'NaN' FROM fields f JOIN readings r ON r.id = f.reading_id "
                "JOIN pages p ON p.id = r.page_id WHERE p.document_id = :id"
            ),
            {"id": document.id},
        )


@pytest.mark.parametrize("half", ["leased_by = 'ada'", "lease_until = now()"])
def test_a_review_item_is_leased_to_somebody_until_some_time(
    db: sessionmaker[Session], half: str
) -> None:
    """Half a lease would be held by nobody, or for ever; a whole one is taken."""
    a_document(db, status=Status.IN_REVIEW)
    with pytest.raises(IntegrityError, match="review_items_lease_check"), db.begin() as session:
        session.execute(text(f"UPDATE review_items SET {half}"))
    with db.begin() as session:
        session.execute(text("UPDATE review_items SET leased_by = 'ada', lease_until = now()"))


def test_a_failed_document_says_why(db: sessionmaker[Session]) -> None:
    """A failure without a code would be a riddle for whoever finds it."""
    document = a_document(db)
    with pytest.raises(IntegrityError, match="failed_says_why"), db.begin() as session:
        session.execute(
            text("UPDATE documents SET status = 'failed', finished_at = now() WHERE id = :id"),
            {"id": document.id},
        )


def test_a_statement_cannot_hang(database_url: str) -> None:
    """Every connection carries its timeouts, so that a stuck statement ends by itself."""
    engine = open_engine(database_url)
    with engine.connect() as connection:
        limits = connection.execute(
            text("SELECT current_setting('statement_timeout'), current_setting('lock_timeout')")
        ).one()
    engine.dispose()

    assert tuple(limits) == ("30s", "5s")


def test_an_error_does_not_quote_the_row(db: sessionmaker[Session]) -> None:
    """Parameters and rows hold document text, and messages end in logs."""
    document = a_document(db)
    values = {
        "id": document.id,
        "state": "value",
        "text": "SEC" + "RET",
        "score": 2.0,
        "threshold": 0.7,
    }
    with pytest.raises(IntegrityError) as caught, db.begin() as session:
        session.execute(text(ACCEPTED), values)

    assert isinstance(caught.value.orig, psycopg.errors.CheckViolation)
    assert "results_score_check" in str(caught.value)
    assert "SECRET" not in "".join(traceback.format_exception(caught.value))
