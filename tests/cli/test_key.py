"""The installation's own key: shown, rotated, lost."""

import base64
import shutil
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import text

from tests.cli.test_commands import surefield as surefield  # a fixture
from tests.factories import a_document, begin
from worker import sealing
from worker.cli import doctor
from worker.delivery import deliver, webhooks
from worker.questions import asking
from worker.questions.types import New
from worker.sealing import KeyUnusable, SealedForAnother
from worker.settings import Settings
from worker.store import installation
from worker.tables.documents import Status
from worker.tables.questions import Wanted

URL = "https://hooks.example.org/"


@pytest.fixture
def key_file(tmp_path, monkeypatch) -> Path:
    """A copy of the key file, so that a test may change it."""
    copy = tmp_path / "own.key"
    shutil.copy(Settings().key_path, copy)
    monkeypatch.setenv("SUREFIELD_KEY_FILE", str(copy))
    return copy


@pytest.fixture
def hook(db) -> str:
    """A webhook's secret."""
    with begin(db) as tx:
        _, secret = webhooks.add(tx, "erp", URL, by="me")
    return secret


@pytest.fixture
def waiting(db) -> dict[str, str]:
    """What else rests sealed: a file's password, and the link of a question; by the query that
    reads each.
    """
    with begin(db) as tx:
        password = installation.seal(tx, "sesame")
    a_document(db, password=password)
    asked = a_document(db, status=Status.IN_REVIEW)
    new = New(wanted=Wanted.TEXT, doubt="asked_by_person", text="Which order is this for?")
    with begin(db) as tx:
        (link,) = asking.ask(tx, asked.id, [new], by="person:ada", lasts=timedelta(days=1))
    return {
        "SELECT sealed FROM secrets": "sesame",
        "SELECT token_sealed FROM questions": link.token,
    }


def opened(db, key_file: Path, query: str) -> str:
    with begin(db) as tx:
        return installation.opened(tx, key_file, tx.session.execute(text(query)).scalar_one())


def signs(db, key_file: Path) -> tuple[str, ...]:
    """What the webhook's messages are signed with."""
    with begin(db) as tx:
        sealed = tx.session.execute(text("SELECT secret FROM webhooks")).scalars().all()
        return deliver.secrets_of(tx, sealed, key_file)


def test_the_public_key_is_printed_for_whoever_seals(db, surefield, key_file):
    """In base64, as libsodium's clients take it."""
    said = surefield("key", "public").strip()
    with begin(db) as tx:
        assert base64.b64decode(said, validate=True) == installation.public_key(tx)
    assert len(base64.b64decode(said)) == sealing.BYTES


def test_an_installation_without_a_key_says_how_one_is_made(db, surefield):
    """By the command that makes the tables."""
    with begin(db) as tx:
        tx.session.execute(text("UPDATE installation SET public_key = NULL"))
    assert "surefield migrate" in surefield("key", "public", fails=True)


def test_after_a_rotation_everything_opens_with_the_new_key_alone(
    db, surefield, key_file, hook, waiting
):
    """What the tables hold is sealed anew; the old line opens what senders still seal for it."""
    with begin(db) as tx:
        before = installation.public_key(tx)
    assert before is not None
    said = base64.b64decode(surefield("key", "rotate"))
    lines = key_file.read_text().split()
    assert sealing.public_keys(key_file) == [said, before]
    assert key_file.stat().st_mode & 0o777 == 0o600
    assert base64.b64decode(surefield("key", "public")) == said != before

    late = sealing.seal(before, b"sealed with the key of yesterday")
    assert sealing.opened(key_file, late, public_key=said).startswith(b"sealed")
    key_file.write_text(lines[0] + "\n")
    assert signs(db, key_file) == (hook,)
    assert {query: opened(db, key_file, query) for query in waiting} == waiting
    with pytest.raises(SealedForAnother):
        sealing.opened(key_file, late, public_key=said)


def test_a_rotation_is_no_new_secret_for_a_webhook(db, surefield, key_file, hook):
    """Its receiver learns of nothing: no second signature begins, and none ends."""
    with begin(db) as tx:
        (webhook,) = tx.session.execute(text("SELECT id FROM webhooks")).scalars()
        new = webhooks.rotate(tx, webhook)
    surefield("key", "rotate")
    with begin(db) as tx:
        row = tx.session.execute(
            text("SELECT secret, old_secret, old_secret_until > now() AS signs FROM webhooks")
        ).one()
        assert deliver.secrets_of(tx, (row.secret, row.old_secret), key_file) == (new, hook)
    assert row.signs


def test_a_rotation_with_another_installations_file_is_refused(surefield, key_file):
    """What is sealed could be opened by nobody afterwards."""
    key_file.unlink()
    sealing.make_key(key_file)
    before = key_file.read_text()
    assert "not this installation's" in surefield("key", "rotate", fails=True)
    assert key_file.read_text() == before


@pytest.mark.parametrize("lost", ["gone", "damaged", "another"])
def test_after_a_loss_the_installation_goes_on_with_a_new_key(db, surefield, key_file, hook, lost):
    """What was sealed is lost and says so; what is sealed from now on is not."""
    key_file.unlink()
    if lost == "damaged":
        key_file.write_text("zz")
    elif lost == "another":
        sealing.make_key(key_file)
    assert "key_unusable" in surefield("key", "rotate", fails=True)
    surefield("key", "rotate", "--lost")

    assert signs(db, key_file) == ()
    with begin(db) as tx:
        (webhook,) = tx.session.execute(text("SELECT id FROM webhooks")).scalars()
        new = webhooks.rotate(tx, webhook)
    assert signs(db, key_file) == (new,)


def test_a_key_that_is_there_is_not_given_up_as_lost(surefield, key_file):
    """The option is for a file that is gone."""
    before = key_file.read_text()
    assert "Leave out --lost" in " ".join(surefield("key", "rotate", "--lost", fails=True).split())
    assert key_file.read_text() == before


def test_the_doctor_looks_at_the_key_file(database_url, key_file):
    """Whether it is there, is the right one, and nobody else reads it."""
    settings = Settings(database_url=database_url)
    assert doctor.key(settings).sound
    key_file.chmod(0o640)
    assert f"chmod 600 {key_file}" in doctor.key(settings).words
    key_file.chmod(0o600)

    clear = Settings(database_url=database_url, clear_passwords=True)
    assert "everybody at the broker" in doctor.key(clear).words
    assert "everybody at the broker" not in doctor.key(settings).words

    right = key_file.read_text()
    for wrong, says in ((None, "cannot be read"), ("zz", "no key file"), ("ab" * 32, "not this")):
        key_file.unlink(missing_ok=True)
        if wrong is not None:
            key_file.touch(0o600)
            key_file.write_text(wrong)
        found = doctor.key(settings)
        assert not found.sound
        assert says in found.words
    key_file.touch(0o600)
    key_file.write_text(right)
    assert doctor.key(settings).sound


def test_a_webhook_whose_secret_is_lost_says_what_to_do_and_holds_nobody_up(db, tmp_path):
    """No message goes out unsigned."""
    answer = deliver.post(URL, {"a": 1}, "msg_1", (), allowed=())
    assert not answer.took
    assert answer.error is not None
    assert "surefield webhook rotate" in answer.error


def test_a_key_file_that_cannot_be_read_is_not_a_lost_secret(db, hook, tmp_path):
    """Deliveries wait for the file, and count no attempt."""
    with pytest.raises(KeyUnusable):
        signs(db, tmp_path / "nowhere")
