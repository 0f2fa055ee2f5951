"""The mended transport: what it changes in kombu's, each change with the fact that made it
necessary.
"""

import os
import signal
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import kombu
import psutil
import psycopg
import pytest

from tests.embedded.processes import celery_worker, ended, eventually, send_task
from worker.embedded.broker import BY_SCHEME, broker_options
from worker.embedded.postgres import EmbeddedPostgres
from worker.embedded.queues import conninfo, prepare
from worker.errors import InvalidSetting

LONG = "a.queue.whose-name@is.much.longer.than-what.postgres@leaves.for.it"


@pytest.fixture
def broker(empty_database_url: str) -> Iterator[kombu.Connection]:
    """A connection through the mended transport to a database with the queue cpu."""
    prepare(empty_database_url, ["cpu"])
    with connect(empty_database_url) as connection:
        yield connection


def connect(url: str, **options: Any) -> kombu.Connection:
    settings = broker_options(url)
    return kombu.Connection(
        settings["broker_url"],
        transport_options={**settings["broker_transport_options"], **options},
    )


def publish(broker: kombu.Connection, body: str, queue: str = "cpu", **properties: Any) -> None:
    with closing(broker.Producer()) as producer:
        producer.publish(
            body, routing_key=queue, declare=[kombu.Queue(queue, routing_key=queue)], **properties
        )


def drain(broker: kombu.Connection, within_s: float) -> bool:
    until = time.monotonic() + within_s
    while time.monotonic() < until:
        try:
            broker.drain_events(timeout=2.0)
            return True
        except TimeoutError:
            pass
    return False


class Reader:
    """Consumes one queue and keeps what it gets."""

    def __init__(
        self, broker: kombu.Connection, queue: str | kombu.Queue = "cpu", prefetch: int = 1
    ) -> None:
        self.messages: list[kombu.Message] = []
        queue = kombu.Queue(queue, routing_key=queue) if isinstance(queue, str) else queue
        self.consumer = broker.Consumer([queue], on_message=self.messages.append)
        self.consumer.qos(prefetch_count=prefetch)
        self.consumer.consume()


def test_a_first_publish_waits_for_no_reader(broker, empty_database_url):
    """Kombu's transport runs DDL on the queue in each new process, which waits for every open read:
    2-8 s beside an idle worker.
    """
    with (
        psycopg.connect(conninfo(empty_database_url)) as reader,
        connect(f"{empty_database_url}&options=-clock_timeout%3D300") as fresh,
    ):
        reader.execute("select * from pgmq.read('cpu', 30, 1)")  # and the transaction stays open
        publish(fresh, "at once")  # would raise LockNotAvailable


def test_a_queue_that_nobody_made_is_made_by_the_first_publish(empty_database_url):
    """Upstream systems may name a queue that no migration knows."""
    with connect(empty_database_url) as broker:
        publish(broker, "hello", "brand-new")
        reader = Reader(broker, "brand-new")
        assert drain(broker, 5)
        assert reader.messages[0].payload == "hello"


def test_a_drain_comes_back_at_once_while_an_acknowledgement_is_due(broker):
    """Celery acknowledges between two drains: kombu's 2 s would let a worker with prefetch 1 do one
    task in 2 s.
    """
    reader = Reader(broker)
    publish(broker, "work")
    assert drain(broker, 5)
    started = time.monotonic()
    with pytest.raises(TimeoutError):
        broker.drain_events(timeout=2.0)
    assert time.monotonic() - started < 0.2
    reader.messages[0].ack()


def test_room_for_the_next_message_is_used_at_once(broker):
    """A reader that was full asks again as soon as it has acknowledged, without waiting for a
    notification.
    """
    reader = Reader(broker)
    for word in ("one", "two"):
        publish(broker, word)
    assert drain(broker, 5)
    with pytest.raises(TimeoutError):
        broker.drain_events(timeout=0.1)
    reader.messages[0].ack()
    started = time.monotonic()
    assert drain(broker, 5)
    assert time.monotonic() - started < 0.3
    assert [message.payload for message in reader.messages] == ["one", "two"]


def test_a_message_wakes_an_idle_reader(empty_database_url):
    """The notification ends the wait: with half a minute between two polls the message still
    arrives within moments.
    """
    prepare(empty_database_url, ["cpu"])
    with (
        connect(empty_database_url, polling_interval=30.0) as broker,
        connect(empty_database_url) as sender,
    ):
        Reader(broker)
        assert not drain(broker, 0.5)
        publish(sender, "wake")
        assert drain(broker, 2)


