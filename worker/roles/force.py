"""Puts the table of rights in force."""

import psycopg
from psycopg import errors

from extractors.errors import SurefieldError
from worker.embedded.queues import conninfo
from worker.roles.plan import Connection, granted_rights, plan
from worker.roles.table import PROCESSES

LOCK = 0x5EEF1E1F  # of the advisory locks, the one of whoever puts rights in force


class MayNotGrant(SurefieldError):
    """This login may not make roles or give rights."""

    code = "may_not_grant"


def missing(url: str, *, ours: bool) -> list[str]:
    """The statements that are still to be run; nothing is changed."""
    with psycopg.connect(conninfo(url), connect_timeout=10) as connection:
        return plan(connection, ours=ours)


def rights_are_given(url: str) -> bool:
    """Whether somebody gave the roles their rights in this database: they belong to the whole
    server, and may be there for another one.
    """
    with psycopg.connect(conninfo(url), connect_timeout=10) as connection:
        return bool(granted_rights(connection, *PROCESSES))


def put_in_force(url: str, *, ours: bool) -> list[str]:
    """Run what is missing, all or nothing, and say what that was; a second run finds nothing.

    url:  of a superuser, or of an owner that may make roles
    ours: as in ``plan``

    Raises MayNotGrant.
    """
    with psycopg.connect(conninfo(url), connect_timeout=10) as connection:
        if not plan(connection, ours=ours):
            return []
        connection.rollback()
        try:
            return _run(connection, ours=ours)
        except errors.InsufficientPrivilege as error:
            said = (str(error).strip().splitlines() or ["refused"])[0].rstrip(".")
            raise MayNotGrant(
                f"This login may not give those rights: {said}. Have an administrator run what"
                " this prints: surefield roles --print"
            ) from error


def _run(connection: Connection, *, ours: bool) -> list[str]:
    connection.execute("SET LOCAL lock_timeout = '10s'")
    connection.execute("SELECT pg_advisory_xact_lock(%s)", [LOCK])
    done: list[str] = []
    # roles first: what is granted to them is seen only when they are there
    while statements := [one for one in plan(connection, ours=ours) if one not in done]:
        for statement in statements:
            connection.execute(statement.encode())  # quoted by the plan
            done.append(statement)
    return done
