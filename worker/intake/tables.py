"""Messages that became no document: what is known of each, and no byte of its body."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, UniqueConstraint, func
from sqlalchemy.orm import Mapped, mapped_column

from worker.tables.base import Base, new_id


class DeadLetter(Base):
    """One message that was put aside; one that comes again adds to its row."""

    __tablename__ = "dead_letters"
    __table_args__ = (
        UniqueConstraint("digest", "queue", "code"),
        CheckConstraint("digest ~ '^[0-9a-f]{64}$'", name="digest"),
        CheckConstraint("size >= 0 AND times >= 1", name="counts"),
        CheckConstraint("sealed ~ '^[0-9a-f]{64}$'", name="sealed"),
        Index(None, "last_at"),
    )

    id: Mapped[UUID] = new_id()
    digest: Mapped[str]  # sha256 of the body, hexadecimal: its sender can tell which it was
    size: Mapped[int]  # of the body, bytes
    queue: Mapped[str]
    task: Mapped[str | None]  # NULL: the message names none
    upstream: Mapped[str | None]  # as the message names it; NULL: it names none
    key: Mapped[str | None]  # the submission's own, where it has one
    code: Mapped[str]  # "malformed_message", "key_reused"
    message: Mapped[str]  # for people, with what to do about it
    first_at: Mapped[datetime] = mapped_column(server_default=func.now())
    last_at: Mapped[datetime] = mapped_column(server_default=func.now())
    times: Mapped[int] = mapped_column(server_default="1")
    # the blob with the whole message, for whoever has the key file; NULL: there was no key then
    sealed: Mapped[str | None]
    opened_by: Mapped[str | None]  # who read it last
    opened_at: Mapped[datetime | None]
