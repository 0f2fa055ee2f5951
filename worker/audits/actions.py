"""What people do about audits, with all rules inside.

An audit is blind: the person says what the page says before they are shown what was read. Where the
two differ they compare, and say which is right; a reading that is wrong is corrected at once. Of a
list they say how many rows it has: a row that is missing stands in none of its cells.

Some audits plant an error: whoever typed what was read is shown a wrong value as if it had been
read. What they typed first is the audit's finding, whatever they say then; they are told at once.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from extractors.decision.planted import planted
from extractors.documents import DocumentType
from extractors.documents.spec import FieldSpec, Kind
from extractors.normalise import Value, normalise
from extractors.types import FieldState
from worker.actor import Actor
from worker.audits import store, watch
from worker.audits.tables import Found, Noticed
from worker.audits.types import Compared, Waiting
from worker.db import Tx
from worker.review import actions as review
from worker.review.errors import InvalidDecision, ReviewConflict
from worker.review.queue import check_name
from worker.review.tables import Action
from worker.runtime import Runtime

# how many rows a list has, as a person types it
ROWS = FieldSpec(name="rows", kind=Kind.NUMBER, description="how many rows the list has")
# what a person is told of an error that was planted, at once
TOLD: Mapping[str, str] = {
    Noticed.NOTICED: "What you compared with last was made up, to see who notices. You did.",
    Noticed.OVERLOOKED: (
        "What you compared with last was made up, to see who notices. The machine had read what you"
        " typed first; look at the page before you give way."
    ),
    Noticed.LEFT: "What you compared with last was made up, to see who notices.",
}
BLIND = frozenset({Action.CORRECT, Action.ABSENT, Action.UNREADABLE})


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What a person says of one field of a page, as they typed it."""

    action: Action
    text: str = ""  # as printed
    seen: bool = False  # the page was before their eyes
    compared: bool = False  # they know what was read, and say it all the same
    took_ms: int | None = None


def next_audit(
    actor: Actor, rt: Runtime, *, lease: timedelta, document_type: str | None = None
) -> Waiting | None:
    """The next audit for this person, theirs for so long; None when nothing waits.

    Raises InvalidDecision when their name cannot be kept.
    """
    check_name(actor.name)
    with rt.transaction() as tx:
        return store.claim(tx, actor.name, lease=lease, document_type=document_type)


def answer(actor: Actor, audit_id: UUID, said: Said, rt: Runtime) -> Compared:
    """Hold what a person reads on the page against what the machine read there.

    What says the same is right. What differs is told to the person; said again, ``compared``, it
    corrects the value, and ``accept`` says that the machine was right after all.

    Raises NotFound, NotSeen, InvalidDecision, ReviewConflict.
    """
    check_name(actor.name)
    text = said.text.strip()
    with rt.transaction() as tx:
        store.hold(tx, audit_id)
        before = store.waiting(tx, audit_id)
        _check(said, text, before)
        spec = rt.pinned_type(before.document_type, before.type_version)
        typed = _meaning(text, before, spec) if said.action is Action.CORRECT else None
        found, read, noticed = _found(said, typed, before, spec), before.text, None
        if said.compared and (wrong := store.shown_to(tx, audit_id, actor.name)) is not None:
            noticed, found = _noticed(said, typed, before, spec, wrong)
            store.keep_noticed(tx, audit_id, noticed)
        elif found is Found.RIGHT and not said.compared and typed and before.plants:
            wrong = _wrong(before, spec)
            if wrong is not None and store.plant(tx, audit_id, actor.name, wrong):
                found, read = None, wrong
        store.keep_answer(
            tx,
            audit_id,
            actor.name,
            said.action,
            text=text if typed else None,
            value=typed,
            after_comparing=said.compared,
            took_ms=said.took_ms,
        )
        if found is Found.WRONG and before.of_list is None:
            _correct(tx, actor, before, said, rt)
        if found is not None:
            store.judge(tx, audit_id, actor.name, found)
            if before.certificate is not None:
                watch.after_audit(tx, before.certificate)
    return Compared(
        audit_id=audit_id,
        document_id=before.document_id,
        field=before.field,
        found=found,
        read=read,
        typed=text if typed else None,
        noticed=noticed,
        of_list=before.of_list,
    )


