"""Submissions in the database: one key names one document for ever."""

import json
from collections.abc import Callable, Mapping
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert as pg_insert

from extractors.errors import EncryptedPdf
from worker.db import Tx
from worker.errors import MissingBlob
from worker.intake.errors import InvalidSubmission, KeyReused, TooManyWaiting
from worker.intake.types import Submission, Submitted
from worker.sealing import SealedForAnother
from worker.store import order, retry, transitions
from worker.store.codec import is_storable, storable, storable_json
from worker.tables.documents import Document, Secret, Status
from worker.tables.documents import Submission as SubmissionRow

STAGE, SENT_AGAIN = "submit", "sent_again"
LONGEST_METADATA, DEEPEST_METADATA = 64_000, 100
LONGEST_FILENAME = 255


def submit(tx: Tx, submission: Submission) -> Submitted:
    """The document this submission stands for, made now or found from an earlier message.

    One that failed for want of its password, or of its bytes, goes on when they come.

    Raises KeyReused when the key stands for other bytes or another type, InvalidSubmission when a
    name is unusable.
    """
    key = _key(submission)
    _check_names(submission, key)
    document_id = uuid4()
    mine = tx.session.execute(
        pg_insert(SubmissionRow)
        .values(
            upstream=submission.upstream,
            key=key,
            document_id=document_id,
            document_type=submission.document_type,
            filename=(
                storable(submission.filename)[-LONGEST_FILENAME:]
                if submission.filename is not None
                else None
            ),
            metadata_=storable_json(submission.metadata),
        )
        # waits for whoever is inserting the same key now
        .on_conflict_do_nothing(index_elements=["upstream", "key"])
        .returning(SubmissionRow.id)
    ).one_or_none()
    if mine is None:
        found = _same_document(tx, submission, key)
        return Submitted(found, created=False, reopened=_reopened(tx, found, submission))
    transitions.create(
        tx,
        document_id,
        {
            "sha256": submission.sha256,
            "media_type": submission.media_type,
            "document_type": submission.document_type,
            "priority": submission.priority,
            "deadline": submission.deadline,
            "upstream": submission.upstream,
            "turn": order.next_turn(tx, submission.upstream),
        },
        at=Status.SUBMITTED,
        by=_actor(submission),
        stage=STAGE,
    )
    _keep_password(tx, document_id, submission)
    return Submitted(document_id, created=True)


def check(tx: Tx, submission: Submission) -> None:
    """Raises what ``submit`` would raise now, and changes nothing."""
    key = _key(submission)
    _check_names(submission, key)
    known = select(SubmissionRow.id).where(
        SubmissionRow.upstream == submission.upstream, SubmissionRow.key == key
    )
    if tx.session.execute(known).one_or_none() is not None:
        _same_document(tx, submission, key)


def _key(submission: Submission) -> str:
    """The upstream's own, or what stands for it."""
    if submission.key is not None:
        return submission.key
    return f"{submission.sha256}:{submission.document_type}"


def check_line(tx: Tx, upstream: str, key: str | None, *, most: int) -> None:
    """Raises TooManyWaiting when so many documents of this upstream wait to be rendered, unless the
    key was sent before: then nothing is added to the line.
    """
    waits = (
        select(Document.id)
        .where(Document.upstream == upstream, Document.status == Status.SUBMITTED)
        .limit(most)
        .subquery()
    )
    if tx.session.execute(select(func.count()).select_from(waits)).scalar_one() < most:
        return
    known = select(SubmissionRow.id).where(
        SubmissionRow.upstream == upstream, SubmissionRow.key == key
    )
    if key is None or tx.session.execute(known).one_or_none() is None:
        raise TooManyWaiting(
            f"{most:,} documents of {upstream} wait already. Send it again later, or raise"
            " SUREFIELD_MAX_WAITING."
        )


def _actor(submission: Submission) -> str:
    if submission.who is None:
        return transitions.upstream(submission.upstream)
    return transitions.person(submission.who)


def _keep_password(tx: Tx, document_id: UUID, submission: Submission) -> None:
    if submission.password is not None:
        keep_password(tx, document_id, submission.password)


