"""What a mailbox gives and does."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from extractors.errors import SurefieldError

# how often a message is taken without being settled, before it counts as what ends whoever takes
# it; RabbitMQ 4 has the same number for its quorum queues
TAKEN_MOST = 20
TOLD_MOST = 10_000  # messages to an upstream that nobody took: older ones are forgotten
AGAIN_AFTER_S = 60  # a message that its taker never settled is taken again


class BrokerUnavailable(SurefieldError):
    """The broker cannot be reached, or refuses, now."""

    code = "broker_unavailable"
    retry = True
    installation = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Parcel:
    """One message as it lay in a queue, whatever is in it."""

    queue: str
    body: bytes = field(repr=False)
    tag: Any = field(repr=False)  # by which its mailbox settles it
    headers: Mapping[str, Any] = field(default_factory=dict, repr=False)
    content_type: str | None = None
    content_encoding: str | None = None
    taken: int = 1  # how often it was taken until now, this time included; 1: nobody counts


class Mailbox(Protocol):
    """Takes one message at a time.  It is settled by ``done`` or ``give_back``; one that never is
    comes again.  Every method raises BrokerUnavailable, and may be called again then.
    """

    dead: str | None  # the queue of what was taken too often, where the broker keeps one

    def make(self, queue: str) -> None:
        """Make this queue where it is missing."""
        ...

    def take(self, queue: str) -> Parcel | None:
        """The oldest message, which nobody else gets now; None when there is none."""
        ...

    def done(self, parcel: Parcel) -> None:
        """The message is kept elsewhere: forget it."""
        ...

    def give_back(self, parcel: Parcel) -> None:
        """The message goes back to where it was."""
        ...

    def put(self, queue: str, body: bytes) -> None:
        """Send a message in JSON; returns when the broker has it."""
        ...

    def tell(self, upstream: str, body: bytes) -> None:
        """Say something to an upstream; what nobody takes is forgotten, the oldest first."""
        ...

    def waiting(self, queue: str) -> int | None:
        """How many messages wait; None: there is no such queue."""
        ...

    def lacks(self) -> list[str]:
        """What of its settings loses messages, with the mend."""
        ...

    def close(self) -> None:
        """Let the connection go."""
        ...
