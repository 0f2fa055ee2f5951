"""A failed document goes on when the same key brings what it lacked."""

import base64
from pathlib import Path

import pymupdf
import pytest

from tests.pipeline.conftest import House, a_pdf
from worker import tasks
from worker.intake import actions, sources
from worker.pipeline.stages import extract, render
from worker.store import installation

PASSWORD = "open sesame"


def locked(words: str = "Foo Ltd A-17 03/04/2026 12.50 EUR") -> bytes:
    encryption = pymupdf.PDF_ENCRYPT_AES_256
    return pymupdf.open(stream=a_pdf(words)).tobytes(
        encryption=encryption, user_pw=PASSWORD, owner_pw="x"
    )


def sent(house: House, content: bytes, **changes):
    """As the library and the command line hand it in."""
    plain = {"upstream": "tests", "document_type": "slip", "key": "k", "content": content}
    return actions.submit(sources.Request(**{**plain, **changes}), house.rt)


def events(house: House, document) -> list[tuple]:
    query = "SELECT to_status, stage, code, actor FROM document_events WHERE document_id = :id"
    return [tuple(row) for row in house.rows(f"{query} ORDER BY id", id=document)]


def row_of(house: House, document):
    return house.rows("SELECT * FROM documents WHERE id = :id", id=document)[0]


@pytest.mark.parametrize("first", [None, "wrong"])
def test_the_same_key_with_the_password_reads_what_failed_without(house, first):
    """Whether none was given or a wrong one; the history stays, and the password is forgotten."""
    content = locked()
    before = sent(house, content, password=first)
    house.work()
    assert row_of(house, before.document_id).error_code == "encrypted_pdf"
    assert "under the same key" in row_of(house, before.document_id).error_message

    after = sent(house, content, password=PASSWORD)
    assert (after.document_id, after.created, after.reopened) == (before.document_id, False, True)
    house.work()
    row = row_of(house, after.document_id)
    assert (row.status, row.error_code) == ("accepted", None)
    assert ("failed", "render", "encrypted_pdf", "worker") in events(house, after.document_id)
    assert ("submitted", "submit", "sent_again", "upstream:tests") in events(
        house, after.document_id
    )
    assert house.rows("SELECT 1 FROM secrets") == []


def test_what_brings_nothing_new_changes_nothing(house):
    """Without a password, with other bytes, or for a document that did not fail."""
    content = locked()
    document = sent(house, content).document_id
    house.work()
    before = house.everything()
    again = sent(house, content)
    assert (again.document_id, again.created, again.reopened) == (document, False, False)
    with pytest.raises(actions.InvalidSubmission):
        sent(house, locked("other bytes"), password=PASSWORD)
    assert house.everything() == before

    good = a_pdf()
    sent(house, good, key="good")
    house.work()
    before = house.everything()
    assert not sent(house, good, key="good", password=PASSWORD).reopened
    assert house.everything() == before
    assert house.rows("SELECT 1 FROM secrets") == []


def test_a_file_that_no_password_mends_is_not_opened_again(house):
    """It failed for another reason."""
    document = sent(house, b"%PDF-1.4 but nothing else").document_id
    house.work()
    assert row_of(house, document).error_code == "unreadable_file"
    assert not sent(house, b"%PDF-1.4 but nothing else", password=PASSWORD).reopened
    assert house.status(document) == "failed"


def test_two_messages_with_the_password_open_it_once(house):
    """The broker may deliver twice."""
    content = locked()
    document = sent(house, content).document_id
    house.work()
    assert [sent(house, content, password=PASSWORD).reopened for _ in range(2)] == [True, False]
    house.work()
    assert [each[2] for each in events(house, document)].count("sent_again") == 1


def test_bytes_that_were_lost_come_again_under_the_same_key(house):
    """The blob is stored again, and the document is rendered."""
    content = a_pdf()
    document = sent(house, content).document_id
    for path in (path for path in Path(house.rt.blobs.url).rglob("*") if path.is_file()):
        path.unlink()
    message = house.announced[0]
    for _ in range(house.rt.max_attempts):
        house.announced[:] = [message]
        house.work()
    assert row_of(house, document).error_code == "missing_blob"

    assert sent(house, content).reopened
    house.work()
    assert house.status(document) == "accepted"


def test_a_page_image_that_was_lost_comes_back_with_the_bytes(house):
    """It failed when its page was to be read: it is rendered again, the same pages."""
    content = a_pdf(pages=2)
    document = sent(house, content).document_id
    moved, _ = house.announced.pop(0)
    render.run(moved, house.rt)
    image = house.rows("SELECT model_sha256 FROM pages WHERE number = 2")[0].model_sha256
    for path in Path(house.rt.blobs.url).rglob(image):
        path.unlink()
    for _ in range(2 * house.rt.max_attempts):
        extract.run(document, house.rt)
    assert row_of(house, document).error_code == "missing_blob"

    house.announced.clear()
    assert sent(house, content).reopened
    house.work()
    assert house.status(document) == "accepted"
    assert [row.number for row in house.rows("SELECT number FROM pages ORDER BY 1")] == [1, 2]


def test_a_message_on_the_queue_brings_the_password(house):
    """The same door for whoever writes no Python."""
    content = locked()
    with house.rt.transaction() as tx:
        sealed = base64.b64encode(installation.seal(tx, PASSWORD)).decode()
    arguments = {
        "upstream": "tests",
        "type": "slip",
        "key": "k",
        "content_base64": base64.b64encode(content).decode(),
    }
    tasks._take_in((), arguments, house.rt)
    house.work()
    tasks._take_in((), {**arguments, "password_sealed": sealed}, house.rt)
    house.work()
    assert [row.status for row in house.rows("SELECT status FROM documents")] == ["accepted"]
