"""What each role may do with each table: what is written down, what Postgres says, and what happens
when it is tried.
"""

import os
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from alembic import command
from psycopg import errors, sql
from sqlalchemy import create_engine, make_url

from worker.embedded.postgres import EmbeddedPostgres
from worker.embedded.queues import conninfo, prepare
from worker.migrate import alembic_config, migrate
from worker.roles.force import missing, put_in_force
from worker.roles.table import LOGINS, OWNER, PROCESSES, READER, TABLES, WEB, WORKER, line_of
from worker.tables.base import Base

VERBS = {
    "SELECT": "r",
    "INSERT": "a",
    "UPDATE": "w",
    "DELETE": "d",
    "TRUNCATE": "-",
    "REFERENCES": "-",
    "TRIGGER": "-",
    "MAINTAIN": "-",
}
RELATIONS = """
SELECT n.nspname, c.relname FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE n.nspname IN ('public', 'reporting', 'pgmq') AND c.relkind IN ('r', 'p', 'v', 'm')
ORDER BY 1, 2
"""
# each needs its verb on the whole table, and changes nothing
TRIALS = {
    "SELECT": "SELECT * FROM {} LIMIT 0",
    "INSERT": "INSERT INTO {} DEFAULT VALUES",
    "UPDATE": "UPDATE {} SET {} = NULL WHERE false",
    "DELETE": "DELETE FROM {} WHERE false",
    "TRUNCATE": "TRUNCATE {}",
}
# what no process needs, whatever table it is about
BEYOND = {
    "makes a table": "CREATE TABLE public.mine (a int)",
    "makes a table that is gone afterwards": "CREATE TEMP TABLE mine (a int)",
    "makes a schema": "CREATE SCHEMA mine",
    "makes a role": "CREATE ROLE mine",
    "makes a database": "CREATE DATABASE mine",
    "changes a table": "ALTER TABLE public.documents ADD mine int",
    "drops a table": "DROP TABLE public.documents",
    "switches a trigger off": "ALTER TABLE public.document_events DISABLE TRIGGER append_only",
    "replaces a function": "CREATE OR REPLACE FUNCTION public.refuse_change() RETURNS trigger"
    " LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'",
    "is the owner": "SET ROLE surefield_owner",
    "is the superuser": "SET ROLE postgres",
    "runs a program": "COPY (SELECT 1) TO PROGRAM 'id'",
    "writes a file": "COPY (SELECT 1) TO '/tmp/stolen'",
    "reads a file": "SELECT pg_read_file('/etc/passwd')",
    "makes a large object": "SELECT lo_create(0)",
    "keeps migrations out": "SELECT pg_advisory_lock(1592729117)",
}


@pytest.fixture(scope="module")
def url(postgres: EmbeddedPostgres) -> Iterator[str]:
    """A database as `surefield up` makes it; none of the trials changes it."""
    name = f"rights_{os.getpid()}"
    with psycopg.connect(conninfo(postgres.url("postgres")), autocommit=True) as admin:
        admin.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        made = postgres.url(name)
        put_in_force(made, ours=True)
        owner = postgres.url(name, OWNER)
        migrate(owner)
        prepare(owner, ["cpu"])
        put_in_force(made, ours=True)
        yield made
        admin.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


@pytest.fixture
def enter(postgres: EmbeddedPostgres, url: str) -> Any:
    """A session of this role."""
    name = make_url(url).database
    assert name is not None
    return lambda role: psycopg.connect(conninfo(postgres.url(name, role)), autocommit=True)


@pytest.fixture
def admin(url: str) -> Iterator["psycopg.Connection[Any]"]:
    """A session of the superuser, which is undone."""
    with psycopg.connect(conninfo(url)) as connection:
        yield connection
        connection.rollback()


def allowed(role: str, schema: str, table: str, verb: str) -> bool:
    """What the table of rights says of a whole table."""
    if role == READER:
        return schema == "reporting" and verb == "SELECT"
    line = line_of(schema, table)
    assert line is not None
    return VERBS[verb] in line.of(role).split()


def test_every_table_has_a_line_and_every_line_a_table(admin):
    """A new table is closed until somebody says whose it is, and this test asks for that."""
    there = {name for schema, name in admin.execute(RELATIONS) if schema == "public"}
    assert set(TABLES) == there
    assert set(Base.metadata.tables) <= set(TABLES)


@pytest.mark.parametrize("role", [*PROCESSES, READER])
@pytest.mark.parametrize("verb", VERBS)
def test_postgres_grants_what_the_table_says_and_nothing_else(admin, role, verb):
    """Asked of every table, view and queue."""
    found = {
        (schema, name): admin.execute(
            "SELECT has_table_privilege(%s, format('%%I.%%I', %s::text, %s::text), %s)",
            [role, schema, name, verb],
        ).fetchone()
        for schema, name in admin.execute(RELATIONS).fetchall()
    }
    assert len(found) > 50
    assert found == {one: (allowed(role, *one, verb),) for one in found}


