"""The same Celery settings on real brokers: a message is run, run again when its worker dies, and
outlives its broker's crash.
"""

import os
import signal
from pathlib import Path

import kombu
import psutil
import pytest
import redis

from tests.embedded.processes import celery_worker, ended, eventually, send_task
from tests.services.servers import Server
from worker.embedded.broker import WORKER_FLAGS, broker_options
from worker.embedded.queues import prepare

POOLS = [("-P", "prefork", "-c", "2"), ("-P", "solo")]


@pytest.fixture(params=["rabbitmq", "redis", "postgres15"])
def broker(request: pytest.FixtureRequest) -> Server:
    """Each kind of broker in turn; Postgres 15 with the queues in it."""
    server: Server = request.getfixturevalue(request.param)
    if request.param == "postgres15":
        prepare(server.url, ["cpu"])
    empty(server)
    return server


def empty(server: Server) -> None:
    """Forget what an earlier test left, also what its killed workers had taken."""
    if server.url.startswith("redis"):
        redis.Redis.from_url(server.url).flushdb()
        return
    options = broker_options(server.url)
    with kombu.Connection(
        options["broker_url"], transport_options=options["broker_transport_options"]
    ) as connection:
        queue = kombu.Queue("cpu", routing_key="cpu")(connection.default_channel)
        queue.declare()
        queue.purge()


@pytest.fixture
def output(tmp_path: Path) -> Path:
    """The file that the minimal application's tasks write to."""
    file = tmp_path / "output"
    file.touch()
    return file


@pytest.mark.parametrize("pool", POOLS, ids=["prefork", "solo"])
def test_every_task_is_run_once(broker, output, pool):
    """Also those that a task sends from inside a worker."""
    with celery_worker(broker.url, output, *pool, *WORKER_FLAGS):
        for number in range(10):
            send_task(broker.url, f"word{number}", name="chain")
        eventually(lambda: len(ended(output)) == 10)
    assert len(set(ended(output))) == 10


@pytest.mark.parametrize("pool", POOLS, ids=["prefork", "solo"])
def test_a_killed_workers_task_is_run_again(broker, output, pool, monkeypatch):
    """kill -9 in the middle of a task: the broker gives its message to the next worker."""
    # RabbitMQ sees the connection end; the others wait for a timeout, here a short one
    if not broker.url.startswith("amqp"):
        monkeypatch.setenv(
            "TEST_TRANSPORT_OPTIONS", '{"visibility_timeout": 2, "unacked_restore_interval": 1}'
        )
    with celery_worker(broker.url, output, *pool, *WORKER_FLAGS) as worker:
        send_task(broker.url, "slow", 30.0)
        eventually(lambda: "begin slow" in output.read_text())
        os.killpg(worker.pid, signal.SIGKILL)
    output.write_text("")
    with celery_worker(broker.url, output, *pool, *WORKER_FLAGS) as worker:
        eventually(lambda: "begin slow" in output.read_text(), within_s=30)


def test_a_killed_pool_process_loses_no_task(broker, output, monkeypatch):
    """The worker lives on, takes the message back and has it run again."""
    one_process_each(broker)
    if not broker.url.startswith("amqp"):
        monkeypatch.setenv(
            "TEST_TRANSPORT_OPTIONS", '{"visibility_timeout": 4, "unacked_restore_interval": 1}'
        )
    with celery_worker(broker.url, output, "-P", "prefork", "-c", "1", *WORKER_FLAGS):
        send_task(broker.url, "short", 1.0)
        eventually(lambda: "begin short" in output.read_text())
        os.kill(int(output.read_text().split()[-1]), signal.SIGKILL)
        eventually(lambda: "short" in ended(output), within_s=30)


@pytest.mark.parametrize("which", [0, 1])
def test_a_killed_idle_pool_process_holds_nobody_up(broker, output, which):
    """It waited for a task and holds nothing that the other process needs."""
    one_process_each(broker)
    with celery_worker(broker.url, output, "-P", "prefork", "-c", "2", *WORKER_FLAGS) as worker:
        eventually(lambda: len(psutil.Process(worker.pid).children()) == 2)
        psutil.Process(worker.pid).children()[which].kill()
        for number in range(6):
            send_task(broker.url, str(number))
        eventually(lambda: set(ended(output)) == {str(number) for number in range(6)}, within_s=30)


def one_process_each(broker: Server) -> None:
    """Skip where a worker has no pool."""
    if broker.url.startswith("postgres"):
        pytest.skip("with the queue in Postgres a worker is one process")


def test_messages_outlive_a_crash_of_their_broker(broker, output):
    """kill -9 of the broker with messages in it: they are run after it is back, by the worker that
    was there before.
    """
    with celery_worker(
        broker.url, output, "-P", "prefork", "-c", "2", "--prefetch-multiplier", "1", *WORKER_FLAGS
    ) as worker:
        for number in range(20):
            send_task(broker.url, str(number), 0.2)
        eventually(lambda: len(ended(output)) >= 2)
        broker.restart()
        send_task(broker.url, "after")
        eventually(lambda: {*map(str, range(20)), "after"} <= set(ended(output)), within_s=60)
        assert worker.poll() is None
