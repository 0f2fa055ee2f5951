"""The same of each broker: a message is taken by one, and comes again unless it is settled."""

import base64
import json
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any
from uuid import uuid4

import kombu
import pytest
import redis as redis_client
from celery import Celery

from tests.embedded.processes import eventually
from tests.services.servers import Server
from tests.services.test_pipeline import database  # noqa: F401  a fixture
from worker.embedded.broker import broker_options
from worker.intake.messages import TASK, arguments_of
from worker.mailboxes import open_mailbox
from worker.mailboxes.amqp import DEAD, AmqpMailbox
from worker.mailboxes.names import EVENTS, events_queue_of, part_of, queue_of
from worker.mailboxes.redis import RedisMailbox
from worker.mailboxes.types import TAKEN_MOST, BrokerUnavailable, Mailbox, Parcel

SAYS = {"type": "slip", "key": "k-1", "source": "/a"}
Open = Callable[[], Mailbox]


@pytest.fixture(params=["rabbitmq", "redis", "the same postgres"])
def url(request: pytest.FixtureRequest, database: str) -> str:
    """Of each broker."""
    if request.param == "the same postgres":
        return database
    server: Server = request.getfixturevalue(request.param)
    return server.url


@pytest.fixture
def queue() -> str:
    """One that no other test uses."""
    return queue_of(f"t_{uuid4().hex[:6]}")


@pytest.fixture
def mailbox(url: str, queue: str) -> Iterator[Mailbox]:
    """With that queue made."""
    with closing(open_mailbox(url)) as found:
        found.make(queue)
        yield found


def take(mailbox: Mailbox, queue: str) -> Parcel:
    """The next message, which a broker may show a moment later."""
    found: list[Parcel] = []

    def one() -> bool:
        parcel = mailbox.take(queue)
        if parcel is not None:
            found.append(parcel)
        return parcel is not None

    eventually(one)
    return found[0]


def test_messages_come_in_the_order_in_which_they_were_sent(mailbox: Mailbox, queue: str) -> None:
    """Each once, and gone when it is done."""
    for number in range(3):
        mailbox.put(queue, json.dumps(number).encode())
    bodies = []
    for _ in range(3):
        parcel = take(mailbox, queue)
        bodies.append(parcel.body)
        mailbox.done(parcel)
    assert bodies == [b"0", b"1", b"2"]
    assert mailbox.take(queue) is None
    eventually(lambda: mailbox.waiting(queue) == 0)


def test_one_that_is_given_back_is_the_next_one(mailbox: Mailbox, queue: str) -> None:
    """Before those that came later."""
    mailbox.put(queue, b"1")
    mailbox.put(queue, b"2")
    first = take(mailbox, queue)
    mailbox.give_back(first)
    assert take(mailbox, queue).body == first.body == b"1"


def test_what_one_has_taken_nobody_else_gets(mailbox: Mailbox, queue: str, url: str) -> None:
    """Nor the same one again."""
    mailbox.put(queue, b"1")
    take(mailbox, queue)
    with closing(open_mailbox(url)) as other:
        assert (mailbox.take(queue), other.take(queue)) == (None, None)


def test_making_a_queue_again_changes_nothing(mailbox: Mailbox, queue: str) -> None:
    """What is in it stays."""
    mailbox.put(queue, b"1")
    mailbox.make(queue)
    assert take(mailbox, queue).body == b"1"
    assert mailbox.lacks() == []


def test_two_equal_messages_are_two(mailbox: Mailbox, queue: str) -> None:
    """Each is settled for itself."""
    for _ in range(2):
        mailbox.put(queue, b"{}")
    first, second = take(mailbox, queue), take(mailbox, queue)
    mailbox.done(first)
    mailbox.give_back(second)
    mailbox.done(take(mailbox, queue))
    assert mailbox.take(queue) is None


def test_a_queue_that_is_not_there_is_empty(mailbox: Mailbox) -> None:
    """And can be asked for again after it was made."""
    missing = queue_of(f"t_{uuid4().hex[:6]}")
    assert mailbox.take(missing) is None
    assert mailbox.waiting(missing) in (None, 0)
    mailbox.make(missing)
    mailbox.put(missing, b"1")
    assert take(mailbox, missing).body == b"1"


