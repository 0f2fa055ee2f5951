"""Rows that were drawn for an audit, and what people said of them."""

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Float,
    ForeignKey,
    Index,
    Integer,
    SmallInteger,
    func,
)
from sqlalchemy import text as sql
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from extractors.decision.certificates import Band, Family
from worker.review.tables import Action
from worker.tables.base import Base, belongs_to, closed, new_id, one_of


class Found(StrEnum):
    """What an audit found of the reading."""

    RIGHT = "right"
    WRONG = "wrong"  # the value was corrected
    ILLEGIBLE = "illegible"  # no person can read it on the page


class Noticed(StrEnum):
    """What became of an error that was planted."""

    NOTICED = "noticed"  # the person stayed with the page
    OVERLOOKED = "overlooked"  # they gave way to it
    LEFT = "left"  # neither: they could not read the page after all


class PlanState(StrEnum):
    """What became of a planned test."""

    PLANNED = "planned"
    CERTIFIED = "certified"
    NOT_HELD = "not_held"  # not even the strictest threshold keeps the promise
    SUSPENDED = "suspended"  # an alarm: it accepts nothing until a person resumes it
    BROKEN = "broken"  # audits confirmed the alarm: people decide everything until it is withdrawn
    WITHDRAWN = "withdrawn"


# with a threshold that was tested
TESTED = frozenset({PlanState.CERTIFIED, PlanState.SUSPENDED, PlanState.BROKEN})


class Installation(Base):
    """What belongs to this installation alone: one row."""

    __tablename__ = "installation"
    __table_args__ = (
        CheckConstraint("id = 1", name="one_row"),
        CheckConstraint("octet_length(audit_key) = 32", name="audit_key"),
        CheckConstraint("octet_length(public_key) = 32", name="public_key"),
    )

    id: Mapped[int] = mapped_column(SmallInteger, primary_key=True, server_default="1")
    audit_key: Mapped[bytes]  # decides the draws; who has it knows which rows are drawn
    # everybody may seal with it, and a file opens (``worker.sealing``); NULL: nobody made one yet
    public_key: Mapped[bytes | None]


class Audit(Base):
    """One row of an answer that was drawn before it was decided, and independently of that; or how
    many rows a list has, of a document that was drawn whole.
    """

    __tablename__ = "audits"
    __table_args__ = (
        CheckConstraint("(of_list IS NULL) = (rows_read IS NULL)", name="of_list"),
        CheckConstraint("of_list IS NULL OR with_document", name="lists_with_documents"),
        Index(
            "audits_result_id_idx",
            "result_id",
            unique=True,
            postgresql_where=sql("of_list IS NULL"),
        ),
        Index(
            "audits_list_idx", "result_id", unique=True, postgresql_where=sql("of_list IS NOT NULL")
        ),
        CheckConstraint("rate > 0 AND rate <= 1", name="rate"),
        CheckConstraint("score BETWEEN 0 AND 1", name="score"),
        one_of("found", Found),
        one_of("family", Family),
        one_of("band", Band),
        CheckConstraint(
            "(found IS NULL) = (judged_at IS NULL) AND (found IS NULL) = (judged_by IS NULL)",
            name="judged",
        ),
        CheckConstraint("(leased_by IS NULL) = (lease_until IS NULL)", name="lease"),
        CheckConstraint("found IS NULL OR was_accepted", name="only_what_was_accepted"),
        Index("audits_document_id_idx", "document_id"),
        Index(
            "audits_waiting_idx",
            sql("urgent DESC"),
            "drawn_at",
            "id",
            postgresql_where=sql("was_accepted AND found IS NULL"),
        ),
        Index("audits_conditions_idx", "conditions", "drawn_at"),
        Index("audits_fingerprint_idx", "fingerprint", postgresql_where=sql("was_accepted")),
    )

    id: Mapped[UUID] = new_id()
    result_id: Mapped[UUID] = belongs_to("results.id")
    document_id: Mapped[UUID] = belongs_to("documents.id")
    rate: Mapped[float]  # the probability that the row, or its document, was drawn
    # only with its whole document: such rows come together, and no share of rows rests on them
    with_document: Mapped[bool] = mapped_column(server_default=sql("false"))
    # about the number of rows of this list, of which the result is a part; NULL: about the result
    of_list: Mapped[str | None]
    rows_read: Mapped[int | None]  # that the machine read
    # whoever types what was read is shown a wrong value before they learn so
    plants: Mapped[bool] = mapped_column(server_default=sql("false"))
    fingerprint: Mapped[str]  # of the model that read it
    # what a certificate is tied to: model, prompt, decode mode, version of the type, further looks;
    # NULL: drawn before certificates were
    conditions: Mapped[str | None]
    method: Mapped[str | None]  # of the score
    score: Mapped[float]
    family: Mapped[Family | None] = mapped_column(closed(Family))  # what is promised of the field
    band: Mapped[Band | None] = mapped_column(closed(Band))  # of the document, by its mean score
    # what routing made of it; what went to review is audited there
    was_accepted: Mapped[bool]
    drawn_at: Mapped[datetime] = mapped_column(server_default=func.now())
    urgent: Mapped[bool] = mapped_column(server_default=sql("false"))  # comes before the others
    lease_until: Mapped[datetime | None]
    leased_by: Mapped[str | None]
    found: Mapped[Found | None] = mapped_column(closed(Found))  # NULL: nobody looked yet
    judged_by: Mapped[str | None]
    judged_at: Mapped[datetime | None]


