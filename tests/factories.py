"""Rows for tests, made through the store as the stages make them."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from datetime import timedelta
from hashlib import sha256
from typing import Any, TypeVar
from uuid import UUID, uuid4

from sqlalchemy import text
from sqlalchemy.orm import Session, sessionmaker

from extractors.types import (
    Alternative,
    Box,
    FieldReading,
    FieldState,
    Generation,
    PageAnswer,
    Reading,
    StopReason,
    TokenTrace,
    Word,
)
from worker import bootstrap, store
from worker.db import Tx, transaction
from worker.intake import store as intake_store
from worker.intake.types import Submission
from worker.pipeline.flow import STEP_AT
from worker.rendering.protocol import RenderLimits
from worker.review import store as review_store
from worker.runtime import Runtime
from worker.settings import Settings
from worker.store.types import Claim, Failure, NewPage, NewResult, NewScore, PageClaim
from worker.tables.documents import Status
from worker.tables.results import Outcome

Sessions = sessionmaker[Session]
LEASE = timedelta(seconds=30)
T = TypeVar("T")
# text and log-probability of its one token
FIELDS = {"payee": ("Ada", -0.01), "total": ("12.50", -0.5)}
WAY = (Status.SUBMITTED, Status.RENDERED, Status.EXTRACTED, Status.GROUNDED, Status.SCORED)


def a_runtime(**parts: Any) -> Runtime:
    """A runtime of these parts; the rest is what settings have by default."""
    settings = Settings()
    defaults: dict[str, Any] = {
        "limits": render_limits(max_pages=50),
        "key_file": settings.key_path,
        "max_bytes": settings.max_bytes,
        "accept_at": settings.accept_at,
        "lease": settings.claim_lease,
        "max_attempts": settings.max_attempts,
        "batch_pages": settings.reader.batch_pages,
    }
    return Runtime(**{**defaults, **parts})


def render_limits(**changes: Any) -> RenderLimits:
    """The limits that settings have by default, with these changes."""
    return replace(bootstrap.limits(Settings()), **changes)


@dataclass(frozen=True, slots=True)
class MadeDocument:
    """A document a test made."""

    id: UUID
    sha256: str
    document_type: str


def begin(db: Sessions) -> AbstractContextManager[Tx]:
    """A transaction whose announcements nobody hears."""
    return transaction(db, lambda document_id, status: None)


def rows_of(read: Callable[..., T], db: Sessions, *args: Any, **more: Any) -> T:
    """What one read says, in a transaction of its own."""
    with begin(db) as tx:
        return read(tx, *args, **more)


def run(db: Sessions, statement: str, **values: Any) -> None:
    """One statement, committed."""
    with begin(db) as tx:
        tx.session.execute(text(statement), values)


def rows(db: Sessions, query: str, **values: Any) -> list[Any]:
    """The rows of one query."""
    with db() as session:
        return list(session.execute(text(query), values).all())


def a_submission(content: bytes | None = None, **changes: Any) -> Submission:
    """A submission of a file of its own, or of these bytes."""
    digest = sha256(uuid4().bytes if content is None else content).hexdigest()
    plain = Submission(
        upstream="tests", sha256=digest, media_type="application/pdf", document_type="slip"
    )
    return replace(plain, **changes)


def a_document(
    db: Sessions, *, status: Status = Status.SUBMITTED, pages: int = 1, **submission: Any
) -> MadeDocument:
    """A document that came to this status on the usual way.

    ACCEPTED accepts all of its fields; IN_REVIEW accepts the first page's ``payee`` and sends
    ``total`` to people.
    """
    sent = a_submission(**submission)
    with begin(db) as tx:
        made = MadeDocument(
            intake_store.submit(tx, sent).document_id, sent.sha256, sent.document_type
        )
    if status is Status.FAILED:
        with begin(db) as tx:
            held = _claim(tx, made, Status.SUBMITTED)
            failure = Failure(code="unreadable_file", message="Not a PDF.", retry=False)
            store.documents.fail(tx, held, failure, backoff=timedelta(0))
        return made
    steps = WAY.index(status) if status in WAY else len(WAY)
    if steps >= 1:
        _render(db, made, pages)
    if steps >= 2:
        _read(db, made)
    if steps >= 3:
        _ground(db, made)
    if steps >= 4:
        _score(db, made)
    if steps >= 5:
        _route(db, made, status)
    return made


def a_page(number: int = 1, **changes: Any) -> NewPage:
    """A rendered A4 page with two words."""
    plain = NewPage(
        number=number,
        width_pt=595.0,
        height_pt=842.0,
        model_width_px=792,
        model_height_px=1120,
        model_sha256=sha256(b"model %d" % number).hexdigest(),
        view_sha256=sha256(b"view %d" % number).hexdigest(),
        words=(Word("Ada", Box(50, 60, 80, 72)), Word("12.50", Box(400, 700, 440, 712))),
    )
    return replace(plain, **changes)


def a_field(name: str, printed: str | None, logprob: float = -0.1, **changes: Any) -> FieldReading:
    """A field whose value is one token, followed by the token that ends it; absent for None."""
    spelt = b"null" if printed is None else printed.encode("utf-8", "replace")
    token = TokenTrace(
        token_id=7,
        text=spelt,
        logprob=logprob,
        top=(Alternative(8, b"?", logprob - 1),),
        entropy=0.25,
    )
    ending = TokenTrace(token_id=1, text=b'"', logprob=-0.001)
    state = FieldState.ABSENT if printed is None else FieldState.VALUE
    plain = FieldReading(name=name, state=state, text=printed, tokens=(token, ending))
    return replace(plain, **changes)


def a_reading(
    page: int = 1, fields: Sequence[FieldReading] | None = None, **changes: Any
) -> Reading:
    """What a model said about one page."""
    found = (
        tuple(fields)
        if fields is not None
        else tuple(a_field(name, printed, lp) for name, (printed, lp) in FIELDS.items())
    )
    generation = Generation(
        tokens=tuple(token for each in found for token in each.tokens), stop_reason=StopReason.END
    )
    plain = Reading(
        page=page,
        document_type="slip",
        fields=found,
        answer=PageAnswer(page=page, generations=(generation,), decode_mode="json"),
        model="tests/model",
        fingerprint="f" * 16,
        prompt_hash="p" * 16,
        decode_mode="json",
        in_domain=True,
        settings={"max_new_tokens": 64},
    )
    return replace(plain, **changes)


def page_claims(tx: Tx, document_id: UUID) -> list[PageClaim]:
    """Claims on all unread pages of one document, whatever else waits."""
    rows = tx.session.execute(
        text(
            "UPDATE pages p SET claim_no = p.claim_no + 1, lease_until = now() + interval '30 s'"
            " FROM documents d WHERE d.id = p.document_id AND d.id = :id AND p.status = 'rendered'"
            " RETURNING p.*, d.document_type, d.type_version, d.reading_generation AS generation"
        ),
        {"id": document_id},
    ).all()
    names = [name for name in PageClaim.__slots__ if name != "page_id"]
    claims = [
        PageClaim(page_id=row.id, **{name: row._mapping[name] for name in names}) for row in rows
    ]
    return sorted(claims, key=lambda held: held.number)


def results_of(tx: Tx, document_id: UUID, *, review: frozenset[str]) -> list[NewResult]:
    """The first page's evidence as the document's answer."""
    fields = [each for each in store.evidence.evidence_of(tx, document_id) if each.page == 1]
    return [
        NewResult(
            name=each.reading.name,
            ordinal=each.reading.ordinal,
            position=position,
            kind="amount" if each.reading.name == "total" else "text",
            state=each.reading.state,
            text=each.reading.text,
            value=each.reading.text,
            field_id=each.field_id,
            page=each.page,
            score=0.9,
            method="weakest-token/1",
            threshold=0.95 if each.reading.name in review else 0.7,
            decision=Outcome.REVIEW if each.reading.name in review else Outcome.ACCEPTED,
            reason="low_score" if each.reading.name in review else "sure_enough",
            details={"message": "0.90 of 0.95" if each.reading.name in review else "0.90 of 0.70"},
        )
        for position, each in enumerate(fields)
    ]


def everything_about(db: Sessions, document_id: UUID) -> Mapping[str, list[Any]]:
    """Every row of every table that belongs to the document."""
    with db() as session:
        return {name: list(rows) for name, rows in _tables(session, document_id)}


def wait_for_lock(db: Sessions) -> None:
    """Return when some transaction of this database waits for another's lock."""
    waiting = text(
        "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname ="
        " current_database()"
    )
    for _ in range(500):
        with db() as session:
            if session.execute(waiting).scalar_one():
                return
        time.sleep(0.02)
    raise AssertionError("nobody waits for a lock")


