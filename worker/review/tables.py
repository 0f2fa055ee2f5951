"""Review items, what people decided about them, and what they noted or skipped."""

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ForeignKey,
    Index,
    SmallInteger,
    UniqueConstraint,
    func,
)
from sqlalchemy import text as sql
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from worker.tables.base import Base, belongs_to, closed, new_id, one_of
from worker.tables.documents import under_version


class ItemState(StrEnum):
    """Whether a review item still waits."""

    OPEN = "open"
    CLOSED = "closed"
    SUPERSEDED = "superseded"  # undecided when the document was read, scored or routed again


class Action(StrEnum):
    """What a reviewer said about a field."""

    ACCEPT = "accept"  # the machine is right
    CORRECT = "correct"  # this is the right text
    ABSENT = "absent"  # the document has no such field
    UNREADABLE = "unreadable"  # no person can read it either
    ROWS = "rows"  # these are the rows of the list, all of them
    REMOVE = "remove"  # the document has no such row
    UNDO = "undo"  # the last decision was a slip of the hand


class Verdict(StrEnum):
    """What a person said about a whole document."""

    OTHER_TYPE = "other_type"  # it is read again as that type
    NOT_OURS = "not_ours"  # nobody here has to do with it
    ILLEGIBLE = "illegible"  # no person can read it
    DUPLICATE = "duplicate"  # another document says the same
    UNDO = "undo"  # the verdict before was a slip of the hand


class ReviewItem(Base):
    """One field that waits for a person."""

    __tablename__ = "review_items"
    __table_args__ = (
        UniqueConstraint("result_id"),
        one_of("state", ItemState),
        CheckConstraint("(state = 'closed') = (closed_at IS NOT NULL)", name="closed"),
        CheckConstraint("(leased_by IS NULL) = (lease_until IS NULL)", name="lease"),
        Index("review_items_document_id_idx", "document_id"),
        Index(
            "review_items_leased_by_idx", "leased_by", postgresql_where=sql("leased_by IS NOT NULL")
        ),
        Index(
            "review_items_queue_idx",
            sql("priority DESC"),
            "deadline",
            "created_at",
            postgresql_where=sql("state = 'open'"),
        ),
    )

    id: Mapped[UUID] = new_id()
    result_id: Mapped[UUID] = belongs_to("results.id")
    document_id: Mapped[UUID] = belongs_to("documents.id")
    type_version: Mapped[str | None] = under_version()
    reason: Mapped[str]
    priority: Mapped[int] = mapped_column(SmallInteger, server_default="4")
    deadline: Mapped[datetime | None]
    lease_until: Mapped[datetime | None]
    leased_by: Mapped[str | None]
    # rises with every decision: the second of two gets a conflict
    version: Mapped[int] = mapped_column(server_default="1")
    state: Mapped[ItemState] = mapped_column(closed(ItemState), server_default=ItemState.OPEN)
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    closed_at: Mapped[datetime | None]


class ReviewAnswer(Base):
    """What a person said about an item.  Append-only: a trigger refuses every change.

    An answer is not a verdict: a decision says which answer it rests on.  Today the first answer
    decides; several answers may come before one verdict.
    """

    __tablename__ = "review_answers"
    __table_args__ = (
        one_of("action", Action),
        CheckConstraint("action <> 'correct' OR text IS NOT NULL", name="correction_has_text"),
        CheckConstraint("length(who) BETWEEN 1 AND 200", name="who"),
        Index("review_answers_item_id_idx", "item_id"),
    )

    id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    item_id: Mapped[UUID] = belongs_to("review_items.id", cascade=False)
    version: Mapped[int]  # of the item as the person saw it
    who: Mapped[str]
    action: Mapped[Action] = mapped_column(closed(Action))
    text: Mapped[str | None]
    value: Mapped[Any | None] = mapped_column(JSONB(none_as_null=True))  # of a list: its rows
    currency: Mapped[str | None]
    # the person had the page before their eyes; NULL: nobody asked, before that was a rule
    seen: Mapped[bool | None]
    took_ms: Mapped[int | None]
    at: Mapped[datetime] = mapped_column(server_default=func.now())


