"""What the database lacks until the table of rights is in force, as statements.

The plan is made by comparing with what Postgres says of itself, so a second run has nothing to do.
"""

from collections import defaultdict
from collections.abc import Iterator
from typing import Any, LiteralString

import psycopg
from psycopg import sql

from worker.roles.catalog import (
    COLUMNS,
    DATABASE_GRANTS,
    DEFAULTS,
    FUNCTIONS,
    GRANTED,
    MEMBERS,
    RELATIONS,
    ROLES,
    ROUTINES,
    SCHEMA_GRANTS,
    STRANGER,
)
from worker.roles.table import (
    LOGINS,
    MOST_CONNECTIONS,
    OWNER,
    PROCESSES,
    READER,
    SCHEMAS,
    STATEMENT_TIMEOUT,
    WEB,
    WORKER,
    Right,
    line_of,
    rights,
)

Connection = psycopg.Connection[Any]

# What a role may do that another made without being asked: large objects are files of their own,
# and with a lock of ours somebody would keep others out.
LARGE_OBJECTS = ("lo_creat", "lo_create", "lo_from_bytea")
# workers take some for a transaction: who makes a queue, and who tells the broker of events
LOCKS = ("pg_advisory_xact_lock", "pg_try_advisory_xact_lock")
NOT_MIGHTY = sql.SQL("NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS")
QUEUE_SEQUENCE = ("USAGE", "SELECT")  # pgmq counts with them, and says how far


def plan(connection: Connection, *, ours: bool) -> list[str]:
    """The statements that put the table in force, in their order; none where it is.

    ours: the server is the embedded one, so that its tables get an owner of their own, and what
          everybody may do there is ours to say
    """
    statements = [*_roles(connection, ours=ours)]
    if ours:
        statements += [*_owner(connection), *_everybody(connection)]
    statements += [*_schemas(connection), *_relations(connection), *_new_queues(connection, ours)]
    return [one.as_string(connection) for one in statements]


def _roles(connection: Connection, *, ours: bool) -> Iterator[sql.Composed]:
    known = {row[0]: row[1:] for row in connection.execute(ROLES, [[*LOGINS, READER]])}
    for name in LOGINS if ours else PROCESSES:
        role, limit = sql.Identifier(name), MOST_CONNECTIONS[name]
        timeout = STATEMENT_TIMEOUT.get(name)
        if name not in known:
            yield sql.SQL("CREATE ROLE {} {} LOGIN CONNECTION LIMIT {}").format(
                role, NOT_MIGHTY, sql.Literal(limit)
            )
        else:
            logs_in, mighty, most, _ = known[name]
            if mighty:
                yield sql.SQL("ALTER ROLE {} {}").format(role, NOT_MIGHTY)
            if not logs_in or most != limit:
                yield sql.SQL("ALTER ROLE {} LOGIN CONNECTION LIMIT {}").format(
                    role, sql.Literal(limit)
                )
        if timeout and (name not in known or known[name][3] != timeout):
            yield sql.SQL("ALTER ROLE {} SET statement_timeout = {}").format(
                role, sql.Literal(timeout)
            )
    if READER not in known:
        yield sql.SQL("CREATE ROLE {} NOLOGIN").format(sql.Identifier(READER))
    for group, member in connection.execute(MEMBERS, [[*PROCESSES, READER]]):
        yield sql.SQL("REVOKE {} FROM {}").format(sql.Identifier(group), sql.Identifier(member))


