"""A database that the version before documents had a history filled, brought up to date."""

from collections.abc import Iterator
from types import SimpleNamespace
from typing import cast
from uuid import UUID

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session, sessionmaker

from tests.factories import LEASE, begin, rows_of
from worker import reporting, store
from worker.db import open_engine, open_sessions
from worker.migrate import migrate
from worker.pipeline import again
from worker.pipeline.again import Again
from worker.review import context, queue, reads, undo
from worker.review.tables import Action
from worker.runtime import Runtime
from worker.store import transitions
from worker.tables.documents import Status

Sessions = sessionmaker[Session]
OLD = "0007_second_looks"


def id_of(kind: int, number: int) -> str:
    return str(UUID(int=(kind << 64) + number))


# number, status, type, finished, failed
DOCUMENTS = (
    (1, "unsorted", "auto", False, False),
    (2, "rendered", "slip", False, False),
    (3, "in_review", "slip", False, False),
    (4, "reviewed", "slip", True, False),
    (5, "accepted", "slip", True, False),
    (6, "failed", "slip", True, True),
    (7, "submitted", "slip", False, False),
)
DOCUMENT = """
INSERT INTO documents (id, sha256, media_type, document_type, status, claim_no, page_count,
    error_code, error_message, created_at, updated_at, finished_at)
VALUES ('{id}', repeat('0', 64), 'application/pdf', '{type}', '{status}', 3, 1, {error}, {error},
    '2026-03-01', '2026-03-02', {finished});
INSERT INTO submissions (upstream, key, document_id, document_type, filename)
VALUES ('erp', 'key-{number}', '{id}', '{type}', 'old-{number}.pdf');
INSERT INTO pages (id, document_id, number, status, width_pt, height_pt, model_sha256,
    model_width_px, model_height_px, view_sha256, words)
VALUES ('{page}', '{id}', 1, '{page_status}', 595, 842, repeat('1', 64), 792, 1120,
    repeat('2', 64), '[["Ada", 50, 60, 80, 72]]');
"""
READING = """
INSERT INTO readings (id, page_id, model, fingerprint, prompt_hash, decode_mode, in_domain, answer,
    stop_reasons) VALUES ('{reading}', '{page}', 'old/model', 'old', 'p', 'json', true, '{{}}',
    '{{end}}');
INSERT INTO fields (id, reading_id, name, ordinal, state, text, tokens, ends, stop_reason) VALUES
    ('{field}', '{reading}', 'total', 0, 'value', '12.50 EUR', '[[7, "12.50", -0.5, 0.2, 0, []]]',
     true, 'end');
INSERT INTO scores (field_id, method, score) VALUES ('{field}', 'weakest-token/1', 0.6);
"""
RESULT = """
INSERT INTO results (id, document_id, name, kind, state, text, value, currency, read_state,
    read_text, read_value, field_id, page, score, method, threshold, decision, reason, details,
    decided_at) VALUES ('{result}', '{id}', 'total', 'amount', 'value', '{text}', '"{value}"',
    '{currency}', 'value', '12.50 EUR', '"12.50"', '{field}', 1, 0.6, 'weakest-token/1', {needs},
    '{decision}', 'low_score', '{{"words": "0.60 of 0.70"}}', {decided});
"""
ITEM = """
INSERT INTO review_items (id, result_id, document_id, reason, version, state, closed_at)
VALUES ('{item}', '{result}', '{id}', 'low_score', {version}, '{state}', {decided});
"""
DECISION = """
INSERT INTO review_decisions (item_id, result_id, version, who, action, text, value, seen) VALUES
    ('{item}', '{result}', 2, 'ada', 'correct', '13.50 USD', '"13.50"',
     '{{"state": "value", "text": "12.50 EUR", "value": "12.50",
        "currency": "EUR"}}');
INSERT INTO review_notes (item_id, who, text) VALUES ('{item}', 'ada', 'a stamp hides it');
"""


def fill(session: Session) -> None:
    """Documents at every place, as plain SQL of that time."""
    for number, status, type_, finished, failed in DOCUMENTS:
        decided = "'2026-03-03'"
        about = {
            "number": number,
            "id": id_of(1, number),
            "page": id_of(2, number),
            "reading": id_of(3, number),
            "field": id_of(4, number),
            "result": id_of(5, number),
            "item": id_of(6, number),
            "status": status,
            "type": type_,
            "error": "'unreadable_file'" if failed else "NULL",
            "finished": "'2026-03-02'" if finished else "NULL",
            "page_status": "read"
            if status in ("in_review", "reviewed", "accepted")
            else "rendered",
        }
        corrected = status == "reviewed"
        about |= {
            "text": "13.50 USD" if corrected else "12.50 EUR",
            "value": "13.50" if corrected else "12.50",
            "currency": "USD" if corrected else "EUR",
            "needs": 0.5 if status == "accepted" else 0.7,
            "decision": {"in_review": "review"}.get(status, status),
            "decided": "NULL" if status == "in_review" else decided,
            "version": 2 if corrected else 1,
            "state": "closed" if corrected else "open",
        }
        parts = [DOCUMENT]
        if about["page_status"] == "read":
            parts += [READING, RESULT]
        if status in ("in_review", "reviewed"):
            parts.append(ITEM)
        if corrected:
            parts.append(DECISION)
        for part in parts:
            session.connection().exec_driver_sql(part.format(**about))


