"""A long document gives its turn back between two pages, and loses nothing of what is done."""

from dataclasses import replace
from datetime import timedelta

import pymupdf
import pytest
from sqlalchemy import text

from tests.pipeline.conftest import House, a_pdf
from worker import store
from worker.errors import ClaimLost
from worker.pipeline import flow
from worker.pipeline.attempt import attempt
from worker.pipeline.stages import render
from worker.tables.documents import Status

RESTS = {"accepted", "in_review"}


@pytest.fixture
def hasty(make_house) -> House:
    """A house in which each page is a turn of its own."""
    return make_house(render_for=timedelta(0))


def pages(house: House, document) -> list[int]:
    query = "SELECT number FROM pages WHERE document_id = :id ORDER BY number"
    return [row.number for row in house.rows(query, id=document)]


def row_of(house: House, document):
    return house.rows("SELECT * FROM documents WHERE id = :id", id=document)[0]


def test_a_long_document_is_rendered_turn_by_turn(hasty):
    """Each keeps what the ones before did; the last one moves it on, with all of its pages."""
    document = hasty.submit(a_pdf(pages=3))
    hasty.announced.clear()
    for number in (1, 2):
        render.run(document, hasty.rt)
        row = row_of(hasty, document)
        assert pages(hasty, document) == list(range(1, number + 1))
        assert (row.status, row.lease_until, row.page_count) == ("submitted", None, None)
    assert hasty.announced == [(document, Status.SUBMITTED)] * 2

    render.run(document, hasty.rt)
    assert (row_of(hasty, document).status, row_of(hasty, document).page_count) == ("rendered", 3)
    assert pages(hasty, document) == [1, 2, 3]
    hasty.work()
    assert hasty.status(document) in RESTS
    assert len(hasty.rows("SELECT 1 FROM readings")) == 3


def test_turns_render_the_same_as_one_go(make_house):
    """Pictures, words and findings, page by page."""
    content = a_pdf(pages=3)
    said = []
    for render_for in (timedelta(0), timedelta(minutes=5)):
        house = make_house(render_for=render_for)
        document = house.submit(content, key=str(render_for))
        while house.status(document) == "submitted":
            render.run(document, house.rt)
        columns = "number, model_sha256, view_sha256, words, words_source, layer_coverage"
        query = f"SELECT {columns} FROM pages WHERE document_id = :id ORDER BY number"
        found = "SELECT page, code, severity FROM render_findings WHERE document_id = :id"
        said.append(
            (
                [tuple(row) for row in house.rows(query, id=document)],
                sorted(map(str, house.rows(found, id=document))),
            )
        )
    assert said[0] == said[1]


def test_others_come_in_between(hasty):
    """An urgent one at once, and one of another upstream after a turn at most."""
    long = hasty.submit(a_pdf(pages=4), upstream="bulk", key="long")
    flow.work(flow.CPU, hasty.rt, lasts=timedelta(0))
    other = hasty.submit(a_pdf("other"), upstream="erp", key="other")
    urgent = hasty.submit(a_pdf("urgent"), upstream="bulk", key="urgent", priority=9)
    flow.work(flow.CPU, hasty.rt, lasts=timedelta(0))
    assert (hasty.status(urgent), len(pages(hasty, long))) == ("rendered", 1)
    for _ in range(2):
        flow.work(flow.CPU, hasty.rt, lasts=timedelta(0))
    assert (hasty.status(other), len(pages(hasty, long))) == ("rendered", 2)

    hasty.work()
    assert {hasty.status(each) for each in (long, other, urgent)} <= RESTS


def test_the_password_is_kept_until_the_last_page(hasty):
    """It is needed for each turn, and forgotten after the last."""
    content = pymupdf.open(stream=a_pdf(pages=3)).tobytes(
        encryption=pymupdf.PDF_ENCRYPT_AES_256, user_pw="sesame", owner_pw="x"
    )
    document = hasty.submit(content, password="sesame")
    render.run(document, hasty.rt)
    assert len(hasty.rows("SELECT 1 FROM secrets")) == 1
    hasty.work()
    assert hasty.status(document) in RESTS
    assert hasty.rows("SELECT 1 FROM secrets") == []


