"""A file becomes a document: stored once by its hash, and written down under the submitter's key.

Whether it can be opened, and whether its type exists, is found out when it is rendered: so a bad
file or a misspelt type that came over the queue ends as a failed document that says why, and
nothing is lost.
"""

import os
from dataclasses import replace
from typing import BinaryIO

from extractors.errors import UnsupportedFile
from worker.actor import Actor, Forbidden, Role
from worker.blobs import name_of
from worker.db import Tx
from worker.intake import store as intake_store
from worker.intake.errors import InvalidSubmission, TooLarge
from worker.intake.sources import UNKNOWN, Request, media_type, opened
from worker.intake.types import Submission, Submitted
from worker.runtime import Runtime
from worker.store import installation

WEB = "web"  # the upstream of all that people hand in on a page


def hand_in(actor: Actor, file: BinaryIO, request: Request, rt: Runtime) -> Submitted:
    """A person hands one file in; the same file as the same type again is the same document.

    Raises Forbidden, UnknownDocumentType, BrokenDocumentType, InvalidSubmission, TooLarge,
    UnsupportedFile.
    """
    if not actor.role.covers(Role.MANAGER):
        raise Forbidden(
            f"Managers hand files in; your role is {actor.role.value}. Ask an administrator for it."
        )
    rt.check_type(request.document_type)
    first = file.read(1024)
    if not first:
        raise InvalidSubmission("The file is empty. Save it again, and drop it again.")
    if media_type(first) == UNKNOWN:
        raise UnsupportedFile("It is no PDF, PNG, JPEG or TIFF. Print it to a PDF, and drop that.")
    return submit(replace(request, upstream=WEB, who=actor.name, file=file), rt)


def submit(request: Request, rt: Runtime, *, most_waiting: int | None = None) -> Submitted:
    """Accept one file, or give the document back that the same upstream and key stand for.

    most_waiting: documents of this upstream that may wait before a further one is refused; None:
                  any number

    Raises InvalidSubmission, SourceNotAllowed, SourceUnavailable, TooLarge, UnreadableFile,
    TooManyWaiting: nothing is stored then.
    """
    if most_waiting is not None:
        with rt.transaction() as tx:
            intake_store.check_line(tx, request.upstream, request.key, most=most_waiting)
    with opened(request, rt) as file:
        if file.seek(0, os.SEEK_END) > rt.max_bytes:
            raise TooLarge.than(rt.max_bytes)
        submission = _submission(request, file)
        with rt.transaction() as tx:  # what is refused leaves no blob
            submission = replace(submission, password=_sealed(tx, request))
            intake_store.check(tx, submission)
        # before the row: a crash between the two leaves a blob nobody names, never a row without
        # bytes
        sha256 = rt.blobs.put_file(file)  # somebody may have written to the source meanwhile
    with rt.transaction() as tx:
        return intake_store.submit(tx, replace(submission, sha256=sha256))


def _submission(request: Request, file: BinaryIO) -> Submission:
    sha256 = name_of(file)
    file.seek(0)
    return Submission(
        upstream=request.upstream,
        key=request.key,
        document_type=request.document_type,
        sha256=sha256,
        media_type=media_type(file.read(1024)),
        filename=request.name,
        priority=request.priority,
        who=request.who,
        metadata=request.metadata,
        deadline=request.deadline,
    )


def _sealed(tx: Tx, request: Request) -> bytes | None:
    """The file's password, as it may rest in a table.

    Raises KeyUnusable.
    """
    if request.password is None:
        return request.password_sealed
    return installation.seal(tx, request.password)
