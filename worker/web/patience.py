"""How long a connection may say nothing: a request whose head does not come in time, and the oldest
of too many that wait, are hung up on.

What comes after the head is timed in ``headers.py``.
"""

import asyncio
from typing import ClassVar

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol


class Patient(H11Protocol):
    """One connection, as uvicorn keeps it, with an end to patience."""

    head_s: ClassVar[float] = 10.0  # from the moment that a head may come until it is whole
    most_open: ClassVar[int] = 500  # connections; the usual limit of open files is 1,024
    waiting: ClassVar[dict["Patient", None]] = {}  # for a head, the longest first

    _timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Wait for a head; make room where there is none."""
        super().connection_made(transport)
        self._wait()
        if len(self.connections) > self.most_open:
            next(iter(self.waiting))._hang_up()

    def connection_lost(self, exc: Exception | None) -> None:
        """Nothing is waited for any more."""
        self._stop_waiting()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Bytes of a head leave the time as it is; a whole one ends it."""
        super().data_received(data)
        if self.conn.their_state is not h11.IDLE:
            self._stop_waiting()
        elif self._timer is None:  # the next one begins
            self._wait()

    def on_response_complete(self) -> None:
        """The connection may be used again; it goes where room is needed."""
        super().on_response_complete()
        if self.conn.their_state is h11.IDLE and not self.transport.is_closing():
            self.waiting[self] = None

    def _wait(self) -> None:
        self.waiting[self] = None
        self._timer = self.loop.call_later(self.head_s, self._hang_up)

    def _stop_waiting(self) -> None:
        self.waiting.pop(self, None)
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _hang_up(self) -> None:
        self._stop_waiting()
        self.transport.abort()
