"""What intake takes and gives."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

PRIORITY = 4  # the usual one of 0..9, as in JMS and AMQP


@dataclass(frozen=True, slots=True, kw_only=True)
class Submission:
    """One document as an upstream sends it; its bytes are in the blob store already."""

    upstream: str
    sha256: str
    media_type: str
    document_type: str
    key: str | None = None  # None: the bytes and the type are the key
    priority: int = PRIORITY  # 0..9, higher first
    who: str | None = None  # the person who hands it in; None: a program
    deadline: datetime | None = None
    password: bytes | None = field(default=None, repr=False)  # sealed for the installation's key
    filename: str | None = None
    metadata: Mapping[str, Any] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class Submitted:
    """The document that a submission stands for."""

    document_id: UUID
    created: bool  # False: this upstream had sent this key before
    reopened: bool = False  # it had failed for want of what came now
