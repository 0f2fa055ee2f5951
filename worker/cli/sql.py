"""``surefield sql``: one question to the reporting schema, without a client or a password."""

import json
import re
import sys
from collections.abc import Iterable, Sequence
from typing import Annotated, Any

import psycopg
import typer
from psycopg.types.string import TextLoader

from extractors.errors import SurefieldError
from worker.accounts import analysts
from worker.cli import local, tables
from worker.settings import Settings

FORMULA = frozenset("=+-@\t\r")  # documents come from strangers, and end up in spreadsheets
NUMBER = re.compile(r"[+-]?[\d.,\s]*\d(e[+-]?\d+)?")


class BadQuestion(SurefieldError):
    """Postgres refused the query."""

    code = "bad_question"


def sql(
    query: Annotated[
        str, typer.Argument(help="For example: SELECT * FROM reporting.straight_through")
    ],
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
    as_csv: Annotated[
        bool,
        typer.Option(
            "--csv",
            help="For spreadsheets and pandas, as Postgres writes it; what would be a formula comes"
            " behind an apostrophe.",
        ),
    ] = False,
) -> None:
    """Ask the views of the schema ``reporting``, as a login that may read them and nothing else."""
    if as_json and as_csv:
        raise typer.BadParameter("Choose one: --json or --csv.")
    settings = Settings()
    with (
        local.database(settings) as there,
        analysts.reader(
            local.administrator_url(settings, there),
            there.reader_url.get_secret_value() if there.reader_url else None,
            timeout=there.query_timeout,
        ) as reader,
    ):
        try:
            if as_csv:
                _write_csv(reader, query)
            else:
                _write(*_answer(reader, query), as_json=as_json)
        except psycopg.errors.QueryCanceled as error:
            raise BadQuestion(
                f"It took longer than {there.query_timeout.total_seconds():g} s. Ask for less, or"
                " set SUREFIELD_QUERY_TIMEOUT."
            ) from error
        except psycopg.Error as error:
            first = (str(error).splitlines() or [type(error).__name__])[0]
            raise BadQuestion(
                f"{first.rstrip('.')}. The views and their columns: docs/reporting.md."
            ) from error


def _write(names: Sequence[str], rows: list[tuple[Any, ...]], *, as_json: bool) -> None:
    if as_json:
        found = [dict(zip(names, row, strict=True)) for row in rows]
        typer.echo(json.dumps(found, indent=1, default=str, ensure_ascii=False))
    else:
        tables.answer(tables.console(), names, rows)


def _answer(reader: analysts.Connection, query: str) -> tuple[list[str], list[tuple[Any, ...]]]:
    """Column names and rows.

    As a prepared statement, since Postgres takes but one of those: none can follow a COMMIT.
    """
    with reader.cursor() as cursor:
        cursor.execute(query.encode(), prepare=True)
        return [column[0] for column in cursor.description or ()], (
            cursor.fetchall() if cursor.description else []
        )


def _write_csv(reader: analysts.Connection, query: str) -> None:
    """Row by row, so that no answer is too large; values as Postgres writes them.

    A stream, too, is one statement.
    """
    with reader.cursor() as cursor:
        for known in cursor.adapters.types:  # nothing is parsed: it goes on as Postgres wrote it
            for oid in filter(None, (known.oid, known.array_oid)):
                cursor.adapters.register_loader(oid, TextLoader)
        head = True
        for row in cursor.stream(query.encode()):
            if head:
                _line(column[0] for column in cursor.description or ())
                head = False
            _line(row)
    if head:  # a stream without rows does not say their columns
        _line(_answer(reader, query)[0])


def _line(values: Iterable[str | None]) -> None:
    sys.stdout.write(",".join(_quoted(harmless(one)) for one in values) + "\n")


def harmless(value: str | None) -> str | None:
    """A text that a spreadsheet would take for a formula, behind an apostrophe; numbers stay."""
    if value is None or value[:1] not in FORMULA or NUMBER.fullmatch(value):
        return value
    return "'" + value


def _quoted(value: str | None) -> str:
    """As Postgres' own CSV: NULL is nothing, an empty text is a pair of quotes."""
    if value is None:
        return ""
    if value and not set(value) & set(',"\r\n') and value != "\\.":
        return value
    return '"' + value.replace('"', '""') + '"'
