"""Webhooks beside each other, off and on again, and asked for what was before."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from tests.delivery.conftest import Receiver, send_all
from tests.delivery.test_deliver import due_now, hook, state
from tests.delivery.test_events import a_house, decide, read
from tests.pipeline.conftest import House, Make
from worker.delivery import deliver, events, webhooks
from worker.delivery.sending import Answer
from worker.delivery.webhooks import InvalidWebhook
from worker.errors import NotFound

Start = Callable[..., Receiver]


@pytest.fixture
def house(make_house: Make) -> House:
    """Its documents wait for a person, and are completed by one."""
    return a_house(make_house, total=0.5)


def sql(house: House, statement: str) -> None:
    with house.rt.transaction() as tx:
        tx.session.connection().exec_driver_sql(statement)


def test_a_webhook_that_does_not_take_a_message_holds_up_no_other_of_the_same_upstream(
    house: House, receive: Start
) -> None:
    """Each has its own order."""
    away, here = receive(lambda n: 500), receive()
    hook(house, away)
    hook(house, here)
    read(house)
    send_all(house.rt)
    decide(house)
    send_all(house.rt)

    assert here.types() == ["document.in_review", "document.completed"]
    assert away.types() == ["document.in_review"]


@pytest.mark.parametrize("late", [Answer(status=204), Answer(status=500), Answer(status=410)])
def test_an_answer_to_an_attempt_that_another_one_followed_settles_nothing(
    house: House, receive: Start, late: Answer
) -> None:
    """The later attempt is under way, or waits for its turn: it is the one that counts."""
    hook(house, receive(lambda n: 500))
    read(house)
    with house.rt.transaction() as tx:
        events.publish(tx)
    with house.rt.transaction() as tx:
        first = deliver.claim(tx, house.rt.key_file)
    assert first is not None
    sql(house, "UPDATE deliveries SET lease_until = now() - interval '1 second'")
    with house.rt.transaction() as tx:
        second = deliver.claim(tx, house.rt.key_file)
    assert second is not None
    assert (first.delivery_id, first.attempts) == (second.delivery_id, 1)
    held = house.rows("SELECT lease_until, next_at FROM deliveries")

    with house.rt.transaction() as tx:
        deliver.settle(tx, first, late)

    assert state(house) == [("waiting", 2, None, None)]
    assert house.rows("SELECT lease_until, next_at FROM deliveries") == held
    with house.rt.transaction() as tx:
        deliver.settle(tx, second, Answer(status=500))
    assert state(house) == [("waiting", 2, 500, "HTTP 500")]


def test_one_that_is_switched_on_again_has_three_days_for_what_waited(
    house: House, receive: Start
) -> None:
    """However long it was off; the attempts before count no more."""
    webhook, _ = hook(house, receive(lambda n: 500))
    read(house)
    send_all(house.rt)
    with house.rt.transaction() as tx:
        webhooks.disable(tx, webhook, "for repair")
    sql(house, "UPDATE deliveries SET since = now() - interval '80 hours', attempts = 7")
    due_now(house)
    assert send_all(house.rt) == 0

    with house.rt.transaction() as tx:
        webhooks.enable(tx, webhook)
        (row,) = webhooks.rows(tx)
    assert (row.state, row.disabled_because) == ("enabled", None)
    assert send_all(house.rt) == 1
    assert state(house) == [("waiting", 1, 500, "HTTP 500")]


def test_what_happens_while_a_webhook_is_off_is_told_by_a_replay_alone(
    house: House, receive: Start
) -> None:
    """Switching it on asks for nothing that was not waiting."""
    receiver = receive()
    webhook, _ = hook(house, receiver)
    with house.rt.transaction() as tx:
        webhooks.disable(tx, webhook, "for repair")
    read(house)
    assert send_all(house.rt) == 0
    with house.rt.transaction() as tx:
        webhooks.enable(tx, webhook)
    assert send_all(house.rt) == 0

    with house.rt.transaction() as tx:
        assert webhooks.replay(tx, webhook, datetime.now(UTC) - timedelta(hours=1)) == 1
    send_all(house.rt)
    assert receiver.types() == ["document.in_review"]


def test_a_replay_tells_what_the_webhook_wants_of_its_own_upstream_since_then(
    house: House, receive: Start
) -> None:
    """No other kind, nobody else's, and nothing older; what was given up waits again from now."""
    receiver = receive()
    webhook, _ = hook(house, receiver, kinds=["completed"])
    other, _ = hook(house, receiver, upstream="somebody else")
    everything, _ = hook(house, receive())
    read(house)
    decide(house)
    send_all(house.rt)
    sql(
        house,
        "UPDATE deliveries SET state = 'given_up', delivered_at = NULL, attempts = 9,"
        " since = '2020-01-01'",
    )
    hour_ago, later = (datetime.now(UTC) + timedelta(hours=n) for n in (-1, 1))

    with house.rt.transaction() as tx:
        assert webhooks.replay(tx, webhook, later) == 0
        assert webhooks.replay(tx, other, hour_ago) == 0
        assert webhooks.replay(tx, everything, hour_ago) == 2
        assert webhooks.replay(tx, webhook, hour_ago) == 1
    receiver.got.clear()
    assert send_all(house.rt) == 3
    assert receiver.types() == ["document.completed"]
    assert {row[:2] for row in state(house)} == {("delivered", 1)}


