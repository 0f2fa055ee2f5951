"""Ids as people type them: the whole, or its first characters where they fit only one."""

import re
from typing import Any
from uuid import UUID

from sqlalchemy import Text, cast, select
from sqlalchemy.orm import InstrumentedAttribute

from extractors.errors import SurefieldError
from worker.accounts.tables import ApiKey
from worker.audits.tables import Audit, Certificate
from worker.db import Tx
from worker.delivery.tables import Webhook
from worker.errors import NotFound
from worker.fits.tables import Fit
from worker.intake.tables import DeadLetter
from worker.review.tables import ReviewItem
from worker.tables.documents import Document
from worker.tables.questions import Question

SHORTEST = 4  # characters
SHOWN = 5  # of those that fit


class AmbiguousId(SurefieldError):
    """The characters typed are the first of several ids."""

    code = "ambiguous_id"


def document(tx: Tx, given: str) -> UUID:
    """The document of this id."""
    return _find(tx, Document.id, given, "document", "surefield list")


def item(tx: Tx, given: str) -> UUID:
    """The review item of this id."""
    return _find(tx, ReviewItem.id, given, "item", "surefield review list")


def audit(tx: Tx, given: str) -> UUID:
    """The audit of this id."""
    return _find(tx, Audit.id, given, "audit", "surefield audit list")


def certificate(tx: Tx, given: str) -> UUID:
    """The certificate of this id."""
    return _find(tx, Certificate.id, given, "certificate", "surefield certify list")


def fit(tx: Tx, given: str) -> UUID:
    """The fit of this id."""
    return _find(tx, Fit.id, given, "fit", "surefield fit --list")


def key(tx: Tx, given: str) -> UUID:
    """The upstream's key of this id."""
    return _find(tx, ApiKey.id, given, "key", "surefield key list")


def letter(tx: Tx, given: str) -> UUID:
    """The dead letter of this id."""
    return _find(tx, DeadLetter.id, given, "dead letter", "surefield dead-letters list")


def question(tx: Tx, given: str) -> UUID:
    """The question of this id."""
    return _find(tx, Question.id, given, "question", "surefield question list")


def webhook(tx: Tx, given: str) -> UUID:
    """The webhook of this id."""
    return _find(tx, Webhook.id, given, "webhook", "surefield webhook list")


def _find(tx: Tx, column: InstrumentedAttribute[Any], given: str, noun: str, listed: str) -> UUID:
    """Raises NotFound, or AmbiguousId with those that fit."""
    start = given.strip().lower()
    if not re.fullmatch(rf"[0-9a-f-]{{{SHORTEST},36}}", start):
        raise NotFound(
            f"{given!r} is no id, nor its first {SHORTEST} characters or more. See: {listed}"
        )
    text = cast(column, Text)
    query = select(column).where(text.like(f"{start}%")).order_by(column).limit(SHOWN + 1)
    found = tx.session.execute(query).scalars().all()
    if not found:
        raise NotFound(f"There is no {noun} {given}. See: {listed}")
    if len(found) > 1:
        some = ", ".join(map(str, found[:SHOWN]))
        raise AmbiguousId(f"{given} is the beginning of several {noun}s: {some}. Type more of it.")
    return UUID(str(found[0]))
