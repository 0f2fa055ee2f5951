"""A document that is answered once more: where it goes, what is fenced off, who is left alone."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session, sessionmaker

from tests.factories import LEASE, MadeDocument, a_document, a_page, begin
from worker import store
from worker.store.types import Failure
from worker.tables.documents import Status

Sessions = sessionmaker[Session]
BY = {"by": "person:ada", "code": "read_again"}
DAMAGED = Failure(code="unreadable_file", message="Not a PDF.", retry=False)


def one(db: Sessions, query: str, **values: Any) -> Any:
    with db() as session:
        return session.execute(text(query), values).one()


def run(db: Sessions, statement: str, **values: Any) -> None:
    with begin(db) as tx:
        tx.session.execute(text(statement), values)


def row_of(db: Sessions, document: MadeDocument) -> Any:
    return one(db, "SELECT * FROM documents WHERE id = :id", id=document.id)


def read_again(db: Sessions, *documents: MadeDocument, **more: Any) -> list[UUID]:
    with begin(db) as tx:
        return store.generations.read_again(tx, [each.id for each in documents], **BY, **more)


def failed(db: Sessions, *, rendered: int, whole: bool) -> MadeDocument:
    """A document that failed with this many pages rendered, all of them or not."""
    made = a_document(db)
    with begin(db) as tx:
        held = store.documents.claim(tx, made.id, at=Status.SUBMITTED, stage="render", lease=LEASE)
        assert held is not None
        store.pages.save_pages(tx, held, [a_page(number) for number in range(1, rendered + 1)])
        if not whole:
            store.documents.fail(tx, held, DAMAGED, backoff=timedelta(0))
            return made
        store.documents.finish(tx, held, to=Status.RENDERED, page_count=rendered)
    run(db, "UPDATE pages SET claim_no = 3, failures = 2, rank = 1, ranked_by = 'bm25/1'")
    with begin(db) as tx:
        store.documents.end(
            tx, [made.id], error_code="x", error_message="x", by="worker", stage="extract"
        )
    return made


@pytest.mark.parametrize(
    ("rendered", "whole", "status"),
    [(2, True, "untriaged"), (2, False, "submitted"), (0, False, "submitted")],
)
def test_a_document_that_failed_is_read_again_from_its_pages_or_is_rendered_first(
    db: Sessions, rendered: int, whole: bool, status: str
) -> None:
    """Pages that were rendered before it failed wait to be read like all others."""
    made = failed(db, rendered=rendered, whole=whole)
    assert read_again(db, made) == [made.id]

    row = row_of(db, made)
    assert (row.status, row.error_code, row.failures) == (status, None, 0)
    assert (row.reading_generation, row.working_generation, row.generation) == (2, 2, 1)
    pages = one(
        db,
        "SELECT count(*) AS n, count(*) FILTER (WHERE status = 'rendered' AND failures = 0 AND"
        " lease_until IS NULL AND next_attempt_at IS NULL AND rank IS NULL AND ranked_by IS NULL"
        f" AND claim_no = {4 if whole else 1}) AS fresh FROM pages",
    )
    assert tuple(pages) == (rendered, rendered)


@pytest.mark.parametrize("status", [Status.ACCEPTED, Status.IN_REVIEW])
def test_an_answered_document_is_read_again_behind_those_that_wait(
    db: Sessions, status: Status
) -> None:
    """Whoever still works on the answer before is fenced off, pages and all."""
    made, waiting = a_document(db, status=status), a_document(db)
    run(db, "UPDATE documents SET turn = 7 WHERE id = :id", id=waiting.id)
    before = row_of(db, made)
    assert read_again(db, made, document_type="invoice") == [made.id]

    row = row_of(db, made)
    assert (row.status, row.document_type, row.turn) == ("untriaged", "invoice", 8)
    assert row.claim_no == before.claim_no + 1
    assert (row.generation, row.working_generation) == (1, 2)
    page = one(db, "SELECT status, claim_no FROM pages WHERE document_id = :id", id=made.id)
    assert tuple(page) == ("rendered", 2)


@pytest.mark.parametrize("status", [Status.SUBMITTED, Status.RENDERED, Status.SCORED])
def test_a_document_on_its_way_is_not_begun_anew(db: Sessions, status: Status) -> None:
    """Its answer is being made; its pages stay whoever's they are."""
    made, other = a_document(db, status=status), a_document(db, status=Status.ACCEPTED)
    before = row_of(db, made)
    pages = "SELECT jsonb_agg(to_jsonb(p)) FROM pages AS p WHERE document_id = :id"
    were = one(db, pages, id=made.id)
    with begin(db) as tx:
        both = [made.id, other.id]
        assert store.generations.answer_again(tx, both, to=Status.GROUNDED, **BY) == [other.id]

    assert read_again(db, made) == []
    assert row_of(db, made) == before
    assert one(db, pages, id=made.id) == were


def test_a_further_answer_rests_on_the_readings_that_are_there(db: Sessions) -> None:
    """One that failed has none to rest on."""
    made, without = a_document(db, status=Status.ACCEPTED), a_document(db, status=Status.FAILED)
    before = row_of(db, made)
    with begin(db) as tx:
        asked = [made.id, without.id]
        begun = store.generations.answer_again(tx, asked, to=Status.SCORED, **BY)

    row = row_of(db, made)
    assert begun == [made.id]
    assert (row.status, row.working_generation, row.reading_generation) == ("scored", 2, 1)
    assert (row.claim_no, row.turn) == (before.claim_no + 1, before.turn)
    assert one(db, "SELECT status FROM pages WHERE document_id = :id", id=made.id)[0] == "read"


def test_answered_documents_are_listed_page_by_page(db: Sessions) -> None:
    """Of one type, since a moment, that moment among them; in the order of their ids."""
    made = [a_document(db, status=status) for status in (Status.ACCEPTED, Status.IN_REVIEW)]
    letter = a_document(db, status=Status.ACCEPTED, document_type="invoice")
    a_document(db, status=Status.FAILED)
    a_document(db)
    day = datetime(2026, 5, 4, tzinfo=UTC)
    run(db, "UPDATE documents SET created_at = :day WHERE id = :id", day=day, id=made[0].id)
    ids = sorted([*(each.id for each in made), letter.id])

    def answered(**which: Any) -> list[UUID]:
        with begin(db) as tx:
            return store.generations.answered(tx, **{"limit": 9, **which})

    assert answered() == ids
    assert answered(limit=2) == ids[:2]
    assert answered(after=ids[0]) == ids[1:]
    assert answered(document_type="invoice") == [letter.id]
    later = day + timedelta(microseconds=1)
    assert answered(since=day) == ids
    assert answered(since=later) == [each for each in ids if each != made[0].id]
