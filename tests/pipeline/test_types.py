"""Documents that come without a type: found out by their words, or said by a person, and never
guessed.
"""

from datetime import timedelta

import pymupdf
import pytest
from sqlalchemy import text

from extractors.backends.scripted import Line, ScriptedBackend
from tests.factories import begin
from tests.pipeline.conftest import TINY_CANVAS
from worker import store
from worker.cli import document_types
from worker.errors import ClaimLost
from worker.intake.errors import KeyReused
from worker.pipeline.stages import render, triage
from worker.review import document_types as typing
from worker.review.errors import ReviewConflict
from worker.tables.documents import Status

INVOICE = (
    "Invoice A-17",
    "Seller: Foo Ltd",
    "Invoice number: A-17",
    "Invoice date: 2026-04-03",
    "Total: 12.50",
)
RECEIPT = ("Receipt", "Foo Ltd", "Date: 03/04/2026", "Total: 12.50", "Address: Elm Street")
LETTER = ("Dear Ada", "the invoice that you ask for was sent last week", "Yours, Foo Ltd")
PROSE = ("Conditions", "the party that pays does so by the day named in the order")
ORDER = (
    "Order confirmation",
    "Invoice address: Foo Ltd",
    "Date: 2026-04-03",
    "Number: A-17",
    "Total: 12.50",
)
TRUTH = {"seller": "Foo Ltd", "number": "A-17", "date": "2026-04-03", "total": "12.50", "lines": []}


def a_paper(*pages: tuple[str, ...]) -> bytes:
    """One page for each of these, the first line in larger print."""
    document = pymupdf.open()
    for lines in pages:
        page = document.new_page(width=420, height=240)
        for at, line in enumerate(lines):
            page.insert_text((20, 40 + 24 * at), line, fontsize=16 if at == 0 else 11)
    return document.tobytes()


@pytest.fixture
def open_house(make_house):
    """A house whose model reads every page as the same invoice, and hears what it is asked for."""
    asked = []

    def said(page, spec):
        asked.append(spec.name)
        return Line(truth=TRUTH)

    house = make_house(backend=ScriptedBackend(said, canvas=TINY_CANVAS))
    house.asked = asked
    return house


def submit(house, *pages):
    """Hand a paper in without saying what it is."""
    document = house.submit(a_paper(*pages), document_type="auto")
    house.work()
    return document


def type_of(house, document):
    return house.rows("SELECT document_type FROM documents WHERE id = :id", id=document)[
        0
    ].document_type


def guesses(house, document):
    return house.rows(
        "SELECT * FROM reporting.document_types WHERE document_id = :id ORDER BY decided_at",
        id=document,
    )


def test_a_paper_that_says_what_it_is_is_read_as_that(open_house):
    """An invoice goes all its way without a person, and the guess is kept with its confidence."""
    document = submit(open_house, INVOICE)

    assert open_house.status(document) == "accepted"
    assert type_of(open_house, document) == "invoice"
    assert open_house.asked == ["invoice"]
    (guess,) = guesses(open_house, document)
    assert (guess.method, guess.taken_for, guess.decided_by) == ("words/2", "invoice", None)
    assert guess.confidence >= 0.8
    assert set(guess.fits) == {"invoice", "receipt", "slip"}


@pytest.mark.parametrize(
    "pages",
    [(LETTER,), (ORDER,), ((),), (INVOICE, (), RECEIPT)],
    ids=["a letter about an invoice", "an order", "a scan", "a scan between two kinds of paper"],
)
def test_a_paper_whose_type_is_open_waits_for_a_person_and_costs_the_model_nothing(
    open_house, pages
):
    """Whatever it is most like: no page of it is read, and nothing accepted."""
    document = submit(open_house, *pages)

    assert open_house.status(document) == "needs_type"
    assert open_house.asked == []
    with begin(open_house.rt.sessions) as tx:
        (row,) = typing.untyped(tx)
    assert row.document_id == document
    assert (row.confidence is None) == (pages == ((),))


def test_a_person_says_what_it_is_and_it_goes_on(open_house):
    """The choice is kept with its name beside the guess, and the document ends as that type."""
    document = submit(open_house, LETTER)
    with open_house.rt.transaction() as tx:
        typing.choose_type(tx, document, "invoice", who="ada")
    open_house.work()

    assert open_house.asked == ["invoice"]
    assert type_of(open_house, document) == "invoice"
    # the letter does not show what the model read
    assert open_house.status(document) == "in_review"
    assert [(row.method, row.decided_by) for row in guesses(open_house, document)] == [
        ("words/2", None),
        ("person", "ada"),
    ]


def test_the_second_of_two_people_gets_a_conflict(open_house):
    """The first one's word counts."""
    document = submit(open_house, LETTER)
    with open_house.rt.transaction() as tx:
        typing.choose_type(tx, document, "invoice", who="ada")
    with pytest.raises(ReviewConflict), open_house.rt.transaction() as tx:
        typing.choose_type(tx, document, "receipt", who="bob")


def test_the_same_key_gives_the_same_document_back_after_its_type_was_found(open_house):
    """The upstream asked for auto, and asks again."""
    content = a_paper(INVOICE)
    first = open_house.submit(content, document_type="auto", key="k-1")
    open_house.work()

    assert open_house.submit(content, document_type="auto", key="k-1") == first
    with pytest.raises(KeyReused):
        open_house.submit(content, document_type="invoice", key="k-1")


@pytest.mark.parametrize("pages", [(INVOICE,), (LETTER,)], ids=["sure", "unsure"])
def test_finding_the_type_twice_changes_nothing(open_house, pages):
    """The broker may deliver twice."""
    document = open_house.submit(a_paper(*pages), document_type="auto")
    render.run(document, open_house.rt)
    triage.run(document, open_house.rt)
    after_first = open_house.everything()

    triage.run(document, open_house.rt)

    assert open_house.everything() == after_first