def keep_password(tx: Tx, document_id: UUID, sealed: bytes) -> None:
    """The password of a document that waits to be rendered, sealed for the installation's key."""
    row = pg_insert(Secret).values(document_id=document_id, sealed=sealed)
    tx.session.execute(
        row.on_conflict_do_update(index_elements=["document_id"], set_={"sealed": sealed})
    )


def _check_names(submission: Submission, key: str) -> None:
    names = (
        ("upstream", submission.upstream, 100),
        ("key", key, 200),
        ("document type", submission.document_type, 100),
    )
    for name, text, longest in names:
        if not 1 <= len(text) <= longest or not is_storable(text):
            raise InvalidSubmission(
                f"The submission's {name} must have 1 to {longest} characters and no NUL. Send a"
                f" shorter {name}."
            )
    if not 0 <= submission.priority <= 9:
        raise InvalidSubmission(
            f"Priority {submission.priority} is out of range. Send a number from 0 to 9; higher"
            " goes first, and 4 is the usual one."
        )
    if _is_deeper(submission.metadata, DEEPEST_METADATA):
        raise InvalidSubmission(
            f"The metadata is nested more than {DEEPEST_METADATA} deep. Send what is flatter."
        )
    if len(json.dumps(submission.metadata, default=str)) > LONGEST_METADATA:
        raise InvalidSubmission(
            f"The metadata is longer than {LONGEST_METADATA:,} characters. Keep it where the key"
            " finds it."
        )


def _is_deeper(value: Any, most: int) -> bool:
    """Whether objects and lists lie in each other more than so deep."""
    level: list[Any] = [value]
    for _ in range(most + 1):
        held = [one.values() if isinstance(one, Mapping) else one for one in level if _holds(one)]
        if not held:
            return False
        level = [each for one in held for each in one]
    return True


def _holds(value: Any) -> bool:
    return isinstance(value, Mapping | list | tuple)


def _same_document(tx: Tx, submission: Submission, key: str) -> UUID:
    was = tx.session.execute(
        select(
            Document.id,
            # as it was sent first, also where a better scan has taken its place
            func.coalesce(SubmissionRow.sha256, Document.sha256).label("sha256"),
            SubmissionRow.document_type,
            Document.priority,
            Document.deadline,
            SubmissionRow.metadata_.label("metadata"),
        )
        .join(SubmissionRow, SubmissionRow.document_id == Document.id)
        .where(SubmissionRow.upstream == submission.upstream, SubmissionRow.key == key)
    ).one()
    differs = {
        "bytes": was.sha256 != submission.sha256,
        "document type": was.document_type != submission.document_type,
    }
    if submission.key is not None:  # who chose no key sends the same file again, and no more
        differs |= {
            "priority": was.priority != submission.priority,
            "deadline": was.deadline != submission.deadline,
            "metadata": was.metadata != _as_kept(submission.metadata),
        }
    if any(differs.values()):
        raise KeyReused(
            f"{submission.upstream} sent this key before with other"
            f" {', '.join(what for what, is_so in differs.items() if is_so)} (document {was.id})."
            " Send a new key for a new document, or the same again for the same one."
        )
    return UUID(str(was.id))


def _as_kept(metadata: Mapping[str, Any]) -> Any:
    """Metadata as it comes back."""
    return json.loads(json.dumps(storable_json(metadata), default=str))


def _reopened(tx: Tx, document_id: UUID, submission: Submission) -> bool:
    """Whether the document had failed for want of what this submission brings, or its sender was
    asked for it, and it goes on now.
    """
    code = tx.session.execute(
        select(Document.error_code).where(
            Document.id == document_id, Document.status.in_(retry.LACKS)
        )
    ).scalar_one_or_none()
    if code is None or not BRINGS.get(code, _nothing)(submission):
        return False
    went_on = retry.reopen(tx, document_id, by=_actor(submission), stage=STAGE, code=SENT_AGAIN)
    if went_on:
        _keep_password(tx, document_id, submission)
    return went_on


def _nothing(submission: Submission) -> bool:
    return False


# why a document failed -> whether this submission brings what it lacked
BRINGS: Mapping[str, Callable[[Submission], bool]] = {
    EncryptedPdf.code: lambda submission: submission.password is not None,
    SealedForAnother.code: lambda submission: submission.password is not None,
    MissingBlob.code: lambda submission: True,  # its bytes were stored a moment ago
}