@pytest.mark.parametrize("role", PROCESSES)
@pytest.mark.parametrize("verb", TRIALS)
def test_what_is_not_granted_is_refused_when_it_is_tried(admin, enter, role, verb):
    """Over a session that entered with the role's own password."""
    with enter(role) as session:
        for schema, name in admin.execute(RELATIONS).fetchall():
            if schema == "reporting" and verb != "SELECT":
                continue  # most views take no rows, from nobody
            (column,) = admin.execute(
                "SELECT attname FROM pg_attribute WHERE attrelid = format('%%I.%%I', %s::text,"
                " %s::text)::regclass AND attnum > 0 AND attidentity <> 'a'"
                " ORDER BY attnum LIMIT 1",
                [schema, name],
            ).fetchone()
            trial = sql.SQL(TRIALS[verb]).format(
                sql.Identifier(schema, name), sql.Identifier(column)
            )
            refused = False
            with session.transaction(force_rollback=True):
                try:
                    with session.transaction():
                        session.execute(trial)
                except errors.InsufficientPrivilege:
                    refused = True
                except errors.IntegrityError:
                    pass  # it was let in, and the row was no row
            assert refused is not allowed(role, schema, name, verb), (name, verb)


@pytest.mark.parametrize(
    ("table", "column"),
    [
        ("secrets", "sealed"),
        ("installation", "audit_key"),
        ("webhooks", "secret"),
        ("webhooks", "old_secret"),
    ],
)
def test_the_web_reads_no_secret(enter, table, column):
    """Passwords of files, the key that draws audits, and what signs webhooks are for workers."""
    query = sql.SQL("SELECT {} FROM {}").format(sql.Identifier(column), sql.Identifier(table))
    with enter(WORKER) as worker:
        worker.execute(query)
    with enter(WEB) as web, pytest.raises(errors.InsufficientPrivilege):
        web.execute(query)


@pytest.mark.parametrize("table", ["users", "web_sessions", "sign_in_links", "sign_in_attempts"])
def test_a_worker_knows_nobody(enter, table):
    """Whoever reads strangers' files has no business with people's passwords and sessions."""
    query = sql.SQL("SELECT * FROM {}").format(sql.Identifier(table))
    with enter(WORKER) as worker, pytest.raises(errors.InsufficientPrivilege):
        worker.execute(query)


@pytest.mark.parametrize("role", PROCESSES)
@pytest.mark.parametrize("what", BEYOND)
def test_no_process_does_more_than_move_rows(enter, role, what):
    """No DDL, no other identity, no file, no program."""
    with (
        enter(role) as session,
        pytest.raises(psycopg.Error, match=r"denied|must be owner|must have"),
    ):
        session.execute(BEYOND[what])


@pytest.mark.parametrize("role", LOGINS)
@pytest.mark.parametrize("password", ["", "guess", "another role's"])
def test_nobody_enters_without_the_role_s_own_password(postgres, url, role, password):
    """Through the socket, too."""
    if password == "another role's":
        others = next(each for each in LOGINS if each != role)
        password = make_url(postgres.url(role=others)).password or ""
    wrong = make_url(url).set(username=role, password=password)
    with pytest.raises(psycopg.OperationalError, match="password"):
        psycopg.connect(conninfo(wrong.render_as_string(hide_password=False)))


def test_the_group_of_readers_cannot_log_in(url):
    """Only its members can."""
    wrong = make_url(url).set(username=READER, password="guess")
    with pytest.raises(psycopg.OperationalError, match=r"password|not permitted"):
        psycopg.connect(conninfo(wrong.render_as_string(hide_password=False)))


def test_no_role_is_mighty_and_each_has_a_limit(admin):
    """Not even the owner may make roles, or look past what was granted."""
    rows = admin.execute(
        "SELECT rolname, rolsuper, rolcreatedb, rolcreaterole, rolreplication, rolbypassrls,"
        " rolconnlimit > 0 FROM pg_roles WHERE rolname = ANY(%s)",
        [list(LOGINS)],
    )
    assert {row[0]: row[1:] for row in rows} == dict.fromkeys(
        LOGINS, (False, False, False, False, False, True)
    )


