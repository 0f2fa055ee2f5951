"""What upstreams send over a queue: nothing is lost while the database is away, and no message,
however it is made, ends a worker.
"""

import base64
import hashlib
import json
import time
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import kombu
import psutil
import psycopg
import pytest
import redis as redis_client
from celery import Celery
from sqlalchemy import text

from tests.embedded.processes import eventually
from tests.faults.work import counts, upstream, wait_until_resting
from tests.pipeline.conftest import a_pdf
from tests.services.test_pipeline import broker, database, settings_for  # noqa: F401  fixtures
from worker import bootstrap
from worker.cli import local
from worker.embedded.broker import broker_options
from worker.embedded.queues import conninfo
from worker.intake import dead_letters
from worker.intake.messages import QUEUE, TASK

GOOD = 5
PASSWORD = "hunter4-secret"


def arguments(**more: Any) -> dict[str, Any]:
    """The keyword arguments of a submission of a file that no other test sends."""
    content = base64.b64encode(a_pdf("Foo Ltd A-17", uuid4().hex)).decode()
    return {"type": "slip", "upstream": "erp", "content_base64": content, **more}


def body(kwargs: Any, args: Any = ()) -> bytes:
    return json.dumps([list(args), kwargs, {}]).encode()


def headers(**more: Any) -> dict[str, Any]:
    return {"task": TASK, "id": uuid4().hex, **more}


JSON = {"content_type": "application/json", "content_encoding": "utf-8"}


def malformed() -> Iterator[tuple[bytes, dict[str, Any]]]:
    """Bodies and properties of messages that are wrong, each in another way."""
    good = body(arguments(password=PASSWORD))
    yield good, {"headers": headers(), "content_encoding": "utf-8"}  # no content type
    yield good, {**JSON, "headers": {"task": TASK}}  # no id
    yield good, {**JSON, "headers": {"id": uuid4().hex}}  # no task
    yield good, {**JSON, "headers": headers(task="surefield.unknown")}
    yield good, {**JSON, "headers": headers(task=7)}
    yield good, {"content_type": "application/x-python-serialize", "headers": headers()}
    yield good, {"content_type": "text/plain", "headers": headers(), "content_encoding": "utf-8"}
    yield good, {**JSON, "headers": headers(), "content_encoding": "klingon"}
    yield good[:-9], {**JSON, "headers": headers()}
    yield b"", {**JSON, "headers": headers()}
    for shape in (b"{}", b"[1]", b"null", b'"x"', b"[[], {}]", b"[[], {}, {}, {}]", b"\xff\xfe"):
        yield shape, {**JSON, "headers": {}}
        yield shape, {**JSON, "headers": headers()}
    yield b"[" * 5_000, {**JSON, "headers": headers()}
    for wrong in ({}, {"document_id": "7"}, {"document_id": None}, {"document": "x"}):
        yield body(wrong), {**JSON, "headers": headers(task="surefield.render")}
    yield body({}, args=[uuid4().hex]), {**JSON, "headers": headers(task="surefield.score")}
    for wrong in ({"args": 5}, {"args": None}, {"kwargs": 5}, {"kwargs": {"document_id": 7}}):
        first = {"task": TASK, "id": uuid4().hex, "args": [], "kwargs": arguments(), **wrong}
        if "kwargs" in wrong:
            first["task"] = "surefield.render"
        yield json.dumps(first).encode(), {**JSON, "headers": {}}


def timed() -> Iterator[tuple[bytes, dict[str, Any]]]:
    """Good submissions with a time that Celery would drop them for, or wait for."""
    for when in (
        {"expires": "2001-01-01T00:00:00+00:00"},
        {"expires": "0001-01-01T00:00:00+14:00"},
        {"eta": "0001-01-01T00:00:00+00:00"},
        {"eta": "2999-01-01T00:00:00+00:00"},
    ):
        yield body(arguments()), {**JSON, "headers": headers(**when)}


def refused() -> Iterator[dict[str, Any]]:
    """Arguments of submissions that can be read and are wrong."""
    yield arguments(kind="slip", password=PASSWORD)
    yield arguments(self="slip")
    yield {**arguments(), "content_base64": "no base64 !"}
    yield arguments(priority="5")
    yield arguments(priority=2.5)
    yield arguments(metadata=["a", "list"])
    yield arguments(upstream="")
    yield arguments(key="nul \0 in it")
    yield arguments(source="/etc/passwd", content_base64=None)
    yield {"upstream": "erp"}


def send_raw(settings: Any, messages: Any) -> int:
    """Publish them as they are; returns how many."""
    options = broker_options(bootstrap.broker_url(settings))
    sent = 0
    with kombu.Connection(
        options["broker_url"], transport_options=options["broker_transport_options"]
    ) as connection:
        channel = connection.default_channel
        kombu.Queue(QUEUE, kombu.Exchange(QUEUE), routing_key=QUEUE)(channel).declare()
        for text, properties in messages:
            message = channel.prepare_message(text, **properties)
            channel.basic_publish(message, exchange=QUEUE, routing_key=QUEUE)
            sent += 1
    return sent


def send(settings: Any, *many: dict[str, Any]) -> None:
    """As the documented client does."""
    with Celery("upstream", set_as_current=False) as app:
        app.conf.update(broker_options(bootstrap.broker_url(settings)))
        for kwargs in many:
            app.send_task(TASK, kwargs=kwargs, queue=QUEUE)


def workers() -> set[int]:
    """The processes that take messages here."""
    return {
        child.pid
        for child in psutil.Process().children(recursive=True)
        if "celery" in " ".join(child.cmdline()) and "worker.tasks" in " ".join(child.cmdline())
    }


