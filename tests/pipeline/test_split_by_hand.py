"""A file of several documents that the machine was not sure of: a person parts it."""

from dataclasses import replace

import pytest

from extractors.backends.scripted import Line, ScriptedBackend
from extractors.errors import UnknownDocumentType
from tests.factories import begin
from tests.pipeline.conftest import TINY_CANVAS
from tests.pipeline.test_types import INVOICE, ORDER, PROSE, RECEIPT, TRUTH, a_paper
from worker.actor import Actor
from worker.review import actions, document_types
from worker.review.errors import InvalidDecision, ReviewConflict
from worker.store.types import Piece

BOTH = (
    Piece(first=1, last=2, document_type="invoice"),
    Piece(first=3, last=3, document_type="receipt"),
)
RECEIPT_TRUTH = {
    "merchant": "Foo Ltd",
    "date": "03/04/2026",
    "total": "12.50",
    "address": "Elm Street",
}


@pytest.fixture
def house(make_house):
    """A model that reads either type."""
    return make_house(
        backend=ScriptedBackend(
            lambda page, spec: Line(truth=TRUTH if spec.name == "invoice" else RECEIPT_TRUTH),
            canvas=TINY_CANVAS,
        )
    )


@pytest.fixture
def doubtful(house):
    """An invoice, a paper of no type, and a receipt in one file, which nobody parts without a
    person.
    """
    document = house.submit(a_paper(INVOICE, ORDER, RECEIPT), document_type="auto", key="bundle")
    house.work()
    assert house.status(document) == "needs_type"
    return document


def part(house, document, pieces=BOTH, who="ada"):
    with house.rt.transaction() as tx:
        return document_types.split_by_hand(tx, document, pieces, who=who)


def test_the_pieces_go_on_as_documents_of_their_own(house, doubtful):
    """Each is read as what the person said, under the file's key with its pages behind it."""
    made = part(house, doubtful)
    house.work()

    assert house.status(doubtful) == "split"
    parts = house.rows(
        "SELECT * FROM reporting.document_parts WHERE file_id = :id ORDER BY first_page",
        id=doubtful,
    )
    assert [(row.document_type, row.first_page, row.pages) for row in parts] == [
        ("invoice", 1, 2),
        ("receipt", 3, 1),
    ]
    keys = house.rows(
        "SELECT key FROM submissions WHERE document_id = ANY(:made) ORDER BY key", made=made
    )
    assert [row.key for row in keys] == ["bundle#1-2", "bundle#3-3"]
    assert all(house.status(document) in ("accepted", "in_review") for document in made)


def test_the_pages_of_a_piece_are_numbered_from_one(house, doubtful):
    """Its second document begins on the file's third page; the pictures are the file's."""
    made = part(house, doubtful)
    rows = house.rows(
        "SELECT d.first_page, p.number, p.view_sha256 FROM pages p"
        " JOIN documents d ON d.id = p.document_id WHERE d.id = ANY(:made) ORDER BY 1, 2",
        made=made,
    )
    assert [(row.first_page, row.number) for row in rows] == [(1, 1), (1, 2), (3, 1)]
    file = house.rows(
        "SELECT view_sha256 FROM pages WHERE document_id = :id ORDER BY number", id=doubtful
    )
    assert [row.view_sha256 for row in rows] == [row.view_sha256 for row in file]


def test_the_longest_key_has_room_for_a_pieces_pages(house):
    """Of the key its beginning stays, so that pieces have keys of their own."""
    document = house.submit(a_paper(INVOICE, ORDER, RECEIPT), document_type="auto", key="k" * 200)
    house.work()
    made = part(house, document)
    rows = house.rows("SELECT key FROM submissions WHERE document_id = ANY(:made)", made=made)
    assert {row.key for row in rows} == {"k" * 150 + "#1-2", "k" * 150 + "#3-3"}


def test_who_parted_it_is_on_record(house, doubtful):
    """With the pieces as they were named."""
    part(house, doubtful)
    (said,) = house.rows(
        "SELECT who, fits FROM classifications WHERE document_id = :id AND method = 'person'",
        id=doubtful,
    )
    assert (said.who, set(said.fits)) == ("ada", {"1-2 invoice", "3-3 receipt"})


@pytest.mark.parametrize(
    "ranges",
    [
        [(1, 2)],
        [(1, 3)],
        [(1, 1), (3, 3)],
        [(1, 2), (2, 3)],
        [(1, 2), (3, 4)],
        [(3, 3), (1, 2)],
        [(2, 1), (1, 3)],
    ],
)
def test_a_page_in_no_piece_or_in_two_is_refused_and_nothing_changes(house, doubtful, ranges):
    """No page of a file is dropped silently."""
    before = house.everything()
    with pytest.raises(InvalidDecision, match="3 pages"):
        part(
            house,
            doubtful,
            [Piece(first=first, last=last, document_type="invoice") for first, last in ranges],
        )
    assert house.everything() == before


def test_a_piece_of_an_unknown_type_is_refused_and_nothing_changes(house, doubtful):
    """Also where it is the last one."""
    before = house.everything()
    pieces = [BOTH[0], replace(BOTH[1], document_type="nonsense")]
    with pytest.raises(UnknownDocumentType):
        actions.split(Actor("ada"), doubtful, pieces, house.rt)
    assert house.everything() == before


def test_a_file_is_parted_by_one_person(house, doubtful):
    """The second one is told that it is no longer open."""
    part(house, doubtful)
    with pytest.raises(ReviewConflict, match="split"):
        part(house, doubtful, who="bob")
    assert len(house.rows("SELECT 1 FROM documents WHERE part_of = :id", id=doubtful)) == 2


def test_a_document_whose_type_is_known_is_not_parted(house):
    """What is being read is no longer a person's to part."""
    document = house.submit(a_paper(INVOICE, PROSE), document_type="invoice")
    with pytest.raises(ReviewConflict, match="not open"), begin(house.rt.sessions) as tx:
        document_types.split_by_hand(tx, document, BOTH, who="ada")
