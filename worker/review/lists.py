"""The rows of a list in a document's answer: read them, and put them into another order."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, cast
from uuid import UUID

from sqlalchemy import Table, bindparam, case, func, null, or_, select, update

from extractors.types import FieldState
from worker.db import Tx
from worker.review.tables import ItemState, ReviewDecision, ReviewItem
from worker.store.results import current
from worker.tables.results import Outcome, Result

OFF = 1_000_000  # rows that were removed have ordinals from here on
_BETWEEN = 10_000_000  # while rows change places, none may stand in another's way
RESULTS = cast(Table, Result.__table__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One value of one row, and the review item about it."""

    result_id: UUID
    name: str  # "items.amount"; of the list's own result "items"
    ordinal: int
    position: int
    removed: bool
    state: FieldState
    text: str | None
    value: Any
    score: float | None
    outcome: Outcome
    item_id: UUID | None
    item_version: int | None
    item_state: ItemState | None
    decided_by: str | None  # None: no person

    @property
    def waits(self) -> bool:
        return self.item_state is ItemState.OPEN


@dataclass(frozen=True, slots=True, kw_only=True)
class ListRows:
    """A list as it is now."""

    document_id: UUID
    field: str
    rows: tuple[Mapping[str, Cell], ...]  # by member, in their order
    own: Cell | None  # the result of the list as a whole; hidden while it has rows
    every: tuple[Cell, ...]  # removed ones too

    @property
    def version(self) -> str:
        """Changes with every change of the list: whoever saw an older one gets a conflict."""
        seen = [
            [str(c.result_id), c.ordinal, c.removed, c.state, c.text, c.item_version]
            for c in self.every
        ]
        return sha256(json.dumps(seen).encode()).hexdigest()[:16]


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a result stands in the document's answer."""

    result_id: UUID
    ordinal: int
    position: int
    removed: bool


def read_list(tx: Tx, document_id: UUID, group: str) -> ListRows:
    """The rows of a list, and what is removed of it."""
    who = (
        select(ReviewDecision.who)
        .where(ReviewDecision.result_id == Result.id, Result.decision == Outcome.REVIEWED)
        .order_by(ReviewDecision.id.desc())
        .limit(1)
        .scalar_subquery()
    )
    found = tx.session.execute(
        select(
            Result.id.label("result_id"),
            Result.name,
            Result.ordinal,
            Result.position,
            Result.removed_at.is_not(None).label("removed"),
            Result.state,
            Result.text,
            Result.value,
            Result.score,
            Result.decision.label("outcome"),
            ReviewItem.id.label("item_id"),
            ReviewItem.version.label("item_version"),
            ReviewItem.state.label("item_state"),
            who.label("decided_by"),
        )
        .outerjoin(ReviewItem, ReviewItem.result_id == Result.id)
        .where(current(document_id), _of(group))
        .order_by(Result.ordinal, Result.position, Result.name)
    )
    every = tuple(Cell(**row._mapping) for row in found)
    rows: dict[int, dict[str, Cell]] = {}
    for cell in every:
        if cell.name != group and not cell.removed:
            rows.setdefault(cell.ordinal, {})[cell.name.partition(".")[2]] = cell
    return ListRows(
        document_id=document_id,
        field=group,
        rows=tuple(rows[ordinal] for ordinal in sorted(rows)),
        own=next((cell for cell in every if cell.name == group), None),
        every=every,
    )


def places_in(found: ListRows) -> list[Place]:
    """Where everything of the list stands now."""
    return [
        Place(
            result_id=cell.result_id,
            ordinal=cell.ordinal,
            position=cell.position,
            removed=cell.removed,
        )
        for cell in found.every
    ]


def in_order(
    found: ListRows, rows: Sequence[Sequence[UUID]], own: UUID, removed: Sequence[Sequence[UUID]]
) -> list[Place]:
    """Where everything stands when these are the rows, and those are removed."""
    first = min((cell.position for cell in found.every if not cell.removed), default=0)
    free = max((cell.ordinal + 1 for cell in found.every if cell.removed), default=OFF)
    free = max(free, OFF)
    places = [Place(result_id=own, ordinal=0, position=first, removed=bool(rows))]
    at = first
    for ordinal, row in enumerate(rows):
        for result_id in row:
            places.append(Place(result_id=result_id, ordinal=ordinal, position=at, removed=False))
            at += 1
    for ordinal, row in enumerate(removed, free):
        places += [
            Place(result_id=each, ordinal=ordinal, position=first, removed=True) for each in row
        ]
    return places


def arrange(tx: Tx, before: ListRows, places: Sequence[Place]) -> None:
    """Put the list's results where they belong; what has no place is removed.

    The fields behind the list move along.
    """
    placed = {place.result_id for place in places}
    lost = sorted(
        {cell.ordinal for cell in before.every if cell.result_id not in placed and not cell.removed}
    )
    free = max([OFF - 1, *(place.ordinal for place in places), *_removed(before)]) + 1
    to = {ordinal: free + at for at, ordinal in enumerate(lost)}
    every = [*places]
    for cell in before.every:
        if cell.result_id not in placed:
            ordinal = cell.ordinal if cell.removed else to[cell.ordinal]
            every.append(
                Place(
                    result_id=cell.result_id, ordinal=ordinal, position=cell.position, removed=True
                )
            )
    _write(tx, every)
    _shift(tx, before, every)


def _removed(before: ListRows) -> list[int]:
    return [cell.ordinal for cell in before.every if cell.removed and cell.ordinal >= OFF]


def _write(tx: Tx, every: Sequence[Place]) -> None:
    one = RESULTS.c.id == bindparam("at")
    connection = tx.session.connection()
    aside = update(RESULTS).where(one).values(ordinal=bindparam("to"))
    connection.execute(
        aside, [{"at": each.result_id, "to": _BETWEEN + n} for n, each in enumerate(every)]
    )
    removed_at = case(
        (bindparam("off"), func.coalesce(RESULTS.c.removed_at, func.now())), else_=null()
    )
    final = aside.values(position=bindparam("place"), removed_at=removed_at)
    connection.execute(
        final,
        [
            {"at": each.result_id, "to": each.ordinal, "place": each.position, "off": each.removed}
            for each in every
        ],
    )


def _shift(tx: Tx, before: ListRows, every: Sequence[Place]) -> None:
    """What stands behind the list in the answer stays behind it."""
    last = max((cell.position for cell in before.every if not cell.removed), default=0)
    by = max((each.position for each in every if not each.removed), default=last) - last
    tx.session.execute(
        update(Result)
        .where(
            current(before.document_id),
            Result.position > last,
            ~_of(before.field),
        )
        .values(position=Result.position + by)
    )


def _of(group: str) -> Any:
    return or_(Result.name == group, Result.name.startswith(f"{group}.", autoescape=True))
