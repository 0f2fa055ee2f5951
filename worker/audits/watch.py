"""Certificates are held against what comes after them: an alarm suspends one, the next audits
settle it, and a person resumes or withdraws it.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import structlog
from sqlalchemy import Row, cast, func, select, text, update
from sqlalchemy import Text as TextType
from sqlalchemy.dialects.postgresql import insert

from extractors.decision.certificates import Family
from extractors.decision.watching import (
    CUTS,
    HORIZON,
    MOST_ROWS,
    Detector,
    alarm_after,
    change_at,
    confirmed,
    usual,
)
from worker.audits import certificates
from worker.audits.tables import Audit, Certificate, PlanState, Routing
from worker.audits.types import Covered, Standing
from worker.db import Tx
from worker.store.types import Claim
from worker.tables.documents import Document
from worker.tables.results import Result

log = structlog.get_logger()

# What audits found of the fields that one certificate accepted, as they were drawn.
AUDITED = text("""
SELECT found FROM reporting.audits
WHERE certificate = :certificate AND was_accepted AND found IS NOT NULL AND drawn_at > :since
ORDER BY drawn_at, document_id, field, ordinal
""")

# What audits found of the documents that one certificate accepted whole, as they were drawn.
AUDITED_WHOLE = text("""
SELECT found FROM reporting.document_audits
WHERE certificate = :certificate AND found IS NOT NULL AND drawn_at > :since
ORDER BY drawn_at, document_id, generation
""")


def keep(tx: Tx, claim: Claim, covered: Covered) -> None:
    """Keep how a document was read; one that is only routed again does not come in once more."""
    was_read = select(Document.id).where(
        Document.id == claim.document_id, Document.reading_generation == claim.generation
    )
    if tx.session.execute(was_read).one_or_none() is None:
        return
    tx.session.execute(
        insert(Routing)
        .values(
            document_id=claim.document_id,
            generation=claim.generation,
            document_type=covered.document_type,
            conditions=covered.conditions,
            method=covered.method,
            band=covered.band,
            weakest=covered.weakest,
            below=None if covered.below is None else list(covered.below),
        )
        .on_conflict_do_nothing()  # a stage may run twice
    )


def after_document(tx: Tx, covered: Covered, standing: Sequence[Standing]) -> None:
    """Hold the documents that came since against each certificate of their kind, without any label,
    and settle alarms that audits have confirmed.
    """
    certified = [one for one in standing if one.state is PlanState.CERTIFIED]
    if certified:
        came = _came_since(tx, covered, min(one.watched_since for one in certified))
        for one in certified:
            _hold_documents(tx, one, [each for each in came if each.routed_at > one.watched_since])
    for one in standing:
        if one.state is PlanState.SUSPENDED:
            settle(tx, one.certificate_id)


def after_audit(tx: Tx, certificate_id: UUID) -> None:
    """Hold what audits found since against the promise, or settle the alarm that was raised."""
    c = Certificate
    row = tx.session.execute(
        select(c.alpha, c.state, c.family, c.watched_since)
        .where(c.id == certificate_id)
        .with_for_update()
    ).one()
    if row.state is PlanState.SUSPENDED:
        settle(tx, certificate_id)
    if row.state is not PlanState.CERTIFIED:
        return
    asked = {"certificate": str(certificate_id), "since": row.watched_since}
    whole = row.family is Family.DOCUMENTS
    audited = tx.session.execute(AUDITED_WHOLE if whole else AUDITED, asked).scalars()
    found = [one != "right" for one in audited]
    if alarm_after(Detector.of_audits(row.alpha), found) is None:
        return
    because = (
        f"of {len(found)} audited {'documents' if whole else 'fields'} that it accepted,"
        f" {sum(found)} are wrong; promised were {100 * row.alpha:g} %"
    )
    _suspend(tx, certificate_id, because, since=None)


def settle(tx: Tx, certificate_id: UUID) -> None:
    """Where audits since the change confirm the alarm, people decide everything from now on."""
    found = certificates.planned(tx, certificate_id)
    alarm = found.alarm
    if alarm is None or not confirmed(alarm.judged, alarm.wrong, found.promise.family):
        return
    tx.session.execute(
        update(Certificate)
        .where(Certificate.id == certificate_id, Certificate.state == PlanState.SUSPENDED)
        .values(state=PlanState.BROKEN)
    )
    log.warning("certificate_broken", certificate=str(certificate_id), wrong=alarm.wrong)


def put_first(tx: Tx, certificate_id: UUID | None, *, since: datetime) -> int:
    """What was accepted since then and waits for an audit comes first; returns how many.

    certificate_id: only what this one accepted
    """
    accepted = select(Audit.id).join(Result, Result.id == Audit.result_id)
    if certificate_id is not None:
        accepted = accepted.where(Result.certificate == cast(certificate_id, TextType))
    done = tx.session.execute(
        update(Audit)
        .where(
            Audit.id.in_(accepted),
            Audit.was_accepted,
            Audit.found.is_(None),
            Audit.drawn_at >= since,
        )
        .values(urgent=True)
        .returning(Audit.id)
    )
    return len(done.all())


def _hold_documents(tx: Tx, held: Standing, came: Sequence[Row[Any]]) -> None:
    window = held.window_documents or 0
    before = _window(held)
    known = usual(window, before)
    if known is None:
        return
    # where only documents were counted, the window knows of no more than one row
    cut = CUTS[known.cut - len(before)]
    rows = [_rows_below(cut, one) for one in came]
    if alarm_after(Detector.of_documents(known.shares), rows) is None:
        return
    at = change_at(Detector.of_documents(known.shares), rows)
    since, now = came[at].routed_at, rows[at:]
    most = len(known.shares)

    def told(one_row: int, most_rows: int, of: int) -> str:
        several = f" ({most_rows} with {most} or more)" if most > 1 else ""
        return f"{one_row} of {of}{several}"

    because = (
        f"since {since:%Y-%m-%d %H:%M} UTC"
        f" {told(sum(n > 0 for n in now), sum(n >= most for n in now), len(now))} documents have a"
        f" field that scores below {cut:g}; between its plan and its test these were"
        f" {told(before[known.cut][0], before[known.cut][-1], window)}"
    )
    _suspend(tx, held.certificate_id, because, since=since)


def _window(held: Standing) -> Sequence[Sequence[int]]:
    """By cut, how many documents of its window have at least 1, 2 and so on doubtful rows."""
    if held.window_at_least is None:
        return [[held.window_doubtful or 0]]
    counts = held.window_at_least
    return [counts[at : at + MOST_ROWS] for at in range(0, len(counts), MOST_ROWS)]


def _rows_below(cut: float, routed: Row[Any]) -> int:
    """A document without any score counts as one with a doubtful row."""
    if routed.below is not None:
        return int(routed.below[CUTS.index(cut)])
    return int(routed.weakest is None or routed.weakest < cut)


def _came_since(tx: Tx, covered: Covered, since: datetime) -> Sequence[Row[Any]]:
    """How the last documents of this kind since then were read, in order."""
    r = Routing
    last = (
        select(r.weakest, r.below, r.routed_at, r.document_id)
        .where(
            r.conditions == covered.conditions,
            r.document_type == covered.document_type,
            r.method == covered.method,
            r.routed_at > since,
        )
        .order_by(r.routed_at.desc(), r.document_id.desc())
        .limit(HORIZON)
        .subquery()
    )
    return tx.session.execute(select(last).order_by(last.c.routed_at, last.c.document_id)).all()


def _suspend(tx: Tx, certificate_id: UUID, because: str, *, since: datetime | None) -> None:
    """since: when it probably changed; without it only what is drawn from now on settles it"""
    done = tx.session.execute(
        update(Certificate)
        .where(Certificate.id == certificate_id, Certificate.state == PlanState.CERTIFIED)
        .values(
            state=PlanState.SUSPENDED,
            alarmed_at=func.now(),
            alarm=because,
            changed_at=func.now() if since is None else since,
        )
        .returning(Certificate.id)
    ).one_or_none()
    if done is None:
        return
    log.warning("certificate_suspended", certificate=str(certificate_id), because=because)
    if since is not None:
        put_first(tx, certificate_id, since=since)
