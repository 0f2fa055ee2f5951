"""What the witnesses said about a field, as a reviewer sees it: in a few words, each with its
place, the contradiction first.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Row, and_, func, or_, select
from sqlalchemy.orm import aliased

from extractors.evidence.witnesses import Says
from extractors.page.text import TEXT_LAYER
from extractors.types import Box, FieldState
from worker.db import Tx
from worker.review.tables import ReviewItem
from worker.store.codec import boxes_in
from worker.tables.evidence import CandidateRow, WitnessRow
from worker.tables.results import Result

MOST = 12  # of one field: nobody reads more
ORDER = {Says.DENIES: 0, Says.OFFERS: 1, Says.AGREES: 2}
# whose word it is, in a reviewer's terms; a witness that is not here goes by its own name
KINDS = {
    "on-page": "text",
    "whole-text": "text",
    "spoken-to": "text",
    "own-label": "label",
    "named-on-page": "text",
    "parties": "label",
    "own-cell": "table",
    "line-items": "table",
    "row-product": "sums",
    "list-sums": "sums",
    "net-tax-total": "sums",
    "empty-list": "table",
    "no-items": "table",
    "einvoice-xml": "XML",
    "checksum": "check digits",
    "same-values": "other field",
    "plausible-dates": "dates",
    "conventions": "spelling",
    "one-currency": "currency",
    "other-readings": "other page",
    "left-out-pages": "page not read",
    "rendering-losses": "rendering",
    "in-picture": "picture",
}
# where a witness that agrees has no message of its own
SAYS = {"on_page": "stands on the page", "in_picture": "the picture shows it too"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """What one witness said about a field."""

    says: Says
    kind: str  # whose word it is: "label", "sums"
    message: str
    about: str | None  # another value than the one shown, of which this was said
    page: int | None  # 1-based: where it was seen
    boxes: tuple[Box, ...]  # on that page, in points
    offers: str | None  # another answer that stands there


def heard_about(tx: Tx, item_ids: Sequence[UUID]) -> dict[UUID, tuple[Heard, ...]]:
    """What was said about each of these items, the contradictions first.

    Of a cell it is also what was said about its list as a whole.
    """
    i, r, c, w = ReviewItem, Result, CandidateRow, WitnessRow
    rows = tx.session.execute(
        select(
            i.id.label("item_id"),
            r.read_text,
            c.text.label("about"),
            *(w.__table__.c[name] for name in ("witness", "says", "code", "message", "details")),
            *(w.__table__.c[name] for name in ("page", "boxes", "offers", "number")),
        )
        .join(r, i.result_id == r.id)
        .join(c, and_(c.document_id == r.document_id, _is_of(r, c), c.generation == _newest(r)))
        .join(w, w.candidate_id == c.id)
        .where(i.id.in_(item_ids))
        .order_by(i.id, w.witness, c.number, w.number)
    )
    found: dict[UUID, list[Heard]] = defaultdict(list)
    for row in rows:
        found[row.item_id].append(_heard(row))
    return {item_id: _told(said) for item_id, said in found.items()}


def _is_of(r: type[Result], c: type[CandidateRow]) -> ColumnElement[bool]:
    """The candidate is one of the field's, or stands for the list that the field is a cell of."""
    own = and_(c.name == r.name, c.ordinal == r.read_ordinal)
    whole = and_(c.name == func.split_part(r.name, ".", 1), c.ordinal == 0)
    return or_(own, and_(c.name != r.name, whole, c.state == FieldState.VALUE))


def _newest(r: type[Result]) -> Any:
    """The generation of candidates that the result was chosen from: a new score makes none."""
    each = aliased(CandidateRow)
    newest = select(func.max(each.generation)).where(
        each.document_id == r.document_id, each.generation <= r.generation
    )
    return newest.scalar_subquery()


def _heard(row: Row[Any]) -> Heard:
    name = row.witness.partition("/")[0]
    kind = KINDS.get(name, name.replace("-", " "))
    source = row.details.get("source")
    if kind == "text" and source not in (None, TEXT_LAYER):
        kind = "OCR"
    other = row.about is not None and row.about != row.read_text
    return Heard(
        says=row.says,
        kind=kind,
        message=row.message or SAYS.get(row.code or "", "agrees"),
        about=row.about if other and row.read_text is not None else None,
        page=row.page,
        boxes=boxes_in(row.boxes),
        offers=row.offers,
    )


def _told(said: Sequence[Heard]) -> tuple[Heard, ...]:
    """Each once, contradictions first."""
    once = {(one.says, one.kind, one.message, one.about): one for one in said}
    return tuple(sorted(once.values(), key=lambda one: ORDER[one.says])[:MOST])
