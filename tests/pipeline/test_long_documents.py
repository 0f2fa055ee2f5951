"""Documents of many pages: which of them the model reads, and what may be accepted on the strength
of those.
"""

from datetime import timedelta

import pymupdf
import pytest
from sqlalchemy import text

from extractors.backends.scripted import Line
from tests.factories import begin, render_limits, rows_of
from tests.pipeline.conftest import TINY_CANVAS
from tests.pipeline.long import NOTHING, SAID, a_long_pdf, a_type_file, told
from worker import reporting, store
from worker.errors import ClaimLost
from worker.pipeline.stages import render, triage
from worker.store.types import SortedPage
from worker.tables.documents import Status


@pytest.fixture
def long_house(make_house, tmp_path):
    """A house that knows the type, which asks for so many pages (or all), and whose model reads
    these pages.
    """

    def make(most: int | None = None, **pages):
        (tmp_path / "long.py").write_text(a_type_file(most))
        limits = render_limits(max_pages=200, view_dpi=36)
        return make_house(
            backend=told(TINY_CANVAS, **pages), document_types_folder=tmp_path, limits=limits
        )

    return make


def read_pages(house):
    """The numbers of all pages that the model was shown."""
    return sorted(number for call in house.backend.calls for number in call)


def test_a_hundred_pages_are_read_right_from_the_ten_that_promise_the_most(long_house):
    """The fields stand on pages 3 and 97; ninety pages cost the model nothing, and every one of
    them is written down with its rank.
    """
    house = long_house(10)
    document = house.submit(a_long_pdf(100), document_type="long_slip")
    house.work()

    assert house.status(document) == "accepted"
    assert {name: (row.text, row.page) for name, row in house.results(document).items()} == {
        "payee": ("Foo Ltd", 3),
        "date": ("03/04/2026", 3),
        "number": ("A-17", 3),
        "total": ("12.50", 97),
        "currency": ("EUR", 97),
    }
    assert len(read_pages(house)) == 10
    pages = house.rows(
        "SELECT * FROM reporting.page_reading WHERE document_id = :id ORDER BY rank", id=document
    )
    assert [row.rank for row in pages] == list(range(1, 101))
    assert [row.state for row in pages] == ["read"] * 10 + ["left_out"] * 90
    (row,) = rows_of(reporting.documents, house.rt.sessions, [document])
    assert (row.page_count, row.pages_left_out) == (100, 90)


def test_without_a_limit_every_page_is_read_in_batches(long_house):
    """A type that says nothing about it loses no page."""
    house = long_house(None, foot=19)
    document = house.submit(a_long_pdf(20, foot=19), document_type="long_slip")
    house.work()

    assert house.status(document) == "accepted"
    assert read_pages(house) == list(range(1, 21))
    assert len(house.backend.calls) > 1


def test_a_field_on_none_of_the_pages_read_is_not_accepted_as_absent(long_house):
    """However sure the model is of the pages it saw: nobody looked at the others."""
    house = long_house(2)
    house.backend._script = lambda page, spec: Line(
        truth={**SAID["head"], **SAID["foot"], "number": None} if page.number == 3 else NOTHING
    )
    document = house.submit(a_long_pdf(12, foot=12), document_type="long_slip")
    house.work()

    number = house.results(document)["number"]
    assert (number.state, number.decision, number.reason) == ("absent", "review", "pages_left_out")
    assert number.details["doubts"][0]["pages"] == [
        row.number
        for row in house.rows("SELECT number FROM pages WHERE status = 'left_out' ORDER BY 1")
    ]


def test_scans_among_the_pages_are_all_read_besides_the_chosen_ones(long_house):
    """Their words cannot speak for them."""
    house = long_house(2, foot=9)
    document = house.submit(a_long_pdf(12, foot=9, scans=(5, 6)), document_type="long_slip")
    house.work()

    assert {5, 6} < set(read_pages(house))
    assert len(read_pages(house)) == 4
    assert house.status(document) == "accepted"


