"""Messages that were put aside are kept whole, for the eyes of the installation's owner."""

import json
import stat
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import text

from tests.cli.test_commands import surefield as surefield  # a fixture
from tests.intake.test_messages import arguments, letters
from worker import sealing
from worker.accounts import store as accounts
from worker.actor import Role
from worker.blobs import Blobs
from worker.consumer import content_of
from worker.embedded.queues import entity_name
from worker.errors import BlobsUnavailable
from worker.intake import dead_letters
from worker.intake.taking import take_in as take_parcel_in
from worker.mailboxes.names import queue_of
from worker.mailboxes.types import Parcel
from worker.pipeline import flow
from worker.sealing import KeyUnusable
from worker.store import blob_names, installation
from worker.tasks import _take_in as take_in

SECRET = "hush-hush"


@pytest.fixture
def key(house) -> Path:
    """The key file of the house, whose database has the public half."""
    return house.rt.key_file


@pytest.fixture
def no_key(house) -> None:
    """A database of before there were keys."""
    with house.rt.transaction() as tx:
        tx.session.execute(text("UPDATE installation SET public_key = NULL"))


def test_a_key_is_made_once_and_for_its_owner_alone(tmp_path):
    """A second start finds it."""
    path = tmp_path / "deep" / "installation.key"
    public = sealing.make_key(path)

    assert sealing.make_key(path) == public
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert sealing.opened(path, sealing.seal(public, b"content")) == b"content"


def test_the_same_content_is_sealed_otherwise_each_time(tmp_path):
    """Nobody tells by its bytes what was sent twice."""
    public = sealing.make_key(tmp_path / "key")
    assert sealing.seal(public, b"content") != sealing.seal(public, b"content")


@pytest.mark.parametrize("broken", ["gone", "damaged", "another"])
def test_a_key_that_opens_nothing_says_what_to_mend(tmp_path, broken):
    """It names the file and the setting."""
    path = tmp_path / "key"
    public = sealing.make_key(path)
    sealed = sealing.seal(public, b"content")
    if broken == "another":
        path.unlink()
        sealing.make_key(path)
    elif broken == "damaged":
        path.write_text("zz")
    else:
        path.unlink()

    says = "Restore it" if broken == "damaged" else "SUREFIELD_KEY_FILE"
    with pytest.raises(KeyUnusable, match=says):
        sealing.opened(path, sealed, public_key=public)


def test_the_first_key_of_a_database_stays(house, key, tmp_path):
    """Another machine that migrates later seals for the same."""
    other = sealing.make_key(tmp_path / "other")
    with house.rt.transaction() as tx:
        first = installation.public_key(tx)
        installation.keep_public_key(tx, other)
        assert installation.public_key(tx) == first != other


def test_a_refused_submission_is_kept_whole_and_sealed(house, key):
    """Neither the table nor the store shows a byte of it."""
    said = arguments(password=SECRET, colour="red")
    take_in((), said, house.rt)

    (letter,) = letters(house)
    assert letter.sealed is not None
    sealed = house.rt.blobs.get(letter.sealed)
    assert SECRET.encode() not in sealed
    content = json.loads(sealing.opened(key, sealed))
    assert content["kwargs"] == said
    assert content["task"] == "surefield.submit"


def test_without_a_key_it_is_put_aside_all_the_same(house, no_key):
    """Only its message is not kept."""
    take_in((), arguments(colour="red"), house.rt)

    (letter,) = letters(house)
    assert letter.sealed is None


def test_one_that_comes_again_is_sealed_once(house, key):
    """A client in a loop fills no store."""
    said = arguments(colour="red")
    for _ in range(3):
        take_in((), said, house.rt)

    (letter,) = letters(house)
    assert letter.times == 3
    assert [one.name for one in house.rt.blobs.all()].count(letter.sealed) == 1
    stored = [one.name for one in house.rt.blobs.all()]
    with house.rt.transaction() as tx:
        assert blob_names.named(tx, stored) == {letter.sealed} == set(stored)


def test_who_is_killed_before_the_message_is_stored_leaves_no_blob_that_nobody_names(house, key):
    """The row was there first; the message comes again, and is kept whole then."""
    said = arguments(colour="red")
    full = Path(house.rt.blobs.url)
    assert not full.exists()
    full.write_text("a file is where the folder should be")
    with pytest.raises(BlobsUnavailable):
        take_in((), said, house.rt)
    (letter,) = letters(house)
    assert letter.sealed is not None
    full.unlink()

    take_in((), said, house.rt)
    (again,) = letters(house)
    assert json.loads(sealing.opened(key, house.rt.blobs.get(again.sealed)))["kwargs"] == said
    stored = [one.name for one in house.rt.blobs.all()]
    assert stored == [again.sealed]


def test_one_that_came_before_there_was_a_key_is_kept_when_it_comes_again(house, no_key, tmp_path):
    """An upgrade makes the key."""
    said = arguments(colour="red")
    take_in((), said, house.rt)
    with house.rt.transaction() as tx:
        installation.keep_public_key(tx, sealing.make_key(tmp_path / "key"))
    take_in((), said, house.rt)

    (letter,) = letters(house)
    assert letter.sealed is not None


