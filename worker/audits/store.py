"""Draws are written with the answer; audits are held by one person at a time and judged once."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    Select,
    Text,
    and_,
    case,
    cast,
    func,
    insert,
    null,
    or_,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import insert as pg_insert
from sqlalchemy.orm import aliased

from extractors.normalise import Value
from worker.audits.tables import (
    Audit,
    AuditAnswer,
    Certificate,
    DocumentDraw,
    Found,
    Installation,
    Noticed,
    PlantedError,
)
from worker.audits.types import Drawn, DrawnWhole, Progress, Released, Waiting
from worker.db import Tx
from worker.errors import NotFound
from worker.review.errors import ReviewConflict
from worker.review.tables import Action
from worker.store.bulk import given, rows_like, table_of
from worker.store.codec import storable, storable_json
from worker.store.types import Claim
from worker.tables.documents import ANSWERED, Document, Submission
from worker.tables.results import Outcome, Result

PLANTED_SINCE = timedelta(days=365)  # people change
NAMES = (
    "result_id",
    "rate",
    "fingerprint",
    "conditions",
    "method",
    "score",
    "family",
    "band",
    "was_accepted",
    "with_document",
    "of_list",
    "rows_read",
    "plants",
)
_new = rows_like(table_of(Audit), NAMES)
DRAW = (
    pg_insert(table_of(Audit))
    .from_select(
        ["document_id", *NAMES],
        # the results of a stage that ran twice are those of its first run, and so are its draws
        select(Result.document_id, *(_new.c[name] for name in NAMES)).join(
            _new, Result.id == _new.c.result_id
        ),
    )
    .on_conflict_do_nothing()
)


def key(tx: Tx) -> bytes:
    """The secret that decides the draws, 32 bytes."""
    return bytes(tx.session.execute(select(Installation.audit_key)).scalar_one())


def accepted_so_far(tx: Tx, fingerprints: Sequence[str], *, most: int) -> Mapping[str, int]:
    """How many accepted rows were drawn of each model; counting stops at ``most``."""
    counts = {}
    for fingerprint in fingerprints:
        some = (
            select(Audit.id)
            .where(
                Audit.fingerprint == fingerprint, Audit.was_accepted, Audit.with_document.is_(False)
            )
            .limit(most)
        ).subquery()
        counts[fingerprint] = tx.session.execute(
            select(func.count()).select_from(some)
        ).scalar_one()
    return counts


def save_draws(tx: Tx, drawn: Sequence[Drawn]) -> None:
    """Keep which rows were drawn; the answer's results are saved already."""
    if drawn:
        rows = [
            {name: getattr(one, name) for name in NAMES} | {"result_id": str(one.result_id)}
            for one in drawn
        ]
        tx.session.connection().execute(DRAW, given(rows))


def save_whole(tx: Tx, claim: Claim, drawn: DrawnWhole) -> None:
    """Keep that a document was drawn whole; its rows' audits are kept beside."""
    tx.session.execute(
        pg_insert(DocumentDraw)
        .values(
            document_id=claim.document_id,
            generation=claim.generation,
            rate=drawn.rate,
            conditions=drawn.conditions,
            method=drawn.method,
            score=drawn.score,
            band=drawn.band,
            was_untouched=drawn.was_untouched,
            certificate=drawn.certificate,
        )
        .on_conflict_do_nothing()  # a stage may run twice
    )


def claim(
    tx: Tx, who: str, *, lease: timedelta, document_type: str | None = None
) -> Waiting | None:
    """The next audit for this person, theirs for so long; one that they hold already comes first.

    None when nothing waits.
    """
    inner = aliased(Audit)
    mine = inner.leased_by == who
    free = or_(inner.lease_until.is_(None), inner.lease_until < func.now(), mine)
    candidates = (
        select(inner.id)
        .join(Result, Result.id == inner.result_id)
        .join(Document, Document.id == inner.document_id)
        .where(_waits(inner), free, _is_asked(inner))
        .order_by(
            mine.is_(True).desc(),
            inner.urgent.desc(),
            inner.drawn_at,
            inner.document_id,
            Result.position,
            inner.id,
        )
        .limit(1)
        .with_for_update(skip_locked=True, of=inner)
    )
    if document_type is not None:
        candidates = candidates.where(Document.document_type == document_type)
    claimed = tx.session.execute(
        update(Audit)
        .where(Audit.id == candidates.scalar_subquery())
        .values(leased_by=who, lease_until=func.now() + lease)
        .returning(Audit.id)
    ).scalar_one_or_none()
    return None if claimed is None else waiting(tx, claimed)


