"""What an event says of the questions that are open about its document, with their private links.

Only the process that has the key file can say a link: what rests of it is sealed.
"""

from pathlib import Path
from typing import Any

from sqlalchemy import func, select

from worker.db import Tx
from worker.delivery.events import Told
from worker.delivery.tables import Kind
from worker.sealing import SealedForAnother
from worker.store import installation
from worker.tables.questions import Question, QuestionState

LINK = "/q/"


def asked_in(tx: Tx, told: Told, *, key_file: Path, web_url: str) -> dict[str, Any]:
    """More for the event's data: the questions that are open now; nothing for another event.

    Raises KeyUnusable.
    """
    if told.kind is not Kind.NEEDS_INPUT:
        return {}
    q = Question
    found = tx.session.execute(
        select(q.id, q.wanted, q.doubt, q.field, q.ordinal, q.text, q.expires_at, q.token_sealed)
        .where(
            q.document_id == told.document_id,
            q.state == QuestionState.OPEN,
            q.expires_at > func.now(),
        )
        .order_by(q.asked_at, q.id)
    )
    return {
        "questions": [
            {
                "question_id": str(row.id),
                "wanted": row.wanted,
                "doubt": row.doubt,
                "field": row.field,
                "ordinal": row.ordinal,
                "text": row.text,
                "expires_at": row.expires_at.isoformat(),
                "link": _link(tx, row.token_sealed, key_file, web_url),
            }
            for row in found
        ]
    }


def _link(tx: Tx, sealed: bytes, key_file: Path, web_url: str) -> str | None:
    """None: it was sealed for a key that is lost."""
    try:
        token = installation.opened(tx, key_file, sealed)
    except SealedForAnother:
        return None
    return f"{web_url}{LINK}{token}"