@pytest.mark.parametrize("protocol", [1, 2])
@pytest.mark.parametrize("priority", [None, 7])
def test_what_celery_sends_says_the_same(
    mailbox: Mailbox, queue: str, url: str, protocol: int, priority: int | None
) -> None:
    """In both of its protocols, with and without a priority of its own, without making a queue."""
    with Celery("upstream", set_as_current=False) as app:
        app.conf.update(broker_options(url), task_protocol=protocol)
        known = kombu.Queue(queue, kombu.Exchange(""), routing_key=queue, no_declare=True)
        app.send_task(TASK, kwargs=SAYS, queue=known, priority=priority)
    assert arguments_of(take(mailbox, queue)) == ([], SAYS)


@pytest.mark.parametrize("properties", [{}, {"content_type": "application/json"}])
def test_what_kombu_sends_without_a_content_type_can_be_read(
    mailbox: Mailbox, queue: str, url: str, properties: dict[str, Any]
) -> None:
    """As a client of another language would."""
    options = broker_options(url)
    with kombu.Connection(
        options["broker_url"], transport_options=options["broker_transport_options"]
    ) as connection:
        channel = connection.default_channel
        message = channel.prepare_message(json.dumps(SAYS).encode(), **properties)
        channel.basic_publish(message, exchange="", routing_key=queue)
    assert arguments_of(take(mailbox, queue)) == ([], SAYS)


def test_a_taker_that_goes_gives_its_message_back(rabbitmq: Server, queue: str) -> None:
    """And it counts, since nobody settled it."""
    with closing(AmqpMailbox(rabbitmq.url)) as mailbox:
        mailbox.make(queue)
        mailbox.put(queue, b"1")
        taken = take(mailbox, queue)
        mailbox.close()
        with pytest.raises(BrokerUnavailable):
            mailbox.done(taken)
        assert take(mailbox, queue).taken == taken.taken + 1 == 2


def test_one_that_was_taken_too_often_goes_where_dead_letters_are_read(
    rabbitmq: Server, queue: str
) -> None:
    """Nothing is thrown away."""
    with closing(AmqpMailbox(rabbitmq.url)) as mailbox:
        mailbox.make(queue)
        mailbox.put(queue, queue.encode())
        for _ in range(TAKEN_MOST + 1):
            with closing(AmqpMailbox(rabbitmq.url)) as ends:  # and settles nothing
                take(ends, queue)
        dead = take(mailbox, DEAD)
        assert dead.body == queue.encode()
        mailbox.done(dead)


def test_a_message_that_is_given_back_again_and_again_stays(rabbitmq: Server, queue: str) -> None:
    """An outage counts for nothing, however long it lasts; it is the same message still."""
    sent = {"body": b'{"a": 1}', "routing_key": queue, "content_encoding": "utf-8"}
    headers = {"task": "surefield.submit", "own": [1]}
    with closing(AmqpMailbox(rabbitmq.url)) as mailbox:
        mailbox.make(queue)
        with kombu.Connection(rabbitmq.url) as connection, connection.Producer() as producer:
            producer.publish(**sent, content_type="application/json", headers=headers)
        for _ in range(3 * TAKEN_MOST):
            parcel = take(mailbox, queue)
            assert parcel.body == sent["body"]
            assert (parcel.content_type, parcel.content_encoding) == ("application/json", "utf-8")
            assert headers.items() <= dict(parcel.headers).items()
            assert parcel.taken <= TAKEN_MOST // 2
            mailbox.give_back(parcel)
        assert mailbox.waiting(queue) == 1
        mailbox.done(take(mailbox, queue))
        assert (mailbox.take(queue), mailbox.take(DEAD)) == (None, None)


def test_a_queue_of_another_kind_is_read_and_told_of(rabbitmq: Server, queue: str) -> None:
    """Somebody made it before."""
    with kombu.Connection(rabbitmq.url) as connection:
        kombu.Queue(queue, routing_key=queue)(connection.default_channel).declare()
    with closing(AmqpMailbox(rabbitmq.url)) as mailbox:
        mailbox.make(queue)
        mailbox.make(queue)
        mailbox.put(queue, b"1")
        assert take(mailbox, queue).body == b"1"
        assert queue in " ".join(mailbox.lacks())


