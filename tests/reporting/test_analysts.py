"""Logins that read the views and nothing else, whatever is asked under them."""

import shutil
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest
from psycopg import errors, sql
from sqlalchemy.engine import make_url

from worker.accounts import analysts
from worker.accounts.analysts import BadLogin, MayNotMakeRoles, ReaderUnavailable
from worker.cli.sql import _answer, _write_csv
from worker.embedded.postgres import EmbeddedPostgres
from worker.errors import NotFound
from worker.migrate import migrate
from worker.roles.force import put_in_force

SHORT, LONG = timedelta(milliseconds=300), timedelta(minutes=5)
# What is tried, and how Postgres refuses it.
HOSTILE = {
    "DO $$ BEGIN PERFORM * FROM public.users; END $$": "permission denied for table users",
    "DO $$ BEGIN EXECUTE 'RESET ROLE'; PERFORM * FROM public.secrets; END $$": "permission denied",
    "DO $$ BEGIN EXECUTE 'COPY (SELECT 1) TO PROGRAM $p$id$p$'; END $$": "permission denied",
    "DO $$ BEGIN EXECUTE 'SET TRANSACTION READ WRITE'; CREATE TEMP TABLE x(); END $$": "before any",
    "DO $$ BEGIN COMMIT; END $$": "invalid transaction termination",
    "DO LANGUAGE plpython3u $$ import os $$": "does not exist",
    "SELECT * FROM public.results": "permission denied",
    "SELECT rolpassword FROM pg_authid": "permission denied",
    "SELECT passwd FROM pg_shadow": "permission denied",
    "TABLE public.api_keys": "permission denied",
    "COPY (SELECT 1) TO PROGRAM 'id'": "permission denied",
    "COPY (SELECT 1) TO '/tmp/stolen'": "permission denied",
    "SELECT pg_read_file('/etc/passwd')": "permission denied",
    "SELECT pg_read_binary_file('postgresql.conf')": "permission denied",
    "SELECT pg_ls_dir('.')": "permission denied",
    "SELECT lo_import('/etc/passwd')": "permission denied",
    "SELECT lo_export(1, '/tmp/stolen')": "permission denied",
    "SELECT lo_from_bytea(0, 'x')": "permission denied|read-only",
    "SELECT lo_create(0)": "permission denied|read-only",
    "SET ROLE postgres": "permission denied",
    "SELECT set_config('role', 'postgres', false)": "permission denied",
    "SET SESSION AUTHORIZATION postgres": "permission denied",
    "SELECT set_config('session_authorization', 'postgres', false)": "permission denied",
    "SELECT set_config('transaction_read_only', 'off', true)": "before any query",
    "CREATE TEMP TABLE mine (a int)": "read-only",
    "CREATE TABLE public.mine (a int)": "read-only",
    "CREATE TEMP VIEW documents AS SELECT 1": "read-only",
    "CREATE FUNCTION public.f() RETURNS int LANGUAGE sql AS 'SELECT 1'": "read-only",
    "CREATE EXTENSION dblink": "read-only",
    "SELECT dblink_connect('dbname=postgres user=postgres')": "does not exist",
    "DELETE FROM reporting.documents": "permission denied|read-only|cannot delete",
    "INSERT INTO public.users (name) VALUES ('eve')": "permission denied|read-only",
    "GRANT surefield_reader TO public": "read-only|permission denied|syntax",
    "ALTER ROLE surefield_reader SUPERUSER": "read-only|permission denied",
    "ALTER SYSTEM SET shared_preload_libraries = 'x'": "permission denied|cannot run inside",
    "LOAD '/tmp/evil.so'": "access to library|permission denied",
    "LOCK TABLE public.documents": "permission denied",
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'postgres'": "denied",
    "SELECT 1; SELECT 2": "multiple commands",
    "COMMIT; DROP TABLE public.scores": "multiple commands",
    "SELECT query_to_xml('SELECT * FROM public.users', true, true, '')": "permission denied",
}


