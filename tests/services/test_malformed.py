"""A hundred kinds of malformed messages, to an upstream's queue and to that of wake-ups."""

import json
import time
from collections import Counter
from contextlib import closing
from typing import Any

import kombu

from tests.embedded.processes import eventually
from tests.faults.work import counts, upstream, wait_until_resting
from tests.services.test_inbox import arguments, workers
from tests.services.test_pipeline import broker, database, settings_for  # noqa: F401  fixtures
from tests.services.test_upstreams_queue import inbox_of_this_test
from worker import bootstrap
from worker.accounts import store as accounts
from worker.cli import local
from worker.embedded.broker import broker_options
from worker.intake import dead_letters
from worker.intake.messages import TASK
from worker.mailboxes.names import queue_of
from worker.pipeline.flow import CPU, WAKE_UPS

GOOD = 10
BODIES = (
    b"",
    b"{",
    b"[",
    b"null",
    b"true",
    b"7",
    b"-1e999",
    b'"text"',
    b"[]",
    b"[[], {}, {}, {}]",
    b"[{}, []]",
    b"[[], 5, {}]",
    b"\xff\xfe",
    b"\x00\x01",
    b"[" * 5_000,
    b'{"type": 5}',
    b'{"type": "slip", "content_base64": 5}',
    b'{"type": "slip", "content_base64": "no base64 !"}',
    b'{"type": "slip", "source": "\\u0000", "colour": "red"}',
    b'{"type": "slip", "priority": 1e400, "key": []}',
)
PROPERTIES: tuple[dict[str, Any], ...] = (
    {"content_type": "application/json", "content_encoding": "utf-8", "headers": {}},
    {"content_encoding": "utf-8", "headers": {"id": "1"}},  # no content type
    {"content_type": "application/json", "content_encoding": "klingon", "headers": {"task": TASK}},
    {"content_type": "application/x-python-serialize", "headers": {"task": TASK, "id": "1"}},
    {
        "content_type": "application/json",
        "content_encoding": "utf-8",
        "headers": {"task": ["surefield.work"], "id": 7, "expires": "yesterday"},
    },
)
KINDS = [(body, properties) for properties in PROPERTIES for body in BODIES]


def publish(settings: Any, queue: str) -> None:
    """Each kind once, past every client that would help."""
    options = broker_options(bootstrap.broker_url(settings))
    with kombu.Connection(
        options["broker_url"], transport_options=options["broker_transport_options"]
    ) as connection:
        channel = connection.default_channel
        for body, properties in KINDS:
            message = channel.prepare_message(body, **properties)
            channel.basic_publish(message, exchange="", routing_key=queue)


def test_a_hundred_kinds_end_no_process_and_hold_up_no_document(tmp_path, database, broker):
    """On both queues each becomes a dead letter that can be looked up, and ten good documents
    behind them are read.
    """
    settings = settings_for(tmp_path, database, broker)
    assert len(KINDS) == 100
    with (
        local.database(settings, migrates=True) as ready,
        local.running(ready),
        upstream(ready) as rt,
        closing(bootstrap.open_mailbox(ready)) as mailbox,
    ):
        with rt.transaction() as tx:
            accounts.make_key(tx, "erp")
        queue = queue_of("erp")
        mailbox.make(queue)
        eventually(lambda: len(workers()) >= ready.cpu_processes, within_s=30)
        eventually(lambda: inbox_of_this_test() is not None, within_s=30)

        def ten(name: str) -> float:
            began, before = time.monotonic(), counts(rt).resting
            for number in range(GOOD):
                said = {**arguments(key=f"{name}-{number}"), "upstream": "erp"}
                mailbox.put(queue, json.dumps(said).encode())
            wait_until_resting(rt, before + GOOD, within_s=90)
            return time.monotonic() - began

        ten("warm")
        idle_s = ten("idle")
        inbox = inbox_of_this_test()
        assert inbox is not None
        before = workers() | {inbox.pid}
        publish(ready, queue)
        publish(ready, WAKE_UPS[CPU])
        behind_s = ten("behind")

        def letters() -> list[dead_letters.Kept]:
            with rt.transaction() as tx:
                return dead_letters.letters(tx, limit=1_000)

        def by_queue() -> Counter[str]:
            times: Counter[str] = Counter()
            for one in letters():
                times[one.queue] += one.times
            return times

        # one that was written and not yet settled when a connection broke is counted twice
        eventually(
            lambda: min(by_queue()[name] for name in (queue, WAKE_UPS[CPU])) >= len(KINDS),
            within_s=120,
        )
        after = inbox_of_this_test()
        assert after is not None
        assert workers() | {after.pid} == before
        assert by_queue().keys() == {queue, WAKE_UPS[CPU]}
        assert counts(rt).failed == 0
    print(f"ten documents: {idle_s:.1f} s alone, {behind_s:.1f} s behind {2 * len(KINDS)}")
