"""The tables of people and programs: who may sign in, who may submit, and what reviewers leave
beside their decisions.

No secret stands here in the clear: passwords as argon2 hashes, everything random and long as its
sha256.
"""

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, Index, Text, UniqueConstraint, func
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from worker.actor import Role
from worker.tables.base import Base, belongs_to, closed, new_id, one_of

SHA256 = "~ '^[0-9a-f]{64}$'"


class User(Base):
    """One person who may sign in."""

    __tablename__ = "users"
    __table_args__ = (
        UniqueConstraint("name"),
        one_of("role", Role),
        CheckConstraint("length(name) BETWEEN 1 AND 100 AND name = lower(name)", name="name"),
    )

    id: Mapped[UUID] = new_id()
    name: Mapped[str]  # in lower case; decisions carry it as ``who``
    role: Mapped[Role] = mapped_column(closed(Role))
    password_hash: Mapped[str | None]  # argon2id; NULL: only a sign-in link opens the door
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    disabled_at: Mapped[datetime | None]


class WebSession(Base):
    """One browser that is signed in."""

    __tablename__ = "web_sessions"
    __table_args__ = (
        CheckConstraint(f"token_sha256 {SHA256}", name="token"),
        Index("web_sessions_user_id_idx", "user_id"),
    )

    token_sha256: Mapped[str] = mapped_column(primary_key=True)
    user_id: Mapped[UUID] = belongs_to("users.id")
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    used_at: Mapped[datetime] = mapped_column(server_default=func.now())  # last, to the minute
    expires_at: Mapped[datetime]


class KnownBrowser(Base):
    """One browser in which somebody signed in before: a device cookie."""

    __tablename__ = "known_browsers"
    __table_args__ = (
        CheckConstraint(f"token_sha256 {SHA256}", name="token"),
        Index("known_browsers_user_id_idx", "user_id"),
    )

    token_sha256: Mapped[str] = mapped_column(primary_key=True)
    user_id: Mapped[UUID] = belongs_to("users.id")
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    expires_at: Mapped[datetime]


class SignInLink(Base):
    """A link that signs one person in, once."""

    __tablename__ = "sign_in_links"
    __table_args__ = (
        CheckConstraint(f"token_sha256 {SHA256}", name="token"),
        Index("sign_in_links_user_id_idx", "user_id"),
    )

    token_sha256: Mapped[str] = mapped_column(primary_key=True)
    user_id: Mapped[UUID] = belongs_to("users.id")
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]


class SignInAttempt(Base):
    """Somebody tried to sign in; what the rate limit counts."""

    __tablename__ = "sign_in_attempts"
    __table_args__ = (
        Index("sign_in_attempts_name_idx", "name", "tried_at"),
        Index("sign_in_attempts_address_idx", "address", "tried_at"),
    )

    id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    name: Mapped[str]
    address: Mapped[str]  # or what stands for a browser that is known
    tried_at: Mapped[datetime] = mapped_column(server_default=func.now())


class ApiKey(Base):
    """A key with which one upstream system submits and sees its own documents."""

    __tablename__ = "api_keys"
    __table_args__ = (
        UniqueConstraint("key_sha256"),
        CheckConstraint(f"key_sha256 {SHA256}", name="key"),
        CheckConstraint("length(upstream) BETWEEN 1 AND 100", name="upstream"),
        CheckConstraint("cardinality(document_types) > 0", name="document_types"),
        CheckConstraint("per_minute > 0", name="per_minute"),
    )

    id: Mapped[UUID] = new_id()
    upstream: Mapped[str]
    key_sha256: Mapped[str]
    document_types: Mapped[list[str] | None] = mapped_column(ARRAY(Text()))  # NULL: all
    per_minute: Mapped[int | None]  # requests; NULL: any number
    hint: Mapped[str]  # its first characters, so that people can tell keys apart
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    last_used_at: Mapped[datetime | None]  # to the minute
    revoked_at: Mapped[datetime | None]
