"""Where the rows of a list stand: each cell's own place among all places that show its text.

Equal values stand in many rows; rows are read from top to bottom, so each row gets a height on its
page, and each of its cells the place nearest to it that no other cell of the row has.
"""

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from statistics import median
from typing import Protocol

from extractors.documents.spec import FieldSpec
from extractors.evidence.grounding import Grounding
from extractors.types import Box

Place = tuple[Box, ...]


class RowCell(Protocol):
    """What one page's reading says of one cell."""

    @property
    def page(self) -> int: ...
    @property
    def name(self) -> str: ...
    @property
    def ordinal(self) -> int: ...
    @property
    def grounding(self) -> Grounding | None: ...


FAR = 6.0  # word heights from its row beyond which a place is no nearer than any other


def own_places(group: FieldSpec, cells: Sequence[RowCell]) -> list[Place | None]:
    """Each cell's place in its own row; None where its page does not show it."""
    order = {f"{group.name}.{member.name}": at for at, member in enumerate(group.members)}
    own: dict[int, Place] = {}
    for page in {e.page for e in cells}:
        rows: dict[int, list[RowCell]] = {}
        for e in cells:
            if e.page == page and e.grounding is not None and e.grounding.places:
                rows.setdefault(e.ordinal, []).append(e)
        if rows:
            placed = _placed([rows[n] for n in sorted(rows)], order)
            own |= {id(e): place for e, place in placed}
    return [own.get(id(e)) for e in cells]


def _placed(
    rows: Sequence[Sequence[RowCell]], order: Mapping[str, int]
) -> list[tuple[RowCell, Place]]:
    height = median(b.height for row in rows for e in row for p in _places(e) for b in p[:1])
    tops = heights_of(rows, max(height, 1.0))
    first = [_of_row(row, y, order, {}, height) for row, y in zip(rows, tops, strict=True)]
    columns = _columns(first)
    return [
        pair
        for row, y in zip(rows, tops, strict=True)
        for pair in _of_row(row, y, order, columns, height)
    ]


def _places(e: RowCell) -> tuple[Place, ...]:
    return e.grounding.places if e.grounding is not None else ()


def heights_of(rows: Sequence[Sequence[RowCell]], height: float) -> list[float]:
    """The height of each row on the page: falling, and near to as many of its cells as can be."""
    levels = [[sorted(_y(p) for p in _places(e)) for e in row] for row in rows]
    choices = [_anchors(of_row) for of_row in levels]
    # cheapest way to each anchor of the row at hand, and whence it came
    costs = [_cost(y, levels[0], height) for y in choices[0]]
    came: list[list[int]] = []
    for at in range(1, len(rows)):
        before, now = choices[at - 1], choices[at]
        whence, next_costs = [], []
        for y in now:
            above = range(bisect_left(before, y - 0.2 * height))
            best = min(above or range(len(before)), key=costs.__getitem__)
            whence.append(best)
            penalty = 0.0 if above else 4 * FAR
            next_costs.append(costs[best] + penalty + _cost(y, levels[at], height))
        came.append(whence)
        costs = next_costs
    at = min(range(len(costs)), key=costs.__getitem__)
    path = [at]
    for whence in reversed(came):
        path.append(whence[path[-1]])
    return [choices[n][i] for n, i in enumerate(reversed(path))]


def _anchors(cells: Sequence[Sequence[float]]) -> list[float]:
    """Heights that the row may have: those of the cell with the fewest places."""
    return sorted({*min(cells, key=_count)})


def _count(levels: Sequence[float]) -> int:
    return len(levels)


def _cost(y: float, cells: Sequence[Sequence[float]], height: float) -> float:
    total = 0.0
    for levels in cells:
        at = bisect_left(levels, y)
        near = min(abs(levels[n] - y) for n in (at - 1, at) if 0 <= n < len(levels))
        total += min(near / height, FAR)
    return total


def _y(place: Place) -> float:
    return place[0].middle


def _x(place: Place) -> float:
    return place[0].centre


def _columns(
    rows: Sequence[Sequence[tuple[RowCell, Place]]],
) -> dict[str, float]:
    """Where each member's column stands, by the cells that had no choice in their row."""
    seen: dict[str, list[float]] = {}
    for row in rows:
        for e, place in row:
            beside = [p for p in _places(e) if abs(_y(p) - _y(place)) < 1 and p != place]
            if not beside:
                seen.setdefault(e.name, []).append(_x(place))
    return {name: median(found) for name, found in seen.items()}


def _of_row(
    row: Sequence[RowCell],
    y: float,
    order: Mapping[str, int],
    columns: Mapping[str, float],
    height: float,
) -> list[tuple[RowCell, Place]]:
    """Each cell's place: near the row, in its column, and from left to right where all are one."""
    taken: set[Place] = set()
    placed = []
    inside = sorted(row, key=lambda e: (len(_places(e)) > 1, order.get(e.name, 0)))
    for e in inside:
        free = [p for p in _places(e) if p not in taken] or list(_places(e))

        def rank(place: Place, name: str = e.name) -> tuple[float, float, float]:
            away = min(abs(_y(place) - y) / height, FAR)
            aside = abs(_x(place) - columns[name]) if name in columns else 0.0
            return round(away), aside, _x(place)

        place = min(free, key=rank)
        taken.add(place)
        placed.append((e, place))
    return placed
