"""Evidence read back for scoring, and the opinions saved beside it."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Row, Select, and_, bindparam, select, update

from extractors.page.text import PageText
from extractors.rendering.image_quality import ImageQuality
from extractors.types import FieldReading, Opening, StopReason, TokenTrace
from worker.db import Tx
from worker.store.bulk import given, insert_many, rows_like, table_of
from worker.store.codec import box_out, boxes_in, storable_json, tokens_in, words_in
from worker.store.documents import hold
from worker.store.types import Claim, Measured, NewScore, SaidByLook, StoredField, StoredPage
from worker.tables.documents import Document
from worker.tables.evidence import FieldEvidence, Page, PageReading, PageStatus, Score

MEASURED = (
    "value",
    "currency",
    "value_problem",
    "boxes",
    "box_source",
    "agreement",
    "relevance",
    "reranker",
)
_new_fields = rows_like(table_of(FieldEvidence), ["id", *MEASURED])
UPDATE_MEASURED = (
    update(table_of(FieldEvidence))
    .where(FieldEvidence.id == _new_fields.c.id)
    .values({name: _new_fields.c[name] for name in MEASURED})
)


def _evidence_of(*, tokens: bool) -> Select[Any]:
    """The statement of ``evidence_of``: built once, since building takes longer than running."""
    d, p, r, f = (table_of(one) for one in (Document, Page, PageReading, FieldEvidence))
    further = r.alias()  # the first further look, if there is one
    columns = [column for column in f.columns if tokens or column.name != "tokens"]
    of_page = [p.c.number, p.c.contrast, p.c.ink, p.c.sharpness]
    of_reading = [r.c.in_domain, r.c.fingerprint, r.c.decode_mode]
    return (
        select(*columns, *of_page, *of_reading, further.c.id.is_not(None).label("looked_at_again"))
        .join_from(d, p, p.c.document_id == d.c.id)
        .join(
            r,
            and_(
                r.c.page_id == p.c.id,
                r.c.generation == d.c.reading_generation,
                r.c.look == 0,
            ),
        )
        .join(f, f.c.reading_id == r.c.id)
        .outerjoin(
            further,
            and_(
                further.c.page_id == p.c.id,
                further.c.generation == r.c.generation,
                further.c.look == 1,
            ),
        )
        .where(d.c.id == bindparam("document"))
        .order_by(p.c.number, f.c.name, f.c.ordinal)
    )


EVIDENCE_OF = {tokens: _evidence_of(tokens=tokens) for tokens in (True, False)}
INSERT_SCORES = insert_many(table_of(Score), ["field_id", "method", "score"])


def evidence_of(tx: Tx, document_id: UUID, *, tokens: bool = True) -> list[StoredField]:
    """What every page of the document says about every field, in page order, by the readings that
    its answer is made from; without the tokens where nobody needs them.
    """
    rows = tx.session.connection().execute(EVIDENCE_OF[tokens], {"document": document_id})
    return [_stored_field(row, tokens_in(row.tokens) if tokens else ()) for row in rows]


def _stored_field(row: Row[Any], tokens: tuple[TokenTrace, ...]) -> StoredField:
    reading = FieldReading(
        name=row.name,
        ordinal=row.ordinal,
        state=row.state,
        text=row.text,
        tokens=tokens,
        ends=row.ends,
        opening=_opening(row),
        stop_reason=StopReason(row.stop_reason),
        problem=row.problem,
    )
    quality = None
    if row.contrast is not None and row.ink is not None:
        quality = ImageQuality(contrast=row.contrast, ink=row.ink, sharpness=row.sharpness)
    return StoredField(
        field_id=row.id,
        page=row.number,
        in_domain=row.in_domain,
        fingerprint=row.fingerprint,
        decode_mode=row.decode_mode,
        looked_at_again=row.looked_at_again,
        reading=reading,
        boxes=boxes_in(row.boxes),
        box_source=row.box_source,
        agreement=row.agreement,
        value=row.value,
        currency=row.currency,
        value_problem=row.value_problem,
        relevance=row.relevance,
        image_quality=quality,
    )


def _opening(row: Row[Any]) -> Opening | None:
    return None if row.opening is None else Opening(taken=row.opening, other=row.opening_other)


def looks_of(tx: Tx, document_id: UUID) -> dict[int, list[SaidByLook]]:
    """What the further looks at each page say, by page number: a look after the other."""
    d, p, r, f = Document, Page, PageReading, FieldEvidence
    rows = tx.session.execute(
        select(
            p.number, r.look, r.forced, f.name, f.ordinal, f.state, f.text, f.tokens, f.ends,
            f.stop_reason, f.problem, f.opening, f.opening_other,
        )
        .join_from(d, p, p.document_id == d.id)
        .join(r, and_(r.page_id == p.id, r.generation == d.reading_generation, r.look > 0))
        .outerjoin(f, f.reading_id == r.id)
        .where(d.id == document_id)
        .order_by(p.number, r.look)
    )  # fmt: skip
    looks: dict[int, dict[int, SaidByLook]] = {}
    for row in rows:
        look = looks.setdefault(row.number, {}).setdefault(row.look, SaidByLook(row.forced))
        if row.name is not None:
            look.fields[row.name, row.ordinal] = FieldReading(
                name=row.name,
                ordinal=row.ordinal,
                state=row.state,
                text=row.text,
                tokens=tokens_in(row.tokens),
                ends=row.ends,
                opening=_opening(row),
                stop_reason=StopReason(row.stop_reason),
                problem=row.problem,
            )
    return {page: list(by_look.values()) for page, by_look in looks.items()}


def pages_of(tx: Tx, document_id: UUID) -> list[StoredPage]:
    """Every page with its words, in order, and whether the model was asked to read it."""
    rows = tx.session.execute(
        select(
            Page.number,
            Page.words,
            Page.words_source,
            Page.turned,
            Page.status,
            Page.rank,
            Page.width_pt,
            Page.height_pt,
            Page.view_sha256,
        )
        .where(Page.document_id == document_id)
        .order_by(Page.number)
    )
    return [
        StoredPage(
            number=row.number,
            text=_text(row),
            left_out=row.status is PageStatus.LEFT_OUT,
            rank=row.rank,
            size_pt=(row.width_pt, row.height_pt),
            view_sha256=row.view_sha256,
        )
        for row in rows
    ]


def page_texts(tx: Tx, document_id: UUID) -> dict[int, PageText]:
    """The words of each page and who says them, by page number."""
    pages = (
        select(Page.number, Page.words, Page.words_source, Page.turned)
        .where(Page.document_id == document_id)
        .order_by(Page.number)
    )
    return {row.number: _text(row) for row in tx.session.execute(pages)}


def _text(row: Row[Any]) -> PageText:
    """The words of a page's row."""
    return PageText(words_in(row.words), source=row.words_source, upside_down=row.turned == 180)