@dataclass(frozen=True)
class Outside:
    """A server with passwords, and two databases that are brought up to date."""

    owner_url: str  # of an owner who may make roles, but is no superuser
    admin_url: str  # of one that belongs to the superuser


@pytest.fixture(scope="module")
def outside() -> Iterator[Outside]:
    """Every role needs its password there."""
    folder = Path(tempfile.mkdtemp(prefix="surefield-outside-"))
    server = EmbeddedPostgres(folder, durable=False)
    server.start()
    admin = server.url("postgres")
    try:
        with psycopg.connect(plain(admin), autocommit=True) as connection:
            connection.execute("CREATE ROLE acme LOGIN CREATEROLE PASSWORD 'acme'")
            connection.execute("CREATE DATABASE acme OWNER acme")
            connection.execute("CREATE DATABASE house")
            connection.execute("CREATE ROLE small LOGIN PASSWORD 'small'")
            connection.execute("CREATE DATABASE small OWNER small")
        made = Outside(changed(admin, "acme", "acme"), changed(admin, None, "house"))
        migrate(made.owner_url)
        migrate(made.admin_url)
        yield made
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)


def changed(url: str, role: str | None, database: str) -> str:
    """The address of this role, whose password is its name, in this database."""
    parsed = make_url(url).set(database=database)
    if role is not None:
        parsed = parsed.set(username=role, password=role)
    return parsed.render_as_string(hide_password=False)


def plain(url: str) -> str:
    return make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)


def enter(url):
    address = url.render_as_string(hide_password=False)
    return psycopg.connect(address, autocommit=True)


@pytest.mark.parametrize("ask", [_answer, _write_csv], ids=["rows", "csv"])
@pytest.mark.parametrize("query", HOSTILE)
def test_no_query_gets_beyond_the_views(outside, query, ask):
    """The server itself refuses it, for want of rights: no list of forbidden words stands here."""
    with (
        analysts.reader(outside.admin_url, None, timeout=LONG) as reader,
        pytest.raises(psycopg.Error, match=HOSTILE[query]),
    ):
        ask(reader, query)


@pytest.mark.parametrize(
    "query", ["RESET ROLE", "RESET SESSION AUTHORIZATION", "COMMIT", "ROLLBACK"]
)
def test_there_is_no_identity_to_go_back_to(outside, query):
    """The session was the reader's from its beginning."""
    with analysts.reader(outside.admin_url, None, timeout=LONG) as reader:
        _answer(reader, query)
        ((session, current),) = _answer(reader, "SELECT session_user, current_user")[1]
        assert session == current
        assert session.startswith("surefield_sql_")
        with pytest.raises(errors.ReadOnlySqlTransaction):
            _answer(reader, "CREATE TEMP TABLE mine (a int)")


def test_another_search_path_leads_to_nothing(outside):
    """A table of the same name as a view stays closed."""
    with analysts.reader(outside.admin_url, None, timeout=LONG) as reader:
        _answer(reader, "SELECT set_config('search_path', 'public', false)")
        with pytest.raises(errors.InsufficientPrivilege, match="table documents"):
            _answer(reader, "SELECT * FROM documents")


@pytest.mark.parametrize(
    "query",
    [
        "SELECT pg_sleep(60)",
        "SELECT count(*) FROM generate_series(1, 1000000000000)",
        "DO $$ BEGIN PERFORM set_config('statement_timeout', '0', false); PERFORM pg_sleep(60);"
        " END $$",
    ],
)
def test_a_statement_ends_when_its_time_is_over(outside, query):
    """Also one that takes the limit away: that holds for the next one, and there is no next."""
    with (
        analysts.reader(outside.admin_url, None, timeout=SHORT) as reader,
        pytest.raises(errors.QueryCanceled),
    ):
        _answer(reader, query)


