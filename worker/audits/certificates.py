"""Promises in the database: planned, tested once, withdrawn; and which of them hold for a
document.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any
from uuid import UUID

from sqlalchemy import Row, func, select, text, update
from sqlalchemy.dialects.postgresql import insert as pg_insert

from extractors.decision.certificates import Band, Family, Judged, Plan, Tested
from extractors.decision.policy import Certified
from extractors.decision.scores import COMBINED
from extractors.decision.watching import MOST_ROWS, SETTLING
from worker.audits import beside
from worker.audits.tables import TESTED, Audit, Certificate, DocumentDraw, PlanState
from worker.audits.types import Alarm, Covered, Planned, Promise, Standing
from worker.db import Tx
from worker.errors import NotFound
from worker.fits import store as fits
from worker.fits.types import Kept
from worker.review.errors import InvalidDecision
from worker.tables.documents import ANSWERED, Document
from worker.tables.evidence import Page, PageReading

# The drawn rows that a test looks at: the first ones after its plan, whatever became of them.  What
# can be judged no more is left out: its document was read again, or is none of ours; and so is a
# document that weights which were fitted here may have been fitted on.
DRAWN = text(f"""
SELECT a.score, v.found, concat(v.upstream, ' ', date(a.drawn_at)) AS batch
FROM ({beside.ROWS}) AS a
JOIN public.documents AS d ON d.id = a.document_id
JOIN reporting.audits AS v
  ON v.document_id = a.document_id AND v.generation = a.generation AND v.field = a.field
 AND v.ordinal = a.ordinal
WHERE a.family = :family AND a.band = :band AND a.score >= :least
  AND v.document_type = :document_type
  AND NOT EXISTS (SELECT FROM public.fits AS f WHERE f.method = :method AND d.created_at < f.until)
  AND (v.found IS NOT NULL OR (d.generation = a.generation AND d.status = ANY(:answered)))
ORDER BY a.drawn_at, a.id LIMIT :size
""")
# The same of documents that were drawn whole, by the score that they were routed by.
DRAWN_WHOLE = text("""
SELECT v.score, v.found, concat(v.upstream, ' ', date(v.drawn_at)) AS batch
FROM reporting.document_audits AS v
JOIN public.documents AS d ON d.id = v.document_id
WHERE v.conditions = :conditions AND v.method = :method AND v.band = :band AND v.score >= :least
  AND v.document_type = :document_type AND v.drawn_at >= :since
  AND NOT EXISTS (SELECT FROM public.fits AS f WHERE f.method = :method AND d.created_at < f.until)
  AND (v.found IS NOT NULL OR (d.generation = v.generation AND d.status = ANY(:answered)))
ORDER BY v.drawn_at, v.document_id LIMIT :size
""")
# Without any label.
SCORES = text(f"SELECT a.id, a.family, a.band, a.score FROM ({beside.ROWS}) AS a")


def conditions(tx: Tx, document_id: UUID, *, looks: Mapping[str, object]) -> str:
    """What a certificate of this document's reading is tied to, as 16 hexadecimal digits."""
    readings = tx.session.execute(
        select(
            PageReading.fingerprint,
            PageReading.prompt_hash,
            PageReading.decode_mode,
            PageReading.type_version,
        )
        .join(Page, Page.id == PageReading.page_id)
        .join(Document, Document.id == Page.document_id)
        .where(
            Document.id == document_id,
            PageReading.generation == Document.reading_generation,
            PageReading.look == 0,
        )
        .distinct()
    )
    told = json.dumps([sorted([str(part) for part in row] for row in readings), dict(looks)])
    return sha256(told.encode()).hexdigest()[:16]


def standing(tx: Tx, covered: Covered) -> list[Standing]:
    """The certificates of documents that are read like this one, the oldest first."""
    c = Certificate
    rows = tx.session.execute(
        select(
            c.id.label("certificate_id"),
            c.family,
            c.band,
            c.state,
            c.method,
            c.threshold,
            c.window_documents,
            c.window_doubtful,
            c.window_at_least,
            c.watched_since,
            (c.valid_until > func.now()).label("is_valid"),
        )
        .where(
            c.conditions == covered.conditions,
            c.document_type == covered.document_type,
            c.method == covered.method,
            c.state.in_(TESTED),
        )
        .order_by(c.tested_at)
    )
    return [Standing(**row._mapping) for row in rows]


def holding(found: Sequence[Standing], band: Band) -> dict[Family, Certified]:
    """Those that documents of this band, or their rows, are accepted by; of several the newest."""
    return {
        one.family: Certified(
            certificate=str(one.certificate_id), method=one.method, threshold=one.threshold
        )
        for one in found
        if one.state is PlanState.CERTIFIED and one.is_valid and one.band is band
    }