def test_an_idle_reader_asks_the_database_rarely(broker, monkeypatch):
    """About one query a second, not one a tick.

    Counted where they are sent: the server's own counters include what others do.
    """
    reader = Reader(broker)
    assert not drain(broker, 0.5)
    client = reader.consumer.channel.pgmq
    sent = []
    original = client._execute_with_result
    monkeypatch.setattr(
        client,
        "_execute_with_result",
        lambda *args, **options: sent.append(args) or original(*args, **options),
    )
    assert not drain(broker, 3.0)
    assert 2 <= len(sent) <= 5


def test_a_delayed_message_comes_when_its_time_has_come(broker):
    """Nothing announces it; the poll finds it."""
    Reader(broker)
    publish(broker, "later", DelaySeconds=1)
    started = time.monotonic()
    assert drain(broker, 5)
    assert 0.8 <= time.monotonic() - started < 3


def test_an_unacknowledged_message_comes_back_to_another_reader(empty_database_url):
    """What a killed worker held becomes visible again when its time is over."""
    prepare(empty_database_url, ["cpu"])
    with connect(empty_database_url, visibility_timeout=1) as broker:
        Reader(broker)
        publish(broker, "again")
        assert drain(broker, 5)
        with connect(empty_database_url) as other:
            reader = Reader(other)
            assert drain(other, 5)
            assert reader.messages[0].payload == "again"


def test_an_acknowledgement_outlives_its_connection(broker, empty_database_url):
    """The server is back by the time that the task has ended: the message is deleted over a fresh
    connection, not run again.
    """
    publish(broker, "done")
    reader = Reader(broker)
    assert drain(broker, 5)
    with psycopg.connect(conninfo(empty_database_url), autocommit=True) as other:
        other.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity where datname ="
            " current_database() and pid <> pg_backend_pid()"
        )
        reader.messages[0].ack()
        assert other.execute("select count(*) from pgmq.q_cpu").fetchone() == (0,)


def test_an_acknowledgement_that_fails_leaves_room_for_the_next_message(tmp_path):
    """The database is killed in the middle of the task: the worker asks for work again, instead of
    waiting for ever with its hands full.
    """
    server = EmbeddedPostgres(tmp_path / "own", durable=False)
    url = server.start()
    try:
        prepare(url, ["cpu"])
        with connect(url, pool_timeout=0.5) as broker:
            publish(broker, "in the middle")
            reader = Reader(broker)
            assert drain(broker, 5)
            assert not reader.consumer.channel.qos.can_consume()
            assert server.pid
            os.kill(server.pid, signal.SIGKILL)
            reader.messages[0].ack()
            assert reader.consumer.channel.qos.can_consume()
    finally:
        server.stop()


def test_a_message_that_kills_its_workers_is_put_aside(broker, empty_database_url):
    """It stays in the queue's archive for whoever looks into it; the next one is served."""
    publish(broker, "poison")
    with psycopg.connect(conninfo(empty_database_url), autocommit=True) as connection:
        connection.execute("update pgmq.q_cpu set read_ct = 20")
        publish(broker, "food")
        reader = Reader(broker, prefetch=9)
        assert drain(broker, 5)
        assert [message.payload for message in reader.messages] == ["food"]
        assert connection.execute("select count(*) from pgmq.a_cpu").fetchone() == (1,)


def test_queue_names_that_postgres_cannot_hold_are_shortened_without_meeting(broker):
    """Kombu's transport fails on names above 47 characters, such as those of remote control."""
    readers = [Reader(broker, LONG, prefetch=9), Reader(broker, f"{LONG}.too", prefetch=9)]
    publish(broker, "first", LONG)
    publish(broker, "second", f"{LONG}.too")
    assert drain(broker, 5)
    assert drain(broker, 5)
    assert [[message.payload for message in reader.messages] for reader in readers] == [
        ["first"],
        ["second"],
    ]


def test_a_fan_out_reaches_every_queue_with_its_headers(broker):
    """pgmq has no send_topic for headers without a delay, which is how kombu calls it."""
    news = kombu.Exchange("news", type="fanout")
    readers = [
        Reader(broker, kombu.Queue(name, exchange=news), prefetch=9) for name in ("left", "right")
    ]
    with closing(broker.Producer()) as producer:
        producer.publish("told", exchange=news, headers={"who": "all"})
    assert drain(broker, 5)
    assert drain(broker, 5)
    assert [reader.messages[0].headers["who"] for reader in readers] == ["all", "all"]


def test_the_address_is_used_whole(empty_database_url):
    """pgmq rebuilds it from five parts and forgets the rest: sslmode, options, an application's
    name.
    """
    with connect(f"{empty_database_url}&application_name=its%20own%20name") as broker:
        publish(broker, "hello")
        with psycopg.connect(conninfo(empty_database_url)) as connection:
            names = connection.execute("select application_name from pg_stat_activity").fetchall()
    assert ("its own name",) in names


