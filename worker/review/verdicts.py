"""What a whole document is: not ours, illegible, or a duplicate.  It rests then, and comes back."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import func, insert, literal, null, select, update
from sqlalchemy.orm import aliased

from worker.db import Tx
from worker.errors import NotFound
from worker.review import document_types
from worker.review.errors import InvalidDecision, ReviewConflict
from worker.review.queue import check_name
from worker.review.tables import DocumentVerdict, ItemState, ReviewItem, Verdict
from worker.store import transitions
from worker.tables.documents import ANSWERED, FINAL, JUDGED, Document, Status, Submission
from worker.tables.results import Result

STAGE, CANCEL = "review", "cancel"
CANCELLED = "cancelled"
REJECTING = frozenset({Verdict.NOT_OURS, Verdict.ILLEGIBLE, Verdict.DUPLICATE})
WORDS: Mapping[Verdict, str] = {
    Verdict.OTHER_TYPE: "it is of another type",
    Verdict.NOT_OURS: "it is not ours",
    Verdict.ILLEGIBLE: "nobody can read it",
    Verdict.DUPLICATE: "it says the same as another document",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """A verdict that stands."""

    verdict_id: int
    document_id: UUID
    verdict: Verdict
    who: str
    duplicate_of: UUID | None
    before: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class LastVerdict:
    """The document that a person judged last, and when."""

    document_id: UUID
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Alike:
    """A document that another may be a duplicate of."""

    document_id: UUID
    filename: str | None
    why: str


def reject(
    tx: Tx,
    document_id: UUID,
    verdict: Verdict,
    *,
    who: str,
    seen: bool,
    duplicate_of: UUID | None = None,
    took_ms: int | None = None,
) -> None:
    """A person says that nothing of the document is to be used, and why; its open fields close.

    Raises NotFound, ReviewConflict when it is not at rest, InvalidDecision.
    """
    check_name(who)
    status = _hold(tx, document_id)
    if status not in JUDGED:
        raise ReviewConflict(
            f"Document {document_id} is {status}: it can be judged when it waits for a person, or"
            " has its answer."
        )
    if (verdict is Verdict.DUPLICATE) != (duplicate_of is not None):
        raise InvalidDecision("A duplicate names the document that it says the same as.")
    if duplicate_of is not None:
        _check_original(tx, document_id, duplicate_of)
    row = {
        "document_id": document_id,
        "verdict": verdict,
        "who": who,
        "duplicate_of": duplicate_of,
        "before": {"status": status, "items": [str(each) for each in _close(tx, document_id)]},
        "seen": seen,
        "took_ms": took_ms,
    }
    tx.session.execute(insert(DocumentVerdict).values(row))
    of = f" {duplicate_of}" if duplicate_of else ""
    transitions.move(
        tx,
        [document_id],
        at=[status],
        to=Status.REJECTED,
        by=transitions.person(who),
        stage=STAGE,
        code=verdict.value,
        also={
            "error_code": verdict.value,
            "error_message": f"{who} says: {WORDS[verdict]}{of}.",
        },
    )


def cancel(tx: Tx, document_id: UUID, *, by: str) -> bool:
    """Its sender takes it back before it has come to rest: nothing more is done about it.  False
    when it rests already.

    by: the actor

    Raises NotFound.
    """
    status = _hold(tx, document_id)
    if status in FINAL:
        return False
    _close(tx, document_id)
    transitions.move(
        tx,
        [document_id],
        at=[status],
        to=Status.REJECTED,
        by=by,
        stage=CANCEL,
        code=CANCELLED,
        also={"error_code": CANCELLED, "error_message": "Its sender cancelled it."},
    )
    return True


def keep_other_type(
    tx: Tx,
    document_id: UUID,
    document_type: str,
    *,
    who: str,
    seen: bool,
    took_ms: int | None = None,
) -> bool:
    """Keep that a person says what type the document is; the caller has it read as that.  True when
    it was read as another type before.

    Raises NotFound, InvalidDecision.
    """
    check_name(who)
    status = _hold(tx, document_id)
    before: dict[str, Any] = {"status": status}
    if status in ANSWERED:
        before["document_type"] = tx.session.execute(
            select(Document.document_type).where(Document.id == document_id)
        ).scalar_one()
    tx.session.execute(
        insert(DocumentVerdict).values(
            document_id=document_id,
            verdict=Verdict.OTHER_TYPE,
            who=who,
            document_type=document_type,
            before=before,
            seen=seen,
            took_ms=took_ms,
        )
    )
    return status in ANSWERED


def take_back(tx: Tx, document_id: UUID, *, who: str) -> None:
    """The document stands again where it stood before the verdict, its fields open again; one that
    was called another type is read as what it was before.

    Raises NotFound, ReviewConflict when no verdict of it stands.
    """
    check_name(who)
    status = _hold(tx, document_id)
    last = standing(tx, document_id)
    of_type = last is not None and last.verdict is Verdict.OTHER_TYPE
    if last is None or (status is not Status.REJECTED and not of_type):
        raise ReviewConflict(f"Document {document_id} is {status}: there is no verdict of it.")
    tx.session.execute(
        insert(DocumentVerdict).values(
            document_id=document_id,
            verdict=Verdict.UNDO,
            who=who,
            undoes=last.verdict_id,
            before={"status": status},
            seen=False,
        )
    )
    if of_type:
        document_types.read_as(tx, document_id, last.before["document_type"], who=who)
        return
    tx.session.execute(
        update(ReviewItem)
        .where(ReviewItem.id.in_([UUID(each) for each in last.before["items"]]))
        .values(state=ItemState.OPEN, closed_at=null(), version=ReviewItem.version + 1)
    )
    transitions.move(
        tx,
        [document_id],
        at=[Status.REJECTED],
        to=Status(last.before["status"]),
        by=transitions.person(who),
        stage=STAGE,
        code=Verdict.UNDO.value,
    )


def standing(tx: Tx, document_id: UUID) -> Judged | None:
    """The document's last verdict, if nobody took it back."""
    row = tx.session.execute(
        _standing().where(DocumentVerdict.document_id == document_id)
    ).one_or_none()
    return None if row is None else Judged(**row._mapping)


