"""What people do with the lists of a document: the rules behind the page, HTTP and commands."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import select

from extractors.documents.spec import DocumentType, FieldSpec
from extractors.normalise import normalise
from worker.actor import Actor, Forbidden, Role
from worker.db import Tx
from worker.review import reads, rows
from worker.review.alternatives import meaning_of
from worker.review.errors import NotSeen
from worker.review.lists import ListRows, read_list
from worker.review.row_texts import ColumnSum, TypedRow, checked_rows, group_of, sums_of
from worker.review.settle import hold_document
from worker.review.types import Decided
from worker.runtime import Runtime
from worker.store.results import current
from worker.tables.results import Result


@dataclass(frozen=True, slots=True, kw_only=True)
class ListShown:
    """A list as people see it before they set it right."""

    group: FieldSpec
    rows: ListRows
    sums: tuple[ColumnSum, ...]

    def as_json(self) -> dict[str, Any]:
        return {
            "field": self.group.name,
            "version": self.rows.version,
            "members": [
                {"name": member.name, "kind": member.kind.value, "what": member.description}
                for member in self.group.members
            ],
            "rows": [
                {
                    "was": number,
                    "cells": {
                        member.name: _text(row, member.name) for member in self.group.members
                    },
                    "waits": sorted(name for name, cell in row.items() if cell.waits),
                }
                for number, row in enumerate(self.rows.rows)
            ],
            "sums": [each.as_json() for each in self.sums],
        }


def show(document_id: UUID, field: str, rt: Runtime) -> ListShown:
    """The rows of a list, and what they add up to.

    Raises NotFound, InvalidRows.
    """
    with rt.transaction() as tx:
        spec = _type_of(tx, document_id, rt)
        group = group_of(spec, field)
        found = read_list(tx, document_id, field)
        amounts = _amounts(tx, document_id)
    typed = [
        TypedRow(was=number, cells={name: cell.text for name, cell in row.items()})
        for number, row in enumerate(found.rows)
    ]
    return ListShown(group=group, rows=found, sums=tuple(sums_of(typed, group, spec, amounts)))


def check(document_id: UUID, field: str, typed: Sequence[TypedRow], rt: Runtime) -> dict[str, Any]:
    """What rows mean while they are typed, and what they add up to.

    Raises NotFound, InvalidRows.
    """
    with rt.transaction() as tx:
        spec = _type_of(tx, document_id, rt)
        amounts = _amounts(tx, document_id)
    group = group_of(spec, field)
    return {
        "rows": [
            {
                member.name: _words(text, member, spec)
                for member in group.members
                if (text := row.cells.get(member.name))
            }
            for row in typed
        ],
        "sums": [each.as_json() for each in sums_of(typed, group, spec, amounts)],
    }


def set_rows(
    actor: Actor,
    document_id: UUID,
    field: str,
    typed: Sequence[TypedRow],
    rt: Runtime,
    *,
    version: str | None = None,
    seen: bool = False,
    took_ms: int | None = None,
) -> Decided:
    """Say what the rows of a list are, all of them.

    Raises NotFound, NotSeen, InvalidRows, Forbidden, ReviewConflict.
    """
    if not seen:
        raise NotSeen("Look at the page before you set its rows right.")
    with rt.transaction() as tx:
        spec = _type_of(tx, document_id, rt)
        group = group_of(spec, field)
        hold_document(tx, document_id)
        before = read_list(tx, document_id, field)
        rows.check_version(before, version)
        new = checked_rows(typed, group, spec, before)
        _check_owner(actor, new, before)
        said = rows.RowsSet(
            rows=new,
            version=before.version,
            who=actor.name,
            seen=seen,
            took_ms=took_ms,
        )
        return rows.set_rows(tx, document_id, group, said)


def _check_owner(actor: Actor, new: Sequence[rows.NewRow], before: ListRows) -> None:
    """What somebody else decided is a manager's to change."""
    if actor.role.covers(Role.MANAGER):
        return
    kept = {row.was: row for row in new}
    for number, row in enumerate(before.rows):
        for name, cell in row.items():
            same = number in kept and rows.is_as_it_was(cell, kept[number].cells.get(name))
            if cell.decided_by not in (None, actor.name) and not same:
                raise Forbidden(
                    f"Row {number + 1} was decided by {cell.decided_by}. Only a manager changes"
                    " what somebody else decided. Tell them."
                )


def _type_of(tx: Tx, document_id: UUID, rt: Runtime) -> DocumentType:
    return rt.pinned_type(*reads.type_of(tx, document_id))


def _amounts(tx: Tx, document_id: UUID) -> dict[str, Any]:
    found = tx.session.execute(
        select(Result.name, Result.value).where(
            current(document_id),
            Result.kind == "amount",
            Result.name.not_like("%.%"),
            Result.removed_at.is_(None),
        )
    )
    return {row.name: row.value for row in found}


def _text(row: Any, name: str) -> str:
    return (row[name].text or "") if name in row else ""


def _words(text: str, member: FieldSpec, spec: DocumentType) -> dict[str, Any]:
    value = normalise(text, member, spec)
    if value.problem is not None:
        return {"fits": False, "message": value.message or value.problem}
    return {"fits": True, "message": meaning_of(value, text) or ""}
