"""Page images become evidence: the only stage that needs the model."""

import time
from collections.abc import Sequence
from dataclasses import replace
from uuid import UUID

import structlog
from sqlalchemy.exc import OperationalError

from extractors.backends import Backend, ScoresAnswers
from extractors.decision.scores import least_sure
from extractors.documents import DocumentType
from extractors.errors import BackendUnavailable, ModelNotLoadable, SurefieldError
from extractors.read import hold_against, read_pages
from extractors.rendering.moved import moved
from extractors.types import LookKind, PageImage, Reading
from worker import store
from worker.pipeline.heartbeat import heartbeat
from worker.runtime import Runtime
from worker.store.types import Failure, PageClaim

log = structlog.get_logger()

AHEAD = 2  # batches claimed at once: a backend prepares the second while it reads the first
# no page's own: reading them one by one would only fail more often
MODELS_FAULT = (BackendUnavailable,)
STAGE = "extract"


def run(document_id: UUID, rt: Runtime) -> None:
    """Read waiting pages in batches, by priority, then age, until none waits.

    One wake-up may read many documents' pages; their own wake-ups then find nothing and return.
    """
    give_back_at = time.monotonic() + rt.drain_for.total_seconds()
    try:
        while time.monotonic() < give_back_at and not rt.rests.last(STAGE):
            with rt.transaction() as tx:
                claims = store.pages.claim_pages(
                    tx, limit=AHEAD * rt.batch_pages, lease=rt.lease, max_attempts=rt.max_attempts
                )
            if not claims:
                return
            _read_batch(claims, rt)
    except OperationalError as error:
        log.warning("database_lost", document_id=str(document_id), error=type(error.orig).__name__)


def _read_batch(claims: Sequence[PageClaim], rt: Runtime) -> None:
    def renew() -> bool:
        with rt.transaction() as tx:
            return bool(store.pages.renew_pages(tx, claims, rt.lease))

    with heartbeat(renew, lease=rt.lease):
        _read(claims, rt)


def _read(claims: Sequence[PageClaim], rt: Runtime) -> None:
    """Read the pages together; when that fails for a reason of their own, one by one, so that a bad
    page fails alone.
    """
    try:
        spec = rt.pinned_type(claims[0].document_type, claims[0].type_version)
        backend = rt.backend(spec.name)
        images = [_image(claim, rt) for claim in claims]
        readings = read_pages(images, spec, backend)
        further = _further_looks(images, readings, spec, backend, rt)
        read = [*enumerate(readings), *further]
        with rt.transaction() as tx:
            store.pages.save_readings(tx, [(claims[at], reading) for at, reading in read])
        return
    except OperationalError:
        raise  # the database is away: leases run out, and the pages are read again
    except Exception as error:
        failure = error
        if not isinstance(error, SurefieldError):
            log.exception("batch_broke", pages=len(claims))

    if isinstance(failure, SurefieldError) and failure.installation:
        log.warning("stage_rests", code=failure.code, pages=len(claims))
        rt.rests.begin(STAGE, rt.rest)
        with rt.transaction() as tx:
            store.pages.give_back_pages(tx, claims, Failure.of(failure), rest=2 * rt.rest)
        return
    if len(claims) > 1 and not isinstance(failure, MODELS_FAULT):
        for claim in claims:
            _read([claim], rt)
        return
    log.warning("pages_failed", pages=len(claims), error=type(failure).__name__)
    with rt.transaction() as tx:
        store.pages.fail_pages(
            tx, claims, Failure.of(failure), max_attempts=rt.max_attempts, backoff=rt.backoff
        )


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
