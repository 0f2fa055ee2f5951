"""Rights on a server that is not ours: its owners may make roles, or they may not."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from sqlalchemy import make_url

from tests.embedded.processes import private_folder
from worker.cli import doctor, local
from worker.embedded.postgres import EmbeddedPostgres
from worker.embedded.queues import conninfo
from worker.roles.force import missing, put_in_force, rights_are_given
from worker.roles.table import PROCESSES, WEB, WORKER
from worker.settings import Settings

ROOT = Path(__file__).parents[2]


@pytest.fixture
def server() -> Iterator[EmbeddedPostgres]:
    """A server on which nobody has heard of Surefield, with two owners."""
    with private_folder() as folder:
        made = EmbeddedPostgres(folder, durable=False)
        made.start()
        with psycopg.connect(conninfo(made.url("postgres")), autocommit=True) as admin:
            for name, more in (("acme", "CREATEROLE"), ("small", "")):
                admin.execute(f"CREATE ROLE {name} LOGIN {more} PASSWORD '{name}'".encode())
                admin.execute(f"CREATE DATABASE {name} OWNER {name}".encode())
        yield made
        made.stop()


def address(server: EmbeddedPostgres, role: str, database: str | None = None) -> str:
    """Of a role whose password is its name, in the database of its name."""
    url = make_url(server.url(database or role)).set(username=role, password=role)
    return url.render_as_string(hide_password=False)


def typed(url: str, state: Path, *words: str, **env: str) -> "subprocess.CompletedProcess[str]":
    """One command on this database."""
    environment = {name: value for name, value in os.environ.items() if "SUREFIELD_" not in name}
    environment |= {"SUREFIELD_DATABASE_URL": url, "SUREFIELD_STATE_DIR": str(state), **env}
    return subprocess.run(
        [sys.executable, "-m", "worker", *words],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
    )


def query(url: str, text: str) -> Any:
    with psycopg.connect(conninfo(url)) as connection:
        return connection.execute(text.encode()).fetchone()


def test_an_owner_puts_the_rights_in_force_by_one_command(server, tmp_path):
    """What is missing is printed and not done, then done and printed, then there is nothing left.

    An administrator's own grants to PUBLIC stay as they are.
    """
    acme = address(server, "acme")
    assert typed(acme, tmp_path, "migrate").returncode == 0
    assert "surefield roles" in doctor.roles(Settings(database_url=acme)).words

    shown = typed(acme, tmp_path, "roles", "--print")
    assert not rights_are_given(acme)
    done = typed(acme, tmp_path, "roles")
    assert done.returncode == 0, done.stderr
    assert shown.stdout == done.stdout
    assert 'CREATE ROLE "surefield_web"' in done.stdout
    assert "PUBLIC" not in done.stdout
    assert all(line.endswith(";") for line in done.stdout.splitlines())
    assert missing(acme, ours=False) == []
    again = typed(acme, tmp_path, "roles")
    assert (again.stdout, "has its rights" in again.stderr) == ("", True)

    with psycopg.connect(conninfo(acme)) as owner:
        for role in PROCESSES:
            owner.execute(f"ALTER ROLE {role} PASSWORD '{role}'".encode())
    assert query(address(server, WEB, "acme"), "SELECT count(*) FROM users") == (0,)
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        query(address(server, WORKER, "acme"), "SELECT count(*) FROM users")
    assert doctor.roles(Settings(database_url=acme)).sound


def test_what_a_migration_makes_is_theirs_at_once(server, tmp_path):
    """Whoever brings the schema up to date gives the rights with it."""
    acme = address(server, "acme")
    assert typed(acme, tmp_path, "migrate").returncode == 0
    put_in_force(acme, ours=False)
    with psycopg.connect(conninfo(acme)) as owner:
        owner.execute("REVOKE INSERT ON documents FROM surefield_worker")
    lacking = doctor.roles(Settings(database_url=acme))
    assert (lacking.sound, "1 changes" in lacking.words) == (False, True)

    assert typed(acme, tmp_path, "migrate").returncode == 0

    assert missing(acme, ours=False) == []


def test_an_owner_who_may_make_no_roles_is_told_what_to_do(server, tmp_path):
    """An administrator runs what is printed, and the owner needs no more."""
    small = address(server, "small")
    assert typed(small, tmp_path, "migrate").returncode == 0
    refused = typed(small, tmp_path, "roles")
    assert (refused.returncode, "surefield roles --print" in refused.stderr) == (1, True)

    printed = typed(small, tmp_path, "roles", "--print").stdout
    with psycopg.connect(conninfo(server.url("small")), autocommit=True) as admin:
        admin.execute(printed.encode())

    assert missing(small, ours=False) == []
    assert typed(small, tmp_path, "migrate").returncode == 0


def test_each_process_gets_its_own_login_and_no_other(monkeypatch, tmp_path):
    """A worker is not told how the web enters, nor anybody how the owner does."""
    urls = {kind: f"postgresql://{kind}:{kind}@db/x" for kind in ("owner", WORKER, WEB, "reader")}
    settings = Settings(
        state_dir=tmp_path,
        database_url=urls["owner"],
        worker_database_url=urls[WORKER],
        web_database_url=urls[WEB],
        reader_url=urls["reader"],
    )
    for name, value in local.environment_of(settings).items():
        monkeypatch.setenv(name, value)

    for child in local.children(settings, web=True):
        given = {**os.environ, **child.env}
        own = WEB if child.name == "web" else WORKER
        told = {kind for kind, url in urls.items() if any(url in one for one in given.values())}
        assert told == {own}, child.name
        assert given["SUREFIELD_DATABASE_URL"] == urls[own]


def test_without_logins_of_their_own_all_enter_as_they_were_told(tmp_path):
    """One login for everything goes on working."""
    settings = Settings(state_dir=tmp_path, database_url="postgresql://one:one@db/x")
    for child in local.children(settings, web=True):
        assert child.env["SUREFIELD_DATABASE_URL"] == "postgresql://one:one@db/x"
