"""The inbox on a real Postgres, which holds the queues, too."""

import base64
import json
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import pytest
from sqlalchemy import make_url

from tests.embedded.processes import eventually
from tests.pipeline.conftest import House, a_pdf
from worker.accounts import store as accounts
from worker.blobs import Blobs
from worker.embedded.queues import entity_name
from worker.inbox import Inbox, probe_of, read_lines
from worker.intake import dead_letters
from worker.mailboxes.names import PREFIX, queue_of
from worker.mailboxes.pgmq import PgmqMailbox
from worker.mailboxes.types import BrokerUnavailable, Parcel
from worker.roles.force import put_in_force
from worker.roles.table import WORKER

MOST = 100


@pytest.fixture
def mailbox(database_url: str) -> Iterator[PgmqMailbox]:
    """The queues of the house's own database."""
    with closing(PgmqMailbox(database_url)) as found:
        yield found


def a_key(house: House, *upstreams: str) -> None:
    with house.rt.transaction() as tx:
        for one in upstreams:
            accounts.make_key(tx, one)


def says(**more) -> bytes:
    content = base64.b64encode(a_pdf("Foo Ltd A-17", uuid4().hex)).decode()
    return json.dumps({"type": "slip", "content_base64": content, **more}).encode()


@contextmanager
def reading(
    house: House, *, most=MOST, opened=None, kind=PgmqMailbox, url: str | None = None
) -> Iterator[None]:
    """An inbox runs meanwhile, over a connection of its own."""
    stop = threading.Event()
    own = house.rt.sessions.kw["bind"].url.render_as_string(hide_password=False)
    mailbox = kind(url or own)
    inbox = Inbox(house.rt, mailbox, stop, most_waiting=most, open_upstream=opened)
    thread = threading.Thread(target=inbox.run)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()
        mailbox.close()


def put(mailbox: PgmqMailbox, upstream: str, *bodies: bytes) -> None:
    mailbox.make(queue_of(upstream))
    for one in bodies:
        mailbox.put(queue_of(upstream), one)


def table_of(upstream: str) -> str:
    return f"pgmq.q_{entity_name(queue_of(upstream))}"


def came(house: House) -> list[tuple[str, str]]:
    """Upstream and key of every submission, in the order in which they came."""
    rows = house.rows("SELECT upstream, key FROM submissions ORDER BY created_at")
    return [(row.upstream, row.key) for row in rows]


def letters(house: House) -> list[dead_letters.Kept]:
    with house.rt.transaction() as tx:
        return dead_letters.letters(tx)


def test_a_message_is_its_queues_upstreams_document(house, mailbox):
    """And is gone from the queue when it is a row."""
    a_key(house, "erp")
    put(mailbox, "erp", says(key="k-1"))
    with reading(house):
        eventually(lambda: came(house) == [("erp", "k-1")])
    assert mailbox.waiting(queue_of("erp")) == 0


def test_the_queue_of_an_upstream_without_a_key_is_not_read(house, mailbox):
    """What is in it waits."""
    a_key(house, "erp", "crm")
    with house.rt.transaction() as tx:
        (crm,) = (one for one in accounts.keys(tx) if one.upstream == "crm")
        accounts.revoke_key(tx, crm.key_id)
    put(mailbox, "crm", says(key="not taken"))
    put(mailbox, "erp", says(key="taken"))
    with reading(house):
        eventually(lambda: came(house) == [("erp", "taken")])
        time.sleep(0.5)
    assert mailbox.waiting(queue_of("crm")) == 1


@pytest.mark.parametrize("opened", [None, "scanner"])
def test_the_open_queue_is_one_upstreams_or_nobodys(house, mailbox, opened):
    """It needs no key."""
    a_key(house, "erp")
    mailbox.make(PREFIX)
    mailbox.put(PREFIX, says(key="open"))
    put(mailbox, "erp", says(key="k-1"))
    expected = {("erp", "k-1")} | ({("scanner", "open")} if opened else set())
    with reading(house, opened=opened):
        eventually(lambda: set(came(house)) == expected)
    assert mailbox.waiting(PREFIX) == (0 if opened else 1)


def test_upstreams_take_turns(house, mailbox):
    """Who sent a hundred first holds up nobody who sent one."""
    a_key(house, "bulk", "erp")
    put(mailbox, "bulk", *(says(key=f"b-{number}") for number in range(20)))
    put(mailbox, "erp", says(key="one"))
    with reading(house):
        eventually(lambda: len(came(house)) == 21)
    assert came(house).index(("erp", "one")) <= 1


def test_a_queue_is_left_alone_while_too_many_of_it_wait(house, mailbox):
    """Others are taken; it goes on when some of it were rendered."""
    a_key(house, "bulk", "erp")
    put(mailbox, "bulk", *(says(key=f"b-{number}") for number in range(5)))
    with reading(house, most=2):
        eventually(lambda: len(came(house)) == 2)
        put(mailbox, "erp", says(key="one"))
        eventually(lambda: ("erp", "one") in came(house))
        assert mailbox.waiting(queue_of("bulk")) == 3

        house.work()
        eventually(lambda: len(came(house)) >= 5)


