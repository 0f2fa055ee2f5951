"""Failed documents come back."""

import pytest
from sqlalchemy import text

from tests.pipeline.conftest import House, a_pdf, make_house, renderer  # noqa: F401  fixtures
from worker import store
from worker.pipeline import flow
from worker.store import transitions
from worker.tables.documents import Status


def fail(house: House, document, *, code: str = "render_crashed") -> None:
    with house.rt.transaction() as tx:
        store.documents.end(
            tx,
            [document],
            error_code=code,
            error_message="It broke.",
            by=transitions.WORKER,
            stage="tests",
        )


def brought_back(house: House, *documents) -> list:
    with house.rt.transaction() as tx:
        return store.retry.retry(tx, documents, by=transitions.person("ada"))


@pytest.mark.parametrize("at", list(flow.STEP_AT))
def test_a_document_goes_back_to_where_it_failed_and_reaches_its_end(make_house, at):
    """Whichever stage it was; nothing that was done is done again."""
    house = make_house()
    document = house.submit(a_pdf(), document_type="auto" if at is Status.UNTRIAGED else "slip")
    while house.status(document) != at:
        moved, status = house.announced.pop(0)
        flow.STEP_AT[status].run(moved, house.rt)
    house.announced.clear()
    fail(house, document)
    assert house.status(document) == "failed"

    assert brought_back(house, document) == [document]
    assert house.status(document) == at
    house.work()
    assert house.status(document) in ("accepted", "in_review", "needs_type")
    assert house.rows("SELECT max(failures) FROM pages")[0][0] == 0
    told = house.rows("SELECT actor, stage FROM document_events WHERE from_status = 'failed'")
    assert [tuple(row) for row in told] == [("person:ada", "retry")]


def test_only_the_pages_that_failed_are_read_again(make_house):
    """One that was read, and one that nobody asked the model to read, stay as they are."""
    house = make_house()
    document = house.submit(a_pdf(pages=3))
    house.announced.clear()
    flow.STEP_AT[Status.SUBMITTED].run(document, house.rt)
    with house.rt.transaction() as tx:
        tx.session.execute(
            text(
                "UPDATE pages SET failures = 1, status = CASE number WHEN 1 THEN 'read'"
                " WHEN 2 THEN 'left_out' ELSE 'rendered' END"
            )
        )
    fail(house, document)
    brought_back(house, document)
    rows = house.rows("SELECT number, status, failures FROM pages ORDER BY number")
    assert [tuple(row) for row in rows] == [(1, "read", 1), (2, "left_out", 1), (3, "rendered", 0)]


def test_only_failed_documents_move(make_house):
    """One that ended well stays where it is; a second call does nothing."""
    house = make_house()
    well, ill = house.submit(a_pdf("a"), key="a"), house.submit(a_pdf("b"), key="b")
    house.work()
    before = house.status(well)
    ill_before = house.status(ill)
    assert brought_back(house, well, ill) == []
    assert (house.status(well), house.status(ill)) == (before, ill_before)


def test_failed_documents_are_chosen_by_code_and_time(make_house):
    """Those that one outage failed, and no others."""
    house = make_house()
    first, second = (house.submit(a_pdf(each), key=each) for each in "ab")
    fail(house, first, code="model_not_loadable")
    fail(house, second, code="encrypted_pdf")
    with house.rt.transaction() as tx:
        since = tx.session.execute(
            text("SELECT finished_at FROM documents WHERE id = :id"), {"id": second}
        ).scalar_one()
        assert store.retry.failed(tx, code="model_not_loadable") == [first]
        assert store.retry.failed(tx, since=since) == [second]
        assert store.retry.failed(tx, code="model_not_loadable", since=since) == []


def test_of_two_failures_the_last_one_says_where_to_go_on(make_house):
    """It failed when it was rendered, came back, and failed when it was read."""
    house = make_house()
    document = house.submit(a_pdf())
    house.announced.clear()
    for at in (Status.SUBMITTED, Status.RENDERED):
        assert house.status(document) == at
        fail(house, document)
        brought_back(house, document)
        assert house.status(document) == at
        flow.STEP_AT[at].run(document, house.rt)
    house.work()
    assert house.status(document) == "accepted"