def hold(tx: Tx, audit_id: UUID) -> None:
    """Nobody else judges it until the transaction ends; what is read of it afterwards is so."""
    tx.session.execute(select(Audit.id).where(Audit.id == audit_id).with_for_update())


def waiting(tx: Tx, audit_id: UUID) -> Waiting:
    """One audit, done or not.

    Raises NotFound.
    """
    row = tx.session.execute(_audits().where(Audit.id == audit_id)).one_or_none()
    if row is None:
        raise NotFound(f"There is no audit {audit_id}. List them: surefield audit list.")
    return Waiting(**row._mapping)


def list_waiting(tx: Tx, *, limit: int) -> list[Waiting]:
    """What waits: what is urgent first, then the oldest draw."""
    rows = tx.session.execute(
        _audits()
        .where(_waits(Audit), _is_asked(Audit))
        .order_by(Audit.urgent.desc(), Audit.drawn_at, Audit.document_id, Result.position, Audit.id)
        .limit(limit)
    )
    return [Waiting(**row._mapping) for row in rows]


def released(tx: Tx, certificate_id: UUID | None, *, since: datetime) -> list[Released]:
    """What was accepted since then and no person has decided, the oldest first.

    certificate_id: only what this one accepted
    """
    name = (
        select(Submission.filename)
        .where(Submission.document_id == Result.document_id)
        .limit(1)
        .scalar_subquery()
    )
    query = (
        select(
            Result.document_id,
            name.label("filename"),
            Result.name.label("field"),
            Result.ordinal,
            Result.text,
            Result.score,
            Result.certificate,
            Result.decided_at.label("accepted_at"),
            Audit.id.label("audit"),
            Audit.found,
        )
        .join(Document, Document.id == Result.document_id)
        .outerjoin(Audit, and_(Audit.result_id == Result.id, Audit.of_list.is_(None)))
        .where(_stands(), Result.decided_at >= since)
        .order_by(Result.decided_at, Result.document_id, Result.position)
    )
    if certificate_id is not None:
        query = query.where(Result.certificate == cast(certificate_id, Text))
    return [Released(**row._mapping) for row in tx.session.execute(query)]


def progress(tx: Tx) -> Progress:
    """How many audits wait, and what those that are done found."""
    waits = (
        select(func.count())
        .select_from(Audit)
        .join(Result, Result.id == Audit.result_id)
        .join(Document, Document.id == Audit.document_id)
        .where(_waits(Audit), _is_asked(Audit))
    )
    done = {
        str(found): count
        for found, count in tx.session.execute(
            select(Audit.found, func.count()).where(Audit.found.is_not(None)).group_by(Audit.found)
        )
    }
    return Progress(
        waiting=tx.session.execute(waits).scalar_one(),
        right=done.get(Found.RIGHT, 0),
        wrong=done.get(Found.WRONG, 0),
        illegible=done.get(Found.ILLEGIBLE, 0),
    )


def keep_answer(
    tx: Tx,
    audit_id: UUID,
    who: str,
    action: Action,
    *,
    text: str | None,
    value: Value | None,
    after_comparing: bool,
    took_ms: int | None,
) -> None:
    """Keep what a person said of the page."""
    tx.session.execute(
        insert(AuditAnswer).values(
            audit_id=audit_id,
            who=who,
            action=action,
            text=None if text is None else storable(text),
            value=storable_json(value.value) if value else None,
            currency=value.currency if value else None,
            after_comparing=after_comparing,
            took_ms=took_ms,
        )
    )


def plant(tx: Tx, audit_id: UUID, who: str, wrong: str) -> bool:
    """Show this person a wrong value; False where somebody was shown one for this audit already.

    They may look at the audit again before they say anything of it.
    """
    tx.session.execute(
        pg_insert(PlantedError)
        .values(audit_id=audit_id, who=who, text=storable(wrong))
        .on_conflict_do_nothing()
    )
    return shown_to(tx, audit_id, who) is not None