def save_measured(tx: Tx, held: Claim, measured: Sequence[Measured]) -> None:
    """What each field's text means, where the page says it, and how relevant its line is.

    Raises ClaimLost if another worker took over meanwhile.
    """
    hold(tx, held)
    if measured:
        tx.session.connection().execute(
            UPDATE_MEASURED, given([_measured_row(one) for one in measured])
        )


def _measured_row(one: Measured) -> dict[str, Any]:
    value = one.value
    return {
        "id": str(one.field_id),
        "value": None if value is None else storable_json(value.value),
        "currency": None if value is None else value.currency,
        "value_problem": None if value is None else value.problem,
        "boxes": [box_out(box) for box in one.boxes] or None,
        "box_source": one.box_source,
        "agreement": one.agreement,
        "relevance": one.relevance,
        "reranker": one.reranker,
    }


def save_scores(tx: Tx, held: Claim, scores: Sequence[NewScore]) -> None:
    """Opinions about fields; one that is there already stays, since a method's version never
    changes its mind.

    Raises ClaimLost if another worker took over meanwhile.
    """
    hold(tx, held)
    if scores:
        rows = [
            {"field_id": str(each.field_id), "method": each.method, "score": each.score}
            for each in scores
        ]
        tx.session.connection().execute(INSERT_SCORES, given(rows))


def scores_of(tx: Tx, document_id: UUID, method: str) -> dict[UUID, float | None]:
    """One method's scores by field id; a field that the method has not seen is not in the
    answer.
    """
    rows = tx.session.execute(
        select(Score.field_id, Score.score)
        .join(FieldEvidence, Score.field_id == FieldEvidence.id)
        .join(PageReading, FieldEvidence.reading_id == PageReading.id)
        .join(Page, PageReading.page_id == Page.id)
        .join(Document, Page.document_id == Document.id)
        .where(
            Document.id == document_id,
            PageReading.generation == Document.reading_generation,
            Score.method == method,
        )
    )
    return {row.field_id: row.score for row in rows}