class ReviewDecision(Base):
    """What holds of a field, by which answer.  Append-only, as answers are."""

    __tablename__ = "review_decisions"
    __table_args__ = (
        UniqueConstraint("item_id", "version"),
        one_of("action", Action),
        CheckConstraint("action <> 'correct' OR text IS NOT NULL", name="correction_has_text"),
        CheckConstraint("length(who) BETWEEN 1 AND 200", name="who"),
        Index("review_decisions_result_id_idx", "result_id"),
        Index("review_decisions_answer_id_idx", "answer_id"),
        # a person's pace, and their last decision to undo
        Index("review_decisions_who_idx", "who", "decided_at"),
    )

    id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    item_id: Mapped[UUID] = belongs_to("review_items.id", cascade=False)
    result_id: Mapped[UUID] = belongs_to("results.id", cascade=False)
    # that decided; one answer about a list decides many items
    answer_id: Mapped[int] = belongs_to("review_answers.id", cascade=False)
    # the decision about an earlier answer of the document that holds for this one too
    carried_from: Mapped[int | None] = mapped_column(ForeignKey("review_decisions.id"))
    version: Mapped[int]  # of the item, after this decision
    who: Mapped[str]
    action: Mapped[Action] = mapped_column(closed(Action))
    text: Mapped[str | None]
    value: Mapped[Any | None] = mapped_column(JSONB(none_as_null=True))
    seen: Mapped[dict[str, Any]] = mapped_column(JSONB)  # the result as it stood before
    took_ms: Mapped[int | None]
    decided_at: Mapped[datetime] = mapped_column(server_default=func.now())


class ReviewNote(Base):
    """What a reviewer wrote beside a field.  Append-only, as decisions are."""

    __tablename__ = "review_notes"
    __table_args__ = (
        CheckConstraint("length(text) BETWEEN 1 AND 4000", name="text"),
        Index("review_notes_item_id_idx", "item_id"),
    )

    id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    item_id: Mapped[UUID] = belongs_to("review_items.id", cascade=False)
    who: Mapped[str]
    text: Mapped[str]
    written_at: Mapped[datetime] = mapped_column(server_default=func.now())


class ReviewSkip(Base):
    """A person does not want to see this field for a while; others do."""

    __tablename__ = "review_skips"

    item_id: Mapped[UUID] = mapped_column(
        ForeignKey("review_items.id", ondelete="CASCADE"), primary_key=True
    )
    who: Mapped[str] = mapped_column(primary_key=True)
    until: Mapped[datetime] = mapped_column(server_default=sql("now() + interval '1 hour'"))


class DocumentVerdict(Base):
    """What a person said about a whole document.  Append-only, as decisions are."""

    __tablename__ = "document_verdicts"
    __table_args__ = (
        one_of("verdict", Verdict),
        CheckConstraint("length(who) BETWEEN 1 AND 200", name="who"),
        CheckConstraint("(verdict = 'other_type') = (document_type IS NOT NULL)", name="type"),
        CheckConstraint("(verdict = 'duplicate') = (duplicate_of IS NOT NULL)", name="of"),
        CheckConstraint("duplicate_of <> document_id", name="not_of_itself"),
        CheckConstraint("(verdict = 'undo') = (undoes IS NOT NULL)", name="undoes"),
        UniqueConstraint("undoes"),
        Index("document_verdicts_document_id_idx", "document_id"),
        Index("document_verdicts_who_idx", "who", "at"),
    )

    id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    document_id: Mapped[UUID] = belongs_to("documents.id", cascade=False)
    verdict: Mapped[Verdict] = mapped_column(closed(Verdict))
    who: Mapped[str]
    document_type: Mapped[str | None]  # that it is read again as
    duplicate_of: Mapped[UUID | None] = mapped_column(ForeignKey("documents.id"))
    undoes: Mapped[int | None] = mapped_column(ForeignKey("document_verdicts.id"))
    before: Mapped[dict[str, Any]] = mapped_column(JSONB)  # where it stood, and what was open
    seen: Mapped[bool]  # the page was before the person's eyes
    took_ms: Mapped[int | None]
    at: Mapped[datetime] = mapped_column(server_default=func.now())
