"""Pages are the unit that the model reads: claimed in batches, read together, saved one by one."""

import math
from collections.abc import Collection, Iterable, Sequence
from dataclasses import asdict
from datetime import timedelta
from itertools import islice
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import (
    ColumnElement,
    and_,
    bindparam,
    func,
    insert,
    null,
    or_,
    select,
    tuple_,
    update,
)
from sqlalchemy.dialects.postgresql import insert as pg_insert

from extractors.types import FieldReading, Reading
from worker.db import Tx
from worker.store import transitions
from worker.store.codec import (
    UNSTORABLE_PROBLEM,
    box_out,
    is_storable,
    storable,
    storable_json,
    tokens_out,
    words_out,
)
from worker.store.documents import abandoned, aside, end, free, hold, message_of, pause
from worker.store.types import (
    ATTENTION,
    MAX_ATTEMPTS,
    Claim,
    Failure,
    NewPage,
    PageClaim,
    RenderedBefore,
    SortedPage,
)
from worker.tables.documents import Document, Status
from worker.tables.evidence import FieldEvidence, Page, PageReading, PageStatus

PAGES_AT_ONCE = 10  # saved by one statement
QUALITY = ("contrast", "ink", "sharpness")
IMPOSSIBLE = -10_000.0  # a log-probability that no float's exponential tells from 0
STAGE = "extract"  # pages are claimed by this stage only

# as in store.order
IN_ORDER = (
    Document.priority.desc(),
    Document.deadline,
    Document.turn,
    Document.created_at,
    Document.id,
    Page.number,
)
UNREAD = select(Page.id).where(
    Page.document_id == Document.id, Page.status.not_in([PageStatus.READ, PageStatus.LEFT_OUT])
)
ALL_READ = ~UNREAD.exists()


def save_pages(tx: Tx, held: Claim, pages: Iterable[NewPage]) -> None:
    """The document's rendered pages; those saved by an earlier attempt stay as they are.  A few at
    a time are in memory.

    Raises ClaimLost if another worker took over meanwhile.
    """
    hold(tx, held)
    insert = pg_insert(Page).on_conflict_do_nothing(index_elements=["document_id", "number"])
    rest = iter(pages)
    while few := [_row(held, page) for page in islice(rest, PAGES_AT_ONCE)]:
        tx.session.execute(insert, few)


def _row(held: Claim, page: NewPage) -> dict[str, Any]:
    return {
        "document_id": held.document_id,
        "number": page.number,
        "width_pt": page.width_pt,
        "height_pt": page.height_pt,
        "model_width_px": page.model_width_px,
        "model_height_px": page.model_height_px,
        "model_sha256": page.model_sha256,
        "view_sha256": page.view_sha256,
        "words": words_out(page.words),
        "words_source": page.words_source,
        "layer_coverage": page.layer_coverage,
        "turned": page.turned,
        **(dict.fromkeys(QUALITY) if page.quality is None else asdict(page.quality)),
    }


def rendered_before(tx: Tx, held: Claim) -> RenderedBefore | None:
    """What earlier turns rendered; None where the whole document had been rendered before, and is
    rendered anew.
    """
    pages, words = (
        func.count(Page.id),
        func.coalesce(func.sum(func.jsonb_array_length(Page.words)), 0),
    )
    row = tx.session.execute(
        select(Document.page_count, Document.rendered_bytes, Document.rendering_s, pages, words)
        .join(Page, Page.document_id == Document.id, isouter=True)
        .where(Document.id == held.document_id)
        .group_by(Document.id)
    ).one()
    page_count, stored_bytes, waited_s, done, said = row
    if page_count is not None:
        return None
    return RenderedBefore(pages=done, words=int(said), stored_bytes=stored_bytes, waited_s=waited_s)


def sort_pages(tx: Tx, held: Claim, pages: Sequence[SortedPage], *, by: str | None = None) -> None:
    """Which pages are worth the model, written down with every page's rank, and whose it is, before
    any of them is read.

    Raises ClaimLost if another worker took over meanwhile.
    """
    hold(tx, held)
    rows = [
        {
            "of": held.document_id,
            "at": page.number,
            "ranked": page.rank,
            "to": PageStatus.RENDERED if page.read else PageStatus.LEFT_OUT,
        }
        for page in pages
    ]
    if rows:
        tx.session.connection().execute(
            update(Page)
            .where(
                Page.document_id == bindparam("of"),
                Page.number == bindparam("at"),
                or_(Page.status == PageStatus.RENDERED, Page.status == PageStatus.LEFT_OUT),
            )
            .values(status=bindparam("to"), rank=bindparam("ranked"), ranked_by=by),
            rows,
        )


def left_out_pages(tx: Tx, document_id: UUID) -> dict[int, int | None]:
    """The pages that nobody asked the model to read, and their ranks; None for one that has no
    words to be judged by.
    """
    rows = tx.session.execute(
        select(Page.number, Page.rank)
        .where(Page.document_id == document_id, Page.status == PageStatus.LEFT_OUT)
        .order_by(Page.number)
    )
    return {row.number: row.rank for row in rows}


