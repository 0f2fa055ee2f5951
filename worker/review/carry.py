"""What people decided holds for the next answer too, where that reads the same.

Where it reads something else, a person sees both: what was decided, and what is read now.  A list
that a person set right holds as a whole, when all of it reads the same.
"""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select

from extractors.types import FieldState
from worker.db import Tx
from worker.review.tables import Action, ReviewDecision
from worker.store.codec import storable_json
from worker.store.results import current
from worker.store.types import Decided, NewResult
from worker.tables.results import Outcome, Result

REASON = "decided_otherwise"
NOTHING = {FieldState.ABSENT: "not on the document", FieldState.UNREADABLE: "nothing readable"}
Key = tuple[Any, ...]  # what makes two readings the same


@dataclass(frozen=True, slots=True, kw_only=True)
class Earlier:
    """One field of the answer that counts now."""

    name: str
    ordinal: int
    position: int
    kind: str
    reason: str
    removed_at: datetime | None
    read_ordinal: int | None  # None: a person added it
    read: Key  # by this answer
    decided: Decided | None  # what a person says of it, if that stands
    read_then: Key  # when they said it


def earlier_answer(tx: Tx, document_id: UUID) -> list[Earlier]:
    """The answer that counts now, with the decisions that stand.

    One that an answer took over, or that waits since then to be confirmed, belongs to the result
    in which it was made.  An undo ends it.
    """
    rows = list(tx.session.execute(select(Result).where(current(document_id))).scalars())
    of = {row.id: row for row in rows}
    before = [row.earlier_id for row in rows if row.earlier_id is not None]
    of |= {row.id: row for row in tx.session.execute(_results(before)).scalars()}
    stacks, touched = _stacks(tx, list(of))
    return [_earlier(row, of, stacks, touched) for row in rows]


def _results(ids: Collection[UUID]) -> Any:
    return select(Result).where(Result.id.in_(ids))


def _stacks(
    tx: Tx, ids: Collection[UUID]
) -> tuple[dict[UUID, list[ReviewDecision]], frozenset[UUID]]:
    """By result the decisions that stand, the last one on top; and the results that have any."""
    stacks: dict[UUID, list[ReviewDecision]] = defaultdict(list)
    d = ReviewDecision
    query = select(d).where(d.result_id.in_(ids)).order_by(d.item_id, d.version)
    every = list(tx.session.execute(query).scalars())
    for decision in every:
        if decision.action is Action.UNDO:
            del stacks[decision.result_id][-1:]
        else:
            stacks[decision.result_id].append(decision)
    return stacks, frozenset(decision.result_id for decision in every)


def _earlier(
    row: Result,
    of: dict[UUID, Result],
    stacks: dict[UUID, list[ReviewDecision]],
    touched: frozenset[UUID],
) -> Earlier:
    told = row if row.id in touched or row.earlier_id is None else of[row.earlier_id]
    top = stacks[told.id][-1] if stacks[told.id] else None
    stands = top is not None and told.decision is Outcome.REVIEWED
    carried = told is row and top is not None and top.carried_from is not None
    origin = of[row.earlier_id] if carried and row.earlier_id is not None else told
    return Earlier(
        name=row.name,
        ordinal=row.ordinal,
        position=row.position,
        kind=row.kind,
        reason=row.reason,
        removed_at=row.removed_at,
        read_ordinal=row.read_ordinal,
        read=_key_read(row),
        decided=_decided(told, top, origin) if stands and top is not None else None,
        read_then=_key_read(origin),
    )


def _decided(told: Result, top: ReviewDecision, origin: Result) -> Decided:
    return Decided(
        result_id=origin.id,
        decision_id=top.carried_from or top.id,
        answer_id=top.answer_id,
        who=top.who,
        action=top.action.value,
        said_text=top.text,
        said_value=top.value,
        state=told.state,
        text=told.text,
        value=told.value,
        currency=told.currency,
        at=top.decided_at,
    )


