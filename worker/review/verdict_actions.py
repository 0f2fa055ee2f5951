"""What people say of whole documents: the rules behind the page, HTTP and commands."""

from dataclasses import dataclass
from uuid import UUID

from worker.actor import Actor, Forbidden, Role
from worker.review import document_types, verdicts
from worker.review.errors import InvalidDecision, NotSeen
from worker.review.tables import Verdict
from worker.runtime import Runtime

# what may be said of a document whose pages cannot be shown
UNSEEN = frozenset({Verdict.ILLEGIBLE, Verdict.UNDO})


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What a person says of a whole document."""

    verdict: Verdict
    document_type: str | None = None  # of another type: which
    duplicate_of: UUID | None = None
    seen: bool = False  # its pages were before their eyes
    took_ms: int | None = None


def judge(actor: Actor, document_id: UUID, said: Said, rt: Runtime) -> None:
    """Keep a verdict on a whole document, or take the last one back.

    Raises NotFound, NotSeen, UnknownDocumentType, InvalidDecision, Forbidden, ReviewConflict.
    """
    if not said.seen and said.verdict not in UNSEEN:
        raise NotSeen(
            f"Look at the document before you say {said.verdict.value!r}. If it cannot be shown,"
            " say 'illegible', or skip it."
        )
    if said.verdict is Verdict.UNDO:
        _take_back(actor, document_id, rt)
        return
    if said.verdict is Verdict.OTHER_TYPE:
        _read_as(actor, document_id, said, rt)
        return
    with rt.transaction() as tx:
        verdicts.reject(
            tx,
            document_id,
            said.verdict,
            who=actor.name,
            seen=said.seen,
            duplicate_of=said.duplicate_of,
            took_ms=said.took_ms,
        )


def _take_back(actor: Actor, document_id: UUID, rt: Runtime) -> None:
    with rt.transaction() as tx:
        last = verdicts.standing(tx, document_id)
        if last and last.who != actor.name and not actor.role.covers(Role.MANAGER):
            raise Forbidden("Only a manager takes back what somebody else said. Tell them.")
        verdicts.take_back(tx, document_id, who=actor.name)


def _read_as(actor: Actor, document_id: UUID, said: Said, rt: Runtime) -> None:
    if said.document_type is None:
        raise InvalidDecision("Say which type it is. The types: surefield types.")
    spec = rt.document_type(said.document_type)
    with rt.transaction() as tx:
        was_read = verdicts.keep_other_type(
            tx,
            document_id,
            spec.name,
            who=actor.name,
            seen=said.seen,
            took_ms=said.took_ms,
        )
        read = document_types.read_as if was_read else document_types.choose_type
        read(tx, document_id, spec.name, who=actor.name)
