"""What people do about certificates: plan a test, test it once, resume it after an alarm, withdraw
it.
"""

from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID

from extractors.decision.certificates import (
    COVERAGES,
    DOCUMENT_COVERAGES,
    PROMISES,
    Family,
    Judged,
    Plan,
    plan_of,
    still_needed,
    walk,
)
from extractors.decision.planted import missed_share
from worker.actor import Actor
from worker.audits import certificates, store, watch
from worker.audits.tables import PlanState
from worker.audits.types import Planned, Released
from worker.db import Tx
from worker.fits import store as fits
from worker.fits.types import Kept
from worker.review.errors import InvalidDecision
from worker.review.queue import check_name
from worker.runtime import Runtime

LEAST_SCORES = 200  # drawn rows, or documents, that thresholds are placed by
SINCE = timedelta(days=90)  # that they were drawn
LASTS = timedelta(days=90)  # a certificate, unless it is withdrawn before
EARLIER = ". Documents that were scored before the fit have its score after: surefield rescore"
# rows, or documents, that a test looks at: with a true error of 0.3 times the promise it holds in 8
# of 10 cases
SIZES = {Family.REST: 1_500, Family.MONEY: 3_000, Family.DOCUMENTS: 1_500}
UNITS = {Family.REST: "rows", Family.MONEY: "rows", Family.DOCUMENTS: "documents"}


def plan(
    actor: Actor,
    document_type: str,
    rt: Runtime,
    *,
    size: int | None = None,
    fit_id: UUID | None = None,
    documents: bool = False,
) -> list[Planned]:
    """Plan a test of every promise of this type that enough rows were drawn for, under the newest
    conditions and by the score in force; one that is planned already stays as it is.

    size:      drawn rows, or documents, that each test looks at
    fit_id:    by the score of these weights, which may be in the shadow still
    documents: promises about whole documents instead, which nobody touches

    Raises UnknownDocumentType, NotFound, InvalidDecision when there is nothing to plan, the size
    could never be enough, or nobody computes the score.
    """
    check_name(actor.name)
    rt.document_type(document_type)
    if documents and fit_id is not None:
        raise InvalidDecision(
            "Documents are certified by the score in force. Put the weights in force first:"
            f" surefield fit --use {fit_id}"
        )
    unit = "documents" if documents else "rows"
    made: list[UUID] = []
    with rt.transaction() as tx:
        missed = missed_share(*store.overlooked(tx))
        only = None if fit_id is None else _live(tx, fit_id, document_type)
        found = (
            certificates.promises_of_documents(tx, document_type, since=SINCE)
            if documents
            else certificates.promises(tx, document_type, since=SINCE, only=only)
        )
        for promise, scores in found.items():
            planned = plan_of(
                scores,
                alpha=PROMISES[promise.family],
                coverages=DOCUMENT_COVERAGES if documents else COVERAGES,
            )
            if planned is None or len(scores) < LEAST_SCORES:
                continue
            planned = replace(planned, missed=missed)
            needed = size or SIZES[promise.family]
            _check_size(planned, needed, unit)
            saved = certificates.save_plan(tx, promise, planned, size=needed, who=actor.name)
            if saved is not None:
                made.append(saved)
        if not made:
            most = max((len(scores) for scores in found.values()), default=0)
            raise InvalidDecision(
                f"Nothing to plan for {document_type}: it takes {LEAST_SCORES} drawn {unit} of one"
                f"{'' if documents else ' family and'} band, and there are {most}; or all of it is"
                " planned already. See: surefield certify list" + ("" if only is None else EARLIER)
            )
        return [certificates.planned(tx, one) for one in made]


