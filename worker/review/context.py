"""Everything that is known about the field before a reviewer: its evidence, its place on the pages,
and what was said about it.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, case, or_, select

from extractors.types import Box, FieldState, TokenTrace
from worker.db import Tx
from worker.review.heard import Heard, heard_about
from worker.review.queue import item, list_items
from worker.review.tables import Action, ReviewDecision, ReviewItem, ReviewNote
from worker.review.types import Item, ItemFilter
from worker.store.codec import boxes_in, tokens_in
from worker.store.results import current
from worker.store.types import ATTENTION
from worker.tables.documents import Document, Submission
from worker.tables.evidence import FieldEvidence, Page, PageReading
from worker.tables.results import Result

MOST_AT_ONCE = 500  # open fields of one document that are shown with all their evidence


@dataclass(frozen=True, slots=True)
class WeightedPatch:
    """One patch of the page, and how much of the value was read from it."""

    box: Box
    weight: float  # 1 for the patch that most of the attention went to


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What one page says about the field."""

    tokens: tuple[TokenTrace, ...]
    text: str | None
    page: int
    boxes: tuple[Box, ...]
    box_source: str | None

    @property
    def attention(self) -> tuple[WeightedPatch, ...]:
        """Where the model looked, when that is all that is known of the place."""
        return attention_patches(self.tokens) if self.box_source == ATTENTION else ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where on the pages one value stands."""

    page: int
    boxes: tuple[Box, ...]
    source: str | None  # who says so
    attention: tuple[WeightedPatch, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PageView:
    """One page as people see it."""

    number: int
    width_pt: float
    height_pt: float
    view_sha256: str
    rank: int | None = None  # 1: its words promise the most; None: nobody had to choose


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """One decision, or note, about an item."""

    who: str
    action: Action | None  # None: a note
    text: str | None
    version: int | None  # of the item after the decision
    at: datetime
    seen: dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemContext:
    """All that a person needs to decide one item."""

    item: Item
    evidence: Evidence | None
    page: PageView | None  # the one that the value comes from, else the first
    pages: tuple[PageView, ...]
    filename: str | None
    page_count: int | None
    said: tuple[Said, ...]  # oldest first
    heard: tuple[Heard, ...] = ()  # of the witnesses, contradictions first


def item_context(tx: Tx, item_id: UUID) -> ItemContext:
    """Everything that is known about one item.

    Raises NotFound.
    """
    return about(tx, item(tx, item_id))


def about(tx: Tx, found: Item) -> ItemContext:
    """Everything that is known about this item."""
    evidence = _evidence(tx, [found]).get(found.field_id)
    name = tx.session.execute(
        select(Submission.filename, Document.page_count)
        .join(Document, Submission.document_id == Document.id)
        .where(Submission.document_id == found.document_id)
        .limit(1)
    ).one_or_none()
    every = tuple(pages(tx, found.document_id))
    return ItemContext(
        item=found,
        evidence=evidence,
        page=likeliest_page(found, evidence, every),
        pages=every,
        filename=name.filename if name else None,
        page_count=name.page_count if name else None,
        said=said_about(tx, found.item_id),
        heard=heard_about(tx, [found.item_id]).get(found.item_id, ()),
    )


def likeliest_page(
    found: Item, evidence: Evidence | None, every: Sequence[PageView]
) -> PageView | None:
    """The page to look at first: where the value was read.

    Where nothing was read it is the page whose words promise the most, else the first one.
    """
    number = found.page or (evidence.page if evidence else None)
    if found.state is FieldState.ABSENT or number is None:
        number = next((page.number for page in every if page.rank == 1), 1)
    return next((page for page in every if page.number == number), None)


def waiting_in(tx: Tx, document_id: UUID, every: Sequence[PageView]) -> list[ItemContext]:
    """The open items of a document with their evidence; whoever asks knows the document.

    every: its pages
    """
    items = list_items(tx, ItemFilter(document_id=document_id), limit=MOST_AT_ONCE)
    evidence = _evidence(tx, items)
    heard = heard_about(tx, [each.item_id for each in items])
    nothing: dict[str, Any] = {"pages": (), "filename": None, "page_count": None, "said": ()}
    return [
        ItemContext(
            item=each,
            evidence=evidence.get(each.field_id),
            page=likeliest_page(each, evidence.get(each.field_id), every),
            heard=heard.get(each.item_id, ()),
            **nothing,
        )
        for each in items
    ]


def pages(tx: Tx, document_id: UUID) -> list[PageView]:
    """The pages of a document, in order."""
    rows = tx.session.execute(
        select(Page.number, Page.width_pt, Page.height_pt, Page.view_sha256, Page.rank)
        .where(Page.document_id == document_id)
        .order_by(Page.number)
    )
    return [PageView(**row._mapping) for row in rows]


def said_about(tx: Tx, item_id: UUID) -> tuple[Said, ...]:
    """Decisions and notes about an item, oldest first.

    Before them stand the decisions about the field that an earlier answer brought; those made no
    version of this item.
    """
    d = ReviewDecision
    this = select(ReviewItem.result_id).where(ReviewItem.id == item_id)
    earlier = select(Result.earlier_id).where(Result.id == this.scalar_subquery())
    version = case((d.item_id == item_id, d.version))
    decisions = tx.session.execute(
        select(d.who, d.action, d.text, version.label("version"), d.decided_at.label("at"), d.seen)
        .where(or_(d.item_id == item_id, d.result_id == earlier.scalar_subquery()))
        .order_by(d.id)
    )
    n = ReviewNote
    notes = tx.session.execute(
        select(n.who, n.text, n.written_at.label("at")).where(n.item_id == item_id)
    )
    found = [Said(**row._mapping) for row in decisions]
    found += [Said(**row._mapping, action=None, version=None, seen={}) for row in notes]
    return tuple(sorted(found, key=lambda each: each.at))


def places_of(tx: Tx, document_id: UUID) -> dict[tuple[str, int], Place]:
    """Where the values of a document stand, by field and ordinal."""
    # the others' tokens stay in the database
    looked = case((FieldEvidence.box_source == ATTENTION, FieldEvidence.tokens))
    rows = tx.session.execute(
        select(
            Result.name,
            Result.ordinal,
            Result.page,
            FieldEvidence.boxes,
            FieldEvidence.box_source,
            looked.label("tokens"),
        )
        .join(FieldEvidence, Result.field_id == FieldEvidence.id)
        .where(
            current(document_id),
            Result.page.is_not(None),
            Result.removed_at.is_(None),
        )
    )
    return {
        (row.name, row.ordinal): Place(
            page=row.page,
            boxes=boxes_in(row.boxes),
            source=row.box_source,
            attention=attention_patches(tokens_in(row.tokens or ())),
        )
        for row in rows
    }


def attention_patches(tokens: Iterable[TokenTrace]) -> tuple[WeightedPatch, ...]:
    """The attention of all tokens together, patch by patch."""
    shares: dict[Box, float] = defaultdict(float)
    for token in tokens:
        for patch in token.patches:
            shares[patch.box] += patch.share
    most = max(shares.values(), default=0.0)
    return (
        tuple(WeightedPatch(box, share / most) for box, share in shares.items()) if most > 0 else ()
    )


def _evidence(tx: Tx, items: Iterable[Item]) -> dict[UUID | None, Evidence]:
    ids = [each.field_id for each in items if each.field_id is not None]
    rows = tx.session.execute(
        select(
            FieldEvidence.id,
            FieldEvidence.tokens,
            FieldEvidence.text,
            FieldEvidence.boxes,
            FieldEvidence.box_source,
            Page.number,
        )
        .join(PageReading, FieldEvidence.reading_id == PageReading.id)
        .join(Page, Page.id == PageReading.page_id)
        .where(FieldEvidence.id.in_(ids))
    )
    return {row.id: _as_evidence(row) for row in rows}


def _as_evidence(row: Row[Any]) -> Evidence:
    return Evidence(
        tokens=tokens_in(row.tokens),
        text=row.text,
        page=row.number,
        boxes=boxes_in(row.boxes),
        box_source=row.box_source,
    )
