"""Submissions in the database: one key names one document for ever."""

import json
from uuid import UUID, uuid4

from sqlalchemy import insert, select
from sqlalchemy.dialects.postgresql import insert as pg_insert

from worker.db import Tx
from worker.intake.errors import InvalidSubmission, KeyReused
from worker.intake.types import Submission, Submitted
from worker.store import transitions
from worker.store.codec import is_storable, storable, storable_json
from worker.tables.documents import Document, Secret, Status
from worker.tables.documents import Submission as SubmissionRow

STAGE = "submit"
LONGEST_METADATA = 64_000
LONGEST_FILENAME = 255


def submit(tx: Tx, submission: Submission) -> Submitted:
    """The document this submission stands for, made now or found from an earlier message.

    Raises KeyReused when the key stands for other bytes or another type, InvalidSubmission when a
    name is unusable.
    """
    key = (
        submission.key
        if submission.key is not None
        else f"{submission.sha256}:{submission.document_type}"
    )
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
        return Submitted(_same_document(tx, submission, key), created=False)
    transitions.create(
        tx,
        document_id,
        {
            "sha256": submission.sha256,
            "media_type": submission.media_type,
            "document_type": submission.document_type,
            "priority": submission.priority,
            "deadline": submission.deadline,
        },
        at=Status.SUBMITTED,
        by=(
            transitions.upstream(submission.upstream)
            if submission.who is None
            else transitions.person(submission.who)
        ),
        stage=STAGE,
    )
    if submission.password is not None:
        tx.session.execute(
            insert(Secret).values(
                document_id=document_id,
                password=submission.password.encode("utf-8", "surrogatepass"),
            )
        )
    return Submitted(document_id, created=True)


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
    if not -100 <= submission.priority <= 100:
        raise InvalidSubmission(
            f"Priority {submission.priority} is out of range. Send a number between -100 and 100;"
            " higher goes first."
        )
    if len(json.dumps(submission.metadata, default=str)) > LONGEST_METADATA:
        raise InvalidSubmission(
            f"The metadata is longer than {LONGEST_METADATA:,} characters. Keep it where the key"
            " finds it."
        )


def _same_document(tx: Tx, submission: Submission, key: str) -> UUID:
    document_id, *was = tx.session.execute(
        select(Document.id, Document.sha256, SubmissionRow.document_type)
        .join(SubmissionRow, SubmissionRow.document_id == Document.id)
        .where(SubmissionRow.upstream == submission.upstream, SubmissionRow.key == key)
    ).one()
    if was != [submission.sha256, submission.document_type]:
        raise KeyReused(
            f"{submission.upstream} used this key before for other bytes or another document type"
            f" (document {document_id}). Send a new key for a new document."
        )
    return document_id
