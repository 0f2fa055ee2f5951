"""Documents for a whole running house: handed in, waited for, and counted when all have come to
rest.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

from celery import Celery
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from tests.pipeline.conftest import a_pdf
from worker import bootstrap, tasks
from worker.embedded.broker import broker_options
from worker.intake import actions, sources
from worker.pipeline import flow
from worker.runtime import Runtime
from worker.settings import Settings

COUNTS = """
select
  (select count(*) from documents where status
    not in ('submitted', 'rendered', 'extracted', 'grounded', 'scored')) as resting,
  (select count(*) from documents where status = 'failed') as failed,
  (select coalesce(sum(page_count), 0) from documents) as pages_said,
  (select count(*) from pages) as pages,
  (select count(*) from readings) as readings,
  (select count(distinct page_id) from readings) as pages_read,
  (select count(*) from documents d where not exists
    (select from results r where r.document_id = d.id))
    as without_results,
  (select coalesce(max(failures), 0) from documents) as failures
"""


@dataclass(frozen=True, slots=True)
class Counts:
    """What the database says of all documents together."""

    resting: int
    failed: int
    pages_said: int
    pages: int
    readings: int
    pages_read: int
    without_results: int
    failures: int


def quick_settings(state_dir: Path, **changes: Any) -> Settings:
    """The scripted backend, and leases and sweeps of a few seconds."""
    return Settings(
        **{
            "state_dir": state_dir,
            "backend": "scripted",
            "claim_lease": timedelta(seconds=3),
            "patience": timedelta(seconds=3),
            "sweep_every": timedelta(seconds=0.5),
            **changes,
        }
    )


@contextmanager
def upstream(settings: Settings) -> Iterator[Runtime]:
    """A runtime that hands in and looks, and wakes the workers through the broker of these
    settings.
    """
    app = Celery("upstream", set_as_current=False)
    app.conf.update(broker_options(bootstrap.broker_url(settings)), task_default_queue=flow.CPU)
    wake = tasks.waker(app)
    rt = bootstrap.runtime(settings, announce=tasks.announcer(wake), wake=wake)
    try:
        yield rt
    finally:
        rt.sessions.kw["bind"].dispose()
        app.close()


def hand_in(rt: Runtime, count: int) -> list[UUID]:
    """Submit documents of one to three pages, no two alike."""
    run = uuid4().hex
    files = [
        a_pdf("Foo Ltd A-17", f"{run} {number}", pages=1 + number % 3) for number in range(count)
    ]
    return [
        actions.submit(
            sources.Request(upstream="tests", document_type="slip", content=data), rt
        ).document_id
        for data in files
    ]


def counts(rt: Runtime) -> Counts:
    """Where all documents stand now."""
    with rt.sessions() as session:
        return Counts(*session.execute(text(COUNTS)).one())


def wait_until_resting(rt: Runtime, count: int, *, within_s: float) -> Counts:
    """Wait until so many documents have come to rest, also through a database that is away; says
    where they stand if they do not.
    """
    until = time.monotonic() + within_s
    found: Counts | None = None
    while time.monotonic() < until:
        try:
            found = counts(rt)
            if found.resting >= count:
                return found
        except OperationalError:
            pass  # the fault is a killed database
        time.sleep(0.1)
    raise AssertionError(f"after {within_s} s: {found}")