def claim_pages(
    tx: Tx, *, limit: int, lease: timedelta, max_attempts: int = MAX_ATTEMPTS
) -> list[PageClaim]:
    """Take the next unread pages, all of one document type: by priority, deadline, turn and age;
    none when there is nothing to read.

    A page that failed before is taken alone, so that it cannot spoil its neighbours' next attempt
    too.
    """
    waiting = _waiting(max_attempts)
    failures = (Page.failures + abandoned(Page.lease_until)).label("failures")
    pick = select(Page.id, failures, Document.document_type, Document.type_version).join(
        Document, Page.document_id == Document.id
    )
    pick = pick.where(waiting).order_by(*IN_ORDER).with_for_update(of=Page, skip_locked=True)
    first = tx.session.execute(pick.limit(1)).one_or_none()
    if first is None:
        return []
    if first.failures or limit == 1:
        return _take(tx, [first.id], lease)
    fresh = and_(
        Page.failures == 0,
        Page.lease_until.is_(None),
        Document.document_type == first.document_type,
        Document.type_version.is_not_distinct_from(first.type_version),
    )
    return _take(tx, [row.id for row in tx.session.execute(pick.where(fresh).limit(limit))], lease)


def _waiting(max_attempts: int) -> ColumnElement[bool]:
    return and_(
        Document.status == Status.RENDERED,
        Page.status == PageStatus.RENDERED,
        free(Page.lease_until, Page.next_attempt_at),
        Page.failures + abandoned(Page.lease_until) < max_attempts,
    )


def _take(tx: Tx, page_ids: Sequence[UUID], lease: timedelta) -> list[PageClaim]:
    rows = tx.session.execute(
        update(Page)
        .where(Page.id.in_(page_ids), Document.id == Page.document_id)
        .values(
            claim_no=Page.claim_no + 1,
            lease_until=func.now() + lease,
            failures=Page.failures + abandoned(Page.lease_until),
        )
        .returning(
            Page.id.label("page_id"),
            Page.document_id,
            Page.number,
            Page.claim_no,
            Document.document_type,
            Document.type_version,
            Page.width_pt,
            Page.height_pt,
            Page.model_width_px,
            Page.model_height_px,
            Page.model_sha256,
            Document.reading_generation.label("generation"),
            Page.failures,
        )
    ).all()
    place = {page_id: at for at, page_id in enumerate(page_ids)}
    in_order = sorted(rows, key=lambda row: place[row.page_id])
    return [
        PageClaim(**{name: row._mapping[name] for name in PageClaim.__slots__}) for row in in_order
    ]


def renew_pages(tx: Tx, claims: Iterable[PageClaim], lease: timedelta) -> list[PageClaim]:
    """Hold on for another lease; returns the claims that are still ours."""
    claims = list(claims)
    kept = set(
        tx.session.execute(
            update(Page)
            .where(_ours(claims))
            .values(lease_until=func.now() + lease)
            .returning(Page.id)
        )
        .scalars()
        .all()
    )
    return [held for held in claims if held.page_id in kept]


def release_pages(tx: Tx, claims: Iterable[PageClaim]) -> None:
    """Give pages back as if they had never been taken, also where the sweeper counted them as
    abandoned meanwhile.
    """
    for failures, held in _by_failures(claims).items():
        tx.session.execute(
            update(Page)
            .where(_ours(held))
            .values(lease_until=null(), failures=failures, next_attempt_at=null())
        )


def _by_failures(claims: Iterable[PageClaim]) -> dict[int, list[PageClaim]]:
    found: dict[int, list[PageClaim]] = {}
    for held in claims:
        found.setdefault(held.failures, []).append(held)
    return found


def give_back_pages(
    tx: Tx, claims: Sequence[PageClaim], failure: Failure, *, pause: timedelta
) -> None:
    """Nobody's attempt: the installation is wrong. Their documents say why, and the pages are taken
    when the stage has paused and others went first; those that were overtaken are left to whoever
    has them.
    """
    _lock_documents(tx, {held.document_id for held in claims})
    given = tx.session.execute(
        update(Page)
        .where(_ours(claims), Document.id == Page.document_id)
        .values(lease_until=null(), next_attempt_at=func.now() + aside(pause, Document.updated_at))
        .returning(Page.document_id)
    )
    tx.session.execute(
        update(Document)
        .where(Document.id.in_(given.scalars().all()), Document.status == Status.RENDERED)
        .values(error_code=failure.code, error_message=message_of(failure, 1))
    )


