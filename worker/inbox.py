"""The inbox: takes messages out of the upstreams' queues, one of each in turn, and settles each
only when it is a row.

While the database or the blobs are away, nothing is taken: what is in hand goes back once, and the
queues keep the rest.  What one upstream's message lacks, its source, holds up that queue alone.
"""

import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import structlog
from sqlalchemy import text

from worker.accounts import store as accounts
from worker.intake import store as intake_store
from worker.intake.errors import SourceUnavailable, TooManyWaiting
from worker.intake.outages import is_outage, until_it_passes
from worker.intake.taking import take_in
from worker.mailboxes.names import PREFIX, Line, queue_of
from worker.mailboxes.types import BrokerUnavailable, Mailbox, Parcel
from worker.runtime import Runtime

log = structlog.get_logger()

IDLE_S = (0.05, 0.5)  # the first and the longest pause between two looks at empty queues
HELD = timedelta(seconds=8)  # how long a message is held while something is away
PROBE_S = 2.0  # between two looks whether it is still away
BACK_S = (1.0, 60.0)  # the first and the longest pause after a message that had to go back
QUEUE_AWAY_S = 5.0  # before a queue is asked again at which the broker did not answer
PROBE = b"Surefield asks whether there is room.\n"
LINES_S = 2.0  # how old what is known of the upstreams may be


class _WentBack(Exception):
    """A message went back; its size says how much room it needs."""

    def __init__(self, size: int) -> None:
        super().__init__(size)
        self.size = size


@dataclass(slots=True, kw_only=True)
class _State:
    """What is known of one queue since the inbox was started."""

    busy: bool = False  # there was a message when it was looked at last
    back_s: float = BACK_S[0]
    not_before: float = float("-inf")  # time.monotonic()


class Inbox:
    """What takes messages in; any number may run."""

    def __init__(
        self,
        rt: Runtime,
        mailbox: Mailbox,
        stop: threading.Event,
        *,
        most_waiting: int,
        open_upstream: str | None,
    ) -> None:
        """
        most_waiting:  documents of an upstream, beyond which its queue is left alone
        open_upstream: whose the queue without an upstream's name is; None: it is not read
        """
        self._rt, self._mailbox, self._stop = rt, mailbox, stop
        self._most_waiting, self._open_upstream = most_waiting, open_upstream
        self._states: dict[str, _State] = {}
        self._back_s = BACK_S[0]

    def run(self) -> None:
        """Until it is told to stop; what is in hand is settled first."""
        size = 1
        while not self._stop.is_set():
            try:
                self._check(size)
                self._take_in_turns()
            except _WentBack as went:
                size = went.size
                self._stop.wait(self._back_s)
                self._back_s = min(2 * self._back_s, BACK_S[1])
            except Exception as error:
                if not is_outage(error):
                    raise
                log.warning("inbox_waits", error=type(error).__name__, said=str(error)[:200])
                self._stop.wait(PROBE_S)

    def _take_in_turns(self) -> None:
        """Raises what is away, and _WentBack."""
        pause_s, known_at = IDLE_S[0], float("-inf")
        lines: Sequence[Line] = ()
        while not self._stop.is_set():
            if time.monotonic() - known_at > LINES_S:
                lines, known_at = read_lines(self._rt, self._open_upstream), time.monotonic()
                for line in lines:
                    self._mailbox.make(line.queue)
            if self._round(lines):
                pause_s = IDLE_S[0]
            else:
                self._stop.wait(pause_s)
                pause_s = min(2 * pause_s, IDLE_S[1])

    def _round(self, lines: Sequence[Line]) -> int:
        """One message of each; returns how many there were."""
        found = 0
        for line in lines:
            state = self._states.setdefault(line.queue, _State())
            if self._stop.is_set():
                return found
            if time.monotonic() < state.not_before or (state.busy and self._is_full(line)):
                continue
            state.busy = self._one(line.queue, line.upstream, state)
            found += state.busy
        if self._mailbox.dead is not None:
            found += self._one(self._mailbox.dead, None, _State())
        return found

    def _is_full(self, line: Line) -> bool:
        try:
            with self._rt.transaction() as tx:
                intake_store.check_line(tx, line.upstream, None, most=self._most_waiting)
        except TooManyWaiting:
            return True
        return False

    def _one(self, queue: str, upstream: str | None, state: _State) -> bool:
        """Take one message in; returns whether there was one."""
        try:
            parcel = self._mailbox.take(queue)
        except BrokerUnavailable:  # perhaps of this queue alone: others get their turn first
            state.not_before = time.monotonic() + QUEUE_AWAY_S
            raise
        if parcel is None:
            return False
        try:
            until_it_passes(
                lambda: take_in(parcel, upstream, self._rt),
                patience=HELD,
                but=SourceUnavailable,  # others' queues do not wait for it
            )
        except SourceUnavailable as error:
            self._give_back(parcel, error)
            state.not_before = time.monotonic() + state.back_s
            state.back_s = min(2 * state.back_s, BACK_S[1])
            return True
        except BaseException as error:
            self._give_back(parcel, error)
            if is_outage(error):
                raise _WentBack(len(parcel.body)) from error
            raise
        self._mailbox.done(parcel)
        self._back_s = state.back_s = BACK_S[0]
        return True

    def _give_back(self, parcel: Parcel, error: BaseException) -> None:
        log.warning("submission_waits", error=type(error).__name__, queue=parcel.queue)
        self._mailbox.give_back(parcel)

    def _check(self, size: int) -> None:
        """Raises what is away, or has no room for so many bytes: nothing is taken then."""
        with self._rt.transaction() as tx:
            tx.session.execute(text("SELECT"))
        # the same each time: what an inbox leaves that is killed here, the next one removes
        probe = self._rt.blobs.put(probe_of(size))
        self._rt.blobs.remove(probe, before=datetime.now(UTC) + timedelta(days=1))


def probe_of(size: int) -> bytes:
    """At least so many bytes, of few sizes and always the same ones."""
    return PROBE * (1 << (size // len(PROBE)).bit_length())


def read_lines(rt: Runtime, open_upstream: str | None) -> list[Line]:
    """Whose queues are read: the open one's, and every upstream's that has a key."""
    with rt.transaction() as tx:
        upstreams = accounts.upstreams(tx)
    named = [Line(upstream=one, queue=queue_of(one)) for one in upstreams]
    if open_upstream is None:
        return named
    return [Line(upstream=open_upstream, queue=PREFIX), *named]
