"""Webhooks: each event at least once, in order per document, signed, and nobody is held up."""

import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from sqlalchemy import text

from tests.delivery.conftest import HERE, Receiver, send_all
from tests.delivery.test_events import a_house, decide, read
from tests.pipeline.conftest import House, Make, a_pdf
from worker.delivery import deliver, delivering, events, webhooks
from worker.delivery.deliver import PAUSES, pause_after
from worker.delivery.sending import Answer

Start = Callable[..., Receiver]


@pytest.fixture
def house(make_house: Make) -> House:
    return a_house(make_house)


def hook(
    house: House,
    receiver: Receiver,
    *,
    upstream: str = "tests",
    kinds: list[str] | None = None,
    with_values: bool = False,
) -> tuple[UUID, str]:
    with house.rt.transaction() as tx:
        return webhooks.add(
            tx, upstream, receiver.url, by="person:ada", kinds=kinds, with_values=with_values
        )


def due_now(house: House) -> None:
    with house.rt.transaction() as tx:
        tx.session.connection().exec_driver_sql("UPDATE deliveries SET next_at = now()")


def state(house: House) -> list[tuple[str, int, int | None, str | None]]:
    return [
        tuple(row)
        for row in house.rows(
            "SELECT state, attempts, last_status, last_error FROM deliveries ORDER BY event_id"
        )
    ]


def test_a_receiver_with_the_standards_library_takes_it(house: House, receive: Start) -> None:
    """Ids and status of the document, and no value of it."""
    receiver = receive()
    _, secret = hook(house, receiver)
    document = read(house)
    assert send_all(house.rt) == 1

    (said,) = receiver.verified(secret)
    assert said["type"] == "document.accepted"
    assert said["data"]["document_id"] == str(document)
    assert "fields" not in said["data"]
    assert "12.50" not in receiver.got[0][1].decode()
    assert state(house) == [("delivered", 1, 204, None)]


def test_it_is_sent_once(house: House, receive: Start) -> None:
    """Nothing is due afterwards."""
    receiver = receive()
    hook(house, receiver)
    read(house)
    assert (send_all(house.rt), send_all(house.rt)) == (1, 0)
    assert len(receiver.got) == 1


def test_values_go_where_they_are_asked_for(house: House, receive: Start) -> None:
    """With what the field says, how sure it is, and what became of it."""
    receiver = receive()
    hook(house, receiver, with_values=True)
    read(house)
    send_all(house.rt)

    fields = {one["field"]: one for one in receiver.bodies()[0]["data"]["fields"]}
    assert (fields["total"]["text"], fields["total"]["decision"]) == ("12.50", "accepted")


def test_only_the_kinds_that_were_asked_for_are_told(make_house: Make, receive: Start) -> None:
    """The others are no deliveries."""
    house = a_house(make_house, total=0.5)
    receiver = receive()
    hook(house, receiver, kinds=["completed"])
    read(house)
    decide(house)
    send_all(house.rt)

    assert receiver.types() == ["document.completed"]


def test_another_upstreams_documents_are_not_told(house: House, receive: Start) -> None:
    """Each webhook belongs to one."""
    receiver = receive()
    hook(house, receiver, upstream="somebody else")
    read(house)

    assert send_all(house.rt) == 0


def test_what_happened_before_the_webhook_is_not_told_until_it_is_asked_for(
    house: House, receive: Start
) -> None:
    """A replay sends it, under the same id each time."""
    receiver = receive()
    read(house)
    with house.rt.transaction() as tx:
        events.publish(tx)
    webhook, _ = hook(house, receiver)
    assert send_all(house.rt) == 0

    for _ in range(2):
        with house.rt.transaction() as tx:
            hour_ago = datetime.now(UTC) - timedelta(hours=1)
            assert webhooks.replay(tx, webhook, hour_ago) == 1
        assert send_all(house.rt) == 1
    first, second = (headers["webhook-id"] for headers, _ in receiver.got)
    assert first == second