def test_the_owner_owns_all_and_may_migrate(admin, enter):
    """Nothing is left to the superuser, and what a migration does succeeds."""
    others = admin.execute(
        "SELECT relname FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace"
        " WHERE n.nspname IN ('public', 'reporting', 'pgmq') AND pg_get_userbyid(relowner) <> %s",
        [OWNER],
    ).fetchall()
    assert others == []
    with enter(OWNER) as owner, owner.transaction(force_rollback=True):
        owner.execute("ALTER TABLE documents ADD mine int")
        owner.execute("CREATE TABLE mine (a int)")
        owner.execute("CREATE VIEW reporting.mine AS SELECT 1 AS a")
    with enter(OWNER) as owner, pytest.raises(errors.InsufficientPrivilege):
        owner.execute("COPY (SELECT 1) TO PROGRAM 'id'")


def test_a_second_run_changes_nothing(url):
    """And so says what is missing: nothing."""
    assert missing(url, ours=True) == []
    assert put_in_force(url, ours=True) == []


@pytest.mark.parametrize(
    ("by_hand", "mend"),
    [
        ("GRANT SELECT ON users TO surefield_worker", "REVOKE SELECT"),
        ("GRANT SELECT (sealed) ON secrets TO surefield_web", 'REVOKE SELECT ("sealed")'),
        ("REVOKE INSERT ON documents FROM surefield_web", "GRANT INSERT"),
        ("GRANT CREATE ON SCHEMA public TO surefield_web", "REVOKE CREATE"),
        ("GRANT USAGE ON SCHEMA public TO surefield_reader", "REVOKE USAGE"),
        ("GRANT TEMPORARY ON DATABASE {here} TO PUBLIC", "REVOKE ALL ON DATABASE"),
        ("GRANT EXECUTE ON FUNCTION lo_create(oid) TO PUBLIC", "REVOKE EXECUTE"),
        # as an earlier Surefield left it: nobody but the superuser could take it
        ("REVOKE EXECUTE ON FUNCTION pg_advisory_lock(bigint) FROM surefield_owner", "GRANT EXEC"),
        ("CREATE TABLE pgmq.q_new (a int)", "ALTER TABLE"),
        ("ALTER VIEW reporting.documents OWNER TO postgres", "ALTER VIEW"),
        ("GRANT USAGE ON SEQUENCE audit_answers_id_seq TO surefield_worker", "REVOKE USAGE"),
    ],
)
def test_what_somebody_changed_by_hand_is_named_and_mended(database_url, by_hand, mend):
    """The table holds, whatever was granted beside it."""
    prepare(database_url, ["cpu"])
    put_in_force(database_url, ours=True)
    with psycopg.connect(conninfo(database_url), autocommit=True) as connection:
        connection.execute(by_hand.format(here=f'"{make_url(database_url).database}"').encode())

    done = put_in_force(database_url, ours=True)

    assert any(mend in one for one in done)
    assert all(one.split()[0] in ("GRANT", "REVOKE", "ALTER") for one in done)
    assert put_in_force(database_url, ours=True) == []


def test_a_table_without_a_line_is_closed(database_url, as_role):
    """Nobody may touch it until somebody says who."""
    with psycopg.connect(conninfo(database_url)) as connection:
        connection.execute("CREATE TABLE unheard_of (a int)")
    put_in_force(database_url, ours=True)
    for role in PROCESSES:
        with as_role(role)() as session, pytest.raises(Exception, match="permission denied"):
            session.connection().exec_driver_sql("SELECT * FROM unheard_of")


@pytest.mark.parametrize("maker", [WORKER, OWNER])
def test_a_queue_is_everybodys_whoever_makes_it(postgres, url, enter, maker):
    """The web, the workers and the owner settle its messages, and nothing is left to be granted."""
    here, name = make_url(url).database, f"of_{maker}"
    prepare(postgres.url(here, maker), ["cpu", name])
    for role in (WORKER, WEB, OWNER):
        with enter(role) as session:
            session.execute("SELECT pgmq.send(%s, '{}'::jsonb)", [name])
            (number,) = session.execute("SELECT msg_id FROM pgmq.read(%s, 1, 1)", [name]).fetchone()
            session.execute("SELECT pgmq.delete(%s, %s::bigint)", [name, number])
            session.execute("SELECT pgmq.metrics(%s), pgmq.metrics('cpu')", [name])
    assert missing(url, ours=True) == []


@pytest.mark.parametrize("revision", ["0024_render_turns", "0035_kept_secrets"])
def test_a_database_of_a_version_before_gets_the_rights_that_it_has_columns_for(
    postgres, database_url, revision
):
    """They are put in force before an upgrade, and again after it: then nothing is missing."""
    engine = create_engine(database_url)
    with engine.connect() as connection:
        command.downgrade(alembic_config(connection), revision)
    engine.dispose()
    admin = postgres.url(make_url(database_url).database)
    put_in_force(admin, ours=True)
    assert missing(admin, ours=True) == []
    migrate(database_url)
    put_in_force(admin, ours=True)
    assert missing(admin, ours=True) == []
