"""What typed rows mean, whether they may be saved, and what they add up to.  Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

from extractors.documents.spec import DocumentType, FieldSpec, Kind
from extractors.normalise import Value, normalise
from worker.review.errors import InvalidRows
from worker.review.lists import ListRows
from worker.review.rows import NewRow, is_as_it_was

MOST_ROWS = 2_000
LONGEST_CELL = 10_000  # characters


@dataclass(frozen=True, slots=True, kw_only=True)
class TypedRow:
    """One row as a person typed it."""

    was: int | None  # its number in the list as they saw it, from 0; None: a new row
    cells: Mapping[str, str | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnSum:
    """What one column of amounts adds up to, beside the sums that the document prints."""

    member: str
    total: Decimal | None  # None: a cell cannot be read as an amount
    printed: Mapping[str, Decimal]  # by field

    @property
    def agrees(self) -> bool | None:
        """Whether it is one of the printed sums; None where none is printed."""
        if self.total is None or not self.printed:
            return None
        return self.total in self.printed.values()

    def as_json(self) -> dict[str, Any]:
        return {
            "member": self.member,
            "total": None if self.total is None else str(self.total),
            "printed": {name: str(amount) for name, amount in self.printed.items()},
            "agrees": self.agrees,
        }


def group_of(spec: DocumentType, name: str) -> FieldSpec:
    """The list of this name.

    Raises InvalidRows.
    """
    for field in spec.fields:
        if field.name == name and field.kind is Kind.GROUP:
            return field
    lists = [field.name for field in spec.fields if field.kind is Kind.GROUP]
    raise InvalidRows(
        f"A {spec.title} has no list {name!r}. Its lists: {', '.join(lists) or 'none'}."
    )


def checked_rows(
    typed: Sequence[TypedRow], group: FieldSpec, spec: DocumentType, before: ListRows
) -> list[NewRow]:
    """The rows, their texts read by the kinds of their fields.

    Raises InvalidRows, which says every cell that does not fit.
    """
    if len(typed) > MOST_ROWS:
        raise InvalidRows(f"A list has at most {MOST_ROWS:,} rows. Leave some out.")
    numbers = [row.was for row in typed if row.was is not None]
    if len(set(numbers)) < len(numbers) or any(not 0 <= n < len(before.rows) for n in numbers):
        raise InvalidRows("A row is named twice, or is not there. Load the list again.")
    rows, problems = [], []
    for at, row in enumerate(typed):
        new, wrong = _checked(row, group, spec, before)
        rows.append(new)
        problems += [f"row {at + 1}, {name}: {words}" for name, words in wrong]
    if problems:
        raise InvalidRows("; ".join(problems[:10]) + ". Type it as printed, or leave it empty.")
    return rows


def _checked(
    row: TypedRow, group: FieldSpec, spec: DocumentType, before: ListRows
) -> tuple[NewRow, list[tuple[str, str]]]:
    members = {member.name: member for member in group.members}
    if unknown := row.cells.keys() - members.keys():
        raise InvalidRows(f"There is no {min(unknown)!r} in {group.name}: {', '.join(members)}.")
    was = before.rows[row.was] if row.was is not None else {}
    cells: dict[str, str | None] = {}
    values: dict[str, Value] = {}
    wrong = []
    for name, member in members.items():
        text = row.cells.get(name)
        text = text.replace("\r\n", "\n") if text is not None and text.strip() else None
        cells[name] = text
        if text is None or (name in was and is_as_it_was(was[name], text)):
            continue
        value = normalise(text[:LONGEST_CELL], member, spec)
        if value.problem is not None or len(text) > LONGEST_CELL:
            wrong.append((name, value.message or value.problem or "too long"))
        values[name] = value
    if not any(text is not None for text in cells.values()) and row.was is None:
        wrong.append((group.name, "a new row needs at least one value"))
    return NewRow(was=row.was, cells=cells, values=values), wrong


def sums_of(
    typed: Sequence[TypedRow],
    group: FieldSpec,
    spec: DocumentType,
    amounts: Mapping[str, str | None],
) -> list[ColumnSum]:
    """What each column of amounts adds up to.

    amounts: the document's amounts outside of lists, by field
    """
    found = []
    for member in group.members:
        if member.kind is not Kind.AMOUNT:
            continue
        texts = [row.cells.get(member.name) for row in typed]
        cells = [_amount(normalise(text, member, spec).value) for text in texts if text]
        known = [cell for cell in cells if cell is not None]
        column = f"{group.name}.{member.name}"
        printed = {
            field.name: amount
            for field in spec.fields
            if column in field.summed and (amount := _amount(amounts.get(field.name))) is not None
        }
        total = sum(known, Decimal(0)) if len(known) == len(cells) else None
        found.append(ColumnSum(member=member.name, total=total, printed=printed))
    return found


def _amount(value: object) -> Decimal | None:
    try:
        return Decimal(value) if isinstance(value, str) else None
    except InvalidOperation:
        return None