def test_a_replay_has_three_days_of_its_own(house: House, receive: Start) -> None:
    """One that was first due long ago is not given up at the first refusal."""
    receiver = receive(lambda n: 500)
    webhook, _ = hook(house, receiver)
    read(house)
    send_all(house.rt)
    with house.rt.transaction() as tx:
        tx.session.execute(text("UPDATE deliveries SET since = now() - interval '4 days'"))
        webhooks.replay(tx, webhook, datetime.now(UTC) - timedelta(hours=1))
    assert send_all(house.rt) == 1
    assert [row[0] for row in state(house)] == ["waiting"]


@pytest.mark.parametrize("status", [500, 404, 301, 302, 307, 429, 503])
def test_one_that_is_not_taken_is_sent_again_under_its_id(
    house: House, receive: Start, status: int
) -> None:
    """Later; a redirect is not followed."""
    elsewhere = receive()
    receiver = receive(lambda n: (status, {"location": elsewhere.url}) if n == 1 else 200)
    hook(house, receiver)
    read(house)
    assert send_all(house.rt) == 1
    assert state(house) == [("waiting", 1, status, f"HTTP {status}")]
    assert send_all(house.rt) == 0

    due_now(house)
    assert send_all(house.rt) == 1
    assert state(house) == [("delivered", 2, 200, None)]
    assert elsewhere.got == []
    assert len({headers["webhook-id"] for headers, _ in receiver.got}) == 1


def test_a_receiver_that_is_away_costs_no_event(house: House, receive: Start) -> None:
    """The reason is kept for people."""
    receiver = receive()
    receiver.url = "http://127.0.0.1:9/hook"
    hook(house, receiver)
    read(house)
    send_all(house.rt)

    ((kept, _, status, error),) = state(house)
    assert (kept, status) == ("waiting", None)
    assert "ConnectionRefusedError" in (error or "")


def test_later_events_of_a_document_wait_for_earlier_ones(make_house: Make, receive: Start) -> None:
    """Other documents pass."""
    house = a_house(make_house, total=0.5)
    receiver = receive(lambda n: 500 if n == 1 else 200)
    hook(house, receiver)
    first = read(house)
    send_all(house.rt)
    decide(house)
    second = read(house)
    send_all(house.rt)
    assert [body["data"]["document_id"] for body in receiver.bodies()] == [
        str(first),
        str(second),
    ]

    due_now(house)
    send_all(house.rt)
    assert receiver.types()[2:] == ["document.in_review", "document.completed"]


def test_after_three_days_it_is_given_up_and_shown(house: House, receive: Start) -> None:
    """What comes after it goes on."""
    receiver = receive(lambda n: 500)
    hook(house, receiver)
    read(house)
    send_all(house.rt)
    with house.rt.transaction() as tx:
        tx.session.connection().exec_driver_sql(
            "UPDATE deliveries SET since = now() - interval '73 hours', next_at = now()"
        )
    send_all(house.rt)

    assert state(house)[0][0] == "given_up"
    with house.rt.transaction() as tx:
        (row,) = webhooks.rows(tx)
    assert (row.waiting, row.given_up, row.last_error) == (0, 1, "HTTP 500")


def test_one_that_says_it_is_gone_is_told_no_more(house: House, receive: Start) -> None:
    """Until somebody enables it: then what waited goes on."""
    receiver = receive(lambda n: 410 if n == 1 else 200)
    webhook, _ = hook(house, receiver)
    read(house)
    send_all(house.rt)
    with house.rt.transaction() as tx:
        (row,) = webhooks.rows(tx)
    assert (row.state, row.disabled_because) == ("disabled", "the receiver said 410 Gone")
    due_now(house)
    read(house)
    assert send_all(house.rt) == 0

    with house.rt.transaction() as tx:
        webhooks.enable(tx, webhook)
    assert send_all(house.rt) == 1