def promises(
    tx: Tx, document_type: str, *, since: timedelta, only: Kept | None = None
) -> Mapping[Promise, Sequence[float]]:
    """The scores of drawn rows by the promise that they fall under, newest conditions only: each
    by the score that is in force now, whatever was when it was drawn.

    only: by the score of these weights alone, which may be in the shadow

    No label is looked at.
    """
    newest = (
        select(Audit.conditions)
        .join(Document, Document.id == Audit.document_id)
        .where(Document.document_type == document_type, Audit.conditions.is_not(None))
        .order_by(Audit.drawn_at.desc())
        .limit(1)
    )
    if only is not None:
        newest = newest.where(Audit.fingerprint == only.fingerprint)
    under = tx.session.execute(newest).scalar_one_or_none()
    if under is None:
        return {}
    asked = {"conditions": under, "since": tx.session.execute(select(func.now() - since)).scalar()}
    methods = (
        [only.method]
        if only is not None
        else [*fits.in_force(tx, document_type), COMBINED, *_own_methods(tx, under)]
    )
    found: dict[Promise, list[float]] = {}
    seen: set[UUID] = set()
    for method in methods:  # the best first, as routing takes them
        for row in tx.session.execute(SCORES, {**asked, "method": method}):
            if row.id in seen:
                continue
            seen.add(row.id)
            promise = Promise(
                document_type=document_type,
                family=Family(row.family),
                band=Band(row.band),
                conditions=under,
                method=method,
            )
            found.setdefault(promise, []).append(row.score)
    return found


def promises_of_documents(
    tx: Tx, document_type: str, *, since: timedelta
) -> Mapping[Promise, Sequence[float]]:
    """The scores of documents that were drawn whole by the promise that they fall under: those of
    the newest conditions, and of the score that the last of them was routed by.

    No label is looked at.
    """
    w = DocumentDraw
    of_type = (
        select(w.conditions, w.method, w.band, w.score, w.drawn_at)
        .join(Document, Document.id == w.document_id)
        .where(Document.document_type == document_type)
        .order_by(w.drawn_at.desc(), w.document_id)
    )
    last = tx.session.execute(of_type.limit(1)).one_or_none()
    if last is None:
        return {}
    under = of_type.where(
        w.conditions == last.conditions,
        w.method == last.method,
        w.drawn_at >= func.now() - since,
    )
    found: dict[Promise, list[float]] = {}
    for row in tx.session.execute(under):
        promise = Promise(
            document_type=document_type,
            family=Family.DOCUMENTS,
            band=row.band,
            conditions=row.conditions,
            method=row.method,
        )
        found.setdefault(promise, []).append(row.score)
    return found


def _own_methods(tx: Tx, under: str) -> Sequence[str]:
    """By which rows were drawn that no combined score knows."""
    query = select(Audit.method).where(
        Audit.conditions == under, Audit.method.is_not(None), Audit.method.not_like(f"{COMBINED}%")
    )
    return [one for one in tx.session.execute(query.distinct()).scalars() if one is not None]


def save_plan(tx: Tx, promise: Promise, plan: Plan, *, size: int, who: str) -> UUID | None:
    """Keep a plan; None when one of the same promise waits to be tested already."""
    fingerprint = (
        select(Audit.fingerprint).where(Audit.conditions == promise.conditions).limit(1)
    ).scalar_subquery()
    row = (
        pg_insert(Certificate)
        .values(
            document_type=promise.document_type,
            family=promise.family,
            band=promise.band,
            conditions=promise.conditions,
            fingerprint=fingerprint,
            method=promise.method,
            alpha=plan.alpha,
            delta=plan.delta,
            missed=plan.missed,
            thresholds=list(plan.thresholds),
            size=size,
            planned_by=who,
        )
        .on_conflict_do_nothing(
            index_elements=["document_type", "family", "band", "conditions", "method"],
            index_where=Certificate.state == text("'planned'"),
        )
        .returning(Certificate.id)
    )
    return tx.session.execute(row).scalar_one_or_none()


def list_plans(tx: Tx, document_type: str | None = None) -> list[Planned]:
    """All promises, the newest plan first."""
    query = select(Certificate.__table__).order_by(Certificate.planned_at.desc(), Certificate.id)
    if document_type is not None:
        query = query.where(Certificate.document_type == document_type)
    return [_planned(tx, row) for row in tx.session.execute(query)]


def planned(tx: Tx, certificate_id: UUID, *, lock: bool = False) -> Planned:
    """One promise.

    lock: nobody else tests or withdraws it until the transaction ends

    Raises NotFound.
    """
    query = select(Certificate.__table__).where(Certificate.id == certificate_id)
    row = tx.session.execute(query.with_for_update() if lock else query).one_or_none()
    if row is None:
        raise NotFound(f"There is no certificate {certificate_id}. See: surefield certify list")
    return _planned(tx, row)


def judged(tx: Tx, plan: Planned) -> list[tuple[Judged, bool]]:
    """The drawn rows that the plan's test looks at, and whether somebody has judged each."""
    least = plan.plan.thresholds[-1]
    return drawn(tx, plan.promise, since=plan.planned_at, least=least, size=plan.size)


