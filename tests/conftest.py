"""A real Postgres for every test that asks: one server a run, without fsync, and a database of its
own for each test.

The databases are cloned from a template that was migrated once, so that commits are real and cost
tens of milliseconds.
"""

import fcntl
import os
import shutil
import tempfile
from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest
from hypothesis import settings
from psycopg import sql
from sqlalchemy import Engine, make_url
from sqlalchemy.orm import Session, sessionmaker

from worker import sealing
from worker.db import open_engine, open_sessions, transaction
from worker.embedded.postgres import EmbeddedPostgres
from worker.migrate import migrate
from worker.roles.force import put_in_force
from worker.roles.table import LOGINS
from worker.runtime import silent
from worker.store import installation

# the run's folder; xdist's workers inherit it, and share the server in it
STATE = "SUREFIELD_TEST_STATE"
TEMPLATE = "migrated"
# set: a test that would be skipped fails
NO_SKIP = "SUREFIELD_TEST_NO_SKIP"

# A property says what is true and not how fast: on a busy machine one example may take a second.
settings.register_profile("untimed", deadline=None)
if settings.get_current_profile_name() == "default":  # whoever asks for another one gets that
    settings.load_profile("untimed")

OURS = pytest.StashKey[bool]()  # the server is this run's own, and ends with it


def pytest_configure(config: pytest.Config) -> None:
    """Name the folder of this run's server, unless whoever started the run named one; nothing
    starts before a test asks.
    """
    # The suite may be root's: its folders are, and nothing of a stranger is in them.
    if os.geteuid() == 0:
        os.environ.setdefault("SUREFIELD_ALLOW_ROOT", "1")
    # xdist's own, for a run without it: pytest refuses marks that it does not know
    config.addinivalue_line("markers", "xdist_group(name): tests that one process runs in a row")
    config.stash[OURS] = not hasattr(config, "workerinput") and not os.environ.get(STATE)
    if config.stash[OURS]:
        os.environ[STATE] = tempfile.mkdtemp(prefix="surefield-tests-")
    # of every installation of this run: their databases are clones, and name its public half
    os.environ["SUREFIELD_KEY_FILE"] = str(Path(os.environ[STATE]) / "installation.key")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Where everything must be there that a test needs, one that is skipped fails."""
    report = yield
    if os.environ.get(NO_SKIP) and report.skipped and not hasattr(report, "wasxfail"):
        why = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr
        report.outcome, report.longrepr = "failed", f"{why}. {NO_SKIP} is set: nothing is skipped."
    return report


def pytest_unconfigure(config: pytest.Config) -> None:
    """Stop the server when the whole run is over."""
    if config.stash.get(OURS, False):
        folder = Path(os.environ.pop(STATE))
        EmbeddedPostgres(folder, durable=False).stop()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def postgres() -> EmbeddedPostgres:
    """The run's server, with a migrated database to clone."""
    return server_in(Path(os.environ[STATE]))


def server_in(folder: Path) -> EmbeddedPostgres:
    """The server of this folder, started and with its template when it is not yet."""
    server = EmbeddedPostgres(folder, durable=False)
    with (folder / "migrate.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        url = server.start(TEMPLATE)
        done = folder / "migrated"
        # whoever comes second must not even connect: a template in use cannot be cloned
        if not done.exists():
            migrate(url)
            _name_the_key(url, folder / "installation.key")
            put_in_force(url, ours=True)
            server.admit(LOGINS)
            done.touch()
    return server


def _name_the_key(url: str, key_file: Path) -> None:
    engine = open_engine(url)
    with transaction(open_sessions(engine), silent) as tx:
        installation.keep_public_key(tx, sealing.make_key(key_file))
    engine.dispose()


@pytest.fixture
def empty_database_url(postgres: EmbeddedPostgres) -> Iterator[str]:
    """The URL of a database without any table, dropped after the test."""
    yield from _database(postgres, template="template0")


@pytest.fixture
def database_url(postgres: EmbeddedPostgres) -> Iterator[str]:
    """The URL of a migrated database, dropped after the test."""
    yield from _database(postgres, template=TEMPLATE)


AsRole = Callable[[str], sessionmaker[Session]]


@pytest.fixture
def as_role(postgres: EmbeddedPostgres, database_url: str) -> Iterator[AsRole]:
    """Sessions on the test's database, of a role that has only its own rights."""
    engines: list[Engine] = []

    def make(role: str) -> sessionmaker[Session]:
        name = make_url(database_url).database
        assert name is not None
        engines.append(open_engine(postgres.url(name, role)))
        return open_sessions(engines[-1])

    yield make
    for engine in engines:
        engine.dispose()


@pytest.fixture
def db(database_url: str) -> Iterator[sessionmaker[Session]]:
    """Sessions on a migrated database of the test's own."""
    engine = open_engine(database_url)
    yield open_sessions(engine)
    engine.dispose()


def _database(server: EmbeddedPostgres, *, template: str) -> Iterator[str]:
    name = f"test_{uuid4().hex}"
    admin = server.url("postgres").replace("postgresql+psycopg", "postgresql", 1)
    with psycopg.connect(admin, autocommit=True) as connection:
        connection.execute(
            sql.SQL("CREATE DATABASE {} TEMPLATE {} STRATEGY file_copy").format(
                sql.Identifier(name), sql.Identifier(template)
            )
        )
        yield server.url(name)
        connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))
