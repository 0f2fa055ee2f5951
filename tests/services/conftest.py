"""One server of each kind for all tests here; a test that kills one starts it again."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.embedded.processes import private_folder
from tests.needed import cannot_run

MISSING: dict[str, str | None]
try:
    from tests.services.servers import (
        MISSING,
        Server,
        postgres_server,
        rabbitmq_server,
        redis_server,
    )
except ModuleNotFoundError as missing:  # the extra `redis` is not installed: nothing here can run
    cannot_run(
        f"The package {missing.name!r} is missing. Install it: pip install 'surefield[redis]'"
    )


@pytest.fixture(scope="session")
def rabbitmq() -> Iterator[Server]:
    """A RabbitMQ."""
    _need("rabbitmq")
    with rabbitmq_server() as server:
        yield server


@pytest.fixture(scope="session")
def redis() -> Iterator[Server]:
    """A Redis."""
    _need("redis")
    with redis_server() as server:
        yield server


@pytest.fixture(scope="session")
def postgres15() -> Iterator[Server]:
    """A Postgres 15, the oldest that is supported."""
    _need("postgres")
    with postgres_server() as server:
        yield server


@pytest.fixture
def tmp_path() -> Iterator[Path]:
    """Pytest's fixture of this name, in a place that a server started by root can reach."""
    with private_folder() as folder:
        yield folder


def _need(name: str) -> None:
    if lacks := MISSING[name]:
        cannot_run(lacks)
