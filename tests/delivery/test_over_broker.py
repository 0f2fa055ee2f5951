"""Events over the broker, here the queue inside Postgres."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing

import pytest

from tests.delivery.test_events import a_house, read
from tests.embedded.processes import eventually
from tests.pipeline.conftest import House, Make
from worker.delivery import events, over_broker
from worker.mailboxes.names import events_queue_of
from worker.mailboxes.pgmq import PgmqMailbox
from worker.mailboxes.types import BrokerUnavailable

QUEUE = events_queue_of("tests")


@pytest.fixture
def house(make_house: Make) -> House:
    """Documents in it are accepted."""
    return a_house(make_house)


@pytest.fixture
def mailbox(database_url: str) -> Iterator[PgmqMailbox]:
    """The queues of the house's own database."""
    with closing(PgmqMailbox(database_url)) as found:
        yield found


def publish(house: House) -> None:
    with house.rt.transaction() as tx:
        events.publish(tx)


def told(mailbox: PgmqMailbox) -> list[dict]:
    """What waits, taken out."""
    found = []
    while (parcel := mailbox.take(QUEUE)) is not None:
        mailbox.done(parcel)
        found.append(json.loads(parcel.body))
    return found


def test_an_event_is_told_once_as_every_door_tells_it(house, mailbox):
    """In the order in which they happened; what was before the first look is not told."""
    read(house)
    publish(house)
    assert over_broker.tell(house.rt, mailbox) == 0
    documents = [read(house), read(house)]
    publish(house)

    assert over_broker.tell(house.rt, mailbox) == 2
    assert over_broker.tell(house.rt, mailbox) == 0
    found = told(mailbox)
    assert [one["data"]["document_id"] for one in found] == [str(one) for one in documents]
    with house.rt.transaction() as tx:
        assert found == [one.as_json() for one in events.since(tx, after=0)][1:]


def test_what_could_not_be_told_is_told_the_next_time(house, mailbox, monkeypatch):
    """A broker that goes in the middle: none is left out, and one may come twice."""
    over_broker.tell(house.rt, mailbox)
    for _ in range(3):
        read(house)
    publish(house)
    tells, calls = mailbox.tell, []

    def breaks(upstream: str, body: bytes) -> None:
        calls.append(body)
        if len(calls) == 2:
            raise BrokerUnavailable("away")
        tells(upstream, body)

    monkeypatch.setattr(mailbox, "tell", breaks)
    with pytest.raises(BrokerUnavailable):
        over_broker.tell(house.rt, mailbox)
    monkeypatch.undo()

    assert over_broker.tell(house.rt, mailbox) == 3
    numbers = [one["id"] for one in told(mailbox)]
    assert numbers == [numbers[0], *sorted(set(numbers))]
    assert len(set(numbers)) == 3


def test_two_that_tell_tell_no_event_twice(house, mailbox):
    """The second one waits for its turn."""
    over_broker.tell(house.rt, mailbox)
    read(house)
    publish(house)
    with house.rt.transaction() as tx:
        assert tx.session.execute(over_broker.ALONE).scalar_one()
        assert over_broker.tell(house.rt, mailbox) == 0
    assert over_broker.tell(house.rt, mailbox) == 1


def test_what_nobody_takes_is_bounded(house, mailbox, monkeypatch):
    """The oldest are forgotten."""
    monkeypatch.setattr("worker.mailboxes.pgmq.TOLD_MOST", 2)
    for number in range(5):
        mailbox.tell("tests", json.dumps(number).encode())
    assert told(mailbox) == [3, 4]


@pytest.mark.parametrize("asked", [True, False])
def test_the_deliverer_tells_over_the_broker_where_it_is_asked_to(
    house, mailbox, database_url, tmp_path, asked
):
    """By one setting."""
    over_broker.tell(house.rt, mailbox)
    document = read(house)
    environment = {
        **os.environ,
        "SUREFIELD_DATABASE_URL": database_url,
        "SUREFIELD_STATE_DIR": str(tmp_path),
        "SUREFIELD_BROKER_EVENTS": str(asked),
    }
    process = subprocess.Popen([sys.executable, "-m", "worker", "deliverer"], env=environment)
    try:
        eventually(lambda: bool(house.rows("SELECT FROM events")), within_s=30)
        if asked:
            eventually(lambda: mailbox.waiting(QUEUE) == 1)
        else:
            time.sleep(2 * over_broker.PAUSE_S)
    finally:
        process.terminate()
        assert process.wait(30) == 0
    found = [one["data"]["document_id"] for one in told(mailbox)]
    assert found == ([str(document)] if asked else [])
