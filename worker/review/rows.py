"""A list set right: rows added, removed, moved, their cells edited, as one answer.

The list's own result carries the answer and its item; every cell that changes by it, or waited,
gets a decision that rests on the same answer.  So one undo takes all of it back.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import func, insert, null, select, update

from extractors.documents.spec import FieldSpec, Kind
from extractors.normalise import Value
from extractors.types import FieldState
from worker.db import Tx
from worker.review.errors import ReviewConflict
from worker.review.history import keep_answer
from worker.review.lists import Cell, ListRows, arrange, in_order, places_in, read_list
from worker.review.queue import check_name, item
from worker.review.settle import hold_document, settle
from worker.review.store import item_about, verdict
from worker.review.tables import Action, ItemState
from worker.review.types import Decided, Decision
from worker.store.codec import storable, storable_json
from worker.store.results import current
from worker.tables.documents import Document
from worker.tables.results import Outcome, Result

ADDED = "added_by_person"


@dataclass(frozen=True, slots=True, kw_only=True)
class NewRow:
    """One row as it shall be."""

    was: int | None  # its number in the list as the person saw it, from 0; None: a new row
    cells: Mapping[str, str | None]  # by member, as printed; None: the row has no such value
    values: Mapping[str, Value]  # what the texts mean


@dataclass(frozen=True, slots=True, kw_only=True)
class RowsSet:
    """What a person says the rows of a list are."""

    rows: Sequence[NewRow]
    version: str | None  # of the list as they saw it; None: as it is now
    who: str
    seen: bool
    took_ms: int | None = None

    def as_json(self) -> list[dict[str, Any]]:
        return [{"was": row.was, "cells": dict(row.cells)} for row in self.rows]


def set_rows(tx: Tx, document_id: UUID, group: FieldSpec, said: RowsSet) -> Decided:
    """The list has these rows, and no others.

    What waited of it is decided by that; the last open field ends the review.

    Raises ReviewConflict when the list changed since the person saw it, or somebody holds a part.
    """
    check_name(said.who)
    hold_document(tx, document_id)
    before = read_list(tx, document_id, group.name)
    check_version(before, said.version)
    own = before.own.result_id if before.own else _make(tx, document_id, group.name, 0, Kind.GROUP)
    own_item = item_about(tx, own)
    now = item(tx, own_item)
    answer = Decision(
        item_id=own_item,
        version=now.version,
        who=said.who,
        action=Action.ROWS,
        value=said.as_json(),
        seen=said.seen,
        took_ms=said.took_ms,
        again=now.item_state is ItemState.CLOSED,
    )
    answer_id = keep_answer(tx, answer)
    arrangement = [
        asdict(place) | {"result_id": str(place.result_id)} for place in places_in(before)
    ]
    verdict(tx, answer, answer_id, now, arrangement=arrangement, list=group.name)
    tx.session.execute(
        update(Result)
        .where(Result.id == own)
        .values(state=FieldState.ABSENT, text=null(), value=null(), currency=null())
    )
    kept = [_row(tx, before, group, row, answer_id, said) for row in said.rows]
    gone = _remove(tx, before, {row.was for row in said.rows}, answer_id, said)
    arrange(tx, read_list(tx, document_id, group.name), in_order(before, kept, own, gone))
    waiting, status = settle(tx, document_id, who=said.who)
    return Decided(document_id, now.version + 1, waiting, status)


def check_version(now: ListRows, seen: str | None) -> None:
    """Raises ReviewConflict when the list is not as the person saw it."""
    if seen is not None and seen != now.version:
        raise ReviewConflict(
            f"The list {now.field!r} was changed meanwhile. Load it again and look at its rows."
        )


def is_as_it_was(cell: Cell, text: str | None) -> bool:
    """The person left the cell alone."""
    if cell.state is FieldState.VALUE:
        return text == cell.text
    # what a person called unreadable stays so while nobody types something
    decided = cell.state is FieldState.ABSENT or cell.outcome is Outcome.REVIEWED
    return text is None and decided


def _row(
    tx: Tx, before: ListRows, group: FieldSpec, row: NewRow, answer_id: int, said: RowsSet
) -> list[UUID]:
    """Decide the cells of one row; returns their results."""
    ids = []
    cells = before.rows[row.was] if row.was is not None else {}
    for member in group.members:
        text = row.cells.get(member.name)
        cell = cells.get(member.name)
        if cell is None:
            made = _make(tx, before.document_id, f"{group.name}.{member.name}", None, member.kind)
            _decide(tx, made, _said(text), text, row.values.get(member.name), answer_id, said)
            ids.append(made)
            continue
        ids.append(cell.result_id)
        if not is_as_it_was(cell, text):
            value = row.values.get(member.name)
            _decide(tx, cell.result_id, _said(text), text, value, answer_id, said)
        elif cell.waits:
            _decide(tx, cell.result_id, Action.ACCEPT, None, None, answer_id, said)
    return ids


def _said(text: str | None) -> Action:
    return Action.ABSENT if text is None else Action.CORRECT


def _remove(
    tx: Tx, before: ListRows, kept: set[int | None], answer_id: int, said: RowsSet
) -> list[list[UUID]]:
    """Decide that the document has no such rows; returns their results, row by row."""
    gone = []
    for number, row in enumerate(before.rows):
        if number not in kept:
            for cell in row.values():
                _decide(tx, cell.result_id, Action.REMOVE, None, None, answer_id, said)
            gone.append([cell.result_id for cell in row.values()])
    return gone


def _decide(
    tx: Tx,
    result_id: UUID,
    action: Action,
    text: str | None,
    value: Value | None,
    answer_id: int,
    said: RowsSet,
) -> None:
    now = item(tx, item_about(tx, result_id))
    decision = Decision(
        item_id=now.item_id,
        version=now.version,
        who=said.who,
        action=action,
        text=text if action is Action.CORRECT else None,
        value=value.value if value and action is Action.CORRECT else None,
        currency=value.currency if value and action is Action.CORRECT else None,
        again=now.item_state is ItemState.CLOSED,
    )
    verdict(tx, decision, answer_id, now)


def _make(tx: Tx, document_id: UUID, name: str, ordinal: int | None, kind: Kind) -> UUID:
    """A result that no machine read: a person says it."""
    highest = select(func.coalesce(func.max(Result.ordinal), 0) + 1).where(
        current(document_id), Result.name == name
    )
    version = select(Document.type_version).where(Document.id == document_id)
    generation = select(Document.generation).where(Document.id == document_id)
    row = insert(Result).values(
        document_id=document_id,
        generation=generation.scalar_subquery(),
        type_version=version.scalar_subquery(),
        name=storable(name),
        # a place of its own until the rows are put in order
        ordinal=highest.scalar_subquery() if ordinal is None else ordinal,
        kind=kind.value,
        state=FieldState.ABSENT,
        read_state=FieldState.ABSENT,
        decision=Outcome.REVIEWED,
        reason=ADDED,
        details=storable_json({"message": "a person added it"}),
        decided_at=func.now(),
    )
    return tx.session.execute(row.returning(Result.id)).scalar_one()