def save_readings(tx: Tx, readings: Sequence[tuple[PageClaim, Reading]]) -> list[UUID]:
    """Store what was read and move on the documents whose last page this was; returns those.

    A page's further looks come together with its first reading.

    The documents' rows are locked first, in id order, and counted last: of two workers that save
    the last two pages at once, one waits and then sees both. A page that was overtaken or whose
    document ended is passed over.
    """
    _lock_documents(tx, {held.document_id for held, _ in readings})
    kept = set(
        tx.session.execute(
            update(Page)
            .where(_ours([held for held, _ in readings]))
            .values(status=PageStatus.READ, lease_until=null(), next_attempt_at=null(), failures=0)
            .returning(Page.id)
        )
        .scalars()
        .all()
    )
    _insert_readings(tx, [(held, reading) for held, reading in readings if held.page_id in kept])
    return _move_complete(tx, {held.document_id for held, _ in readings if held.page_id in kept})


def _insert_readings(tx: Tx, kept: Sequence[tuple[PageClaim, Reading]]) -> None:
    named = [(uuid4(), held, reading) for held, reading in kept]
    if not named:
        return
    tx.session.execute(insert(PageReading), [_reading_row(*each) for each in named])
    fields = [
        _field_row(reading_id, field)
        for reading_id, _, reading in named
        for field in reading.fields
    ]
    if fields:
        tx.session.execute(insert(FieldEvidence), fields)


def _reading_row(reading_id: UUID, held: PageClaim, reading: Reading) -> dict[str, Any]:
    generations = reading.answer.generations
    return {
        "id": reading_id,
        "page_id": held.page_id,
        "type_version": held.type_version,
        "generation": held.generation,
        "look": reading.look,
        "forced": reading.forced,
        "model": reading.model,
        "fingerprint": reading.fingerprint,
        "prompt_hash": reading.prompt_hash,
        "decode_mode": reading.decode_mode,
        "in_domain": reading.in_domain,
        "settings": storable_json(reading.settings),
        "answer": storable("\n".join(g.text.decode("utf-8", "replace") for g in generations)),
        "stop_reasons": [str(g.stop_reason) for g in generations],
    }


def _field_row(reading_id: UUID, field: FieldReading) -> dict[str, Any]:
    # A text that cannot be stored as it is must not be accepted as it is.
    problem = field.problem if is_storable(field.text) else field.problem or UNSTORABLE_PROBLEM
    return {
        "reading_id": reading_id,
        "name": field.name,
        "ordinal": field.ordinal,
        "state": field.state,
        "text": storable(field.text) if field.text is not None else None,
        "tokens": tokens_out(field.tokens),
        "ends": field.ends,
        "opening": None if field.opening is None else _finite(field.opening.taken),
        "opening_other": None if field.opening is None else _finite(field.opening.other),
        "stop_reason": str(field.stop_reason),
        "problem": problem,
        "boxes": null() if field.attended is None else [box_out(field.attended)],
        "box_source": None if field.attended is None else ATTENTION,
    }


def _finite(logprob: float | None) -> float | None:
    """A number that can be compared; "impossible" is far below all that is possible."""
    return None if logprob is None or math.isnan(logprob) else max(logprob, IMPOSSIBLE)


def _move_complete(tx: Tx, document_ids: Collection[UUID]) -> list[UUID]:
    return transitions.move(
        tx,
        document_ids,
        at=[Status.RENDERED],
        to=Status.EXTRACTED,
        by=transitions.WORKER,
        stage=STAGE,
        where=ALL_READ,
    )


def fail_pages(
    tx: Tx,
    claims: Sequence[PageClaim],
    failure: Failure,
    *,
    backoff: timedelta,
    max_attempts: int = MAX_ATTEMPTS,
) -> list[UUID]:
    """An attempt at these pages went wrong: try each again after a pause, or end its document.

    Returns the documents that ended.

    Pages that were overtaken meanwhile are left to whoever has them.
    """
    _lock_documents(tx, {held.document_id for held in claims})
    rows = tx.session.execute(
        update(Page)
        .where(_ours(claims))
        .values(
            failures=Page.failures + 1,
            lease_until=null(),
            next_attempt_at=pause(backoff, Page.failures),
        )
        .returning(Page.document_id, Page.failures)
    ).all()
    tried = {row.document_id: row.failures for row in sorted(rows, key=lambda row: row.failures)}
    over = [
        document_id
        for document_id, failures in tried.items()
        if not failure.retry or failures >= max_attempts
    ]
    if over:
        end(
            tx,
            over,
            error_code=failure.code,
            error_message=message_of(failure, max(tried.values())),
            by=transitions.WORKER,
            stage=STAGE,
        )
    again = tried.keys() - set(over)
    if again:
        tx.session.execute(
            update(Document)
            .where(Document.id.in_(again), Document.status == Status.RENDERED)
            .values(
                error_code=failure.code,
                error_message=message_of(failure, 1),
            )
        )
    return over


def _lock_documents(tx: Tx, document_ids: Collection[UUID]) -> None:
    tx.session.execute(
        select(Document.id)
        .where(Document.id.in_(document_ids))
        .order_by(Document.id)
        .with_for_update()
    ).all()


def _ours(claims: Sequence[PageClaim]) -> ColumnElement[bool]:
    return and_(
        tuple_(Page.id, Page.claim_no).in_([(held.page_id, held.claim_no) for held in claims]),
        Page.status == PageStatus.RENDERED,
    )
