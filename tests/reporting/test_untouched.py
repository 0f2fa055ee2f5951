"""Which documents no person touched: through the real stages, and real actions of people."""

import pytest

from extractors.backends.scripted import Line, ScriptedBackend
from tests.pipeline.conftest import TINY_CANVAS
from tests.pipeline.test_types import INVOICE, LETTER, ORDER, TRUTH, a_paper
from worker.actor import Actor
from worker.review import actions, document_types, undo, verdict_actions
from worker.review.actions import Answer
from worker.review.tables import Action, Verdict
from worker.review.verdict_actions import Said
from worker.store.types import Piece

ADA = Actor("ada")
RECEIPT = ("Receipt", "Foo Ltd", "Date: 2026-04-03", "Total: 12.50", "Address: Elm Street")
UNTITLED = RECEIPT[1:]
SAID_BY_MODEL = {
    "invoice": TRUTH,
    "receipt": {
        "company": "Foo Ltd",
        "date": "2026-04-03",
        "total": "12.50",
        "address": "Elm Street",
    },
}


@pytest.fixture
def house(make_house):
    """A model that reads invoices and receipts surely."""
    return make_house(
        backend=ScriptedBackend(
            lambda page, spec: Line(truth=SAID_BY_MODEL[spec.name]), canvas=TINY_CANVAS
        )
    )


def documents(house):
    return {row.document_id: row for row in house.rows("SELECT * FROM reporting.documents")}


def share(house, document_type):
    (row,) = house.rows(
        "SELECT * FROM reporting.straight_through WHERE document_type = :type", type=document_type
    )
    return row


def a_page_that_reads_surely(house, *pages):
    document = house.submit(a_paper(*(pages or (INVOICE,))), document_type="auto")
    house.work()
    return document


def test_a_document_that_went_through_by_itself_is_untouched(house):
    """Its type was found by its words, and all of its fields were accepted."""
    document = a_page_that_reads_surely(house)

    row = documents(house)[document]
    assert (row.status, row.decided_by_person) == ("accepted", False)
    assert (row.submitted_as, row.document_type) == ("auto", "invoice")
    assert row.fields == row.fields_accepted > 0
    assert (share(house, "invoice").untouched, share(house, "invoice").straight_through) == (1, 1.0)


def test_a_document_whose_type_a_person_said_is_touched(house):
    """Nobody saw its fields, but without the person it would wait for ever."""
    untouched, document = a_page_that_reads_surely(house), a_page_that_reads_surely(house, UNTITLED)
    assert documents(house)[document].status == "needs_type"
    waits = share(house, "auto")
    assert (waits.waiting, waits.straight_through) == (1, 0.0)

    with house.rt.transaction() as tx:
        document_types.choose_type(tx, document, "receipt", who="ada")
    house.work()

    rows = documents(house)
    assert (rows[document].status, rows[document].decided_by_person) == ("accepted", True)
    assert not rows[untouched].decided_by_person
    done = share(house, "receipt")
    assert (done.untouched, done.accepted_touched, done.straight_through) == (0, 1, 0.0)


def test_parts_are_touched_where_a_person_split_their_file(house):
    """The machine's own parts are not; the file itself counts by its parts."""
    by_hand = a_page_that_reads_surely(house, INVOICE, ORDER, RECEIPT)
    assert documents(house)[by_hand].status == "needs_type"
    pieces = (
        Piece(first=1, last=2, document_type="invoice"),
        Piece(first=3, last=3, document_type="receipt"),
    )
    with house.rt.transaction() as tx:
        made = document_types.split_by_hand(tx, by_hand, pieces, who="ada")
    by_itself = a_page_that_reads_surely(house, INVOICE, RECEIPT)
    house.work()

    rows = documents(house)
    assert {rows[document].decided_by_person for document in made} == {True}
    own_parts = [row for row in rows.values() if row.file_id == by_itself]
    assert [(row.status, row.decided_by_person) for row in own_parts] == [("accepted", False)] * 2
    assert (share(house, "receipt").documents, share(house, "receipt").untouched) == (2, 1)


def test_a_corrected_field_touches_its_document_even_when_it_is_taken_back(site):
    """The document is accepted again, and yet a person had it in their hands."""
    house = site.house
    document = site.read()
    before = documents(house)[document]
    assert (before.status, before.decided_by_person) == ("in_review", False)
    item, *_ = site.items(document).values()

    actions.decide(ADA, item, Answer(action=Action.ACCEPT, seen=True), house.rt)
    assert documents(house)[document].decided_by_person
    assert documents(house)[document].fields_reviewed == 1
    with house.rt.transaction() as tx:
        undo.take_back(tx, item, version=2, who="ada")

    after = documents(house)[document]
    assert (after.fields_reviewed, after.decided_by_person) == (0, True)


def test_what_a_person_rejected_stays_in_the_base(site):
    """It cost a person's time; a share without it would flatter."""
    document = site.read()
    said = Said(verdict=Verdict.NOT_OURS, seen=True)
    verdict_actions.judge(ADA, document, said, site.house.rt)

    row = documents(site.house)[document]
    assert (row.status, row.code, row.decided_by_person) == ("rejected", "not_ours", True)
    day = share(site.house, "slip")
    assert (day.documents, day.rejected, day.straight_through) == (1, 1, 0.0)


def test_a_failed_document_has_its_row_and_counts_against_the_share(house):
    """With its code, who sent it and what the file was called."""
    a_page_that_reads_surely(house)
    failed = house.submit(
        b"%PDF-1.7 broken", document_type="invoice", filename="broken.pdf", metadata={"po": "7"}
    )
    house.work()

    row = documents(house)[failed]
    assert (row.status, row.code, row.filename) == ("failed", "unreadable_file", "broken.pdf")
    assert None not in (row.upstream, row.submission_key)
    assert "damaged" in row.message
    assert row.metadata == {"po": "7"}
    assert row.submitted_at <= row.status_since == row.finished_at
    assert row.took == row.finished_at - row.submitted_at
    assert (row.pages, row.fields, row.decided_by_person) == (None, 0, False)
    day = share(house, "invoice")
    assert (day.documents, day.untouched, day.failed, day.straight_through) == (2, 1, 1, 0.5)


def test_every_document_has_one_row(house):
    """Answered twice, split, or open: one row each, and the columns of a day add up."""
    a_page_that_reads_surely(house)
    a_page_that_reads_surely(house, LETTER)
    a_page_that_reads_surely(house, INVOICE, RECEIPT)
    house.submit(a_paper(RECEIPT), document_type="receipt")

    rows = house.rows("SELECT document_id, status FROM reporting.documents")
    assert len(rows) == len({row.document_id for row in rows}) == 6
    for day in house.rows("SELECT * FROM reporting.straight_through"):
        parts = (
            day.untouched,
            day.accepted_touched,
            day.waiting,
            day.reviewed,
            day.rejected,
            day.failed,
            day.in_progress,
        )
        assert sum(parts) == day.documents