def _owner(connection: Connection) -> Iterator[sql.Composed]:
    """What is not the owner's becomes it: the database, its schemas and all in them."""
    owner = sql.Identifier(OWNER)
    here, whose = _row(
        connection,
        "SELECT datname, pg_get_userbyid(datdba) FROM pg_database"
        " WHERE datname = current_database()",
    )
    if whose != OWNER:
        yield sql.SQL("ALTER DATABASE {} OWNER TO {}").format(sql.Identifier(here), owner)
    others = connection.execute(
        "SELECT nspname FROM pg_namespace"
        " WHERE nspname = ANY(%s) AND pg_get_userbyid(nspowner) <> %s",
        [[*SCHEMAS[1:]], OWNER],  # ``public`` belongs to the owner of the database
    )
    for (schema,) in others:
        yield sql.SQL("ALTER SCHEMA {} OWNER TO {}").format(sql.Identifier(schema), owner)
    kinds = {"r": "TABLE", "p": "TABLE", "v": "VIEW", "m": "MATERIALIZED VIEW", "c": "TYPE"}
    for schema, name, kind, whose, of in connection.execute(RELATIONS, [[*SCHEMAS]]):
        if (schema, whose) == ("pgmq", WORKER):
            continue  # a queue that a worker made
        if whose != OWNER and not of:  # a sequence goes with its table
            yield sql.SQL("ALTER {} {} OWNER TO {}").format(
                sql.SQL(kinds.get(kind, "SEQUENCE")), sql.Identifier(schema, name), owner
            )
    for schema, name, arguments in connection.execute(ROUTINES, [[*SCHEMAS], OWNER]):
        yield sql.SQL("ALTER ROUTINE {}({}) OWNER TO {}").format(
            sql.Identifier(schema, name), sql.SQL(arguments), owner
        )


def _everybody(connection: Connection) -> Iterator[sql.Composed]:
    """Nobody may do more than the table says, only because everybody may."""
    (name,) = _row(connection, "SELECT current_database()")
    here = sql.Identifier(name)
    granted = {tuple(row) for row in connection.execute(DATABASE_GRANTS)}
    if any(whom == "public" for whom, _ in granted):
        yield sql.SQL("REVOKE ALL ON DATABASE {} FROM PUBLIC").format(here)
    for role in (*PROCESSES, READER):
        if (role, "CONNECT") not in granted:
            yield sql.SQL("GRANT CONNECT ON DATABASE {} TO {}").format(here, sql.Identifier(role))
    for function, arguments, granted_to in connection.execute(FUNCTIONS, [[*LARGE_OBJECTS]]):
        named = sql.SQL("{}({})").format(sql.Identifier(function), sql.SQL(arguments))
        if "public" in granted_to:
            yield sql.SQL("REVOKE EXECUTE ON FUNCTION {} FROM PUBLIC").format(named)
        if function in LARGE_OBJECTS:
            continue
        for role in (OWNER, WORKER) if function in LOCKS else (OWNER,):
            if role not in granted_to:
                yield sql.SQL("GRANT EXECUTE ON FUNCTION {} TO {}").format(
                    named, sql.Identifier(role)
                )


def _schemas(connection: Connection) -> Iterator[sql.Composed]:
    found = connection.execute(
        "SELECT nspname FROM pg_namespace WHERE nspname = ANY(%s)", [[*SCHEMAS]]
    )
    there = {row[0] for row in found}
    wanted = {(role, schema, "USAGE") for role in PROCESSES for schema in there}
    wanted |= {(READER, "reporting", "USAGE"), (WORKER, "pgmq", "CREATE")}
    wanted = {one for one in wanted if one[1] in there}
    roles = [*PROCESSES, READER]
    rows = connection.execute(SCHEMA_GRANTS, {"schemas": [*SCHEMAS], "roles": roles})
    granted = {tuple(row) for row in rows}
    for verb, preposition, those in (
        ("REVOKE", "FROM", granted - wanted),
        ("GRANT", "TO", wanted - granted),
    ):
        for role, schema, privilege in sorted(those):
            yield sql.SQL("{} {} ON SCHEMA {} {} {}").format(
                sql.SQL(verb),
                sql.SQL(privilege),
                sql.Identifier(schema),
                sql.SQL(preposition),
                sql.Identifier(role),
            )


