"""The whole order of work on one screen: what stands at which status is moved by which stage, on
which queue, and where to.

Dispatch, sweeping and the picture in the README all come from ``FLOW``.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from uuid import UUID

import structlog

from worker import store
from worker.pipeline.stages import extract, ground, render, route, score, triage
from worker.runtime import Runtime
from worker.tables.documents import AGAIN, ALLOWED, ANSWERED, FINAL, Status

log = structlog.get_logger()

CPU, GPU = "cpu", "gpu"
QUEUES = (CPU, GPU)


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One stage: the status it takes documents at, and the code that moves them on."""

    at: Status
    name: str
    run: Callable[[UUID, Runtime], None]
    queue: str
    # where its work may lead; to FAILED, with a reason, every stage may
    to: frozenset[Status]

    @property
    def task(self) -> str:
        """The Celery task's name."""
        return f"surefield.{self.name}"


FLOW = (
    Step(
        at=Status.SUBMITTED,
        name="render",
        run=render.run,
        queue=CPU,
        to=frozenset({Status.UNTRIAGED, Status.RENDERED}),
    ),
    Step(
        at=Status.UNTRIAGED,
        name="triage",
        run=triage.run,
        queue=CPU,
        to=frozenset({Status.NEEDS_TYPE, Status.RENDERED, Status.SPLIT}),
    ),
    Step(
        at=Status.RENDERED,
        name="extract",
        run=extract.run,
        queue=GPU,
        to=frozenset({Status.EXTRACTED}),
    ),
    Step(
        at=Status.EXTRACTED,
        name="ground",
        run=ground.run,
        queue=CPU,
        to=frozenset({Status.GROUNDED}),
    ),
    Step(at=Status.GROUNDED, name="score", run=score.run, queue=CPU, to=frozenset({Status.SCORED})),
    Step(at=Status.SCORED, name="route", run=route.run, queue=CPU, to=ANSWERED),
)
# names that messages of the version before carry: they are understood for one release
RENAMED = {"triage": ("surefield.sort",)}
STEP_AT = {step.at: step for step in FLOW}
RESTING = frozenset(Status) - set(STEP_AT)  # a document rests here until a person acts, or for good


def advance(document_id: UUID, at: Status, rt: Runtime) -> None:
    """Take the document's step at this status, and then the next ones for as long as they belong
    to the same queue.

    Whoever has a document in hand brings it as far as they can: work that is nearly done goes
    before work that is not begun, and no message needs to travel in between. Each step claims and
    saves as if it stood alone, so a worker that is killed between two of them loses nothing.
    """
    queue = STEP_AT[at].queue
    line = [at]

    def announce(moved: UUID, to: Status) -> None:
        if moved == document_id and to in STEP_AT and STEP_AT[to].queue == queue:
            line.append(to)
        else:
            rt.announce(moved, to)

    hand = replace(rt, announce=announce)
    while line:
        STEP_AT[line.pop()].run(document_id, hand)


def sweep(rt: Runtime, *, patience: timedelta, limit: int = 500) -> int:
    """Send again for every document that should have moved by now; returns how many.

    Messages may be lost, workers killed, the broker emptied: the rows say what is left to do.
    Whoever died again and again over the same document has used up its attempts, and the document
    fails with that reason.
    """
    with rt.transaction() as tx:
        store.sweep.expire_leases(tx, backoff=rt.backoff, max_attempts=rt.max_attempts)
    sent = 0
    for step in FLOW:
        with rt.transaction() as tx:
            stuck = store.sweep.stuck(tx, at=step.at, patience=patience, limit=limit)
        for document_id in stuck:
            rt.announce(document_id, step.at)
        if stuck:
            log.info("swept", stage=step.name, documents=len(stuck))
        sent += len(stuck)
    return sent


def picture() -> str:
    """The flow as the README shows it: where a document stands, what moves it, and where to."""
    waits = [at for at in Status if at in RESTING - FINAL]  # for a person
    lines = [(step.at.value, f"{step.name} ({step.queue})", step.to) for step in FLOW]
    lines += [(at.value, "a person", ALLOWED[at] - _again(at)) for at in waits]
    lines += [("answered", "again", AGAIN)]
    wide = max(len(at) for at, _, _ in lines)
    broad = max(len(who) for _, who, _ in lines)
    drawn = [
        f"{at:<{wide}} ── {who + ' ':─<{broad + 1}}─→ {', '.join(s for s in Status if s in to)}"
        for at, who, to in lines
    ]
    return "\n".join(
        [
            *drawn,
            "any stage ─→ failed, with a code and what to do about it; retry ─→ where it failed",
        ]
    )


def _again(at: Status) -> frozenset[Status]:
    return AGAIN if at in ANSWERED else frozenset()