def test_what_is_refused_is_a_dead_letter_of_its_upstream(house, mailbox):
    """And good ones behind it go on."""
    a_key(house, "erp")
    put(mailbox, "erp", b'"garbage"', says(key="k", upstream="crm"), says(key="good"))
    with reading(house):
        eventually(lambda: came(house) == [("erp", "good")])
    found = {one.code: one for one in letters(house)}
    assert found.keys() == {"malformed_message", "invalid_submission"}
    assert {one.upstream for one in found.values()} == {"erp"}
    assert {one.queue for one in found.values()} == {queue_of("erp")}


def test_while_the_blobs_are_away_nothing_is_taken_and_nothing_is_lost(make_house, mailbox):
    """It goes on by itself when they are back; no message counts as one that ends its taker."""
    made = make_house()
    away = Path(made.rt.blobs.url) / "a file is where the folder should be"
    away.parent.mkdir(exist_ok=True)
    away.write_text("")
    house = replace(made, rt=replace(made.rt, blobs=Blobs(away)))
    a_key(house, "erp")
    put(mailbox, "erp", says(key="k-1"))
    with reading(house):
        time.sleep(1)
        assert (came(house), mailbox.waiting(queue_of("erp"))) == ([], 1)
        assert house.rows(f"SELECT read_ct FROM {table_of('erp')}") == [(0,)]
        away.unlink()
        eventually(lambda: came(house) == [("erp", "k-1")])
    assert letters(house) == []
    (document,) = house.rows("SELECT sha256 FROM documents")
    assert {one.name for one in house.rt.blobs.all()} == {document.sha256}


@pytest.mark.parametrize("size", [0, 1, 37, 38, 39, 1_000_000])
def test_a_probe_of_the_blobs_is_as_large_as_what_is_to_come(size):
    """And not much larger; every one is the same as the one before."""
    assert size < len(probe_of(size)) <= 2 * size + 38
    assert probe_of(size) == probe_of(size)


def test_what_a_killed_inbox_left_of_its_probe_the_next_one_removes(house, mailbox):
    """It was killed between storing and removing: no document names that blob."""
    left = house.rt.blobs.put(probe_of(1))
    with reading(house):
        eventually(lambda: not house.rt.blobs.exists(left))


LEASE = """
import fcntl, os, signal, sys, time
signal.signal(signal.SIGIO, signal.SIG_IGN)
fcntl.fcntl(os.open(sys.argv[1], os.O_RDWR), fcntl.F_SETLEASE, fcntl.F_WRLCK)
print("held", flush=True)
time.sleep(60)
"""


@contextmanager
def held(path: Path) -> Iterator[None]:
    """Another process has a lease on the file: whoever opens it is told to come again."""
    process = subprocess.Popen([sys.executable, "-c", LEASE, path], stdout=subprocess.PIPE)
    try:
        assert process.stdout
        assert process.stdout.readline()
        yield
    finally:
        process.kill()
        process.communicate()


def test_a_source_that_is_away_holds_up_its_own_queue_alone(
    make_house, mailbox, monkeypatch, tmp_path
):
    """Its message goes back at once, uncounted, and is taken when the source is there."""
    monkeypatch.setattr("worker.inbox.HELD", timedelta(minutes=5))  # for all that is away
    made = make_house()
    house = replace(made, rt=replace(made.rt, source_roots={"*": (str(tmp_path),)}))
    source = tmp_path / "a.pdf"
    source.write_bytes(a_pdf("Foo Ltd A-17"))
    a_key(house, "a", "b")
    put(mailbox, "a", json.dumps({"type": "slip", "key": "k", "source": str(source)}).encode())
    put(mailbox, "b", *(says(key=f"b-{number}") for number in range(3)))
    with ExitStack() as lease:
        lease.enter_context(held(source))
        with reading(house):
            eventually(lambda: len(came(house)) == 3)
            assert {upstream for upstream, _ in came(house)} == {"b"}
            eventually(lambda: house.rows(f"SELECT read_ct FROM {table_of('a')}") == [(0,)])
            lease.close()
            eventually(lambda: ("a", "k") in came(house))
    assert letters(house) == []


class Counts(PgmqMailbox):
    """Counts what is taken out of it."""

    taken = 0

    def take(self, queue: str) -> Parcel | None:
        """As it is."""
        found = super().take(queue)
        Counts.taken += found is not None
        return found