def test_no_message_however_it_is_made_ends_a_worker(tmp_path, database, broker, capfd):
    """Each becomes a dead letter that can be looked up, or the document that it means; good ones
    behind them are read by the same processes, and no password reaches a log.
    """
    settings = settings_for(tmp_path, database, broker)
    with (
        local.database(settings, migrates=True) as ready,
        local.running(ready),
        upstream(ready) as rt,
    ):
        eventually(lambda: len(workers()) >= ready.cpu_processes, within_s=30)
        before = workers()
        broken, good = list(malformed()), list(timed())
        send_raw(ready, broken + good)
        wrong = list(refused())
        send(ready, *wrong, *(arguments(key=f"good-{n}") for n in range(GOOD)))
        wait_until_resting(rt, GOOD + len(good), within_s=60)

        def letters() -> list[dead_letters.Kept]:
            with rt.transaction() as tx:
                return dead_letters.letters(tx, limit=1_000)

        def nothing_is_lost() -> bool:
            aside = sum(one.times for one in letters())
            return aside + counts(rt).resting == len(broken + good) + len(wrong) + GOOD

        eventually(nothing_is_lost)
        assert workers() == before
        assert not any(PASSWORD in f"{one}" for one in letters())
        named = {one.code for one in letters()}
        assert {"malformed_message", "unknown_task", "invalid_submission"} <= named
        (source,) = (one for one in letters() if one.code == "source_not_allowed")
        assert (source.upstream, source.task, source.queue) == ("erp", TASK, QUEUE)
        with rt.transaction() as tx:
            gone = dead_letters.drop(tx, [source.id])
        assert gone == 1
    logs = "".join(path.read_text(errors="replace") for path in tmp_path.rglob("*.log"))
    assert PASSWORD not in logs + "".join(capfd.readouterr())


def pushed() -> Iterator[bytes]:
    """What somebody may put into the queue by hand, each no envelope in another way."""
    yield from (b"5", b"[]", b"null", b"{}", b'"text"', b'{"__type__": "uuid", "__value__": 5}')
    whole = {
        "body": base64.b64encode(body(arguments(password=PASSWORD))).decode(),
        "content-type": "application/json",
        "content-encoding": "utf-8",
        "headers": headers(),
        "properties": {
            "delivery_tag": uuid4().hex,
            "delivery_info": {"exchange": "", "routing_key": QUEUE},
            "body_encoding": "base64",
        },
    }
    wrong = ({"body": "a"}, {"body": 5}, {"headers": [1]}, {"properties": None})
    yield from (json.dumps({**whole, **each}).encode() for each in wrong)
    for each in (
        {"delivery_tag": [1]},
        {"delivery_tag": None},
        {"delivery_info": None},
        {"delivery_info": [1]},
        {"body_encoding": "klingon"},
    ):
        yield json.dumps({**whole, "properties": {**whole["properties"], **each}}).encode()


def pushed_as_bytes() -> Iterator[bytes]:
    """What only a queue that takes any bytes can hold."""
    yield from (b"", b"garbage", b"\xff\xfe\0", b"[" * 100_000)


@pytest.mark.parametrize("kind", ["redis", "the same postgres"])
def test_what_is_no_envelope_becomes_a_dead_letter_and_ends_no_worker(
    tmp_path, database, kind, request
):
    """A client that writes into the list or the table itself: nothing of it is lost, and the
    digest tells its sender which it was.
    """
    server = request.getfixturevalue("redis") if kind == "redis" else None
    settings = settings_for(tmp_path, database, server)
    with (
        local.database(settings, migrates=True) as ready,
        local.running(ready),
        upstream(ready) as rt,
    ):
        eventually(lambda: len(workers()) >= ready.cpu_processes, within_s=30)
        before = workers()
        found = list(pushed())
        if server is not None:
            found += pushed_as_bytes()
            with redis_client.Redis.from_url(server.url) as client:
                for one in found:
                    client.lpush(QUEUE, one)
        else:
            with psycopg.connect(conninfo(database), autocommit=True) as connection:
                for one in found:
                    connection.execute("SELECT pgmq.send(%s, %s::jsonb)", [QUEUE, one.decode()])
        send(ready, arguments(key="good"))
        wait_until_resting(rt, 1, within_s=60)

        def letters() -> list[dead_letters.Kept]:
            with rt.transaction() as tx:
                return dead_letters.letters(tx, limit=1_000)

        eventually(lambda: sum(one.times for one in letters()) == len(found))
        assert workers() == before
        assert {(one.code, one.queue) for one in letters()} == {("malformed_message", QUEUE)}
        if server is not None:
            digests = {hashlib.sha256(one).hexdigest() for one in found}
            assert {one.digest for one in letters()} == digests


def test_submissions_over_the_queue_outlive_a_database_that_is_away(
    tmp_path, database, broker, postgres15
):
    """kill -9 of Postgres while they are taken in: each becomes a document, once."""
    settings = settings_for(tmp_path, database, broker)
    keys = [f"k-{number}" for number in range(40)]
    with (
        local.database(settings, migrates=True) as ready,
        local.running(ready),
        upstream(ready) as rt,
    ):
        if broker is None:
            send(ready, *(arguments(key=key) for key in keys))
            postgres15.restart()
        else:
            for at, key in enumerate(keys):
                send(ready, arguments(key=key))
                if at == 15:
                    postgres15.kill()
                    time.sleep(2)
                    postgres15.start()
        wait_until_resting(rt, len(keys), within_s=120)
        with rt.sessions() as session:
            query = "SELECT key FROM submissions WHERE upstream = 'erp' ORDER BY key"
            found = [row.key for row in session.execute(text(query))]
            letters = session.execute(text("SELECT count(*) FROM dead_letters")).scalar_one()
    assert found == sorted(keys)
    assert letters == 0
