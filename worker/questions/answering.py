"""What an answer does, by what was asked: one function each, inside of the caller's transaction.

The document and the question are locked, and the question is open.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from sqlalchemy import delete, null, select, update
from sqlalchemy.dialects.postgresql import insert as pg_insert

from extractors.documents import DocumentType
from extractors.evidence.grounding import ground
from extractors.normalise import Value, normalise
from worker import store as rows
from worker.db import Tx
from worker.intake import store as intake_store
from worker.questions.errors import InvalidAnswer
from worker.questions.store import Held
from worker.questions.types import Asked, Meant
from worker.review import leases, queue, reads
from worker.review import store as review_store
from worker.review.document_types import PERSON
from worker.review.queue import list_items
from worker.review.settle import settle
from worker.review.tables import Action, ItemState
from worker.review.types import Decision, ItemFilter
from worker.runtime import Runtime
from worker.store import installation, transitions
from worker.tables.documents import ANSWERED, Classification, Document, Status, Submission
from worker.tables.evidence import EInvoiceRow, Page, RenderFinding
from worker.tables.questions import Wanted

STAGE = "answer"
MOST_ITEMS = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Answering:
    """An answer on its way into the document."""

    asked: Asked
    meant: Meant
    document: Held
    by: str  # the actor, as events name it
    alone: bool  # no other question about the document is open
    rt: Runtime


def take(tx: Tx, one: Answering) -> Status:
    """Let the answer act; returns where the document stands then."""
    return EFFECTS[one.asked.wanted](tx, one)


def _opens(tx: Tx, one: Answering) -> Status:
    """The password opens the file, or it does not: rendering finds out, and asks again."""
    assert one.meant.password is not None, "checked before"
    sealed = installation.seal(tx, one.meant.password)
    intake_store.keep_password(tx, one.asked.document_id, sealed)
    return _move(tx, one, Status.SUBMITTED)


def _replaces(tx: Tx, one: Answering) -> Status:
    """The better scan takes the file's place: a new generation, read from its first page on.

    Pages of the scan before stay, and so do the readings and answers that were made of them.
    """
    of = one.asked.document_id
    tx.session.execute(
        update(Submission)
        .where(Submission.document_id == of, Submission.sha256.is_(None))
        .values(sha256=select(Document.sha256).where(Document.id == of).scalar_subquery())
    )
    tx.session.execute(
        update(Page)
        .where(Page.document_id == of)
        .values(
            document_id=null(),
            replaced_in=of,
            claim_no=Page.claim_no + 1,  # fences off whoever still reads it
            lease_until=null(),
            next_attempt_at=null(),
        )
    )
    for found in (RenderFinding, EInvoiceRow):
        tx.session.execute(delete(found).where(found.document_id == of))
    review_store.supersede(tx, [of])
    return _move(
        tx,
        one,
        Status.SUBMITTED,
        sha256=one.meant.sha256,
        media_type=one.meant.media_type,
        page_count=null(),
        rendered_bytes=0,
        rendering_s=0.0,
        working_generation=Document.working_generation + 1,
        reading_generation=Document.working_generation + 1,
        claim_no=Document.claim_no + 1,
    )


def _names(tx: Tx, one: Answering) -> Status:
    """The document goes on as the type that its sender names."""
    tx.session.execute(
        pg_insert(Classification).values(
            document_id=one.asked.document_id,
            method=PERSON,
            document_type=one.meant.text,
            who=one.document.sender,
        )
    )
    return _move(tx, one, Status.UNTRIAGED, document_type=one.meant.text)


def _fills(tx: Tx, one: Answering) -> Status:
    """The value is the field's, where the page says it too or policy trusts the sender; else it
    stands beside the field, and a reviewer confirms it.
    """
    asked, who = one.asked, one.document.sender
    assert asked.field is not None, "the table has a rule for it"
    spec = one.rt.pinned_type(asked.document_type, asked.type_version)
    value = value_of(asked, one.meant.text or "", spec)
    result = reads.result_of(tx, asked.document_id, asked.field, asked.ordinal)
    item = queue.counting(tx, review_store.item_about(tx, result))
    decision = Decision(
        item_id=item.item_id,
        version=item.version,
        who=who,
        action=Action.CORRECT,
        text=one.meant.text,
        value=value.value,
        currency=value.currency,
        again=item.item_state is ItemState.CLOSED,
    )
    if not one.rt.confirm_answers or _stands_on_a_page(
        tx, asked, value, spec, one.meant.text or ""
    ):
        review_store.decide_by_word(tx, decision, item)
    else:
        review_store.offer(tx, decision, item)
    return back(tx, one.asked, one.document, by=one.by, alone=one.alone)


def _tells(tx: Tx, one: Answering) -> Status:
    """The words stand beside the first field that waits; a document without one shows them with
    its question.
    """
    items = list_items(tx, ItemFilter(document_id=one.asked.document_id), limit=1)
    for item in items:
        leases.add_note(tx, item.item_id, one.document.sender, one.meant.text or "")
    return back(tx, one.asked, one.document, by=one.by, alone=one.alone)


EFFECTS: Mapping[Wanted, Callable[[Tx, Answering], Status]] = {
    Wanted.PASSWORD: _opens,
    Wanted.FILE: _replaces,
    Wanted.TYPE: _names,
    Wanted.VALUE: _fills,
    Wanted.TEXT: _tells,
}


def value_of(asked: Asked, text: str, spec: DocumentType) -> Value:
    """What a text means in the field that was asked for.

    Raises InvalidAnswer.
    """
    meant = normalise(text, spec.field(asked.field or ""), spec)
    if meant.problem is not None:
        raise InvalidAnswer(
            f"This does not fit the field: {meant.message}. Write it as it is printed on the paper."
        )
    return meant


def _stands_on_a_page(tx: Tx, asked: Asked, value: Value, spec: DocumentType, text: str) -> bool:
    field = spec.field(asked.field or "")
    found = (
        ground(text, page, field, spec, value=value)
        for page in rows.evidence.page_texts(tx, asked.document_id).values()
    )
    return any(one is not None and one.found for one in found)


def back(tx: Tx, asked: Asked, document: Held, *, by: str, alone: bool) -> Status:
    """The document goes on from where it was asked about, when no other question is open."""
    if not alone:
        return Status.NEEDS_INPUT
    leases.release_document(tx, document.sender, asked.document_id)
    if asked.back in ANSWERED:
        return settle(tx, asked.document_id, who=document.sender, by=by, stage=STAGE)[1]
    also = {}
    if asked.back is Status.FAILED:
        also = {"error_code": asked.fails_with, "error_message": asked.fails_because}
    transitions.move(
        tx,
        [asked.document_id],
        at=[Status.NEEDS_INPUT],
        to=asked.back,
        by=by,
        stage=STAGE,
        code=asked.fails_with,
        also=also,
    )
    return asked.back


def _move(tx: Tx, one: Answering, to: Status, **also: object) -> Status:
    transitions.move(
        tx,
        [one.asked.document_id],
        at=[Status.NEEDS_INPUT],
        to=to,
        by=one.by,
        stage=STAGE,
        code=one.asked.wanted.value,
        also=also,
    )
    return to