def run_test(actor: Actor, certificate_id: UUID, rt: Runtime) -> Planned:
    """Test a plan on the rows that it named beforehand, once.

    Raises NotFound, InvalidDecision when rows are missing or not judged yet, or it was tested
    before.
    """
    check_name(actor.name)
    with rt.transaction() as tx:
        planned = certificates.planned(tx, certificate_id, lock=True)
        if planned.state is not PlanState.PLANNED:
            raise InvalidDecision(
                f"Certificate {certificate_id} is {planned.state}: a plan is tested once. Plan a"
                " further one: surefield certify plan"
            )
        rows = _rows(tx, planned)
        missed = missed_share(*store.overlooked(tx))  # by those who judged these rows, too
        found = walk(replace(planned.plan, missed=missed), rows)
        certificates.save_test(tx, planned, found, who=actor.name, lasts=LASTS, missed=missed)
        return certificates.planned(tx, certificate_id)


def withdraw(actor: Actor, certificate_id: UUID, because: str, rt: Runtime) -> None:
    """Nothing is accepted by it any more.

    Raises NotFound, InvalidDecision without a reason.
    """
    check_name(actor.name)
    if not because.strip():
        raise InvalidDecision("Say why: surefield certify withdraw ID --because TEXT")
    with rt.transaction() as tx:
        certificates.withdraw(tx, certificate_id, because=f"{actor.name}: {because.strip()}")


def resume(actor: Actor, certificate_id: UUID, because: str, rt: Runtime) -> None:
    """Accept by it again after an alarm; what came before is watched no more.

    Raises NotFound, InvalidDecision without a reason or an alarm, or when audits confirmed it.
    """
    check_name(actor.name)
    if not because.strip():
        raise InvalidDecision("Say why: surefield certify resume ID --because TEXT")
    with rt.transaction() as tx:
        state = certificates.planned(tx, certificate_id, lock=True).state
        if state is not PlanState.SUSPENDED:
            raise InvalidDecision(
                f"Certificate {certificate_id} is {state.replace('_', ' ')}: only one that an alarm"
                " suspended is resumed. See: surefield certify list"
            )
        certificates.resume(tx, certificate_id, who=actor.name, because=because.strip())


def recheck(
    rt: Runtime, *, since: datetime | None, certificate_id: UUID | None = None
) -> tuple[list[Released], int]:
    """What was accepted since then without a person, and how many of its audits come first now.

    since:          without it, since the certificate's alarm
    certificate_id: only what this one accepted

    Raises InvalidDecision where no time is given and there was no alarm.
    """
    with rt.transaction() as tx:
        if since is None and certificate_id is not None:
            alarm = certificates.planned(tx, certificate_id).alarm
            since = None if alarm is None else alarm.changed_at
        if since is None:
            raise InvalidDecision(
                "Since when? There was no alarm to go by: surefield recheck --since 2026-01-31"
            )
        urgent = watch.put_first(tx, certificate_id, since=since)
        return store.released(tx, certificate_id, since=since), urgent


def _live(tx: Tx, fit_id: UUID, document_type: str) -> Kept:
    """Weights whose score documents of this type get.

    Raises NotFound, InvalidDecision where they get it no more, or never did.
    """
    kept = fits.kept(tx, fit_id)
    if kept.method not in {one.method for one in fits.live(tx, document_type)}:
        raise InvalidDecision(
            f"No {document_type} has the score of fit {fit_id}: it is of another type, newer"
            " weights are in the shadow, or it was taken back. See: surefield fit --list"
        )
    return kept


def _check_size(planned: Plan, size: int, unit: str) -> None:
    least = still_needed(planned, 0, 0)
    if size < least:
        raise InvalidDecision(
            f"A test of {size} {unit} could never hold: without any error it takes {least}."
        )


def _rows(tx: Tx, planned: Planned) -> list[Judged]:
    """Raises InvalidDecision when the plan's rows, or documents, are not all there and judged."""
    rows = certificates.judged(tx, planned)
    unit = UNITS[planned.promise.family]
    if len(rows) < planned.size:
        raise InvalidDecision(
            f"{planned.size - len(rows)} of the {planned.size} {unit} of this test are not drawn"
            " yet. A test before would be one of many, and certify too often."
        )
    waiting = sum(not known for _, known in rows)
    if waiting:
        raise InvalidDecision(
            f"{waiting} of the {planned.size} {unit} of this test are not judged yet. See:"
            " surefield audit list, surefield review list"
        )
    return [row for row, _ in rows]
