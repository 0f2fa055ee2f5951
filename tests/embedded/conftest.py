"""A place for servers, and a connection to an empty database."""

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from tests.embedded.processes import private_folder
from worker.embedded.queues import conninfo


@pytest.fixture
def tmp_path() -> Iterator[Path]:
    """Pytest's fixture of this name, in a place that a server started by root can reach."""
    with private_folder() as folder:
        yield folder


@pytest.fixture
def connection(empty_database_url: str) -> "Iterator[psycopg.Connection]":
    """An autocommitting connection to an empty database."""
    with psycopg.connect(conninfo(empty_database_url), autocommit=True) as connection:
        yield connection