@pytest.fixture
def old(empty_database_url: str) -> Iterator[Sessions]:
    """Such a database, brought up to date."""
    migrate(empty_database_url, OLD)
    engine = open_engine(empty_database_url)
    sessions = open_sessions(engine)
    with sessions.begin() as session:
        fill(session)
    migrate(empty_database_url)
    yield sessions
    engine.dispose()


def document(number: int) -> UUID:
    return UUID(id_of(1, number))


def test_every_document_is_where_it_was_and_has_its_first_event(old: Sessions) -> None:
    """The renamed status included; the event says since when, and that an upgrade found it."""
    rows = {row.document_id: row for row in rows_of(reporting.recent, old)}
    renamed = {"unsorted": "untriaged"}
    assert {key: row.status for key, row in rows.items()} == {
        document(number): renamed.get(status, status) for number, status, *_ in DOCUMENTS
    }
    with old() as session:
        events = session.execute(text("SELECT * FROM reporting.document_events")).all()
    assert {event.document_id: event.to_status for event in events} == {
        key: row.status for key, row in rows.items()
    }
    assert {(event.from_status, event.duration, event.actor) for event in events} == {
        (None, None, "migration")
    }


def test_results_decisions_and_evidence_are_readable(old: Sessions) -> None:
    """Through the same reads that the pages and the command line use."""
    with begin(old) as tx:
        (item,) = queue.list_items(tx)
        before = context.item_context(tx, item.item_id)
        found = store.evidence.evidence_of(tx, document(3))
        decided = reads.items_of(tx, document(4))[("total", 0)]
        said = context.said_about(tx, decided[0])
    assert (item.document_id, item.text, item.currency) == (document(3), "12.50 EUR", "EUR")
    assert item.details == {"message": "0.60 of 0.70"}
    assert before.evidence is not None
    assert [each.reading.text for each in found] == ["12.50 EUR"]
    assert [(each.who, each.action, each.version) for each in said] == [
        ("ada", Action.CORRECT, 2),
        ("ada", None, None),
    ]
    (row,) = rows_of(reporting.fields, old, [document(4)])
    assert (row.text, row.currency, row.decided_by) == ("13.50 USD", "USD", "ada")
    with old() as session:
        rows = session.execute(
            text("SELECT document_status, read_currency, generation FROM reporting.field_outcomes")
        ).all()
    assert {tuple(each) for each in rows} == {
        ("in_review", "EUR", 1),
        ("reviewed", "EUR", 1),
        ("accepted", "EUR", 1),
    }


def test_an_undo_of_an_old_decision_brings_back_what_was_read(old: Sessions) -> None:
    """The currency too, which no column had held."""
    with begin(old) as tx:
        item_id, version, _ = reads.items_of(tx, document(4))[("total", 0)]
        undo.take_back(tx, item_id, version=version, who="ada")

    (row,) = rows_of(reporting.fields, old, [document(4)])
    assert (row.text, row.currency, row.decision) == ("12.50 EUR", "EUR", "review")


def test_old_documents_go_on_and_are_answered_again(old: Sessions) -> None:
    """The chain of events goes on where the upgrade found them."""
    rt = cast(Runtime, SimpleNamespace(transaction=lambda: begin(old)))
    for number in (3, 4, 5, 6):
        again.one(rt, document(number), Again.REREAD, by="person:ada")
    with begin(old) as tx:
        assert store.documents.claim(
            tx, document(1), at=Status.UNTRIAGED, stage="triage", lease=LEASE
        )
        moved = transitions.move(
            tx,
            [document(2)],
            at=[Status.RENDERED],
            to=Status.EXTRACTED,
            by="worker",
            stage="extract",
        )
    assert moved == [document(2)]
    with old() as session:
        last = session.execute(
            text(
                "SELECT DISTINCT ON (document_id) from_status, to_status FROM document_events"
                " WHERE from_status IS NOT NULL ORDER BY document_id, id DESC"
            )
        ).all()
    assert [tuple(each) for each in last] == [
        ("rendered", "extracted"),
        ("in_review", "untriaged"),
        ("reviewed", "untriaged"),
        ("accepted", "untriaged"),
        ("failed", "untriaged"),
    ]