def shown_to(tx: Tx, audit_id: UUID, who: str) -> str | None:
    """The wrong value that this person was shown, and has said nothing of yet."""
    return tx.session.execute(
        select(PlantedError.text).where(
            PlantedError.audit_id == audit_id,
            PlantedError.who == who,
            PlantedError.outcome.is_(None),
        )
    ).scalar_one_or_none()


def keep_noticed(tx: Tx, audit_id: UUID, outcome: Noticed) -> None:
    """What became of it."""
    tx.session.execute(
        update(PlantedError)
        .where(PlantedError.audit_id == audit_id, PlantedError.outcome.is_(None))
        .values(outcome=outcome, answered_at=func.now())
    )


def overlooked(tx: Tx) -> tuple[int, int]:
    """How many planted errors people have noticed or overlooked in the last year, and how many of
    these they overlooked.
    """
    row = tx.session.execute(
        select(
            func.count(),
            func.count().filter(PlantedError.outcome == Noticed.OVERLOOKED),
        ).where(
            PlantedError.outcome.in_((Noticed.NOTICED, Noticed.OVERLOOKED)),
            PlantedError.answered_at > func.now() - PLANTED_SINCE,
        )
    ).one()
    return row[0], row[1]


def judge(tx: Tx, audit_id: UUID, who: str, found: Found) -> None:
    """Say what the audit found, once.

    Raises ReviewConflict when it is judged already, or somebody else holds it.
    """
    theirs = or_(
        Audit.lease_until.is_(None), Audit.lease_until < func.now(), Audit.leased_by == who
    )
    done = tx.session.execute(
        update(Audit)
        .where(Audit.id == audit_id, _waits(Audit), theirs)
        .values(
            found=found,
            judged_by=who,
            judged_at=func.now(),
            leased_by=null(),
            lease_until=null(),
        )
        .returning(Audit.id)
    ).one_or_none()
    if done is None:
        raise ReviewConflict(
            f"Audit {audit_id} is done already, or somebody else has it before them. Take the"
            " next one."
        )


def _waits(audit: type[Audit]) -> ColumnElement[bool]:
    """Nobody has judged the accepted row, or what was found wrong was taken back since: then it
    stands as it was. How many rows a list has is asked once.
    """
    taken_back = and_(audit.found == Found.WRONG, audit.of_list.is_(None))
    return and_(audit.was_accepted, or_(audit.found.is_(None), taken_back))


def _is_asked(audit: type[Audit]) -> ColumnElement[bool]:
    """A row that stands as it was accepted; a list, whatever became of its rows: who reviews one
    cell does not count them.
    """
    return or_(_stands(), and_(audit.of_list.is_not(None), _counts()))


def _stands() -> ColumnElement[bool]:
    """The accepted row is what counts still: nobody decided it, no further answer was made."""
    return and_(Result.decision == Outcome.ACCEPTED, Result.removed_at.is_(None), _counts())


def _counts() -> ColumnElement[bool]:
    return and_(Result.generation == Document.generation, Document.status.in_(ANSWERED))


def _audits() -> Select[*tuple[Any, ...]]:
    name = (
        select(Submission.filename)
        .where(Submission.document_id == Audit.document_id)
        .limit(1)
        .scalar_subquery()
    )
    return (
        select(
            Audit.id.label("audit_id"),
            Audit.document_id,
            Document.document_type,
            Result.type_version,
            func.coalesce(Audit.of_list, Result.name).label("field"),
            Result.ordinal,
            Result.page,
            name.label("filename"),
            Audit.drawn_at,
            Audit.found,
            Result.id.label("result_id"),
            Result.read_state.label("state"),
            case(
                (Audit.of_list.is_not(None), cast(Audit.rows_read, Text)), else_=Result.read_text
            ).label("text"),
            Result.read_value.label("value"),
            Result.read_currency.label("currency"),
            Audit.of_list,
            Audit.rows_read,
            Audit.plants,
            _is_asked(Audit).label("is_current"),
            Certificate.id.label("certificate"),
        )
        .join(Result, Result.id == Audit.result_id)
        .join(Document, Document.id == Audit.document_id)
        .outerjoin(Certificate, cast(Certificate.id, Text) == Result.certificate)
    )
