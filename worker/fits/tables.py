"""Weights that were fitted here, and which of them decide."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, Index, func
from sqlalchemy import text as sql
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from worker.tables.base import Base, belongs_to, new_id


class Fit(Base):
    """Weights of the combined score for one model in one decode mode.  Append-only: a trigger
    refuses every change.

    A new one decides nothing; its score is computed and stored beside the one that does.
    """

    __tablename__ = "fits"
    __table_args__ = (
        CheckConstraint("length(who) BETWEEN 1 AND 200", name="who"),
        CheckConstraint("is_better OR because IS NOT NULL", name="reason"),
        CheckConstraint("method = 'combined/1+' || left(digest, 8)", name="method"),
        # the same labels make the same weights
        Index("fits_method_key", "method", sql("coalesce(document_type, '')"), unique=True),
    )

    id: Mapped[UUID] = new_id()
    method: Mapped[str]  # the name of its score, which says the beginning of the digest
    digest: Mapped[str]  # of model and weights
    document_type: Mapped[str | None]  # NULL: all types, but those that have their own
    fingerprint: Mapped[str]  # of the model; readings of another have no such score
    decode_mode: Mapped[str]
    weights: Mapped[dict[str, Any]] = mapped_column(JSONB)  # with what they were fitted on
    until: Mapped[datetime]  # what people decided before then are its labels
    documents: Mapped[int]
    labels: Mapped[int]
    wrong: Mapped[int]
    drawn: Mapped[int]  # of the labels, those that were drawn beforehand
    drawn_wrong: Mapped[int]
    figures: Mapped[dict[str, Any]] = mapped_column(JSONB)  # before and after
    is_better: Mapped[bool]  # by these, beyond chance
    because: Mapped[str | None]  # why it is kept all the same
    who: Mapped[str]
    fitted_at: Mapped[datetime] = mapped_column(server_default=func.now())


class FitUse(Base):
    """From when on a fit decides, or no more.  Append-only, as fits are: of one type, model and
    decode mode the last row counts.
    """

    __tablename__ = "fit_uses"
    __table_args__ = (
        CheckConstraint("length(who) BETWEEN 1 AND 200", name="who"),
        Index("fit_uses_fit_id_idx", "fit_id"),
    )

    id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    fit_id: Mapped[UUID] = belongs_to("fits.id", cascade=False)
    decides: Mapped[bool]
    who: Mapped[str]
    because: Mapped[str | None]
    at: Mapped[datetime] = mapped_column(server_default=func.now())