def test_values_are_those_that_count_now(house: House, receive: Start) -> None:
    """As a person decided them; a row that was removed, or an older answer, is not told."""
    receiver = receive()
    hook(house, receiver, kinds=["completed"], with_values=True)
    document = read(house)
    decide(house, "13.50")
    sql(
        house,
        "INSERT INTO results (document_id, generation, name, ordinal, kind, state, text,"
        " read_state, decision, reason, decided_at, removed_at)"
        f" SELECT '{document}', g, 'items.amount', g, 'amount', 'value', '77.00', 'value',"
        " 'reviewed', 'value', now(), CASE WHEN g = 1 THEN now() END"
        " FROM (VALUES (1), (2)) AS generations(g)",
    )
    send_all(house.rt)

    told = {one["field"]: one for one in receiver.bodies()[0]["data"]["fields"]}
    assert "items.amount" not in told
    assert (told["total"]["text"], told["total"]["decision"]) == ("13.50", "reviewed")


def test_a_list_of_webhooks_counts_for_each_its_own_deliveries(
    house: House, receive: Start
) -> None:
    """What waits, what was given up, and the last thing that went wrong."""
    good, _ = hook(house, receive())
    bad, _ = hook(house, receive(lambda n: 503))
    other, _ = hook(house, receive(), upstream="somebody else")
    read(house)
    send_all(house.rt)
    with house.rt.transaction() as tx:
        found = {row.webhook_id: row for row in webhooks.rows(tx)}
        own = [row.webhook_id for row in webhooks.rows(tx, "somebody else")]

    assert (found[good].waiting, found[bad].waiting, found[other].waiting) == (0, 1, 0)
    assert (found[good].last_error, found[bad].last_error) == (None, "HTTP 503")
    assert found[good].last_delivered_at is not None
    assert found[bad].last_delivered_at is found[other].last_delivered_at is None
    assert own == [other]


def test_a_webhook_belongs_to_its_upstream_and_goes_with_what_waits_for_it(
    house: House, receive: Start
) -> None:
    """Another one's is not there; removed, it leaves the others as they are."""
    mine, _ = hook(house, receive(lambda n: 500))
    theirs, _ = hook(house, receive(lambda n: 500), upstream="somebody else")
    read(house)
    send_all(house.rt)
    with house.rt.transaction() as tx:
        assert webhooks.own(tx, mine, "tests").id == mine
        for webhook, upstream in ((theirs, "tests"), (uuid4(), None)):
            with pytest.raises(NotFound, match="surefield webhook list"):
                webhooks.own(tx, webhook, upstream)
        webhooks.remove(tx, mine)

    assert state(house) == []
    with house.rt.transaction() as tx:
        assert [row.webhook_id for row in webhooks.rows(tx)] == [theirs]


def test_an_upstream_has_twenty_webhooks_at_most_and_names_of_a_hundred_characters(
    house: House,
) -> None:
    """Another upstream's are none of them."""
    with house.rt.transaction() as tx:
        for _ in range(webhooks.MOST):
            webhooks.add(tx, "tests", "https://example.org/x", by="person:ada")
        with pytest.raises(InvalidWebhook, match="has 20 webhooks"):
            webhooks.add(tx, "tests", "https://example.org/x", by="person:ada")
        webhooks.add(tx, "x" * 100, "https://example.org/x", by="person:ada")
        for upstream in ("", "x" * 101):
            with pytest.raises(InvalidWebhook, match="1 to 100"):
                webhooks.add(tx, upstream, "https://example.org/x", by="person:ada")
