"""The only code that writes ``documents.status``: one statement moves documents, and notes it.

``ALLOWED`` says which moves there are, ``_reset`` what a move resets.  Whoever wants to know what
happened (times, history, messages to others) reads ``document_events``.
"""

from collections.abc import Collection, Iterable, Mapping
from functools import lru_cache
from typing import Any, cast
from uuid import UUID

from sqlalchemy import (
    CTE,
    ColumnElement,
    Executable,
    Table,
    Text,
    bindparam,
    delete,
    func,
    insert,
    literal,
    null,
    select,
    update,
)

from worker.db import Tx
from worker.errors import IllegalMove
from worker.tables.documents import (
    ALLOWED,
    ANSWERED,
    FINAL,
    Document,
    DocumentEvent,
    Secret,
    Status,
)
from worker.tables.questions import Question, QuestionState

WORKER, SWEEPER = "worker", "sweeper"
# work goes on here, and may fail
WORKED_AT = frozenset(
    at for at, to in ALLOWED.items() if at is not None and Status.FAILED in to
) - {Status.NEEDS_INPUT}

DOCUMENTS = cast(Table, Document.__table__)
EVENTS = cast(Table, DocumentEvent.__table__)
SECRETS = cast(Table, Secret.__table__)
QUESTIONS = cast(Table, Question.__table__)
NOTED = (
    "document_id",
    "from_status",
    "to_status",
    "stage",
    "claim_no",
    "generation",
    "duration",
    "code",
    "actor",
)


def person(name: str) -> str:
    """The actor that a person is."""
    return f"person:{name}"


def upstream(name: str) -> str:
    """The actor that an upstream system is."""
    return f"upstream:{name}"


def check(at: Iterable[Status | None], to: Status) -> None:
    """Raises IllegalMove when ``ALLOWED`` has no move from one of these statuses to that one."""
    for each in at:
        if to not in ALLOWED[each]:
            raise IllegalMove(
                f"No document moves from {each or 'nothing'} to {to}. If it should, say so in"
                " worker/tables/documents.py: ALLOWED."
            )


def create(
    tx: Tx,
    document_id: UUID,
    columns: Mapping[str, Any],
    *,
    at: Status,
    by: str,
    stage: str,
    like: UUID | None = None,
    same: Collection[str] = (),
) -> None:
    """A new document, and the event that it came into being.

    like: another document, of which it takes over the columns in ``same``

    Raises IllegalMove when no document begins at this status.
    """
    check([None], at)
    values = {**columns, "id": document_id, "status": at}
    statement = _creation(at, tuple(values), None if like is None else tuple(same))
    about = {"stage": stage, "code": None, "actor": by, "like": like}
    tx.session.connection().execute(statement, {**about, **values})
    tx.move(document_id, at)


@lru_cache(maxsize=64)
def _creation(at: Status, given: tuple[str, ...], same: tuple[str, ...] | None) -> Executable:
    """A new row and its event as one statement; built once, as that of a move.

    given: columns whose values are given
    same: columns that are taken over from another document; None: there is none
    """
    values = [bindparam(name, type_=DOCUMENTS.c[name].type) for name in given]
    if same is None:
        row = insert(DOCUMENTS).values(dict(zip(given, values, strict=True)))
    else:
        copied = [DOCUMENTS.c[name] for name in same]
        of = DOCUMENTS.c.id == bindparam("like", type_=DOCUMENTS.c.id.type)
        row = insert(DOCUMENTS).from_select([*given, *same], select(*values, *copied).where(of))
    made = row.returning(DOCUMENTS.c.id, DOCUMENTS.c.working_generation).cte("made")
    event = _noted(made, at, null(), null(), null())
    return select(made.c.id).add_cte(event)


def move(
    tx: Tx,
    document_ids: Collection[UUID],
    *,
    at: Collection[Status],
    to: Status,
    by: str,
    stage: str,
    code: str | None = None,
    claim_no: int | None = None,
    where: ColumnElement[bool] | None = None,
    also: Mapping[str, Any] | None = None,
) -> list[UUID]:
    """Move those of these documents that stand ``at`` one of these statuses; returns their ids.

    One statement, however many there are.  It locks the rows in the order of their ids, as
    everybody does who writes several, so that each event says where its document really stood.

    claim_no: only under this claim, which the event names
    where: only documents of which this holds
    also: further columns to write

    Raises IllegalMove when ``ALLOWED`` does not have the move from every status in ``at``.
    """
    check(at, to)
    if not document_ids:
        return []
    also = also or {}
    computed = {name: value for name, value in also.items() if isinstance(value, ColumnElement)}
    given = {name: value for name, value in also.items() if name not in computed}
    build = _statement.__wrapped__ if computed else _statement
    statement = build(frozenset(at), to, claim_no is not None, where, *given, **computed)
    about = {"ids": document_ids, "held": claim_no, "stage": stage, "code": code, "actor": by}
    found = tx.session.execute(statement, {**about, **given}).scalars().all()
    for document_id in found:
        tx.move(document_id, to)
    return list(found)