def _tables(session: Session, document_id: UUID) -> Iterator[tuple[str, Sequence[Any]]]:
    pages = "SELECT id FROM pages WHERE document_id = :id"
    readings = f"SELECT id FROM readings WHERE page_id IN ({pages})"
    fields = f"SELECT id FROM fields WHERE reading_id IN ({readings})"
    results = "SELECT id FROM results WHERE document_id = :id"
    candidates = "SELECT id FROM candidates WHERE document_id = :id"
    items = "SELECT id FROM review_items WHERE document_id = :id"
    tables = {
        "documents": "id = :id",
        "document_events": "document_id = :id",
        "submissions": "document_id = :id",
        "secrets": "document_id = :id",
        "classifications": "document_id = :id",
        "pages": "document_id = :id",
        "readings": f"page_id IN ({pages})",
        "fields": f"reading_id IN ({readings})",
        "candidates": "document_id = :id",
        "witnesses": f"candidate_id IN ({candidates})",
        "scores": f"field_id IN ({fields})",
        "results": "document_id = :id",
        "review_items": "document_id = :id",
        "review_decisions": f"result_id IN ({results})",
        "review_answers": f"item_id IN ({items})",
        "review_skips": f"item_id IN ({items})",
        "document_verdicts": "document_id = :id",
        "questions": "document_id = :id",
    }
    for name, where in tables.items():
        rows = session.execute(
            text(f"SELECT to_jsonb(t) FROM {name} t WHERE {where} ORDER BY to_jsonb(t)::text"),
            {"id": document_id},
        )
        yield name, rows.scalars().all()


