"""``surefield sql``: one question to the reporting schema, without a client or a password."""

import json
from contextlib import closing
from typing import Annotated, Any

import psycopg
import typer
from sqlalchemy import text
from sqlalchemy.orm import Session

from extractors.errors import SurefieldError
from worker.cli import local, tables

READER = "surefield_reader"


class BadQuestion(SurefieldError):
    """Postgres refused the query."""

    code = "bad_question"


def sql(
    query: Annotated[
        str, typer.Argument(help="For example: SELECT * FROM reporting.straight_through")
    ],
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
) -> None:
    """Ask the views of the schema ``reporting``, as the role that may read them and nothing
    else.
    """
    with local.house() as rt, rt.sessions() as session:
        try:
            session.execute(text("SET TRANSACTION READ ONLY"))
            session.execute(text(f"SET LOCAL ROLE {READER}"))
            session.execute(text("SET LOCAL search_path = reporting"))
            names, rows = _answer(session, query)
        except psycopg.Error as error:
            raise BadQuestion(
                f"{str(error).splitlines()[0]}. The views and their columns: docs/reporting.md."
            ) from error
    if as_json:
        typer.echo(
            json.dumps(
                [dict(zip(names, row, strict=True)) for row in rows],
                indent=1,
                default=str,
                ensure_ascii=False,
            )
        )
    else:
        tables.answer(tables.console(), names, rows)


def _answer(session: Session, query: str) -> tuple[list[str], list[tuple[Any, ...]]]:
    """Column names and rows.

    As a prepared statement, since Postgres takes but one of those: none can follow a COMMIT.
    """
    with closing(session.connection().connection.cursor()) as opened:
        cursor: Any = opened  # psycopg's own, which knows ``prepare``
        cursor.execute(query, prepare=True)
        return [column[0] for column in cursor.description or ()], (
            cursor.fetchall() if cursor.description else []
        )