class DocumentDraw(Base):
    """A document that was drawn whole before it was decided: people look at every row of it."""

    __tablename__ = "document_draws"
    __table_args__ = (
        one_of("band", Band),
        CheckConstraint("rate > 0 AND rate <= 1", name="rate"),
        CheckConstraint("score BETWEEN 0 AND 1", name="score"),
        Index("document_draws_conditions_idx", "conditions", "drawn_at"),
        Index("document_draws_certificate_idx", "certificate"),
    )

    document_id: Mapped[UUID] = mapped_column(
        ForeignKey("documents.id", ondelete="CASCADE"), primary_key=True
    )
    generation: Mapped[int] = mapped_column(primary_key=True)
    rate: Mapped[float]  # the probability that it was drawn
    conditions: Mapped[str]  # as of its rows' audits
    method: Mapped[str]  # of the scores
    score: Mapped[float]  # that all of it is right: the product of its rows' scores
    band: Mapped[Band] = mapped_column(closed(Band))
    was_untouched: Mapped[bool]  # routing accepted every row
    certificate: Mapped[str]  # of whole documents, that accepted it; "uncertified"
    drawn_at: Mapped[datetime] = mapped_column(server_default=func.now())


class Routing(Base):
    """How one document was read that a certificate could be about, as it was routed."""

    __tablename__ = "routings"
    __table_args__ = (
        one_of("band", Band),
        CheckConstraint("weakest BETWEEN 0 AND 1", name="weakest"),
        Index("routings_conditions_idx", "conditions", "document_type", "method", "routed_at"),
    )

    document_id: Mapped[UUID] = mapped_column(
        ForeignKey("documents.id", ondelete="CASCADE"), primary_key=True
    )
    generation: Mapped[int] = mapped_column(primary_key=True)
    document_type: Mapped[str]
    conditions: Mapped[str]
    method: Mapped[str]  # of the scores
    band: Mapped[Band] = mapped_column(closed(Band))
    weakest: Mapped[float | None]  # the least score of its rows; NULL: no row has one
    # rows that score below each cut of the watch; NULL: no row has a score
    below: Mapped[list[int] | None] = mapped_column(ARRAY(SmallInteger))
    routed_at: Mapped[datetime] = mapped_column(server_default=func.now())


class AuditAnswer(Base):
    """What a person read on the page, before they were shown what the machine had read.

    Append-only: a trigger refuses every change.
    """

    __tablename__ = "audit_answers"
    __table_args__ = (
        one_of("action", Action),
        CheckConstraint("action <> 'correct' OR text IS NOT NULL", name="text"),
        CheckConstraint("length(who) BETWEEN 1 AND 200", name="who"),
        Index("audit_answers_audit_id_idx", "audit_id"),
    )

    id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    audit_id: Mapped[UUID] = belongs_to("audits.id", cascade=False)
    who: Mapped[str]
    action: Mapped[Action] = mapped_column(closed(Action))
    text: Mapped[str | None]
    value: Mapped[Any | None] = mapped_column(JSONB(none_as_null=True))
    currency: Mapped[str | None]
    # they had been shown that the machine read something else, and stayed with it or gave way
    after_comparing: Mapped[bool]
    took_ms: Mapped[int | None]
    at: Mapped[datetime] = mapped_column(server_default=func.now())