def test_too_many_scans_are_a_reason_for_review_of_everything(long_house):
    """Nothing speaks against the scans that were not read, so no value can be trusted to be the
    only one.
    """
    house = long_house(2, head=1, foot=2)
    document = house.submit(
        a_long_pdf(6, head=1, foot=2, scans=(1, 2, 3, 4, 5, 6)), document_type="long_slip"
    )
    house.work()

    assert read_pages(house) == [1, 2]
    assert {row.reason for row in house.results(document).values()} == {"pages_left_out"}
    assert [row.rank for row in house.rows("SELECT rank FROM pages WHERE status = 'left_out'")] == [
        None
    ] * 4


def with_a_line(pdf, number, line):
    """The file with one more line on a page."""
    with pymupdf.open(stream=pdf) as document:
        document[number - 1].insert_text((20, 150), line)
        return document.tobytes()


def test_another_total_on_a_page_that_was_not_read_is_for_a_person(long_house):
    """The model was sure of the one that it saw; the words of page 6 name another, and the row says
    where.
    """
    house = long_house(2, foot=9)
    document = house.submit(
        with_a_line(a_long_pdf(12, foot=9), 6, "Total: 99.00"), document_type="long_slip"
    )
    house.work()

    results = house.results(document)
    assert read_pages(house) == [3, 9]
    assert (results["total"].text, results["total"].decision, results["total"].reason) == (
        "12.50",
        "review",
        "left_out_page_differs",
    )
    assert results["total"].details["message"] == "page 6, which was not read, says 99.00"
    assert results["total"].details["doubts"][0]["pages"] == [6]
    assert {row.decision for name, row in results.items() if name != "total"} == {"accepted"}


@pytest.mark.parametrize(
    "line", ["Total: 12,50 EUR", "Total: to be agreed on", "Total weight: 99.00"]
)
def test_a_page_that_was_not_read_and_says_nothing_else_changes_nothing(long_house, line):
    """The same total, no value, another thing's value."""
    house = long_house(2, foot=9)
    document = house.submit(with_a_line(a_long_pdf(12, foot=9), 6, line), document_type="long_slip")
    house.work()

    assert read_pages(house) == [3, 9]
    assert house.status(document) == "accepted"


def test_choosing_twice_changes_nothing(long_house):
    """The broker may deliver twice."""
    house = long_house(2, foot=9)
    document = house.submit(a_long_pdf(12, foot=9), document_type="long_slip")
    render.run(document, house.rt)
    assert house.status(document) == "untriaged"
    triage.run(document, house.rt)
    after_first = house.everything()

    triage.run(document, house.rt)

    assert house.everything() == after_first
    assert house.status(document) == "rendered"


def test_a_worker_that_dies_while_choosing_loses_nothing(long_house):
    """Its lease runs out, the next one chooses, and the dead one's late word counts for nothing."""
    house = long_house(2, foot=9)
    document = house.submit(a_long_pdf(12, foot=9), document_type="long_slip")
    render.run(document, house.rt)
    with begin(house.rt.sessions) as tx:
        dead = store.documents.claim(
            tx, document, at=Status.UNTRIAGED, stage="triage", lease=timedelta(seconds=30)
        )
        tx.session.execute(text("UPDATE documents SET lease_until = now() - interval '1 s'"))
    triage.run(document, house.rt)

    with pytest.raises(ClaimLost), begin(house.rt.sessions) as tx:
        store.pages.sort_pages(tx, dead, [SortedPage(number=1, read=False)])
    house.work()

    assert house.status(document) == "accepted"


def test_few_pages_are_not_chosen_among(long_house):
    """A document within the limit goes straight to the model, with no rank."""
    house = long_house(10, foot=4)
    document = house.submit(a_long_pdf(4, foot=4), document_type="long_slip")
    house.work()

    assert house.status(document) == "accepted"
    assert {row.rank for row in house.rows("SELECT rank FROM pages")} == {None}