def test_a_turn_that_was_given_back_is_not_renewed_by_its_heartbeat(hasty):
    """Its claim is gone, and so is a second one."""
    document = hasty.submit(a_pdf(pages=2))
    with attempt(hasty.rt, document, at=Status.SUBMITTED, stage="render") as claim:
        assert claim is not None
        with hasty.rt.transaction() as tx:
            store.documents.give_turn_back(tx, claim, stored_bytes=0, waited_s=0.0)
        with hasty.rt.transaction() as tx:
            assert not store.documents.renew(tx, claim, hasty.rt.lease)
        with pytest.raises(ClaimLost), hasty.rt.transaction() as tx:
            store.documents.give_turn_back(tx, claim, stored_bytes=0, waited_s=0.0)
    assert row_of(hasty, document).lease_until is None


def test_a_document_that_fails_between_its_turns_is_read_again_as_a_whole(hasty):
    """Half of its pages are no whole document."""
    document = hasty.submit(a_pdf(pages=3))
    render.run(document, hasty.rt)
    with hasty.rt.transaction() as tx:
        store.documents.end(
            tx, [document], error_code="x", error_message="It broke.", by="worker", stage="render"
        )
    with hasty.rt.transaction() as tx:
        begun = store.generations.read_again(tx, [document], by="person:ada", code="reread")
    assert begun == [document]
    assert hasty.status(document) == "submitted"
    hasty.announced[:] = [(document, Status.SUBMITTED)]
    hasty.work()
    assert hasty.status(document) in RESTS
    assert pages(hasty, document) == [1, 2, 3]


def test_a_document_that_is_rendered_anew_is_rendered_in_one_turn(hasty):
    """Its pages are there already, and their pictures may be what is missing."""
    document = hasty.submit(a_pdf(pages=3))
    while hasty.status(document) == "submitted":
        render.run(document, hasty.rt)
    with hasty.rt.sessions.begin() as session:
        session.execute(text("UPDATE documents SET status = 'submitted', claim_no = claim_no + 1"))
    render.run(document, hasty.rt)
    assert hasty.status(document) == "rendered"


def test_no_lease_is_longer_than_one_from_now(make_house):
    """A clock that was an hour ahead holds a document for a lease, and no hour."""
    house = make_house(lease=timedelta(seconds=20))
    ahead, held = house.submit(a_pdf("a"), key="a"), house.submit(a_pdf("b"), key="b")
    render.run(house.submit(a_pdf("c"), key="c"), house.rt)
    with house.rt.sessions.begin() as session:
        for table, where in (("documents", f"id = '{ahead}'"), ("pages", "true")):
            session.execute(
                text(f"UPDATE {table} SET lease_until = now() + interval '1 h' WHERE {where}")
            )
        session.execute(
            text("UPDATE documents SET lease_until = now() + interval '9 s' WHERE id = :id"),
            {"id": held},
        )
    flow.sweep(replace(house.rt, wake=lambda queue: None), patience=timedelta(0))
    for table, most in (("pages", 20), ("documents", 20)):
        (row,) = house.rows(f"SELECT max(lease_until) - now() AS left FROM {table}")
        assert most - 5 < row.left.total_seconds() <= most
    (row,) = house.rows("SELECT lease_until - now() AS left FROM documents WHERE id = :id", id=held)
    assert row.left <= timedelta(seconds=9)


@pytest.mark.parametrize(
    ("limit", "code"),
    [
        ({"max_words": 10}, "too_many_words"),
        ({"max_stored_bytes": 1_500}, "too_much_to_store"),
        ({"document_seconds": 0.0001}, "render_timeout"),
    ],
)
def test_what_a_document_may_cost_counts_all_of_its_turns(make_house, limit, code):
    """Words, bytes and seconds: nobody gets more by taking longer."""
    roomy = make_house(render_for=timedelta(0))
    document = roomy.submit(a_pdf("one two three four five", pages=12))
    render.run(document, roomy.rt)
    render.run(document, roomy.rt)
    assert pages(roomy, document) == [1, 2]
    (spent,) = roomy.rows("SELECT rendered_bytes, rendering_s FROM documents")
    assert spent.rendered_bytes > 0
    assert 0 < spent.rendering_s < 60

    narrow = replace(roomy.rt, limits=replace(roomy.rt.limits, **limit))
    for _ in range(10):
        render.run(document, narrow)
    row = row_of(roomy, document)
    assert (row.status, row.error_code) == ("failed", code)