class PlantedError(Base):
    """A wrong value that one person was shown in place of what was read; no answer rests on it."""

    __tablename__ = "planted_errors"
    __table_args__ = (
        one_of("outcome", Noticed),
        CheckConstraint("(outcome IS NULL) = (answered_at IS NULL)", name="answered"),
        CheckConstraint("length(who) BETWEEN 1 AND 200", name="who"),
    )

    audit_id: Mapped[UUID] = mapped_column(
        ForeignKey("audits.id", ondelete="CASCADE"), primary_key=True
    )
    who: Mapped[str]
    text: Mapped[str]
    shown_at: Mapped[datetime] = mapped_column(server_default=func.now())
    outcome: Mapped[Noticed | None] = mapped_column(closed(Noticed))  # NULL: no word of it yet
    answered_at: Mapped[datetime | None]


class Certificate(Base):
    """One promise: planned before its labels were seen, tested once, and then a threshold."""

    __tablename__ = "certificates"
    __table_args__ = (
        one_of("family", Family),
        one_of("band", Band),
        one_of("state", PlanState),
        CheckConstraint("alpha > 0 AND alpha < 1", name="alpha"),
        CheckConstraint("size >= 1", name="size"),
        CheckConstraint("cardinality(thresholds) >= 1", name="thresholds"),
        CheckConstraint("(state = 'planned') = (tested_at IS NULL)", name="tested"),
        CheckConstraint(
            "(state IN ('certified', 'suspended', 'broken')) = (threshold IS NOT NULL)"
            " OR state = 'withdrawn'",
            name="certified_has_threshold",
        ),
        CheckConstraint(
            "(alarmed_at IS NULL) = (alarm IS NULL) AND (alarmed_at IS NULL) = (changed_at IS NULL)"
            " AND (state NOT IN ('suspended', 'broken') OR alarmed_at IS NOT NULL)",
            name="alarm",
        ),
        Index(
            "certificates_planned_idx",
            "document_type",
            "family",
            "band",
            "conditions",
            "method",
            unique=True,
            postgresql_where=sql("state = 'planned'"),
        ),
        Index("certificates_conditions_idx", "conditions"),
    )

    id: Mapped[UUID] = new_id()
    document_type: Mapped[str]
    family: Mapped[Family] = mapped_column(closed(Family))
    band: Mapped[Band] = mapped_column(closed(Band))
    conditions: Mapped[str]
    fingerprint: Mapped[str]  # of the model, for people
    method: Mapped[str]
    alpha: Mapped[float]  # the largest share of wrong ones
    delta: Mapped[float]
    missed: Mapped[float]  # of all errors, those that people overlook
    thresholds: Mapped[list[float]] = mapped_column(ARRAY(Float(53)))  # strict to loose
    size: Mapped[int]  # drawn rows at the loosest threshold or above, after which it is tested
    state: Mapped[PlanState] = mapped_column(closed(PlanState), server_default=PlanState.PLANNED)
    planned_by: Mapped[str]
    planned_at: Mapped[datetime] = mapped_column(server_default=func.now())
    tested_by: Mapped[str | None]
    tested_at: Mapped[datetime | None]
    threshold: Mapped[float | None]
    judged: Mapped[int | None]  # rows at the threshold or above
    wrong: Mapped[int | None]
    effect: Mapped[float | None]  # of batches
    bound: Mapped[float | None]  # the largest share of wrong ones that the counts allow for
    valid_until: Mapped[datetime | None]
    # of the documents between plan and test; NULL: nobody counted
    window_documents: Mapped[int | None]
    window_doubtful: Mapped[int | None]
    # with at least 1, 2 and so on doubtful rows, by the first cut and then the others; NULL: only
    # documents with such a row were counted
    window_at_least: Mapped[list[int] | None] = mapped_column(ARRAY(Integer))
    watched_since: Mapped[datetime | None]  # what came before, no detector counts
    alarmed_at: Mapped[datetime | None]
    alarm: Mapped[str | None]  # what raised it, in a sentence
    changed_at: Mapped[datetime | None]  # audits of rows from then on settle the alarm
    resumed_by: Mapped[str | None]  # since ``watched_since``
    resumed_because: Mapped[str | None]
    withdrawn_at: Mapped[datetime | None]
    withdrawn_because: Mapped[str | None]
