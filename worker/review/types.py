"""What review takes and gives: frozen values that state their units."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from extractors.types import Box, FieldState
from worker.review.tables import Action, ItemState
from worker.tables.documents import Status
from worker.tables.results import Outcome


@dataclass(frozen=True, slots=True, kw_only=True)
class Untyped:
    """A document whose type a person must name, and what its words are most like."""

    document_id: UUID
    filename: str | None
    page_count: int | None
    likeliest: str | None
    confidence: float | None  # None: it has no words
    # "1-2 invoice" -> confidence, where the file looks like several documents
    parts: Mapping[str, float | None]
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemFilter:
    """Which review items to look at; None means any."""

    document_id: UUID | None = None
    document_type: str | None = None
    field: str | None = None
    reason: str | None = None
    older_than: timedelta | None = None
    least_priority: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One field that waits, or waited, for a person."""

    item_id: UUID
    version: int
    item_state: ItemState
    document_id: UUID
    document_type: str
    type_version: str | None  # that the item was made under
    field: str
    ordinal: int
    kind: str
    page: int | None
    state: FieldState
    text: str | None
    value: Any
    currency: str | None
    score: float | None
    threshold: float | None
    reason: str
    details: Mapping[str, Any]
    priority: int
    deadline: datetime | None
    created_at: datetime
    lease_until: datetime | None
    leased_by: str | None
    field_id: UUID | None
    outcome: Outcome  # accepted, waiting or decided
    is_current: bool  # it belongs to the answer that counts
    boxes: tuple[Box, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What a person says about one item."""

    item_id: UUID
    version: int  # of the item as the person saw it
    who: str
    action: Action
    text: str | None = None  # for a correction
    value: Any = None  # what the text means, normalised by the caller
    # of an amount; None: the text names none, and the one that is known stays
    currency: str | None = None
    seen: bool | None = None  # the person had the page before their eyes
    took_ms: int | None = None
    again: bool = False  # about an item that is decided already: a correction, or an undo


@dataclass(frozen=True, slots=True)
class Decided:
    """What a decision led to."""

    document_id: UUID
    version: int  # of the item now
    open_items: int  # of the document
    status: Status  # of the document