def _wrong(before: Waiting, spec: DocumentType) -> str | None:
    """What is shown in place of what was read; None where nothing can be."""
    if before.of_list is not None or before.text is None:
        return None
    return planted(before.text, spec.field(before.field), spec, before.audit_id)


def _noticed(
    said: Said, typed: Value | None, before: Waiting, spec: DocumentType, wrong: str
) -> tuple[Noticed, Found | None]:
    """What became of a planted error, and of the audit: before it was shown, the person had typed
    what was read. Who says a third thing now compares that with the true reading.
    """
    if said.action is Action.UNREADABLE:
        return Noticed.LEFT, Found.ILLEGIBLE
    gave_way = typed is not None and typed.agrees_with(_meaning(wrong, before, spec))
    if said.action is Action.ACCEPT or gave_way:
        return Noticed.OVERLOOKED, Found.RIGHT
    return Noticed.NOTICED, Found.RIGHT if _is_the_same(typed, before, spec) else None


def _meaning(text: str, before: Waiting, spec: DocumentType) -> Value:
    """Raises InvalidDecision where a list's number of rows is none."""
    if before.of_list is None:
        return normalise(text, spec.field(before.field), spec)
    if not (text.isascii() and text.isdigit()):
        raise InvalidDecision("Say how many rows the list has, in digits; 'absent' says none.")
    return normalise(text, ROWS, spec)


def _check(said: Said, text: str, before: Waiting) -> None:
    # found wrong and accepted all the same: the correction was taken back
    if before.found not in (None, Found.WRONG) or not before.is_current:
        raise ReviewConflict(
            f"Audit {before.audit_id} is done already, or its value was decided since. Take the"
            " next one."
        )
    if said.action not in BLIND and not (said.action is Action.ACCEPT and said.compared):
        raise InvalidDecision(
            "Say first what stands on the page: a text, 'absent' or 'unreadable'."
        )
    if said.action is Action.CORRECT and not text:
        raise InvalidDecision(
            "Type what stands on the page. If the document does not have the field, say 'absent'."
        )
    if len(text) > review.LONGEST_CORRECTION:
        raise InvalidDecision(
            f"A text has at most {review.LONGEST_CORRECTION:,} characters. Shorten it."
        )
    review.check_seen(review.Answer(action=said.action, seen=said.seen))


def _found(said: Said, typed: Value | None, before: Waiting, spec: DocumentType) -> Found | None:
    """What the audit finds; None where the person must compare first."""
    if said.action is Action.UNREADABLE:
        return Found.ILLEGIBLE
    if said.action is Action.ACCEPT or _is_the_same(typed, before, spec):
        return Found.RIGHT
    return Found.WRONG if said.compared else None


def _is_the_same(typed: Value | None, before: Waiting, spec: DocumentType) -> bool:
    """The same value, in whatever spelling; or both say that there is none."""
    if before.of_list is not None and typed is None:
        return before.rows_read == 0
    if typed is None or before.text is None:
        return typed is None and before.state is FieldState.ABSENT
    return typed.agrees_with(_meaning(before.text, before, spec))


def _correct(tx: Tx, actor: Actor, before: Waiting, said: Said, rt: Runtime) -> None:
    """A wrong value does not stay: the person's word holds, as a decision with its author."""
    correction = review.Answer(
        action=said.action,
        text=said.text.strip() if said.action is Action.CORRECT else "",
        seen=said.seen,
        took_ms=said.took_ms,
    )
    review.correct_in(tx, actor, before.document_id, before.field, before.ordinal, correction, rt)
