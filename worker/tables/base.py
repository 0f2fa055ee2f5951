"""The base of all tables: names of constraints, column types, closed sets."""

from collections.abc import Collection
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import (
    CheckConstraint,
    DateTime,
    Enum,
    Float,
    ForeignKey,
    LargeBinary,
    MetaData,
    Text,
    func,
)
from sqlalchemy.orm import DeclarativeBase, mapped_column
from sqlalchemy.types import UserDefinedType


class Base(DeclarativeBase):
    metadata = MetaData(
        naming_convention={
            "ix": "%(table_name)s_%(column_0_N_name)s_idx",
            "uq": "%(table_name)s_%(column_0_N_name)s_key",
            "ck": "%(table_name)s_%(constraint_name)s_check",
            "fk": "%(table_name)s_%(column_0_N_name)s_fkey",
            "pk": "%(table_name)s_pkey",
        }
    )
    type_annotation_map = {  # noqa: RUF012  SQLAlchemy reads it from the class
        str: Text(),
        datetime: DateTime(timezone=True),
        float: Float(53),
        bytes: LargeBinary(),
    }


class Xid8(UserDefinedType[str]):
    """The number of a transaction, 64 bits, that never comes again."""

    cache_ok = True

    def get_col_spec(self, **_: object) -> str:
        return "xid8"


def closed(kind: type[StrEnum]) -> Enum:
    """A column type for a closed set; its CHECK stands in the table's arguments, where it has a
    name.
    """
    return Enum(
        kind,
        native_enum=False,
        create_constraint=False,
        length=16,
        values_callable=lambda k: [str(m) for m in k],
    )


def one_of(column: str, kind: type[StrEnum]) -> CheckConstraint:
    return CheckConstraint(is_in(column, list(kind)), name=column)


def is_in(column: str, members: Collection[StrEnum]) -> str:
    """The condition that a column holds one of these, in the order in which they are declared."""
    declared = list(type(next(iter(members))))
    listed = ", ".join(f"'{each}'" for each in sorted(members, key=declared.index))
    return f"{column} IN ({listed})"


def new_id() -> Any:
    return mapped_column(primary_key=True, server_default=func.gen_random_uuid())


def belongs_to(target: str, *, cascade: bool = True) -> Any:
    return mapped_column(ForeignKey(target, ondelete="CASCADE" if cascade else None))
