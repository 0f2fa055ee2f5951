"""The whole order of work on one screen: what stands at which status is moved by which stage, on
which queue, and where to.

Dispatch, sweeping and the picture in the README all come from ``FLOW``.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from uuid import UUID

import structlog

from worker import store
from worker.db import Tx
from worker.intake import dead_letters
from worker.pipeline.stages import extract, ground, render, route, score, triage
from worker.questions import sweep as questions
from worker.runtime import Runtime
from worker.store.pauses import Turn
from worker.store.types import Claim
from worker.tables.documents import AGAIN, ALLOWED, ANSWERED, FINAL, Status

log = structlog.get_logger()

CPU, GPU = "cpu", "gpu"
QUEUES = (CPU, GPU)
# where a queue's wake-ups wait, so that no line of submissions is before them
WAKE_UPS = {CPU: "cpu_work", GPU: GPU}
HANDFUL = 8  # wake-ups that wait for a queue at most: each is answered until nothing is left
SLICE = timedelta(seconds=1)  # how long one is answered while submissions wait
ASKED = {Status.NEEDS_INPUT: "the sender"}  # whoever is waited for, where it is not a person
ANY = UUID(int=0)  # the model reads pages of whichever document is next


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One stage: the status it takes documents at, and the code that moves them on."""

    at: Status
    name: str
    run: Callable[[UUID | Claim, Runtime], None]
    queue: str
    # where its work may lead; to FAILED, with a reason, every stage may
    to: frozenset[Status]
    asks: bool = False  # it may put the document to its sender instead

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
        asks=True,
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
LAST_FIRST = FLOW[::-1]  # what is begun ends before more is begun
RESTING = frozenset(Status) - set(STEP_AT)  # a document rests here until a person acts, or for good


def advance(document: UUID | Claim, at: Status, rt: Runtime) -> None:
    """Take the document's step at this status, and then the next ones for as long as they belong
    to the same queue.

    Whoever has a document in hand brings it as far as they can: work that is nearly done goes
    before work that is not begun, and no message needs to travel in between. Each step claims and
    saves as if it stood alone, so a worker that is killed between two of them loses nothing.

    document: its id, or a claim on it for the first step
    """
    queue = STEP_AT[at].queue
    mine = document.document_id if isinstance(document, Claim) else document
    line: list[Status] = []

    def announce(moved: UUID, to: Status) -> None:
        on = moved == mine and to is not at  # one that gave its turn back is somebody else's
        if on and to in STEP_AT and STEP_AT[to].queue == queue:
            line.append(to)
        else:
            rt.announce(moved, to)

    hand = replace(rt, announce=announce)
    STEP_AT[at].run(document, hand)
    while line:
        STEP_AT[line.pop()].run(mine, hand)


def work(queue: str, rt: Runtime, *, lasts: timedelta = SLICE) -> None:
    """Answer a wake-up: take the best next document of this queue, and the next, until none is
    left, or for so long; then whatever is left gets a wake-up of its own.
    """
    if queue == GPU:
        STEP_AT[Status.RENDERED].run(ANY, rt)
        if _due(queue, rt, patience=timedelta(0), limit=1):
            rt.wake(queue)
        return
    until = time.monotonic() + lasts.total_seconds()
    while (claim := _next(queue, rt)) is not None:
        advance(claim, claim.at, rt)
        if time.monotonic() >= until:
            rt.wake(queue)
            return


def _next(queue: str, rt: Runtime) -> Claim | None:
    """The best document that can be taken, by a claim; one that probes a stage goes first."""
    with rt.transaction() as tx:
        pausing = store.pauses.pausing(tx)
        for step in LAST_FIRST:
            if step.queue == queue and pausing.get(step.name) is True:
                if store.pauses.turn(tx, step.name, lease=rt.lease) is not Turn.PROBE:
                    continue
                claim = _best(tx, [step], rt)
                if claim is not None:
                    return replace(claim, probes=True)
                store.pauses.give_turn_back(tx, step.name)
        return _best(
            tx,
            [step for step in LAST_FIRST if step.queue == queue and step.name not in pausing],
            rt,
        )


def _best(tx: Tx, steps: Sequence[Step], rt: Runtime) -> Claim | None:
    return store.order.claim_best(
        tx,
        {step.at: step.name for step in steps},
        lease=rt.lease,
        max_attempts=rt.max_attempts,
        at_once=rt.at_once,
    )


def sweep(rt: Runtime, *, patience: timedelta) -> int:
    """Wake the workers of each queue in which something should have moved by now, a handful at
    most, however many wait; returns how many times.

    Messages may be lost, workers killed, the broker emptied: the rows say what is left to do.
    Whoever died again and again over the same document has used up its attempts, and the document
    fails with that reason.
    """
    with rt.transaction() as tx:
        store.sweep.shorten_leases(tx, lease=rt.lease)
        store.sweep.expire_leases(tx, backoff=rt.backoff, max_attempts=rt.max_attempts)
        dead_letters.expire(tx)
    questions.sweep(rt)
    sent = 0
    for queue in QUEUES:
        due = _due(queue, rt, patience=patience, limit=HANDFUL)
        for _ in range(due):
            rt.wake(queue)
        if due:
            log.info("swept", queue=queue, wake_ups=due)
        sent += due
    return sent


def _due(queue: str, rt: Runtime, *, patience: timedelta, limit: int) -> int:
    at = [step.at for step in FLOW if step.queue == queue]
    with rt.transaction() as tx:
        return store.sweep.due(tx, at=at, patience=patience, limit=limit)


def picture() -> str:
    """The flow as the README shows it: where a document stands, what moves it, and where to."""
    waits = [at for at in Status if at in RESTING - FINAL]
    lines = [(step.at.value, f"{step.name} ({step.queue})", _leads_to(step)) for step in FLOW]
    lines += [(at.value, ASKED.get(at, "a person"), ALLOWED[at] - _again(at)) for at in waits]
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


def _leads_to(step: Step) -> frozenset[Status]:
    return step.to | ({Status.NEEDS_INPUT} if step.asks else frozenset())


def _again(at: Status) -> frozenset[Status]:
    return AGAIN if at in ANSWERED else frozenset()
