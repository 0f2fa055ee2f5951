"""Passwords of files: sealed before they rest, opened for the one who opens the file."""

import base64
import os
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import text

from tests.intake.test_messages import letters
from tests.intake.test_reopened import PASSWORD, locked, row_of, sent
from tests.pipeline.conftest import House
from tests.pipeline.test_outages import later
from worker import sealing
from worker.intake import messages
from worker.intake.taking import take_in
from worker.mailboxes.types import Parcel
from worker.sealing import KeyUnusable
from worker.store import installation


def in_base64(content: bytes) -> str:
    return base64.b64encode(content).decode()


def sealed_for(key: bytes, password: str = PASSWORD) -> str:
    """As a client in any language seals it."""
    return in_base64(sealing.seal(key, password.encode()))


@pytest.fixture
def key(house: House) -> bytes:
    """What the installation says is its public key."""
    with house.rt.transaction() as tx:
        found = installation.public_key(tx)
    assert found is not None
    return found


def message(house: House, content: bytes, *, rt: Any = None, **more: Any) -> None:
    """One message of the upstream's own queue is taken in."""
    says = {"type": "slip", "key": "k", "content_base64": in_base64(content), **more}
    body = messages.plain([], says)
    take_in(Parcel(queue="q", body=body, tag=1), "tests", rt or house.rt)


def test_a_sealed_password_opens_the_file(house, key):
    """It is forgotten with the pages rendered."""
    message(house, locked(), password_sealed=sealed_for(key))
    (resting,) = house.rows("SELECT sealed FROM secrets")
    assert PASSWORD.encode() not in resting.sealed
    house.work()

    assert house.rows("SELECT page_count FROM documents") == [(1,)]
    assert house.rows("SELECT 1 FROM secrets") == []


@pytest.mark.parametrize("password", ["", "ünïcödé 密码", "a\x00b", "x" * 1000])
def test_any_password_comes_back_as_it_was(house, password):
    """Sealed and opened for the stage that needs it."""
    with house.rt.transaction() as tx:
        sealed = installation.seal(tx, password)
        assert password.encode() not in sealed or password == ""
        assert installation.opened(tx, house.rt.key_file, sealed) == password


def test_a_readable_password_on_a_queue_is_refused_with_the_mend(house):
    """What everybody at the broker read is no secret any more; the message is kept, sealed."""
    message(house, locked(), password=PASSWORD)

    (letter,) = letters(house)
    assert letter.code == "clear_password"
    assert "password_sealed" in letter.message
    assert "SUREFIELD_CLEAR_PASSWORDS" in letter.message
    assert PASSWORD not in letter.message
    assert house.rows("SELECT id FROM documents") == []
    stored = [house.rt.blobs.get(one.name) for one in house.rt.blobs.all()]
    assert [content for content in stored if PASSWORD.encode() in content] == []


def test_an_installation_that_takes_readable_ones_seals_them(house):
    """The setting is for whose broker nobody else reads."""
    message(house, locked(), rt=replace(house.rt, clear_passwords=True), password=PASSWORD)

    assert letters(house) == []
    (resting,) = house.rows("SELECT sealed FROM secrets")
    assert PASSWORD.encode() not in resting.sealed
    house.work()
    assert house.rows("SELECT count(page_count) AS pages FROM documents") == [(1,)]


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"password_sealed": "not base64!"}, "password_sealed is not base64"),
        ({"password_sealed": 5}, "password_sealed"),
        ({"password_sealed": "AAAA", "password": "x"}, "once"),
    ],
)
@pytest.mark.parametrize("clear", [True, False])
def test_what_is_wrong_with_a_sealed_password_is_said(house, wrong, says, clear):
    """By its name, and with nothing of what it holds."""
    message(house, locked(), rt=replace(house.rt, clear_passwords=clear), **wrong)

    (letter,) = letters(house)
    assert letter.code == "invalid_submission"
    assert says in letter.message


@pytest.mark.parametrize("sealed", ["another", "nothing", "cut"])
def test_one_that_was_sealed_for_another_key_fails_its_document_alone(house, key, tmp_path, sealed):
    """No attempt is repeated and no stage pauses; the same key with the right one goes on."""
    good = sealed_for(key)
    wrong = {
        "another": sealed_for(sealing.make_key(tmp_path / "another")),
        "nothing": "",
        "cut": in_base64(base64.b64decode(good)[:-1]),
    }[sealed]
    content = locked()
    message(house, content, password_sealed=wrong)
    house.work()
    (failed,) = house.rows("SELECT id, status, error_code, failures FROM documents")
    assert failed[1:] == ("failed", "sealed_for_another_key", 1)
    assert house.rows("SELECT 1 FROM stage_pauses WHERE retry_at IS NOT NULL") == []

    message(house, content, password_sealed=good)
    assert letters(house) == []
    house.work()
    assert row_of(house, failed.id).page_count == 1


def test_without_the_key_file_the_stage_pauses_and_no_attempt_is_counted(house, tmp_path):
    """It is the installation that lacks something; with the file the document goes on."""
    document = sent(house, locked(), password=PASSWORD).document_id
    right = house.rt
    house.rt = replace(right, key_file=tmp_path / "nowhere")
    house.work()
    assert house.status(document) == "submitted"
    assert row_of(house, document).failures == 0
    assert [row.code for row in house.rows("SELECT code FROM stage_pauses")] == ["key_unusable"]

    house.rt = right
    later(house)
    house.rt.announce(document, row_of(house, document).status)
    house.work()
    assert row_of(house, document).page_count == 1


def test_another_installations_key_file_is_told_from_a_wrong_password(house, tmp_path):
    """Its mend is another: nobody is asked to send anything again."""
    document = sent(house, locked(), password=PASSWORD).document_id
    sealing.make_key(tmp_path / "another")
    house.rt = replace(house.rt, key_file=tmp_path / "another")
    house.work()
    assert house.status(document) == "submitted"
    (pause,) = house.rows("SELECT code, message FROM stage_pauses")
    assert pause.code == "key_unusable"
    assert "not this installation's" in pause.message


def test_where_there_is_no_key_a_password_is_not_taken(house):
    """Nothing readable is kept for want of one; the rest is taken in."""
    with house.rt.transaction() as tx:
        tx.session.execute(text("UPDATE installation SET public_key = NULL"))
    with pytest.raises(KeyUnusable, match="surefield migrate"):
        sent(house, locked(), password=PASSWORD)
    assert list(house.rt.blobs.all()) == []
    assert sent(house, locked(), key="other").created


def test_the_password_given_last_is_the_one_that_counts(house):
    """A wrong one, then the right one, both before anybody looked."""
    with house.rt.transaction() as tx:
        wrong = installation.seal(tx, "wrong")
    content = locked()
    document = sent(house, content, password_sealed=wrong).document_id
    house.work()
    assert row_of(house, document).error_code == "encrypted_pdf"
    assert sent(house, content, password=PASSWORD).reopened
    house.work()
    assert row_of(house, document).page_count == 1


def test_the_same_password_rests_otherwise_each_time(house):
    """Nobody sees who uses one twice."""
    for name in ("a", "b"):
        sent(house, locked(os.urandom(4).hex()), key=name, password=PASSWORD)
    first, second = house.rows("SELECT sealed FROM secrets")
    assert first != second