def test_a_rotated_secret_signs_beside_the_old_one_for_a_day(house: House, receive: Start) -> None:
    """Receivers change at their leisure; afterwards the old one opens nothing."""
    receiver = receive()
    webhook, old = hook(house, receiver)
    with house.rt.transaction() as tx:
        new = webhooks.rotate(tx, webhook)
    read(house)
    send_all(house.rt)
    assert receiver.verified(old) == receiver.verified(new)

    with house.rt.transaction() as tx:
        tx.session.connection().exec_driver_sql(
            "UPDATE webhooks SET old_secret_until = now() - interval '1 second'"
        )
    receiver.got.clear()
    read(house)
    send_all(house.rt)
    assert receiver.verified(new)
    with pytest.raises(Exception, match="signature"):
        receiver.verified(old)


def test_a_sender_that_was_killed_sends_it_again_when_its_lease_ends(
    house: House, receive: Start
) -> None:
    """And what it would have said of it afterwards counts no more."""
    receiver = receive()
    hook(house, receiver)
    read(house)
    with house.rt.transaction() as tx:
        events.publish(tx)
    with house.rt.transaction() as tx:
        lost = deliver.claim(tx, house.rt.key_file)
    assert lost is not None
    assert send_all(house.rt) == 0

    with house.rt.transaction() as tx:
        tx.session.connection().exec_driver_sql(
            "UPDATE deliveries SET lease_until = now() - interval '1 second'"
        )
    assert send_all(house.rt) == 1
    with house.rt.transaction() as tx:
        deliver.settle(tx, lost, Answer(status=500))
    assert state(house) == [("delivered", 2, 204, None)]


def test_one_slow_receiver_holds_nobody_up(house: House, receive: Start) -> None:
    """It has a few messages under way at most, and the others go out beside it."""
    free = threading.Event()
    slow = receive(lambda n: 200 if free.wait(20) else 500)
    quick = receive()
    hook(house, slow, upstream="slow")
    hook(house, quick, upstream="quick")
    for upstream in ("slow", "quick"):
        for number in range(6):
            house.submit(a_pdf(f"Foo Ltd A-{number}"), upstream=upstream, key=str(number))
    house.work()
    stop = threading.Event()
    sender = threading.Thread(
        target=delivering.run, args=(house.rt, stop), kwargs={"allowed": HERE}
    )
    sender.start()
    try:
        until = time.monotonic() + 15
        while len(quick.got) < 6 and time.monotonic() < until:
            time.sleep(0.05)
        assert len(quick.got) == 6
        assert len(slow.got) <= deliver.AT_ONCE_EACH
    finally:
        free.set()
        stop.set()
        sender.join()


def test_pauses_grow_and_differ_a_little() -> None:
    """So that receivers that come back are not all asked at once."""
    said = Answer(status=500)
    means = [pause_after(n, said, chance=0.5) for n in range(1, 12)]
    assert means[: len(PAUSES)] == list(PAUSES)
    assert set(means[len(PAUSES) :]) == {PAUSES[-1]}
    assert pause_after(1, said, chance=0.0) == pytest.approx(4)
    assert pause_after(1, said, chance=1.0) == pytest.approx(6)


@pytest.mark.parametrize(
    ("status", "asked", "pause"),
    [(503, 77, 77), (429, 77, 77), (429, 10**9, 86_400), (500, 77, 5), (503, None, 5)],
)
def test_a_receiver_that_says_when_is_asked_then(
    status: int, asked: int | None, pause: float
) -> None:
    """Within a day, and only where the standard of HTTP gives the word a meaning."""
    answer = Answer(status=status, retry_after=asked)
    assert pause_after(1, answer, chance=0.5) == pause


def test_a_document_that_is_deleted_takes_its_events_along(house: House, receive: Start) -> None:
    """Nothing is told of it any more."""
    hook(house, receive())
    document = read(house)
    with house.rt.transaction() as tx:
        events.publish(tx)
    with house.rt.transaction() as tx:
        tx.session.connection().exec_driver_sql(
            f"DELETE FROM results WHERE document_id = '{document}'"
        )
        tx.session.connection().exec_driver_sql(f"DELETE FROM documents WHERE id = '{document}'")

    assert house.rows("SELECT FROM events") == []
    assert send_all(house.rt) == 0
