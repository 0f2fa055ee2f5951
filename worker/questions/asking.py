"""A document is put to its sender, inside of the caller's transaction."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from extractors.errors import EncryptedPdf
from worker.db import Tx
from worker.questions import store
from worker.questions.errors import InvalidQuestion
from worker.questions.store import Held
from worker.questions.types import Link, New
from worker.review import leases
from worker.store import transitions
from worker.store.documents import hold as hold_claim
from worker.store.types import Claim
from worker.tables.documents import MAY_ASK, Status
from worker.tables.questions import Wanted

STAGE = "ask"
LONGEST = 4_000  # characters of a question


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """Where the document goes when nobody answers, and with what error."""

    to: Status
    code: str | None = None
    message: str | None = None


def ask(
    tx: Tx,
    document_id: UUID,
    news: Sequence[New],
    *,
    by: str,
    lasts: timedelta,
    stage: str = STAGE,
    held: Claim | None = None,
    ended: Ended | None = None,
) -> list[Link]:
    """Ask the sender, and let the document wait for the answers; a question that is open already
    is not asked twice.

    Nothing of it waits for a reviewer meanwhile: its open fields are held for the sender.

    held: the claim of the stage that asks
    ended: None: without an answer it goes back to where it stands now

    Raises NotFound, InvalidQuestion, ClaimLost.
    """
    if held is not None:
        hold_claim(tx, held)
    document = store.hold(tx, document_id)
    ended = _ended(tx, document) if ended is None else ended
    for new in news:
        _check(document, new)
    made = [
        store.insert(
            tx,
            document,
            new,
            by=by,
            lasts=lasts,
            back=ended.to,
            fails_with=ended.code,
            fails_because=ended.message,
        )
        for new in news
    ]
    links = [link for link in made if link is not None]
    if links and document.status is not Status.NEEDS_INPUT:
        transitions.move(
            tx,
            [document_id],
            at=[document.status],
            to=Status.NEEDS_INPUT,
            by=by,
            stage=stage,
            code=news[0].wanted.value,
            claim_no=None if held is None else held.claim_no,
            also={"error_code": ended.code, "error_message": ended.message},
        )
        leases.hold_document(tx, document.sender, document_id, lease=lasts)
    return links


def _ended(tx: Tx, document: Held) -> Ended:
    if document.status is Status.NEEDS_INPUT:  # as the questions before have it
        first = store.listed(tx, document_id=document.document_id, limit=1)[0]
        return Ended(to=first.back, code=first.fails_with, message=first.fails_because)
    return Ended(to=document.status, code=document.error_code, message=document.error_message)


def _check(document: Held, new: New) -> None:
    of, at = document.document_id, document.status
    if at not in MAY_ASK | {Status.NEEDS_INPUT}:
        raise InvalidQuestion(
            f"Document {of} is {at}: its sender can be asked when it waits for a person, has its"
            " answer, or failed."
        )
    if not 1 <= len(new.text.strip()) <= LONGEST:
        raise InvalidQuestion(f"A question has 1 to {LONGEST:,} characters. Write it anew.")
    helps = {
        Wanted.PASSWORD: at is Status.SUBMITTED or document.error_code == EncryptedPdf.code,
        Wanted.TYPE: at is Status.NEEDS_TYPE,
        Wanted.VALUE: document.has_answer,
    }
    if not helps.get(new.wanted, True):
        raise InvalidQuestion(
            f"Document {of} is {at}: a {new.wanted.value} would not help it. Ask for a better scan"
            " (file) or for words (text)."
        )