def drawn(
    tx: Tx, promise: Promise, *, since: datetime, least: float, size: int
) -> list[tuple[Judged, bool]]:
    """The first drawn rows, or documents, of a promise since then that score so high, whatever
    became of them, and whether people have judged each.

    What nobody can read counts as wrong.
    """
    rows = tx.session.execute(
        DRAWN_WHOLE if promise.family is Family.DOCUMENTS else DRAWN,
        {
            "conditions": promise.conditions,
            "method": promise.method,
            "family": promise.family,
            "band": promise.band,
            "document_type": promise.document_type,
            "since": since,
            "least": least,
            "size": size,
            "answered": sorted(ANSWERED),
        },
    )
    return [
        (Judged(row.score, row.found in ("wrong", "illegible"), row.batch), row.found is not None)
        for row in rows
    ]


def save_test(
    tx: Tx, plan: Planned, found: Tested, *, who: str, lasts: timedelta, missed: float
) -> None:
    """Keep what the test found; it is not tested again.

    missed: of all errors, those that people were taken to overlook

    Raises InvalidDecision when it was tested before.
    """
    state = PlanState.NOT_HELD if found.threshold is None else PlanState.CERTIFIED
    documents, at_least = beside.window(
        tx,
        {
            "conditions": plan.promise.conditions,
            "document_type": plan.promise.document_type,
            "method": plan.promise.method,
            "since": plan.planned_at,
        },
    )
    done = tx.session.execute(
        update(Certificate)
        .where(Certificate.id == plan.certificate_id, Certificate.state == PlanState.PLANNED)
        .values(
            state=state,
            missed=missed,
            threshold=found.threshold,
            judged=found.judged,
            wrong=found.wrong,
            effect=found.effect,
            bound=found.bound,
            tested_by=who,
            tested_at=func.now(),
            valid_until=None if found.threshold is None else func.now() + lasts,
            window_documents=documents,
            window_doubtful=at_least[-MOST_ROWS],
            window_at_least=at_least,
            watched_since=None if found.threshold is None else func.now(),
        )
        .returning(Certificate.id)
    ).one_or_none()
    if done is None:
        raise InvalidDecision(
            f"Certificate {plan.certificate_id} was tested before. A further test needs a new plan,"
            " and fields that are drawn after it: surefield certify plan"
        )


def resume(tx: Tx, certificate_id: UUID, *, who: str, because: str) -> None:
    """One that is suspended accepts again; what came before is watched no more."""
    tx.session.execute(
        update(Certificate)
        .where(Certificate.id == certificate_id, Certificate.state == PlanState.SUSPENDED)
        .values(
            state=PlanState.CERTIFIED,
            watched_since=func.now(),
            resumed_by=who,
            resumed_because=because,
        )
    )


def withdraw(tx: Tx, certificate_id: UUID, *, because: str) -> None:
    """Nothing is accepted by it any more.

    Raises NotFound.
    """
    done = tx.session.execute(
        update(Certificate)
        .where(Certificate.id == certificate_id, Certificate.state != PlanState.WITHDRAWN)
        .values(
            state=PlanState.WITHDRAWN,
            tested_at=func.coalesce(Certificate.tested_at, func.now()),
            withdrawn_at=func.now(),
            withdrawn_because=because,
        )
        .returning(Certificate.id)
    ).one_or_none()
    if done is None:
        planned(tx, certificate_id)  # raises where there is none; one that is withdrawn stays so


def _planned(tx: Tx, row: Row[Any]) -> Planned:
    promise = Promise(
        document_type=row.document_type,
        family=Family(row.family),
        band=Band(row.band),
        conditions=row.conditions,
        method=row.method,
    )
    plain = Planned(
        certificate_id=row.id,
        promise=promise,
        fingerprint=row.fingerprint,
        plan=Plan(
            thresholds=tuple(row.thresholds), alpha=row.alpha, delta=row.delta, missed=row.missed
        ),
        size=row.size,
        state=PlanState(row.state),
        planned_at=row.planned_at,
        drawn=0,
        unjudged=0,
        tested=None
        if row.judged is None
        else Tested(
            threshold=row.threshold,
            judged=row.judged,
            wrong=row.wrong,
            effect=row.effect,
            bound=row.bound,
        ),
        valid_until=row.valid_until,
        alarm=None if row.alarmed_at is None else _alarm(tx, promise, row),
    )
    if plain.state is not PlanState.PLANNED:
        return plain
    rows = judged(tx, plain)
    return replace(plain, drawn=len(rows), unjudged=sum(not known for _, known in rows))


def _alarm(tx: Tx, promise: Promise, row: Row[Any]) -> Alarm:
    since = {"since": row.changed_at, "least": row.threshold or 0.0, "size": SETTLING}
    found = [one for one, known in drawn(tx, promise, **since) if known]
    return Alarm(
        since=row.alarmed_at,
        because=row.alarm,
        changed_at=row.changed_at,
        judged=len(found),
        wrong=sum(one.wrong for one in found),
    )