@pytest.mark.parametrize("scheme", sorted(BY_SCHEME))
def test_every_broker_keeps_a_message_until_its_task_is_done(scheme):
    """Whatever the broker, a killed worker loses nothing, and the broker being away is waited
    for.
    """
    options = broker_options(f"{scheme}://somebody@somewhere/x")
    assert options["task_acks_late"]
    assert options["task_reject_on_worker_lost"]
    assert options["broker_connection_max_retries"] is None


def test_an_unknown_broker_is_refused_with_the_known_ones():
    """The message says what can be used."""
    with pytest.raises(InvalidSetting, match="amqp://"):
        broker_options("kafka://somewhere")


# --- with real workers
# ----------------------------------------------------------------------------------------------


@pytest.fixture
def output(tmp_path: Path, empty_database_url: str, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file that the minimal application's tasks write to; the broker is the empty database."""
    prepare(empty_database_url, ["cpu"])
    file = tmp_path / "output"
    file.touch()
    monkeypatch.setenv("TEST_BROKER_URL", empty_database_url)
    monkeypatch.setenv("TEST_OUTPUT", str(file))
    return file


def test_a_worker_with_prefetch_one_is_not_slowed_down(output, empty_database_url):
    """Kombu's transport does 1.1 tasks a second with two of these; 40 tasks would take 36 s."""
    with celery_worker(empty_database_url, output, "--prefetch-multiplier", "1"):
        started = time.monotonic()
        for number in range(40):
            send_task(empty_database_url, str(number))
        eventually(lambda: len(ended(output)) == 40)
        assert time.monotonic() - started < 18


def test_a_worker_here_is_one_process_whatever_pool_is_asked_for(output, empty_database_url):
    """The processes of a prefork pool would share a lock that an idle one holds: kill -9 of it
    would stop the others for good.
    """
    with celery_worker(empty_database_url, output, "-P", "prefork", "-c", "2") as worker:
        assert psutil.Process(worker.pid).children() == []


def test_a_task_can_send_the_next_message(output, empty_database_url):
    """From within the worker that runs it, whose connection is in use."""
    with celery_worker(empty_database_url, output):
        for number in range(6):
            send_task(empty_database_url, f"word{number}", name="chain")
        eventually(lambda: len(ended(output)) == 6)


def test_a_killed_workers_task_is_run_by_the_next(output, empty_database_url, monkeypatch):
    """kill -9 in the middle of a task: it runs again, and the ones behind it run once."""
    monkeypatch.setenv("TEST_TRANSPORT_OPTIONS", '{"visibility_timeout": 2}')
    with celery_worker(empty_database_url, output) as worker:
        send_task(empty_database_url, "slow", 30.0)
        eventually(lambda: "begin slow" in output.read_text())
        os.killpg(worker.pid, signal.SIGKILL)
    send_task(empty_database_url, "behind")
    with celery_worker(empty_database_url, output):
        eventually(lambda: output.read_text().count("begin slow") == 2)
        assert ended(output).count("behind") <= 1


def test_a_worker_goes_on_after_postgres_was_killed(output, tmp_path):
    """The broker is gone for a moment in the middle of the work: nothing is lost, and nobody
    restarts the worker.
    """
    server = EmbeddedPostgres(tmp_path / "own", durable=False)
    url = server.start()
    try:
        prepare(url, ["cpu"])
        with celery_worker(url, output, "--prefetch-multiplier", "4") as worker:
            for number in range(30):
                send_task(url, str(number), 0.05)
            eventually(lambda: len(ended(output)) >= 5)
            assert server.pid
            os.kill(server.pid, signal.SIGKILL)
            server.start()
            send_task(url, "after")
            eventually(lambda: "after" in ended(output), within_s=30)
            assert worker.poll() is None
    finally:
        server.stop()


def test_a_worker_that_is_asked_to_stop_loses_nothing(output, empty_database_url):
    """SIGTERM: what it holds is done or handed back, and the next worker does the rest."""
    with celery_worker(empty_database_url, output, "--prefetch-multiplier", "2") as worker:
        for number in range(12):
            send_task(empty_database_url, str(number), 0.3)
        eventually(lambda: len(ended(output)) >= 2)
        worker.terminate()
        worker.wait(30)
    with celery_worker(empty_database_url, output, "--prefetch-multiplier", "2"):
        eventually(lambda: set(ended(output)) == {str(number) for number in range(12)})
    assert len(ended(output)) == 12