def _claim(tx: Tx, made: MadeDocument, at: Status) -> Claim:
    stage = STEP_AT[at].name
    held = store.documents.claim(tx, made.id, at=at, stage=stage, lease=LEASE)
    assert held is not None, f"document {made.id} is not at {at}"
    return held


def _render(db: Sessions, made: MadeDocument, pages: int) -> None:
    with begin(db) as tx:
        held = _claim(tx, made, Status.SUBMITTED)
        store.pages.save_pages(tx, held, [a_page(number) for number in range(1, pages + 1)])
        store.documents.finish(tx, held, to=Status.RENDERED, page_count=pages)


def _read(db: Sessions, made: MadeDocument) -> None:
    with begin(db) as tx:
        store.pages.save_readings(
            tx, [(held, a_reading(held.number)) for held in page_claims(tx, made.id)]
        )


def _ground(db: Sessions, made: MadeDocument) -> None:
    with begin(db) as tx:
        held = _claim(tx, made, Status.EXTRACTED)
        store.documents.finish(tx, held, to=Status.GROUNDED)


def _score(db: Sessions, made: MadeDocument) -> None:
    with begin(db) as tx:
        held = _claim(tx, made, Status.GROUNDED)
        scores = [
            NewScore(each.field_id, "weakest-token/1", 0.9)
            for each in store.evidence.evidence_of(tx, made.id)
        ]
        store.evidence.save_scores(tx, held, scores)
        store.documents.finish(tx, held, to=Status.SCORED)


def _route(db: Sessions, made: MadeDocument, status: Status) -> None:
    review = frozenset() if status is Status.ACCEPTED else frozenset({"total"})
    with begin(db) as tx:
        held = _claim(tx, made, Status.SCORED)
        store.results.save_results(tx, held, results_of(tx, made.id, review=review))
        waiting = review_store.open_review(tx, held)
        store.documents.finish(tx, held, to=Status.IN_REVIEW if waiting else Status.ACCEPTED)