def wanted_rights(connection: Connection) -> set[Right]:
    """What the table says of what is in the database: before a migration some columns are not."""
    columns = {tuple(row) for row in connection.execute(COLUMNS, [[*SCHEMAS]])}
    wanted: set[Right] = set()
    for schema, name, kind, whose, of in connection.execute(RELATIONS, [[*SCHEMAS]]):
        line = line_of(schema, of or name)
        if line is None or kind == "c":
            continue
        for role in {*PROCESSES} - {whose}:  # whoever has made a queue may do all with it
            spelled = line.of(role)
            if kind != "S":
                wanted |= set(rights(role, schema, name, spelled))
            elif "a" in spelled.split():
                verbs = QUEUE_SEQUENCE if schema == "pgmq" else ("USAGE",)
                wanted |= {Right(role, schema, name, verb) for verb in verbs}
        if schema == "reporting":
            wanted.add(Right(READER, schema, name, "SELECT"))
    return {
        one for one in wanted if not one.column or (one.schema, one.table, one.column) in columns
    }


def granted_rights(connection: Connection, *roles: str) -> set[Right]:
    """What Postgres has written down of these roles in this database."""
    asked = {"schemas": [*SCHEMAS], "roles": [*roles]}
    return {Right(*row) for row in connection.execute(GRANTED, asked)}


def _relations(connection: Connection) -> Iterator[sql.Composed]:
    wanted, granted = wanted_rights(connection), granted_rights(connection, *PROCESSES, READER)
    for verb, preposition, those in (
        ("REVOKE", "FROM", granted - wanted),
        ("GRANT", "TO", wanted - granted),
    ):
        grouped: dict[tuple[str, str, str], list[Right]] = defaultdict(list)
        for one in those:
            grouped[one.schema, one.table, one.role].append(one)
        for (schema, table, role), group in sorted(grouped.items()):
            privileges = sql.SQL(", ").join(_privilege(one) for one in sorted(group, key=str))
            yield sql.SQL("{} {} ON {} {} {} {}").format(
                sql.SQL(verb),
                privileges,
                # a sequence, too, is a table as long as only SELECT is asked
                sql.SQL("SEQUENCE" if any(one.verb == "USAGE" for one in group) else "TABLE"),
                sql.Identifier(schema, table),
                sql.SQL(preposition),
                sql.Identifier(role),
            )


def _privilege(right: Right) -> sql.Composable:
    if right.column is None:
        return sql.SQL(right.verb)
    return sql.SQL("{} ({})").format(sql.SQL(right.verb), sql.Identifier(right.column))


def _new_queues(connection: Connection, ours: bool) -> Iterator[sql.Composed]:
    """Queues that the owner or a worker makes are everybody's who settles messages."""
    made = connection.execute("SELECT to_regnamespace('pgmq') IS NOT NULL").fetchone()
    if made != (True,):
        return
    owner = OWNER if ours else _row(connection, "SELECT current_user")[0]
    stranger = not ours and _row(connection, STRANGER) == (True,)
    for maker in (WORKER, owner):
        granted = {tuple(row) for row in connection.execute(DEFAULTS, [maker])}
        for role in sorted(({OWNER, WORKER, WEB} if ours else {WORKER, WEB}) - {maker}):
            for kind, things, privileges in (
                ("r", "TABLES", ("SELECT", "INSERT", "UPDATE", "DELETE")),
                ("S", "SEQUENCES", QUEUE_SEQUENCE),
            ):
                if {(role, kind, privilege) for privilege in privileges} <= granted:
                    continue
                if stranger and maker == WORKER:
                    yield sql.SQL("GRANT {} TO CURRENT_USER").format(sql.Identifier(WORKER))
                    stranger = False
                yield sql.SQL(
                    "ALTER DEFAULT PRIVILEGES FOR ROLE {} IN SCHEMA pgmq GRANT {} ON {} TO {}"
                ).format(
                    sql.Identifier(maker),
                    sql.SQL(", ").join(map(sql.SQL, privileges)),
                    sql.SQL(things),
                    sql.Identifier(role),
                )


def _row(connection: Connection, query: LiteralString) -> tuple[Any, ...]:
    row = connection.execute(query).fetchone()
    assert row is not None
    return tuple(row)