def carried_over(
    results: Sequence[NewResult], earlier: Iterable[Earlier], *, known: Callable[[str], bool]
) -> list[NewResult]:
    """The new answer with what people had decided before.

    known: whether the document's type has a field of this name; of another nothing is carried
    """
    before = [each for each in earlier if known(each.name)]
    whole = {
        group: (old, new)
        for group in (each.name for each in before if _set_right(each))
        for old in [[each for each in before if _is_of(each.name, group)]]
        for new in [[each for each in results if _is_of(each.name, group)]]
        if _reads_the_same(old, new)
    }
    in_whole = {each.name for old, _ in whole.values() for each in old}
    in_whole |= {each.name for _, new in whole.values() for each in new}
    rest = _one_by_one(
        [each for each in results if each.name not in in_whole],
        [each for each in before if each.name not in in_whole],
    )
    placed = [(float(each.position), each) for each in rest]
    for old, new in whole.values():
        at = min(each.position for each in (new or old)) - 0.5
        placed += [(at, each) for each in _as_set_right(old, new)]
    in_order = sorted(placed, key=lambda pair: pair[0])  # stable: a list keeps its own order
    return [replace(each, position=position) for position, (_, each) in enumerate(in_order)]


def _one_by_one(results: Sequence[NewResult], before: Sequence[Earlier]) -> list[NewResult]:
    decided = {
        (each.name, each.ordinal): each
        for each in before
        if each.decided is not None and each.removed_at is None
    }
    read = {(result.name, result.ordinal) for result in results}
    gone = [_not_read(each) for key, each in decided.items() if key not in read]
    return [
        result if earlier is None else _with(result, earlier)
        for result in (*results, *gone)
        for earlier in [decided.get((result.name, result.ordinal))]
    ]


def _with(result: NewResult, earlier: Earlier) -> NewResult:
    decided = earlier.decided
    assert decided is not None, "only decided fields are carried over"
    said = _key(decided.state, decided.text, decided.value, decided.currency)
    if _key_new(result) in (earlier.read_then, said):
        return replace(result, earlier_id=decided.result_id, carried=decided)
    message = (
        f"{decided.who} decided {_shown(decided.state, decided.text)} before; now"
        f" {_shown(result.state, result.text)} is read"
    )
    both = {"who": decided.who, "state": decided.state, "text": decided.text}
    return replace(
        result,
        earlier_id=decided.result_id,
        decision=Outcome.REVIEW,
        reason=REASON,
        details={**result.details, "message": message, "decided": both},
    )


def _not_read(earlier: Earlier) -> NewResult:
    """What a person had decided, or added, and the new reading does not have."""
    return NewResult(
        name=earlier.name,
        ordinal=earlier.ordinal,
        position=earlier.position,
        kind=earlier.kind,
        state=FieldState.ABSENT,
        was_read=False,
        decision=Outcome.REVIEW,
        reason=REASON,
    )


def _set_right(earlier: Earlier) -> bool:
    """A person said what all rows of this list are."""
    return earlier.decided is not None and earlier.decided.action == Action.ROWS


def _is_of(name: str, group: str) -> bool:
    return name == group or name.startswith(f"{group}.")


def _reads_the_same(old: Iterable[Earlier], new: Iterable[NewResult]) -> bool:
    then = {
        (each.name, each.read_ordinal): each.read for each in old if each.read_ordinal is not None
    }
    return then == {(each.name, each.ordinal): _key_new(each) for each in new}


def _as_set_right(old: Iterable[Earlier], new: Iterable[NewResult]) -> list[NewResult]:
    """The rows of a list as the person put them, from what is read now."""
    read = {(each.name, each.ordinal): each for each in new}
    order = sorted(old, key=lambda each: (each.position, each.ordinal, each.name))
    rows = []
    for each in order:
        is_read = each.read_ordinal is not None
        found = read[each.name, each.read_ordinal or 0] if is_read else _not_read(each)
        rows.append(
            replace(
                found,
                reason=found.reason if is_read else each.reason,
                place=each.ordinal,
                removed_at=each.removed_at,
                carried=each.decided,
                earlier_id=each.decided.result_id if each.decided else None,
            )
        )
    return rows


def _key_read(row: Result) -> Key:
    return _key(row.read_state, row.read_text, row.read_value, row.read_currency)


def _key_new(result: NewResult) -> Key:
    return _key(result.state, result.text, storable_json(result.value), result.currency)


def _key(state: FieldState, text: str | None, value: Any, currency: str | None) -> Key:
    """The normalised value, or the text where there is none."""
    if state is not FieldState.VALUE:
        return (state,)
    return (state, text) if value is None else (state, repr(value), currency)


def _shown(state: FieldState, text: str | None) -> str:
    return NOTHING.get(state) or f"“{text}”"