def test_a_message_for_a_queue_that_is_not_there_is_an_error(rabbitmq: Server) -> None:
    """The broker would drop it without a word."""
    with closing(AmqpMailbox(rabbitmq.url)) as mailbox, pytest.raises(BrokerUnavailable):
        mailbox.put("surefield.submissions.nobody", b"1")


def test_what_a_taker_of_redis_never_settled_comes_again(
    redis: Server, queue: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After a while, before what came later."""
    with closing(RedisMailbox(redis.url)) as mailbox:
        mailbox.put(queue, b"1")
        mailbox.put(queue, b"2")
        assert take(mailbox, queue).body == b"1"
        monkeypatch.setattr("worker.mailboxes.redis.AGAIN_AFTER_S", -1)
        assert take(mailbox, queue).body == b"1"


def test_redis_says_what_it_would_forget(redis: Server) -> None:
    """Without its append-only file, and when it may throw keys away."""
    with redis_client.Redis.from_url(redis.url) as server, closing(RedisMailbox(redis.url)) as ours:
        assert ours.lacks() == []
        try:
            server.config_set("appendonly", "no")
            server.config_set("maxmemory-policy", "allkeys-lru")
            assert [said.split("set ")[1] for said in ours.lacks()] == [
                "appendonly yes",
                "maxmemory-policy noeviction",
            ]
        finally:
            server.config_set("appendonly", "yes")
            server.config_set("maxmemory-policy", "noeviction")


@pytest.mark.parametrize("server", ["rabbitmq", "redis"])
def test_a_broker_that_went_is_told_and_found_again(
    server: str, request: pytest.FixtureRequest, queue: str
) -> None:
    """By the same mailbox."""
    broker: Server = request.getfixturevalue(server)
    with closing(open_mailbox(broker.url)) as mailbox:
        mailbox.make(queue)
        time.sleep(1)  # RabbitMQ writes down within half a second which quorum queues there are
        broker.kill()
        with pytest.raises(BrokerUnavailable):
            mailbox.take(queue)
        broker.start()
        eventually(lambda: _answers(mailbox, queue), within_s=60)
        mailbox.put(queue, b"1")
        assert take(mailbox, queue).body == b"1"


def _answers(mailbox: Mailbox, queue: str) -> bool:
    try:
        mailbox.make(queue)
        return mailbox.take(queue) is None
    except BrokerUnavailable:
        return False


def test_any_bytes_may_lie_in_a_list_of_redis(redis: Server, queue: str) -> None:
    """They are the message; an envelope is what is in it."""
    with closing(RedisMailbox(redis.url)) as mailbox:
        for body in (b"\xff\xfe\0", b"", b"1:2"):
            mailbox.put(queue, body)
            assert take(mailbox, queue).body == body
        whole = {
            "body": base64.b64encode(b"inside").decode(),
            "properties": {"body_encoding": "base64", "delivery_tag": "1"},
        }
        mailbox.put(queue, json.dumps(whole).encode())
        assert take(mailbox, queue).body == b"inside"


def test_what_is_told_over_rabbitmq_reaches_whoever_listens(rabbitmq: Server, queue: str) -> None:
    """Under the upstream's name, and nobody else's; without a listener it is nobody's."""
    with kombu.Connection(rabbitmq.url) as connection, closing(AmqpMailbox(rabbitmq.url)) as ours:
        ours.tell("erp", b"nobody listens yet")
        exchange = kombu.Exchange(EVENTS, "topic", durable=True)
        mine = kombu.Queue(queue, exchange, routing_key=part_of("erp"))
        mine(connection.default_channel).declare()
        ours.tell("erp", b"1")
        ours.tell("crm", b"2")
        ours.tell("erp", b"3")
        assert [take(ours, queue).body, take(ours, queue).body] == [b"1", b"3"]
        assert ours.take(queue) is None


def test_what_is_told_over_redis_waits_and_is_bounded(
    redis: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The oldest are forgotten."""
    monkeypatch.setattr("worker.mailboxes.redis.TOLD_MOST", 2)
    upstream = f"t_{uuid4().hex[:6]}"
    with closing(RedisMailbox(redis.url)) as ours:
        for number in range(5):
            ours.tell(upstream, str(number).encode())
        queue = events_queue_of(upstream)
        assert [take(ours, queue).body, take(ours, queue).body] == [b"3", b"4"]
        assert ours.take(queue) is None