def note(tx: Tx, document_id: UUID, *, at: Status, by: str, stage: str, code: str) -> None:
    """Something happened to a document that stays where it stands; its row is locked."""
    tx.session.execute(
        insert(EVENTS).from_select(
            NOTED,
            select(
                DOCUMENTS.c.id,
                DOCUMENTS.c.status,
                DOCUMENTS.c.status,
                literal(stage),
                null(),
                DOCUMENTS.c.generation,
                func.make_interval(),  # the time there is told by the move that ends it
                literal(code),
                literal(by),
            ).where(DOCUMENTS.c.id == document_id, DOCUMENTS.c.status == at),
        )
    )


@lru_cache(maxsize=256)
def _statement(
    at: frozenset[Status],
    to: Status,
    claimed: bool,
    where: ColumnElement[bool] | None,
    *given: str,
    **computed: ColumnElement[Any],
) -> Executable:
    """The move as one statement: lock, write, note.

    It is built once: putting it together takes longer than the database needs to run it.
    """
    held = bindparam("held", type_=DOCUMENTS.c.claim_no.type)
    conditions: list[ColumnElement[bool]]
    conditions = [DOCUMENTS.c.id.in_(bindparam("ids", expanding=True)), DOCUMENTS.c.status.in_(at)]
    conditions += [DOCUMENTS.c.claim_no == held] if claimed else []
    conditions += [where] if where is not None else []
    before = (
        select(DOCUMENTS.c.id, DOCUMENTS.c.status, DOCUMENTS.c.updated_at)
        .where(*conditions)
        .order_by(DOCUMENTS.c.id)
        .with_for_update()
        .cte("before")
    )
    more = {name: bindparam(name, type_=DOCUMENTS.c[name].type) for name in given}
    moved = (
        update(DOCUMENTS)
        .where(DOCUMENTS.c.id == before.c.id)
        .values({**_reset(to), **more, **computed})
        .returning(
            DOCUMENTS.c.id,
            DOCUMENTS.c.working_generation,
            before.c.status.label("came_from"),
            before.c.updated_at,
        )
        .cte("moved")
    )
    # never negative: of two transactions the one that commits last may have begun first
    spent = func.greatest(func.now() - moved.c.updated_at, func.make_interval())
    effects = [_noted(moved, to, moved.c.came_from, held, spent)]
    if Status.SUBMITTED in at:
        effects.append(_forget_passwords(moved))
    if Status.NEEDS_INPUT in at:
        effects.append(_close_questions(moved))
    return select(moved.c.id).add_cte(*effects)


def _reset(to: Status) -> dict[str, Any]:
    """What every move writes, whatever moves: no lease, no failures, no pause from before."""
    rule: dict[str, Any] = {
        "status": to,
        "updated_at": func.now(),
        "finished_at": func.now() if to in FINAL else null(),
        "lease_until": null(),
        "next_attempt_at": null(),
    }
    if to in ANSWERED:  # the answer that was made counts from here on
        rule["generation"] = DOCUMENTS.c.working_generation
    if to is not Status.FAILED:  # a failed document keeps the count, and whoever fails it says why
        rule |= {"failures": 0, "error_code": null(), "error_message": null()}
    return rule


def _noted(moved: CTE, to: Status, came_from: Any, held: Any, spent: Any) -> CTE:
    """One event a moved document."""
    values = (
        moved.c.id,
        came_from,
        literal(to, EVENTS.c.to_status.type),
        bindparam("stage", type_=Text()),
        held,
        moved.c.working_generation,
        spent,
        bindparam("code", type_=Text()),
        bindparam("actor", type_=Text()),
    )
    return insert(EVENTS).from_select(NOTED, select(*values)).cte("noted")


def _forget_passwords(moved: CTE) -> CTE:
    """The pages are rendered, or never will be: the password has done its work."""
    gone = delete(SECRETS).where(SECRETS.c.document_id.in_(select(moved.c.id)))
    return gone.cte("forgotten")


def _close_questions(moved: CTE) -> CTE:
    """The document goes on: nobody needs the answers that are missing."""
    actor = bindparam("actor", type_=Text())
    gone = (
        update(QUESTIONS)
        .where(
            QUESTIONS.c.document_id.in_(select(moved.c.id)),
            QUESTIONS.c.state == QuestionState.OPEN,
        )
        .values(
            state=QuestionState.WITHDRAWN,
            closed_at=func.now(),
            closed_by=actor,
            token_sealed=null(),
        )
    )
    return gone.cte("closed")
