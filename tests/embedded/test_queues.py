"""Queues are made once, by whoever comes first, and survive what Postgres survives."""

import os
import signal
import threading
from pathlib import Path

import psycopg
import pytest

from worker.embedded.postgres import EmbeddedPostgres
from worker.embedded.queues import conninfo, drop_control_queues, ensure_queues, prepare


def queues(connection: "psycopg.Connection") -> list[str]:
    return sorted(
        row[0] for row in connection.execute("select queue_name from pgmq.meta").fetchall()
    )


def send(connection: "psycopg.Connection", queue: str) -> None:
    connection.execute("select pgmq.send(%s, '{}'::jsonb)", [queue])


def notified(listener: "psycopg.Connection", within_s: float = 2.0) -> list[str]:
    return [notice.channel for notice in listener.notifies(timeout=within_s, stop_after=1)]


def test_queues_are_made_in_a_bare_database(connection):
    """No extension has to be installed; names are mapped as kombu maps them."""
    ensure_queues(connection, ["cpu", "gpu", "my-own.queue"])
    assert queues(connection) == ["cpu", "gpu", "my_own_queue"]


def test_making_queues_again_changes_nothing(connection):
    """Messages that wait are still there after the second time."""
    ensure_queues(connection, ["cpu"])
    send(connection, "cpu")
    ensure_queues(connection, ["cpu"])
    assert connection.execute("select count(*) from pgmq.q_cpu").fetchone() == (1,)


def test_queues_made_by_many_at_once_are_made_once(empty_database_url):
    """Every worker makes them when it starts, and they start together."""
    start, errors = threading.Barrier(4), []

    def make() -> None:
        start.wait()
        try:
            prepare(empty_database_url, ["cpu", "gpu"])
        except psycopg.Error as error:
            errors.append(error)

    threads = [threading.Thread(target=make) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    with psycopg.connect(conninfo(empty_database_url)) as connection:
        assert queues(connection) == ["cpu", "gpu"]


def test_a_queue_that_others_made_gets_its_wake_up(connection):
    """A queue from pgmq itself has no trigger of ours yet."""
    ensure_queues(connection, [])
    connection.execute("select pgmq.create('theirs')")
    ensure_queues(connection, ["theirs"])
    connection.execute('listen "pgmq.q_theirs.INSERT"')
    send(connection, "theirs")
    assert notified(connection) == ["pgmq.q_theirs.INSERT"]


def test_making_queues_that_exist_waits_for_nobody(connection, empty_database_url):
    """A reader's open transaction holds a lock that any DDL on the table would wait for."""
    ensure_queues(connection, ["cpu"])
    with psycopg.connect(conninfo(empty_database_url)) as reader:
        reader.execute("select * from pgmq.read('cpu', 30, 1)")  # and the transaction stays open
        connection.execute("set lock_timeout = '200ms'")
        ensure_queues(connection, ["cpu"])


def test_publishers_do_not_wait_for_each_other(connection, empty_database_url):
    """Two open transactions may both have published to one queue: the wake-up keeps no state that
    they would share.
    """
    ensure_queues(connection, ["cpu"])
    with psycopg.connect(conninfo(empty_database_url)) as first:
        send(first, "cpu")
        connection.execute("set lock_timeout = '200ms'")
        send(connection, "cpu")


def test_readers_are_still_woken_after_a_crash_of_postgres(tmp_path: Path):
    """pgmq's own notifications keep state in an UNLOGGED table, which a crash empties, and are
    silent from then on.
    """
    server = EmbeddedPostgres(tmp_path, durable=False)
    url = server.start()
    try:
        prepare(url, ["cpu"])
        assert server.pid
        os.kill(server.pid, signal.SIGKILL)
        server.start()
        with psycopg.connect(conninfo(url), autocommit=True) as connection:
            connection.execute('listen "pgmq.q_cpu.INSERT"')
            send(connection, "cpu")
            assert notified(connection) == ["pgmq.q_cpu.INSERT"]
    finally:
        server.stop()


def test_remote_control_queues_are_dropped_and_no_others(connection):
    """Killed workers leave them behind, and every broadcast would fill them further."""
    stale = ["celery_host_celery_pidbox", "6c0f_reply_celery_pidbox", "celeryev_42"]
    ensure_queues(connection, ["cpu", *stale])
    assert sorted(drop_control_queues(connection)) == sorted(stale)
    assert queues(connection) == ["cpu"]


@pytest.mark.parametrize(
    ("url", "parts"),
    [
        (
            "postgresql+psycopg://me:p%40ss%20w@db.example:5433/jobs?sslmode=require",
            {"password": "p@ss w", "sslmode": "require", "port": "5433"},
        ),
        (
            "postgresql://postgres@/jobs?host=%2Ftmp%2Fa+b%27s",
            {"host": "/tmp/a b's", "dbname": "jobs", "user": "postgres"},
        ),
    ],
)
def test_libpq_reads_the_address_that_sqlalchemy_writes(url, parts):
    """Spaces are a plus sign for one and not for the other; options such as sslmode are kept."""
    assert psycopg.conninfo.conninfo_to_dict(conninfo(url)).items() >= parts.items()