def test_a_message_whose_source_is_away_rests_before_it_is_taken_again(
    make_house, mailbox, monkeypatch, tmp_path
):
    """A second at first: nobody asks the broker for it without a pause."""
    monkeypatch.setattr("worker.inbox.HELD", timedelta(0))
    monkeypatch.setattr(Counts, "taken", 0)
    made = make_house()
    house = replace(made, rt=replace(made.rt, source_roots={"*": (str(tmp_path),)}))
    source = tmp_path / "a.pdf"
    source.write_bytes(a_pdf("Foo Ltd A-17"))
    a_key(house, "a")
    put(mailbox, "a", json.dumps({"type": "slip", "source": str(source)}).encode())
    with held(source), reading(house, kind=Counts):
        eventually(lambda: Counts.taken > 0)
        time.sleep(0.5)
    assert Counts.taken == 1


def test_the_inbox_makes_the_queue_of_an_upstream_whose_key_was_made_without_a_broker(
    house, mailbox
):
    """Whoever sends to it meanwhile is told that there is none."""
    a_key(house, "erp")
    assert mailbox.waiting(queue_of("erp")) is None
    with reading(house):
        eventually(lambda: mailbox.waiting(queue_of("erp")) == 0)


def test_a_fault_of_ours_gives_the_message_back_and_is_not_hidden(house, mailbox, monkeypatch):
    """Whoever keeps the inbox running starts it again, and says so."""
    a_key(house, "erp")
    put(mailbox, "erp", says(key="k-1"))

    def broken(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("worker.inbox.take_in", broken)
    inbox = Inbox(house.rt, mailbox, threading.Event(), most_waiting=MOST, open_upstream=None)
    with pytest.raises(ZeroDivisionError):
        inbox.run()
    assert house.rows(f"SELECT read_ct FROM {table_of('erp')}") == [(0,)]
    assert mailbox.take(queue_of("erp")) is not None


class OneQueueIsBroken(PgmqMailbox):
    """A broker that does not answer for one queue."""

    def take(self, queue: str) -> Parcel | None:
        """Every other one is as it was."""
        if queue == queue_of("a"):
            raise BrokerUnavailable("no leader")
        return super().take(queue)


def test_a_queue_for_which_the_broker_does_not_answer_holds_up_no_other(house, mailbox):
    """It is asked again later."""
    a_key(house, "a", "b")
    put(mailbox, "a", says(key="k"))
    put(mailbox, "b", *(says(key=f"b-{number}") for number in range(3)))
    with reading(house, kind=OneQueueIsBroken):
        eventually(lambda: [one[0] for one in came(house)] == ["b", "b", "b"])


def test_a_queue_that_may_not_be_read_ends_nothing(house, mailbox, postgres, database_url):
    """Others are taken, and what it holds waits."""
    a_key(house, "a", "b")
    put(mailbox, "a", says(key="k"))
    put(mailbox, "b", says(key="b-1"))
    put_in_force(database_url, ours=True)
    with house.rt.transaction() as tx:
        tx.session.connection().exec_driver_sql(
            f"REVOKE ALL ON {table_of('a')} FROM surefield_worker"
        )
    with reading(house, url=postgres.url(make_url(database_url).database, WORKER)):
        eventually(lambda: came(house) == [("b", "b-1")])
    assert mailbox.waiting(queue_of("a")) == 1


class WithDead(PgmqMailbox):
    """A broker that puts aside what was taken too often."""

    dead = "surefield.dead"


def test_what_the_broker_put_aside_becomes_a_dead_letter(house, mailbox):
    """Nobody's any more; what it said is kept."""
    mailbox.make(WithDead.dead)
    mailbox.put(WithDead.dead, says(key="k-1"))
    with reading(house, kind=WithDead):
        eventually(lambda: len(letters(house)) == 1)
    (letter,) = letters(house)
    assert (letter.code, letter.upstream, letter.key) == ("ends_its_taker", None, "k-1")
    assert came(house) == []


@pytest.mark.parametrize("before", [19, 20])
def test_a_message_that_was_taken_too_often_is_put_aside(house, mailbox, before):
    """Only takings that were never settled count: it ends whoever takes it.  The last one that is
    allowed counts as every other.
    """
    a_key(house, "erp")
    put(mailbox, "erp", says(key="k-1"))
    with house.rt.transaction() as tx:
        set_to = f"UPDATE {table_of('erp')} SET read_ct = {before}"
        tx.session.connection().exec_driver_sql(set_to)
    with reading(house):
        eventually(lambda: len(letters(house)) + len(came(house)) == 1)
    said = [(one.code, one.upstream, one.key) for one in letters(house)]
    assert said == ([("ends_its_taker", "erp", "k-1")] if before == 20 else [])


def test_a_new_upstreams_queue_is_read_without_a_restart(house, mailbox):
    """Within seconds of its key."""
    a_key(house, "erp")
    with reading(house):
        time.sleep(0.2)
        a_key(house, "late")
        put(mailbox, "late", says(key="k"))
        eventually(lambda: came(house) == [("late", "k")])
    assert [one.upstream for one in read_lines(house.rt, None)] == ["erp", "late"]
