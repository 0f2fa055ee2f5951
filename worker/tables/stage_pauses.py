"""Stages that pause, because the installation lacks what they need: a circuit breaker's state."""

from datetime import datetime

from sqlalchemy import CheckConstraint, func
from sqlalchemy.orm import Mapped, mapped_column

from worker.tables.base import Base


class StagePause(Base):
    """One stage that pauses for every worker; without a row it works."""

    __tablename__ = "stage_pauses"
    __table_args__ = (CheckConstraint("probes >= 0", name="probes"),)

    stage: Mapped[str] = mapped_column(primary_key=True)
    code: Mapped[str]  # of the last error
    message: Mapped[str]  # for people, with what to do about it
    since: Mapped[datetime] = mapped_column(server_default=func.now())
    probes: Mapped[int] = mapped_column(server_default="0")  # that met the same wall
    retry_at: Mapped[datetime]  # from then on one worker may probe
