"""What people and senders do about questions, with all rules inside: doors only translate.

Each function opens its own transactions, and raises an error that says what to do instead.
"""

import os
from typing import BinaryIO
from uuid import UUID

from extractors.errors import UnsupportedFile
from worker.actor import Actor
from worker.db import Tx
from worker.intake.errors import TooLarge
from worker.intake.sources import UNKNOWN, media_type
from worker.questions import answering, asking, store
from worker.questions.answering import Answering
from worker.questions.errors import InvalidAnswer, InvalidQuestion, QuestionAnswered, QuestionOver
from worker.questions.types import Answer, Asked, Link, Meant, New, Went
from worker.review import reads
from worker.runtime import Runtime
from worker.store import transitions
from worker.store.codec import is_storable
from worker.tables.questions import QuestionState, Wanted

BY_PERSON = "asked_by_person"  # the doubt of a question that a person asks
LONGEST_PASSWORD = 1_000
LONGEST_ANSWER = 4_000


def ask(actor: Actor, document_id: UUID, new: New, rt: Runtime) -> Link:
    """A person asks the sender of a document; returns the link, this once.

    Raises NotFound, InvalidQuestion.
    """
    if new.wanted is Wanted.VALUE:
        _check_field(document_id, new, rt)
    with rt.transaction() as tx:
        links = asking.ask(
            tx, document_id, [new], by=transitions.person(actor.name), lasts=rt.question_lasts
        )
    if not links:
        raise InvalidQuestion(
            "The same is asked already. Withdraw that question first: surefield question list."
        )
    return links[0]


def renew(question_id: UUID, rt: Runtime, *, upstream: str | None = None) -> Link:
    """A new link to an open question, told this once; the one before ends.

    upstream: the sender who asks for it; None: an operator

    Raises NotFound, QuestionAnswered, QuestionOver.
    """
    with rt.transaction() as tx:
        asked = _held(tx, question_id, upstream)
        check_open(asked)
        return store.new_link(tx, asked.question_id)


def answer(
    question_id: UUID,
    said: Answer,
    rt: Runtime,
    *,
    door: str,
    upstream: str | None = None,
    who: Actor | None = None,
) -> Went:
    """Take the one answer to a question; the document goes on from it.

    door: "link", "api" or "command"
    upstream: the sender who answers; another's question is not there
    who: a person who answers for the sender

    Raises NotFound, QuestionAnswered, QuestionOver, InvalidAnswer, TooLarge, UnsupportedFile,
    UnknownDocumentType.
    """
    with rt.transaction() as tx:  # what is refused leaves no blob
        asked = store.of_id(tx, question_id, upstream=upstream)
    check_open(asked)
    meant = _meant(asked, said, rt)
    with rt.transaction() as tx:
        asked = _held(tx, question_id, upstream)
        check_open(asked)
        document = store.hold(tx, asked.document_id)
        others = store.listed(tx, document_id=asked.document_id, limit=2)
        by = transitions.upstream(asked.upstream) if who is None else transitions.person(who.name)
        store.close(
            tx,
            [question_id],
            to=QuestionState.ANSWERED,
            by=by,
            door=door,
            answer=meant.text,
            file_sha256=meant.sha256,
        )
        status = answering.take(
            tx,
            Answering(
                asked=asked,
                meant=meant,
                document=document,
                by=by,
                alone=len(others) == 1,
                rt=rt,
            ),
        )
        still = store.listed(tx, document_id=asked.document_id)
    return Went(asked.document_id, status, len(still))


def withdraw(actor: Actor, question_id: UUID, rt: Runtime) -> Went:
    """Nobody needs the answer any more: the document goes back to where it was asked about.

    Raises NotFound, QuestionAnswered, QuestionOver.
    """
    with rt.transaction() as tx:
        asked = _held(tx, question_id, None)
        if asked.state is not QuestionState.OPEN:
            check_open(asked)
        return end(tx, [asked], to=QuestionState.WITHDRAWN, by=transitions.person(actor.name))


def end(tx: Tx, over: list[Asked], *, to: QuestionState, by: str) -> Went:
    """Open questions about one document end without an answer; the document is locked, and goes
    back when none is left.
    """
    asked = over[0]
    store.close(tx, [one.question_id for one in over], to=to, by=by)
    left = store.listed(tx, document_id=asked.document_id)
    status = answering.back(tx, asked, store.hold(tx, asked.document_id), by=by, alone=not left)
    return Went(asked.document_id, status, len(left))


def check_open(asked: Asked) -> None:
    """Raises QuestionAnswered, or QuestionOver, unless an answer would be taken now."""
    if asked.state is QuestionState.ANSWERED:
        raise QuestionAnswered(
            "This question was answered. There is nothing more to do; a further answer is not"
            " taken."
        )
    if not asked.is_open:
        raise QuestionOver(
            "This question is over: its time is up, or the answer is not needed any more."
        )


def _held(tx: Tx, question_id: UUID, upstream: str | None) -> Asked:
    """The question as it is now that nobody else can answer it."""
    seen = store.of_id(tx, question_id, upstream=upstream)
    store.hold(tx, seen.document_id)
    return store.of_id(tx, question_id, upstream=upstream)


def _check_field(document_id: UUID, new: New, rt: Runtime) -> None:
    with rt.transaction() as tx:
        document = store.hold(tx, document_id, lock=False)
    spec = rt.pinned_type(document.document_type, document.type_version)
    if new.field not in spec.paths():
        raise InvalidQuestion(
            f"A {spec.title} has no field {new.field!r}. It has: {', '.join(spec.paths())}."
        )
    if document.has_answer:  # else asking says what is wrong
        with rt.transaction() as tx:
            reads.result_of(tx, document_id, new.field or "", new.ordinal)


def _meant(asked: Asked, said: Answer, rt: Runtime) -> Meant:
    """Raises InvalidAnswer, TooLarge, UnsupportedFile, UnknownDocumentType."""
    if asked.wanted is Wanted.FILE:
        return _stored(said.file, rt)
    if asked.wanted is Wanted.PASSWORD:
        return Meant(password=_text(said.password, "the file's password", LONGEST_PASSWORD))
    text = _text(said.text, "a text", LONGEST_ANSWER).replace("\r\n", "\n").strip()
    if asked.wanted is Wanted.TYPE:
        text = rt.document_type(text).name
    if asked.wanted is Wanted.VALUE:
        answering.value_of(asked, text, rt.pinned_type(asked.document_type, asked.type_version))
    return Meant(text=text)


def _text(given: str | None, noun: str, longest: int) -> str:
    if given is None or not given.strip() or len(given) > longest or not is_storable(given):
        raise InvalidAnswer(f"The answer is {noun}, 1 to {longest:,} characters. Send that.")
    return given


def _stored(file: BinaryIO | None, rt: Runtime) -> Meant:
    """A better scan, under the limits of every file that comes in."""
    if file is None:
        raise InvalidAnswer("The answer is a file: a PDF, PNG, JPEG or TIFF. Send it.")
    if file.seek(0, os.SEEK_END) > rt.max_bytes:
        raise TooLarge(
            f"The file has more than {rt.max_bytes:,} bytes. Send a smaller one, or raise"
            " SUREFIELD_MAX_BYTES."
        )
    file.seek(0)
    kind = media_type(file.read(1024))
    if kind == UNKNOWN:
        raise UnsupportedFile("It is no PDF, PNG, JPEG or TIFF. Print it to a PDF, and send that.")
    file.seek(0)
    return Meant(sha256=rt.blobs.put_file(file), media_type=kind)
