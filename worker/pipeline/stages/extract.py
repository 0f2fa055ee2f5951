"""Page images become evidence: the only stage that needs the model."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from uuid import UUID

import structlog
from sqlalchemy.exc import DBAPIError, OperationalError

from extractors.backends import Backend, ScoresAnswers
from extractors.decision.scores import least_sure
from extractors.documents import DocumentType
from extractors.errors import BackendFailed, ModelNotLoadable, OutOfMemory, SurefieldError
from extractors.read import hold_against, read_pages
from extractors.rendering.moved import moved
from extractors.types import LookKind, PageImage, Reading
from worker import store
from worker.outages import database_is_away, outage_of
from worker.pipeline.attempt import let_go
from worker.pipeline.heartbeat import heartbeat
from worker.runtime import Runtime
from worker.store.pauses import Turn
from worker.store.types import Claim, Failure, PageClaim

log = structlog.get_logger()

AHEAD = 2  # batches claimed at once: a backend prepares the second while it reads the first
STAGE = "extract"
ENOUGH = 2  # pages in a row on which the model fails, and none that it reads


def run(_: UUID | Claim, rt: Runtime) -> None:
    """Read waiting pages in batches, by priority, then age, until none waits.

    One wake-up may read many documents' pages; their own wake-ups then find nothing and return.
    """
    give_back_at = time.monotonic() + rt.drain_for.total_seconds()
    while time.monotonic() < give_back_at:
        claims, turn = _taken(rt)
        if not claims:
            return
        try:
            _read_batch(claims, turn, rt)
        except DBAPIError as error:
            log.warning("database_lost", pages=len(claims), error=type(error).__name__)
            if database_is_away(error):
                let_go(rt, partial(store.pages.release_pages, claims=claims))
            return


def _taken(rt: Runtime) -> tuple[list[PageClaim], Turn]:
    """The next pages, or one of them where the stage pauses and this worker is to probe."""
    with rt.transaction() as tx:
        turn = store.pauses.turn(tx, STAGE, lease=rt.lease)
        if turn is Turn.WAIT:
            return [], turn
        limit = 1 if turn is Turn.PROBE else AHEAD * rt.batch_pages
        claims = store.pages.claim_pages(
            tx, limit=limit, lease=rt.lease, max_attempts=rt.max_attempts
        )
        if not claims and turn is Turn.PROBE:
            store.pauses.give_turn_back(tx, STAGE)
    return claims, turn


def _read_batch(claims: Sequence[PageClaim], turn: Turn, rt: Runtime) -> None:
    def renew() -> bool:
        with rt.transaction() as tx:
            return bool(store.pages.renew_pages(tx, claims, rt.lease))

    with heartbeat(renew, lease=rt.lease):
        outage = _read(claims, rt)
        if outage is not None:
            _pause(outage, turn, rt)
        elif turn is Turn.PROBE:
            with rt.transaction() as tx:
                store.pauses.end(tx, STAGE)
            log.info("stage_works_again", stage=STAGE)


@dataclass(frozen=True, slots=True)
class _Outage:
    """An error of the installation, and the pages that it left unread."""

    error: SurefieldError
    claims: Sequence[PageClaim]


def _read(claims: Sequence[PageClaim], rt: Runtime) -> _Outage | None:
    """Read the pages together; when that fails for a reason of their own, one by one, so that a bad
    page fails alone.
    """
    error = _tried(claims, rt)
    if error is None:
        return None
    outage = outage_of(error)
    if isinstance(outage, OutOfMemory) and len(claims) > 1:
        return _halved(claims, rt)
    if outage is None or isinstance(outage, BackendFailed):
        if len(claims) > 1:
            return _one_by_one(claims, rt)
        if outage is None or rt.blame.falls_on(claims[0].page_id):
            _fail(claims, error, rt)
            return None
    return _Outage(outage, claims)


def _halved(claims: Sequence[PageClaim], rt: Runtime) -> _Outage | None:
    """Memory ran out: half of them at a time, down to one."""
    middle = len(claims) // 2
    log.warning("batch_halved", pages=middle)
    first = _read(claims[:middle], rt)
    if first is not None:  # not even that fits: what is left need not be tried
        return _Outage(first.error, [*first.claims, *claims[middle:]])
    return _read(claims[middle:], rt)


def _one_by_one(claims: Sequence[PageClaim], rt: Runtime) -> _Outage | None:
    """Each page by itself.  Those that the model fails on are at fault where it reads others of
    them, and the installation is where it reads none.
    """
    doubted: list[tuple[PageClaim, SurefieldError]] = []
    served = False
    for at, claim in enumerate(claims):
        error = _tried([claim], rt)
        outage = None if error is None else outage_of(error)
        if error is None:
            served = True
        elif outage is None:
            _fail([claim], error, rt)
        elif isinstance(outage, BackendFailed):
            doubted.append((claim, outage))
        if outage is not None and (
            not isinstance(outage, BackendFailed) or (not served and len(doubted) == ENOUGH)
        ):
            left = [held for held, _ in doubted if held is not claim] + list(claims[at:])
            return _Outage(outage, left)
    if doubted and not served:
        return _Outage(doubted[-1][1], [held for held, _ in doubted])
    for claim, error in doubted:
        rt.blame.falls_on(claim.page_id)
        _fail([claim], error, rt)
    return None


def _tried(claims: Sequence[PageClaim], rt: Runtime) -> Exception | None:
    """Read these pages together and save them; what went wrong, if anything did."""
    try:
        spec = rt.pinned_type(claims[0].document_type, claims[0].type_version)
        backend = rt.backend(spec.name)
        images = [_image(claim, rt) for claim in claims]
        readings = read_pages(images, spec, backend)
        further = _further_looks(images, readings, spec, backend, rt)
        read = [*enumerate(readings), *further]
        with rt.transaction() as tx:
            store.pages.save_readings(tx, [(claims[at], reading) for at, reading in read])
    except Exception as error:
        if isinstance(error, OperationalError) or database_is_away(error):
            raise  # it says nothing of the pages
        if not isinstance(error, SurefieldError):
            log.exception("batch_broke", pages=len(claims))
        return error
    rt.blame.served()
    return None


def _fail(claims: Sequence[PageClaim], error: Exception, rt: Runtime) -> None:
    log.warning("pages_failed", pages=len(claims), error=type(error).__name__)
    with rt.transaction() as tx:
        store.pages.fail_pages(
            tx, claims, Failure.of(error), max_attempts=rt.max_attempts, backoff=rt.backoff
        )


def _pause(outage: _Outage, turn: Turn, rt: Runtime) -> None:
    """The stage pauses for every worker, and the pages go back to the line."""
    failure = Failure.of(outage.error)
    with rt.transaction() as tx:
        pause = store.pauses.begin(tx, STAGE, failure, first=rt.pause, probed=turn is Turn.PROBE)
        store.pages.give_back_pages(tx, outage.claims, failure, pause=pause)
    log.warning("stage_pauses", stage=STAGE, code=failure.code, pages=len(outage.claims))


def _further_looks(
    images: Sequence[PageImage],
    readings: Sequence[Reading],
    spec: DocumentType,
    backend: Backend,
    rt: Runtime,
) -> list[tuple[int, Reading]]:
    """Further looks at the pages that are not sure enough, each with the page's place in the batch;
    they go to the backend together.
    """
    looks = rt.looks if spec.looks is None else spec.looks
    kind = rt.look_kind if spec.look_kind is None else spec.look_kind
    below = rt.look_below if spec.look_below is None else spec.look_below
    asked = [
        (at, look)
        for look in range(1, looks + 1)
        for at, reading in enumerate(readings)
        if below >= 1.0 or least_sure(reading) < below
    ]
    pictures = [moved(images[at], look) for at, look in asked]
    again = (
        hold_against(pictures, [readings[at] for at, _ in asked], spec, _scoring(backend))
        if kind is LookKind.FORCED and asked
        else read_pages(pictures, spec, backend)
    )
    return [
        (at, replace(reading, look=look)) for (at, look), reading in zip(asked, again, strict=True)
    ]


def _scoring(backend: Backend) -> ScoresAnswers:
    if isinstance(backend, ScoresAnswers):
        return backend
    raise ModelNotLoadable(
        f"{backend.model} is read by a backend that cannot hold an answer against another picture."
        " Set SUREFIELD_LOOK_KIND=free."
    )


def _image(claim: PageClaim, rt: Runtime) -> PageImage:
    return PageImage(
        number=claim.number,
        width_px=claim.model_width_px,
        height_px=claim.model_height_px,
        width_pt=claim.width_pt,
        height_pt=claim.height_pt,
        png=rt.blobs.get(claim.model_sha256),
    )
