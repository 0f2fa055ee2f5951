"""Wake-ups on real brokers: a handful at most, whatever the backlog, and all of it is done."""

from uuid import uuid4

import kombu
import pytest
from celery import Celery

from tests.faults.work import counts, hand_in, upstream, wait_until_resting
from tests.services.test_pipeline import broker, database, settings_for  # noqa: F401  fixtures
from worker import bootstrap
from worker.cli import local
from worker.embedded.broker import broker_options
from worker.pipeline import flow
from worker.settings import Settings

DOCUMENTS = 20


def waiting(settings: Settings, name: str) -> int:
    """The messages that wait in a queue of the broker."""
    options = broker_options(bootstrap.broker_url(settings))
    with kombu.Connection(
        options["broker_url"], transport_options=options["broker_transport_options"]
    ) as connection:
        declared = connection.default_channel.queue_declare(queue=name, passive=True)
        return int(declared.message_count)


@pytest.fixture
def ready(tmp_path, database, broker):
    """A migrated installation on these servers; nothing runs yet."""
    with local.database(settings_for(tmp_path, database, broker), migrates=True) as settings:
        yield settings


def test_a_backlog_is_a_handful_of_messages_and_all_of_it_is_done(ready):
    """Handed in and swept while no worker runs; then workers come."""
    with upstream(ready) as rt:
        hand_in(rt, DOCUMENTS)
        for _ in range(3):
            flow.sweep(rt, patience=-ready.patience)
        assert 1 <= waiting(ready, flow.WAKE_UPS[flow.CPU]) <= flow.HANDFUL

        with local.running(ready):
            found = wait_until_resting(rt, DOCUMENTS, within_s=120)
        assert (found.failed, found.without_results) == (0, 0)
        assert counts(rt).pages == counts(rt).readings


def test_wake_ups_of_the_version_before_are_answered(ready):
    """They name a document and its stage, and wait in the queue of submissions."""
    ready = ready.model_copy(update={"patience": ready.patience * 100})  # no sweep helps
    with upstream(ready) as rt:
        quiet = bootstrap.runtime(ready)
        documents = hand_in(quiet, 2)
        quiet.sessions.kw["bind"].dispose()
        with Celery("before", set_as_current=False) as app:
            app.conf.update(broker_options(bootstrap.broker_url(ready)))
            for document in (*documents, uuid4()):
                named = {"document_id": str(document)}
                app.send_task("surefield.render", kwargs=named, queue=flow.CPU)
        with local.running(ready):
            found = wait_until_resting(rt, 2, within_s=120)
        assert found.failed == 0
