"""The whole flow on other people's servers: the same commands, with SUREFIELD_DATABASE_URL and
SUREFIELD_BROKER_URL.
"""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
from pydantic import SecretStr

from tests.embedded.processes import ROOT, end_group
from tests.faults.work import counts, hand_in, quick_settings, upstream, wait_until_resting
from tests.services.servers import Server
from worker.cli import local
from worker.embedded.queues import conninfo
from worker.settings import Settings

DOCUMENTS = 30


@pytest.fixture
def database(postgres15: Server) -> Iterator[str]:
    """The tenant's database, empty."""
    yield postgres15.url
    with psycopg.connect(conninfo(postgres15.url), autocommit=True) as connection:
        schemas = (
            "select nspname from pg_namespace where nspowner = 'tenant'::regrole and nspname <>"
            " 'public'"
        )
        for (schema,) in connection.execute(schemas).fetchall():
            connection.execute(
                psycopg.sql.SQL("drop schema {} cascade").format(psycopg.sql.Identifier(schema))
            )
        tables = (
            "select tablename from pg_tables where schemaname = 'public' and tableowner = 'tenant'"
        )
        for (table,) in connection.execute(tables).fetchall():
            connection.execute(
                psycopg.sql.SQL("drop table {} cascade").format(psycopg.sql.Identifier(table))
            )
        functions = (
            "select oid::regprocedure::text from pg_proc where proowner = 'tenant'::regrole and"
            " pronamespace = 'public'::regnamespace"
        )
        for (function,) in connection.execute(functions).fetchall():
            connection.execute(
                psycopg.sql.SQL("drop routine {} cascade").format(psycopg.sql.SQL(function))
            )


@pytest.fixture(params=["rabbitmq", "redis", "the same postgres"])
def broker(request: pytest.FixtureRequest) -> Server | None:
    """The broker beside the database."""
    return None if request.param == "the same postgres" else request.getfixturevalue(request.param)


def settings_for(folder: Path, database: str, broker: Server | None) -> Settings:
    return quick_settings(
        folder,
        database_url=SecretStr(database),
        broker_url=SecretStr(broker.url) if broker else None,
    )


def is_whole(rt) -> None:
    found = counts(rt)
    assert (found.resting, found.failed, found.without_results) == (DOCUMENTS, 0, 0)
    assert (
        found.readings
        == found.pages
        == found.pages_said
        == found.pages_read
        == sum(1 + number % 3 for number in range(DOCUMENTS))
    )


def test_documents_go_through_on_other_peoples_servers(tmp_path, database, broker):
    """Postgres 15 under a role that is no superuser, with each broker: every document ends,
    once.
    """
    settings = settings_for(tmp_path, database, broker)
    with (
        local.database(settings, migrates=True) as ready,
        local.running(ready),
        upstream(ready) as rt,
    ):
        hand_in(rt, DOCUMENTS)
        wait_until_resting(rt, DOCUMENTS, within_s=90)
        is_whole(rt)


def test_a_crash_of_the_servers_in_the_middle_loses_no_document(
    tmp_path, database, broker, postgres15
):
    """kill -9 of the broker and of the database, each started again as its administrators would."""
    settings = settings_for(tmp_path, database, broker)
    with (
        local.database(settings, migrates=True) as ready,
        local.running(ready),
        upstream(ready) as rt,
    ):
        hand_in(rt, DOCUMENTS)
        assert wait_until_resting(rt, 3, within_s=60).resting < DOCUMENTS
        postgres15.restart()
        if broker is not None:
            broker.restart()
        wait_until_resting(rt, DOCUMENTS, within_s=60)
        is_whole(rt)


@contextmanager
def a_machine(folder: Path, app: str, settings: Settings, *flags: str) -> Iterator[None]:
    """One worker as another machine runs it: a home, a state folder and temporary files of its own,
    and no other environment.
    """
    home = folder / app
    home.mkdir()
    own = settings.model_copy(update={"state_dir": home / "state"})
    plain = {
        "PATH": os.environ["PATH"],
        "HOME": str(home),
        "TMPDIR": str(home),
        "PYTHONPATH": str(ROOT),
        "LANG": "C.UTF-8",
    }
    command = [sys.executable, "-m", "celery", "-A", app, "worker", *flags]
    with (folder / f"{app}.log").open("wb") as out:
        process = subprocess.Popen(
            command,
            cwd=home,
            env={**plain, **local.environment_of(own)},
            stdout=out,
            stderr=out,
            process_group=0,
        )
        try:
            yield
        finally:
            end_group(process)


def test_two_machines_share_only_postgres_and_blobs(tmp_path, database):
    """The CPU and the GPU worker, with nothing in common but a TCP address and a folder: no broker,
    no state folder, no sweeper's help.
    """
    settings = quick_settings(
        tmp_path / "submitter", database_url=SecretStr(database), blobs_url=str(tmp_path / "blobs")
    )
    with local.database(settings, migrates=True) as ready, upstream(ready) as rt:
        cpu = a_machine(tmp_path, "worker.tasks", ready, "-P", "prefork", "-c", "2", "-Q", "cpu")
        gpu = a_machine(tmp_path, "worker.gpu", ready, "-P", "solo", "-Q", "gpu")
        with cpu, gpu:
            hand_in(rt, DOCUMENTS)
            wait_until_resting(rt, DOCUMENTS, within_s=90)
            is_whole(rt)