def test_the_password_of_the_own_login_is_good_for_a_minute(outside):
    """Nobody knows it, and afterwards nobody could use it."""
    with (
        analysts.reader(outside.admin_url, None, timeout=LONG),
        psycopg.connect(plain(outside.admin_url)) as owner,
    ):
        ((left, hashed),) = owner.execute(
            "SELECT rolvaliduntil - now(), rolpassword FROM pg_authid, pg_database AS d"
            " WHERE rolname = 'surefield_sql_' || d.oid AND datname = current_database()"
        ).fetchall()
    assert timedelta(0) < left <= timedelta(seconds=analysts.FOR_SECONDS)
    assert hashed.startswith("SCRAM-SHA-256$")


def test_an_owner_without_superuser_rights_has_readers_too(outside):
    """By password; of ten at once none takes the password of another."""

    def who(number: int) -> str:
        with analysts.reader(outside.owner_url, None, timeout=LONG) as reader:
            _answer(reader, "SELECT * FROM documents")
            return str(_answer(reader, "SELECT session_user")[1][0][0])

    with ThreadPoolExecutor(max_workers=5) as pool:
        (one,) = set(pool.map(who, range(10)))
    assert one.startswith("surefield_sql_")


def test_a_login_reads_the_views_and_no_more_than_them(outside):
    """In a session of its own, in which it may set what it likes."""
    url = analysts.add(outside.owner_url, "bob", timeout=LONG)

    with enter(url) as bob:
        views = bob.execute(
            "SELECT table_name FROM information_schema.views WHERE table_schema = 'reporting'"
        ).fetchall()
        assert len(views) == 19
        for (view,) in views:
            bob.execute(sql.SQL("SELECT * FROM {}").format(sql.Identifier(view)))
        assert bob.execute("SHOW statement_timeout").fetchone() == ("5min",)
        with pytest.raises(errors.ReadOnlySqlTransaction):
            bob.execute("CREATE TABLE public.mine (a int)")
        bob.execute("SET default_transaction_read_only = off")
        for statement in (
            "CREATE TABLE public.mine (a int)",
            "CREATE TABLE reporting.mine (a int)",
            "SELECT * FROM public.users",
            "UPDATE public.documents SET priority = 1",
            "SET ROLE acme",
            "CREATE ROLE eve",
            "CREATE DATABASE eve",
            "COPY (SELECT 1) TO PROGRAM 'id'",
        ):
            with pytest.raises(errors.InsufficientPrivilege):
                bob.execute(statement)


@pytest.mark.parametrize("password", ["", "wrong", "carl"])
def test_a_login_needs_its_password(outside, password):
    """It is no name that lets somebody in."""
    analysts.add(outside.owner_url, "carl", timeout=LONG)
    try:
        with pytest.raises(psycopg.OperationalError, match="password"):
            enter(analysts.as_login(outside.owner_url, "carl", password))
    finally:
        analysts.remove(outside.owner_url, "carl")


@pytest.mark.parametrize("url", ["owner_url", "admin_url"])
def test_a_removed_login_is_out_at_once(outside, url):
    """Its session ends, its address opens nothing, and a second removal says that there is none."""
    owner = getattr(outside, url)
    address = analysts.add(owner, "dora", timeout=LONG)
    assert "dora" in {each.name for each in analysts.analysts(owner)}
    with enter(address) as dora:
        analysts.remove(owner, "dora")
        with pytest.raises(psycopg.OperationalError):
            dora.execute("SELECT 1")

    with pytest.raises(psycopg.OperationalError):
        enter(address)
    with pytest.raises(NotFound, match="analyst list"):
        analysts.remove(owner, "dora")
    assert analysts.add(owner, "dora", timeout=SHORT) != address
    analysts.remove(owner, "dora")


