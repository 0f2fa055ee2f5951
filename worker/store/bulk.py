"""Many rows in one statement: the rows travel as one JSON value, and Postgres takes them apart.

A statement with a parameter set for each row costs each of them its own way to the server and back.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Table, TableValuedAlias, bindparam, column, func, select
from sqlalchemy.dialects.postgresql import JSONB, Insert
from sqlalchemy.dialects.postgresql import insert as pg_insert

from worker.tables.base import Base

ROWS = "rows"  # the parameter that holds them


def table_of(model: type[Base]) -> Table:
    """The table behind a model."""
    table = model.__table__
    assert isinstance(table, Table), f"{model.__name__} is no plain table"
    return table


def rows_like(table: Table, names: Sequence[str]) -> TableValuedAlias:
    """The rows of the parameter as a table with these columns; what a row leaves out is NULL.

    Values are JSON: an id is a string, and JSON's null is NULL.
    """
    columns = [column(name, table.c[name].type) for name in names]
    made = func.jsonb_to_recordset(bindparam(ROWS, type_=JSONB)).table_valued(*columns)
    return made.alias("new").render_derived(with_types=True)


def insert_many(table: Table, names: Sequence[str]) -> Insert:
    """Insert the rows of the parameter into these columns; one that is there already stays."""
    given = rows_like(table, names)
    chosen = select(*(given.c[name] for name in names))
    return pg_insert(table).from_select(list(names), chosen).on_conflict_do_nothing()


def given(rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The parameter of such a statement."""
    return {ROWS: list(rows)}
