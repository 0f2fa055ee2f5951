"""The table of what happened to rights: who may come in, and who did.  Nothing in it changes."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import BigInteger, Identity, Index, func
from sqlalchemy import text as sql
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from worker.tables.base import Base, closed, one_of


class SecurityKind(StrEnum):
    """What happened."""

    SIGNED_IN = "signed_in"
    SIGN_IN_FAILED = "sign_in_failed"  # a name and a password that do not fit together
    SIGN_IN_REFUSED = "sign_in_refused"  # too many attempts: nobody looked
    SIGNED_OUT = "signed_out"
    PERSON_ADDED = "person_added"
    PERSON_CHANGED = "person_changed"  # another role, disabled, enabled
    PASSWORD_CHANGED = "password_changed"
    LINK_MADE = "link_made"
    LINK_REFUSED = "link_refused"  # used before, too old, or made up
    KEY_MADE = "key_made"
    KEY_REVOKED = "key_revoked"
    WEBHOOK_MADE = "webhook_made"
    WEBHOOK_ROTATED = "webhook_rotated"
    WEBHOOK_CHANGED = "webhook_changed"  # switched off or on
    WEBHOOK_REMOVED = "webhook_removed"
    LETTER_OPENED = "letter_opened"  # a message that was put aside was read
    KEY_FILE_CHANGED = "key_file_changed"
    ANALYST_ADDED = "analyst_added"
    ANALYST_REMOVED = "analyst_removed"
    STARTED = "started"  # workers and web, with these settings


class SecurityEvent(Base):
    """One of them, in the transaction in which it happened."""

    __tablename__ = "security_events"
    __table_args__ = (
        one_of("kind", SecurityKind),
        Index("security_events_at_idx", "at"),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    at: Mapped[datetime] = mapped_column(server_default=func.now())
    kind: Mapped[SecurityKind] = mapped_column(closed(SecurityKind))
    who: Mapped[str]  # an actor: "person:ada", "upstream:erp", "login:root", "nobody"
    address: Mapped[str | None]  # from where; NULL: on a machine of the installation
    about: Mapped[str | None]  # whom, or what: a name or an id
    details: Mapped[dict[str, Any]] = mapped_column(JSONB, server_default=sql("'{}'"))