def test_a_worker_that_dies_while_finding_the_type_loses_nothing(open_house):
    """Its lease runs out, and the next one says the same."""
    document = open_house.submit(a_paper(INVOICE), document_type="auto")
    render.run(document, open_house.rt)
    with begin(open_house.rt.sessions) as tx:
        store.documents.claim(
            tx, document, at=Status.UNTRIAGED, stage="triage", lease=timedelta(seconds=30)
        )
        tx.session.execute(text("UPDATE documents SET lease_until = now() - interval '1 s'"))
    open_house.work()

    assert open_house.status(document) == "accepted"
    assert len(guesses(open_house, document)) == 1


def test_the_chosen_pages_of_a_document_are_those_of_the_type_that_was_found(make_house, tmp_path):
    """A type with a limit of its own is found first, and its pages are chosen then; a document over
    its page limit fails with that.
    """
    (tmp_path / "bill.py").write_text(
        "from extractors.documents import spec as field\nfrom extractors.documents.spec import"
        " DocumentModel\nclass Invoice(DocumentModel, name='invoice', title='invoice',"
        " max_pages_read=1, max_pages=3):\n    seller: str | None = field.text('the business that"
        " sends it', required=True)\n    number: str | None = field.identifier('the invoice"
        " number', required=True)\n    date: str | None = field.date('the invoice date',"
        " required=True)\n    total: str | None = field.amount('the amount due', required=True)\n"
    )
    house = make_house(
        Line(truth={k: v for k, v in TRUTH.items() if k != "lines"}), document_types_folder=tmp_path
    )
    document, long = submit(house, PROSE, INVOICE), submit(house, INVOICE, PROSE, PROSE, PROSE)

    assert house.status(document) == "accepted"
    assert house.backend.calls == [(2,)]
    assert (
        house.rows("SELECT error_code FROM documents WHERE id = :id", id=long)[0].error_code
        == "too_many_pages"
    )


def test_a_file_of_several_documents_goes_on_as_its_parts(open_house):
    """Each part is a document of its own, with its pages from 1, read as its own type; the file
    itself ends, and nothing of it is read.
    """
    document = submit(open_house, INVOICE, PROSE, RECEIPT)

    assert open_house.status(document) == "split"
    parts = open_house.rows(
        "SELECT * FROM reporting.document_parts WHERE file_id = :id ORDER BY first_page",
        id=document,
    )
    assert [(row.document_type, row.first_page, row.pages) for row in parts] == [
        ("invoice", 1, 2),
        ("receipt", 3, 1),
    ]
    assert [row.document_status in ("accepted", "in_review") for row in parts] == [True, True]
    assert sorted(open_house.asked) == ["invoice", "invoice", "receipt"]
    for row in parts:
        numbers = open_house.rows(
            "SELECT number FROM pages WHERE document_id = :id ORDER BY 1", id=row.document_id
        )
        assert [page.number for page in numbers] == list(range(1, row.pages + 1))
    assert (
        open_house.rows(
            "SELECT 1 FROM readings r JOIN pages p ON p.id = r.page_id WHERE p.document_id = :id",
            id=document,
        )
        == []
    )
    assert len({row.submission_key for row in parts}) == 2


def test_a_file_of_several_documents_counts_in_reports_by_its_parts(open_house):
    """The file itself is no document that went through, or did not."""
    submit(open_house, INVOICE, RECEIPT)

    rows = open_house.rows("SELECT * FROM reporting.straight_through ORDER BY document_type")
    assert [(row.document_type, row.documents) for row in rows] == [("invoice", 1), ("receipt", 1)]


def test_the_key_of_a_file_gives_the_file_back(open_house):
    """However often it is sent, its parts are made once."""
    content = a_paper(INVOICE, RECEIPT)
    first = open_house.submit(content, document_type="auto", key="k-1")
    open_house.work()

    assert open_house.submit(content, document_type="auto", key="k-1") == first
    assert [
        row.submission_key
        for row in open_house.rows("SELECT * FROM reporting.document_parts ORDER BY first_page")
    ] == [
        "k-1#1-1",
        "k-1#2-2",
    ]


def test_a_file_is_parted_once(open_house):
    """A second message, and a worker whose lease ran out, make no further parts."""
    document = open_house.submit(a_paper(INVOICE, RECEIPT), document_type="auto")
    render.run(document, open_house.rt)
    with begin(open_house.rt.sessions) as tx:
        dead = store.documents.claim(
            tx, document, at=Status.UNTRIAGED, stage="triage", lease=timedelta(seconds=30)
        )
        tx.session.execute(text("UPDATE documents SET lease_until = now() - interval '1 s'"))
    triage.run(document, open_house.rt)
    after_first = open_house.everything()
    triage.run(document, open_house.rt)
    with pytest.raises(ClaimLost), begin(open_house.rt.sessions) as tx:
        store.classifications.split(tx, dead, [])

    assert open_house.everything() == after_first
    assert len(open_house.rows("SELECT 1 FROM documents WHERE part_of = :id", id=document)) == 2


def test_a_file_that_is_not_surely_parted_names_its_parts_for_people(open_house):
    """An invoice and a paper of no type: nothing is read, and whoever looks sees where the other
    begins.
    """
    document = submit(open_house, INVOICE, ORDER)

    assert open_house.status(document) == "needs_type"
    with begin(open_house.rt.sessions) as tx:
        (row,) = typing.untyped(tx)
    assert [name.split()[0] for name in row.parts] == ["1-1", "2-2"]
    assert document_types.most_like(row).startswith("It looks like several documents")