def test_on_the_embedded_server_a_login_can_leave_nothing_behind(database_url):
    """There what everybody may do is ours to say: no temporary table, no large object."""
    put_in_force(database_url, ours=True)  # a copy of a database has not its rights
    name = f"emil_{uuid4().hex}"  # logins belong to the whole server
    url = analysts.add(database_url, name, timeout=LONG)
    try:
        with enter(url) as emil:
            emil.execute("SET default_transaction_read_only = off")
            for statement in (
                "CREATE TEMP TABLE mine (a int)",
                "SELECT lo_create(0)",
                "SELECT lo_creat(-1)",
                "SELECT lo_from_bytea(0, 'x')",
                "SELECT pg_advisory_lock(1592729118)",  # the one of readers
                "SELECT pg_try_advisory_lock_shared(1, 2)",
                "SELECT pg_advisory_xact_lock(1592729117)",  # the one of migrations
            ):
                with pytest.raises(errors.InsufficientPrivilege):
                    emil.execute(statement)
    finally:
        analysts.remove(database_url, name)


def test_whoever_keeps_readers_out_is_named(outside, monkeypatch):
    """Where a login may take locks of its own choice; its session is ended by the line printed."""
    monkeypatch.setattr(analysts, "LOCK_WITHIN", "100ms")
    with psycopg.connect(outside.admin_url.replace("postgresql+psycopg", "postgresql")) as fritz:
        fritz.execute("SELECT pg_advisory_lock(%s)", [analysts.LOCK])
        pid = fritz.info.backend_pid
        with (
            pytest.raises(ReaderUnavailable, match=rf"pg_terminate_backend\({pid}\)"),
            analysts.reader(outside.admin_url, None, timeout=LONG),
        ):
            pass


@pytest.mark.parametrize(
    "name",
    [
        "",
        "Ada",
        "ada lovelace",
        "ada;drop",
        'a"b',
        "pg_ada",
        "surefield_reader",
        "surefield_sql_1",
        "a" * 51,
        "1ada",
        "ädä",
        "ada\n",
    ],
)
def test_a_name_that_is_no_login_is_refused_in_words(name):
    """Before anything is asked of the server."""
    with pytest.raises(BadLogin, match="small letters"):
        analysts.add("postgresql://nobody@127.0.0.1:1/none", name, timeout=LONG)


@pytest.mark.parametrize("name", ["acme", "postgres"])
def test_a_role_of_others_is_neither_taken_nor_dropped(outside, name):
    """Whatever else the server has is no analyst."""
    with pytest.raises(BadLogin, match="Choose another name"):
        analysts.add(outside.owner_url, name, timeout=LONG)
    with pytest.raises(NotFound):
        analysts.remove(outside.owner_url, name)


def test_an_owner_who_may_make_no_roles_is_told_what_to_ask_for(outside):
    """And the login that an administrator made does all that the own one would."""
    small = changed(outside.owner_url, "small", "small")
    migrate(small)

    with pytest.raises(MayNotMakeRoles, match=r"CREATE ROLE frida LOGIN.*SUREFIELD_READER_URL"):
        analysts.add(small, "frida", timeout=LONG)
    with (
        pytest.raises(MayNotMakeRoles, match="SUREFIELD_READER_URL"),
        analysts.reader(small, None, timeout=LONG),
    ):
        pass

    with psycopg.connect(plain(outside.admin_url), autocommit=True) as admin:
        admin.execute("CREATE ROLE frida LOGIN PASSWORD 'frida' IN ROLE surefield_reader")
    frida = changed(outside.owner_url, "frida", "small")
    with analysts.reader(small, frida, timeout=LONG) as reader:
        assert _answer(reader, "SELECT session_user, count(*) FROM documents")[1] == [("frida", 0)]
        with pytest.raises(errors.InsufficientPrivilege):
            _answer(reader, "SELECT * FROM public.users")
    with (
        pytest.raises(ReaderUnavailable, match="SUREFIELD_READER_URL"),
        analysts.reader(small, frida.replace(":frida@", ":no@"), timeout=LONG),
    ):
        pass
