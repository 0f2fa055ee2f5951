"""Which doubts of a stage are put to the sender, and in which words."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager

from extractors.documents import Ask, DocumentType
from extractors.documents.spec import Kind
from extractors.errors import EncryptedPdf
from extractors.types import FieldState
from worker.db import Tx
from worker.questions import asking
from worker.questions import store as questions
from worker.questions.asking import Ended
from worker.questions.types import New
from worker.runtime import Runtime
from worker.store import transitions
from worker.store.types import Claim, NewResult
from worker.tables.documents import Status
from worker.tables.questions import Wanted
from worker.tables.results import Outcome

TYPE_UNCLEAR, ILLEGIBLE = "type_unclear", "nothing_read"
MOST_PASSWORDS = 3  # questions for one; then the file fails
# reasons of routing that a sender can end
OF_FIELDS: Mapping[str, Ask] = {"required_absent": Ask.MISSING, "conflict": Ask.CONFLICT}


def asks(rt: Runtime, spec: DocumentType | None, doubt: Ask) -> bool:
    """Whether the sender is asked; while the type is open, as the setting says."""
    return doubt in rt.ask_sender if spec is None else spec.asks(doubt, rt.ask_sender)


@contextmanager
def encrypted(claim: Claim, rt: Runtime, *, ask: bool, tried: bool) -> Iterator[None]:
    """A file that needs a password asks its sender for it, where policy says so, instead of
    failing.

    tried: there was a password, and it opened nothing
    """
    try:
        yield
    except EncryptedPdf as error:
        if not ask or not _password(claim, error, rt, tried=tried):
            raise


def _password(claim: Claim, error: EncryptedPdf, rt: Runtime, *, tried: bool) -> bool:
    """False: it was asked for often enough."""
    text = (
        "The password does not open this file. Which one does?"
        if tried
        else "This file opens with a password only. Which one?"
    )
    with rt.transaction() as tx:
        before = questions.listed(tx, document_id=claim.document_id, state=None)
        if sum(one.wanted is Wanted.PASSWORD for one in before) >= MOST_PASSWORDS:
            return False
        asking.ask(
            tx,
            claim.document_id,
            [New(wanted=Wanted.PASSWORD, text=text, doubt=error.code)],
            by=transitions.WORKER,
            lasts=rt.question_lasts,
            stage=claim.stage,
            held=claim,
            ended=Ended(to=Status.FAILED, code=error.code, message=str(error)),
        )
    return True


def type_is_open(tx: Tx, claim: Claim, types: Collection[DocumentType], rt: Runtime) -> None:
    """Its words do not say what a document is: its sender may know."""
    if not asks(rt, None, Ask.TYPE):
        return
    names = ", ".join(sorted(one.name for one in types))
    text = f"What kind of document is this? Answer with one of: {names}."
    _ask(tx, claim, [New(wanted=Wanted.TYPE, text=text, doubt=TYPE_UNCLEAR, page=1)], rt)


def of_answer(
    tx: Tx, claim: Claim, spec: DocumentType, results: Sequence[NewResult], rt: Runtime
) -> None:
    """A better scan where nothing was read; else each value that the sender must know."""
    nothing = all(one.state is not FieldState.VALUE for one in results)
    if nothing and asks(rt, spec, Ask.ILLEGIBLE):
        text = (
            "Nothing could be read on this scan. Please send a better one: flat, straight, sharp."
        )
        _ask(tx, claim, [New(wanted=Wanted.FILE, text=text, doubt=ILLEGIBLE)], rt)
        return
    news = [
        New(
            wanted=Wanted.VALUE,
            text=_words(spec, one),
            doubt=reason,
            field=one.name,
            ordinal=one.ordinal,
            page=one.page or 1,
        )
        for one in results
        if (reason := _doubt(spec, one, rt)) is not None
    ]
    if news:
        _ask(tx, claim, news, rt)


def _doubt(spec: DocumentType, one: NewResult, rt: Runtime) -> str | None:
    """Why the sender is asked about this field; None: they are not."""
    if one.decision is not Outcome.REVIEW or one.carried is not None:
        return None
    if spec.field(one.name).kind is Kind.GROUP:
        return None
    codes = [str(doubt["code"]) for doubt in one.details.get("doubts", ())]
    found = (code for code in codes if code in OF_FIELDS)
    return next((c for c in found if spec.asks(OF_FIELDS[c], rt.ask_sender, one.name)), None)


def _words(spec: DocumentType, one: NewResult) -> str:
    field = spec.field(one.name)
    row = f" in row {one.ordinal + 1}" if "." in one.name else ""
    said = f" The paper says “{one.text}”, and another value elsewhere." if one.text else ""
    return (
        f"What is the {field.name.replace('_', ' ')}{row} of this {spec.title}"
        f" ({field.description})?{said}"
    )


def _ask(tx: Tx, claim: Claim, news: Sequence[New], rt: Runtime) -> None:
    asking.ask(
        tx,
        claim.document_id,
        news,
        by=transitions.WORKER,
        lasts=rt.question_lasts,
    )
