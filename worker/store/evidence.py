"""Evidence read back for scoring, and the opinions saved beside it."""

from collections.abc import Mapping, Sequence
from uuid import UUID

from sqlalchemy import Row, bindparam, select, update
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.dialects.postgresql import insert as pg_insert

from extractors.page.text import PageText
from extractors.types import FieldReading, StopReason
from worker.db import Tx
from worker.store.codec import box_out, boxes_in, tokens_in, words_in
from worker.store.documents import hold
from worker.store.types import Claim, FoundAt, NewScore, StoredField
from worker.tables.evidence import FieldEvidence, Page, PageReading, Score


def evidence_of(tx: Tx, document_id: UUID) -> list[StoredField]:
    """What every page of the document says about every field, as its newest reading has it, in page
    order.
    """
    newest = (
        select(PageReading.id, PageReading.in_domain, Page.number)
        .join(Page, PageReading.page_id == Page.id)
        .where(Page.document_id == document_id)
        .ext(distinct_on(Page.id))
        .order_by(Page.id, PageReading.generation.desc())
        .subquery()
    )
    rows = tx.session.execute(
        select(FieldEvidence.__table__, newest.c.in_domain, newest.c.number)
        .join(newest, FieldEvidence.reading_id == newest.c.id)
        .order_by(newest.c.number, FieldEvidence.name, FieldEvidence.ordinal)
    )
    return [_stored_field(row) for row in rows]


def _stored_field(row: Row[tuple[object, ...]]) -> StoredField:
    reading = FieldReading(
        name=row.name,
        ordinal=row.ordinal,
        state=row.state,
        text=row.text,
        tokens=tokens_in(row.tokens),
        ends=row.ends,
        stop_reason=StopReason(row.stop_reason),
        problem=row.problem,
        relevance=row.relevance,
    )
    return StoredField(
        field_id=row.id,
        page=row.number,
        in_domain=row.in_domain,
        reading=reading,
        boxes=boxes_in(row.boxes),
        box_source=row.box_source,
        agreement=row.agreement,
    )


def page_texts(tx: Tx, document_id: UUID) -> dict[int, PageText]:
    """The words of each page and who says them, by page number."""
    pages = (
        select(Page.number, Page.words, Page.words_source)
        .where(Page.document_id == document_id)
        .order_by(Page.number)
    )
    return {
        row.number: PageText(words_in(row.words), source=row.words_source)
        for row in tx.session.execute(pages)
    }


def save_relevance(
    tx: Tx, held: Claim, relevance: Mapping[UUID, float | None], *, reranker: str | None
) -> None:
    """What a reranker says of each field's value and its line: raw logits, with its fingerprint.

    Raises ClaimLost if another worker took over meanwhile.
    """
    hold(tx, held)
    if relevance:
        tx.session.connection().execute(
            update(FieldEvidence)
            .where(FieldEvidence.id == bindparam("of"))
            .values(relevance=bindparam("logit"), reranker=reranker),
            [{"of": field_id, "logit": logit} for field_id, logit in relevance.items()],
        )


def save_scores(tx: Tx, held: Claim, scores: Sequence[NewScore]) -> None:
    """Opinions about fields; one that is there already stays, since a method's version never
    changes its mind.

    Raises ClaimLost if another worker took over meanwhile.
    """
    hold(tx, held)
    if scores:
        rows = [
            {"field_id": each.field_id, "method": each.method, "score": each.score}
            for each in scores
        ]
        tx.session.execute(
            pg_insert(Score).on_conflict_do_nothing(index_elements=["field_id", "method"]), rows
        )


def scores_of(tx: Tx, document_id: UUID, method: str) -> dict[UUID, float | None]:
    """One method's scores by field id; a field that the method has not seen is not in the
    answer.
    """
    rows = tx.session.execute(
        select(Score.field_id, Score.score)
        .join(FieldEvidence, Score.field_id == FieldEvidence.id)
        .join(PageReading, FieldEvidence.reading_id == PageReading.id)
        .join(Page, PageReading.page_id == Page.id)
        .where(Page.document_id == document_id, Score.method == method)
    )
    return {row.field_id: row.score for row in rows}


def save_grounding(tx: Tx, held: Claim, found: Sequence[FoundAt]) -> None:
    """Where the page says each value.

    Raises ClaimLost if another worker took over meanwhile.
    """
    hold(tx, held)
    if found:
        tx.session.execute(
            update(FieldEvidence),
            [
                {
                    "id": at.field_id,
                    "boxes": [box_out(box) for box in at.boxes],
                    "box_source": at.source,
                    "agreement": at.agreement,
                }
                for at in found
            ],
        )
