"""The queues as Postgres sees them: pgmq's functions and tables, made once, and a trigger that
wakes their readers.

pgmq is plain SQL here, from its Python package: no extension to install, so any Postgres 15 or
newer can hold the queues. The wake-up is our own trigger, one for each statement and without state.
pgmq's updates a row of an UNLOGGED table for each message, so that publishers wait for each other,
and after a crash of Postgres the row is gone and nobody is woken any more.
"""

from collections.abc import Sequence
from typing import Any

import psycopg
from psycopg import sql
from psycopg.conninfo import make_conninfo
from sqlalchemy.engine import make_url

# One creator at a time. Taken only when something is missing: who publishes to a queue that exists
# takes no lock.
LOCK = "select pg_advisory_xact_lock(hashtext('surefield.queues'))"
WAKE_FUNCTION = """
create or replace function pgmq.surefield_wake() returns trigger language plpgsql as $$
begin
  perform pg_notify('pgmq.' || tg_table_name || '.INSERT', '');
  return null;
end $$
"""
WAKE_TRIGGER = (
    "create or replace trigger surefield_wake after insert on pgmq.{} for each statement execute"
    " function pgmq.surefield_wake()"
)
# A queue is whole when it is listed and its trigger is there.
FOUND = """
select m.queue_name from pgmq.meta m
join pg_trigger t on t.tgname = 'surefield_wake'
  and t.tgrelid = to_regclass(format('pgmq.%%I', 'q_' || m.queue_name))
where m.queue_name = any(%s)
"""
# Remote control's and events' queues: workers that were killed leave them behind, and every
# broadcast fills them further.
CONTROL = (
    "select queue_name from pgmq.meta where queue_name like '%celery_pidbox%' or queue_name like"
    " 'celeryev%'"
)

Connection = psycopg.Connection[Any]


def ensure_queues(connection: Connection, names: Sequence[str]) -> None:
    """Install pgmq if it is missing and make the queues that are missing; safe to repeat, and from
    many processes at once.
    """
    create_missing(connection, [entity_name(name) for name in names])


def entity_name(name: str) -> str:
    """A queue's name as pgmq takes it; it must have no more than 47 characters."""
    return name.replace("-", "_").replace(".", "_")


def prepare(database_url: str, names: Sequence[str]) -> None:
    """Make the database ready to hold these queues, and clear what killed workers left: for
    migration and start.
    """
    with psycopg.connect(conninfo(database_url)) as connection:
        ensure_queues(connection, names)
        drop_control_queues(connection)


def drop_control_queues(connection: Connection) -> list[str]:
    """Drop the remote-control and event queues, none of which this installation uses, and return
    their names.
    """
    with connection.transaction():
        names = [row[0] for row in connection.execute(CONTROL).fetchall()]
        for name in names:
            connection.execute("select pgmq.drop_queue(%s)", [name])
    return names


def create_missing(connection: Connection, names: Sequence[str]) -> None:
    """Like ensure_queues, for names as pgmq takes them."""
    with connection.transaction():
        if _installed(connection) and not _missing(connection, names):
            return
        connection.execute(LOCK)
        if not _installed(connection):
            _install(connection)
        for name in _missing(connection, names):
            connection.execute("select pgmq.create(%s)", [name])
            connection.execute(sql.SQL(WAKE_TRIGGER).format(sql.Identifier(f"q_{name}")))


def exists(connection: Connection, name: str) -> bool:
    """Whether the queue is there and whole."""
    return not _missing(connection, [name])


def conninfo(database_url: str) -> str:
    """The database's address as libpq takes it, from SQLAlchemy's form, whose query part libpq
    would read differently.
    """
    url = make_url(database_url)
    query = {
        name: value if isinstance(value, str) else ",".join(value)
        for name, value in url.query.items()
    }
    parts = {
        "host": url.host,
        "port": url.port,
        "user": url.username,
        "password": url.password,
        "dbname": url.database,
    }
    return make_conninfo(
        **{name: str(value) for name, value in {**parts, **query}.items() if value is not None}
    )


def _installed(connection: Connection) -> bool:
    row = connection.execute("select to_regproc('pgmq.surefield_wake') is not null").fetchone()
    return bool(row and row[0])


def _install(connection: Connection) -> None:
    """pgmq's own SQL, unless somebody has put it (or the extension) there, and our wake-up."""
    row = connection.execute("select to_regclass('pgmq.meta') is null").fetchone()
    if row and row[0]:
        from pgmq.install import (
            get_embedded_install_sql,  # here, since only who makes the queues needs the package
        )

        connection.execute(get_embedded_install_sql())
    connection.execute(WAKE_FUNCTION)


def _missing(connection: Connection, names: Sequence[str]) -> list[str]:
    found = {row[0] for row in connection.execute(FOUND, [list(names)]).fetchall()}
    return [name for name in dict.fromkeys(names) if name not in found]