def test_a_month_after_it_came_last_it_is_forgotten(house, key):
    """By the sweeper; one that came lately stays."""
    take_in((), arguments(colour="red"), house.rt)
    take_in((), arguments(colour="blue", key="k-2"), house.rt)
    with house.rt.transaction() as tx:
        tx.session.execute(
            text(
                "UPDATE dead_letters SET first_at = now() - interval '31 d',"
                " last_at = now() - interval '31 d' WHERE key = 'k-1'"
            )
        )
    flow.sweep(house.rt, patience=timedelta(minutes=1))

    assert [one.key for one in letters(house)] == ["k-2"]


@pytest.fixture
def put_aside(db, surefield, house, tmp_path):
    """A letter of an installation whose key was made by its first command."""
    surefield("migrate")
    rt = replace(house.rt, blobs=Blobs(tmp_path / "blobs"))
    with rt.transaction() as tx:
        accounts.add_person(tx, "root of all", Role.ADMIN)
        accounts.add_person(tx, "ben", Role.MANAGER)
    take_in((), arguments(password=SECRET, source="/etc/passwd"), rt)
    return letters(house)[0]


def test_an_administrator_reads_a_message_and_is_noted(put_aside, house, surefield):
    """Nobody else does, with the key file or without."""
    show = ("dead-letters", "show", str(put_aside.id)[:8], "--who")
    assert "Administrators read messages" in surefield(*show, "ben", fails=True)
    assert house.rows("SELECT opened_by FROM dead_letters") == [(None,)]

    said = json.loads(surefield(*show, "root of all"))
    assert said["kwargs"]["password"] == SECRET
    (row,) = house.rows("SELECT opened_by, opened_at FROM dead_letters")
    assert row.opened_by == "root of all"
    assert datetime.now(UTC) - row.opened_at < timedelta(minutes=5)


def test_without_the_key_file_nothing_is_read(put_aside, surefield, tmp_path, monkeypatch):
    """It is named."""
    monkeypatch.setenv("SUREFIELD_KEY_FILE", str(tmp_path / "elsewhere"))
    said = surefield("dead-letters", "show", str(put_aside.id), "--who", "root of all", fails=True)
    assert "key_unusable" in said


def test_a_refused_submission_is_sent_again(put_aside, house, surefield):
    """As it came; its letter is gone, and comes back if it is refused again."""
    said = surefield("dead-letters", "replay", str(put_aside.id)[:8], "--who", "root of all")
    assert "sent again" in said
    assert letters(house) == []
    (row,) = house.rows("SELECT message FROM pgmq.q_cpu")
    assert "surefield.submit" in json.dumps(row.message)


def test_one_from_an_upstreams_own_queue_goes_back_there(put_aside, house, surefield, tmp_path):
    """In its plain form."""
    queue, says = queue_of("erp"), {"type": "slip", "key": "k", "content_base64": "no base64!"}
    sent = Parcel(queue=queue, body=json.dumps(says).encode(), tag=1)
    take_parcel_in(sent, "erp", replace(house.rt, blobs=Blobs(tmp_path / "blobs")))
    (letter,) = (one for one in letters(house) if one.id != put_aside.id)
    again = ("dead-letters", "replay", str(letter.id), "--who", "root of all")
    assert "sent again" in surefield(*again)
    (row,) = house.rows(f"SELECT message FROM pgmq.q_{entity_name(queue)}")
    assert row.message == says


def test_what_could_not_be_read_is_not_sent_again(put_aside, house, surefield, tmp_path):
    """It would be put aside at once."""
    store = Blobs(tmp_path / "blobs")
    with house.rt.transaction() as tx:
        key = installation.public_key(tx)
        assert key is not None
        name = store.put(sealing.seal(key, b'{"body_base64": "AA=="}'))
        tx.session.execute(text("UPDATE dead_letters SET sealed = :name"), {"name": name})
    said = surefield(
        "dead-letters", "replay", str(put_aside.id), "--who", "root of all", fails=True
    )
    assert "dead-letters show" in " ".join(said.split())
    assert len(letters(house)) == 1
    assert timedelta(days=30) == dead_letters.KEPT_FOR


class Odd:
    """A message as no client should make it."""

    def __init__(self, body: object, headers: object) -> None:
        self.body, self.headers = body, headers
        self.content_type, self.content_encoding = "x/y", None

    @property
    def properties(self) -> object:
        raise ValueError("it has none")


@pytest.mark.parametrize(
    ("body", "headers"),
    [
        (b"\xff\x00", {}),
        ("text \udcff", {"a": b"\xff"}),
        (memoryview(b"abc"), {("a", "b"): 1}),
        (None, None),
        (b"{}", object()),
    ],
)
def test_whatever_a_message_holds_can_be_sealed(body, headers):
    """What puts it aside must not end its worker."""
    said = json.loads(content_of(Odd(body, headers)))
    assert "body_base64" in said