def last_of(tx: Tx, who: str, *, since: Any) -> LastVerdict | None:
    """The document that this person judged last since then, and when, if that stands."""
    row = tx.session.execute(
        _standing()
        .add_columns(DocumentVerdict.at)
        .where(DocumentVerdict.who == who, DocumentVerdict.at > since)
    ).one_or_none()
    return None if row is None else LastVerdict(row.document_id, row.at)


def alike(tx: Tx, document_id: UUID, *, limit: int = 9) -> list[Alike]:
    """Documents that this one may be a duplicate of: the same bytes, or the same number on them."""
    mine, other = aliased(Document), aliased(Document)
    same = (
        select(other.id, literal("the same file").label("why"))
        .join(mine, mine.sha256 == other.sha256)
        .where(mine.id == document_id)
    )
    own, theirs = aliased(Result), aliased(Result)
    numbered = (
        select(theirs.document_id, func.concat("the same ", theirs.name, " ", theirs.text))
        .join(own, (own.name == theirs.name) & (own.value == theirs.value))
        .where(own.document_id == document_id, own.kind == "identifier")
        .where(own.generation == _counts(own), theirs.generation == _counts(theirs))
        .where(own.removed_at.is_(None), theirs.removed_at.is_(None))
    )
    found = same.union_all(numbered).subquery()
    rows = tx.session.execute(
        select(found.c.id, Submission.filename, func.min(found.c.why).label("why"))
        .join(Document, Document.id == found.c.id)
        .outerjoin(Submission, Submission.document_id == found.c.id)
        .where(found.c.id != document_id, Document.status != Status.REJECTED)
        .group_by(found.c.id, Submission.filename, Document.created_at)
        .order_by(Document.created_at)
        .limit(limit)
    )
    return [Alike(document_id=row.id, filename=row.filename, why=row.why) for row in rows]


def _counts(result: type[Result]) -> Any:
    """The generation that counts of the document that a result belongs to."""
    return (
        select(Document.generation)
        .where(Document.id == result.document_id)
        .correlate(result)
        .scalar_subquery()
    )


def _standing() -> Any:
    undo, v = aliased(DocumentVerdict), DocumentVerdict
    return (
        select(v.id.label("verdict_id"), v.document_id, v.verdict, v.who, v.duplicate_of, v.before)
        .where(
            v.verdict.in_(REJECTING)
            # whoever named an open type took nothing away
            | ((v.verdict == Verdict.OTHER_TYPE) & v.before.has_key("document_type"))
        )
        .where(~select(undo.id).where(undo.undoes == v.id).exists())
        .order_by(v.id.desc())
        .limit(1)
    )


def _hold(tx: Tx, document_id: UUID) -> Status:
    status = tx.session.execute(
        select(Document.status).where(Document.id == document_id).with_for_update()
    ).scalar_one_or_none()
    if status is None:
        raise NotFound(f"There is no document {document_id}. List them: surefield list.")
    return Status(status)


def _check_original(tx: Tx, document_id: UUID, original: UUID) -> None:
    status = tx.session.execute(
        select(Document.status).where(Document.id == original)
    ).scalar_one_or_none()
    if status is None:
        raise NotFound(f"There is no document {original}. List them: surefield list.")
    if original == document_id or status is Status.REJECTED:
        why = "this one" if original == document_id else "rejected itself"
        raise InvalidDecision(f"Document {original} is {why}. Name the document that is kept.")


def _close(tx: Tx, document_id: UUID) -> list[UUID]:
    """Nothing of it waits any more; returns what did."""
    closed = (
        update(ReviewItem)
        .where(ReviewItem.document_id == document_id, ReviewItem.state == ItemState.OPEN)
        .values(
            state=ItemState.CLOSED,
            closed_at=func.now(),
            version=ReviewItem.version + 1,
            leased_by=null(),
            lease_until=null(),
        )
    )
    return list(tx.session.execute(closed.returning(ReviewItem.id)).scalars())
