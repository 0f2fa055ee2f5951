"""One message to one receiver: connected to the checked address, bounded in time, no redirect."""

import http.client
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from worker.egress.addresses import (
    AddressRefused,
    InvalidAddress,
    Network,
    Resolve,
    resolve,
    target_of,
)
from worker.egress.pinned import connected

WHOLE_S = 15.0
LONGEST_ERROR = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a receiver said."""

    status: int | None  # of HTTP; None: no answer
    error: str | None = None  # why there was none
    retry_after: int | None = None  # seconds

    @property
    def took(self) -> bool:
        """The message arrived."""
        return self.status is not None and 200 <= self.status < 300


def body_of(message: Mapping[str, Any]) -> bytes:
    """The bytes that are signed and sent."""
    return json.dumps(message, ensure_ascii=False, separators=(",", ":")).encode()


def send(
    url: str,
    body: bytes,
    headers: Mapping[str, str],
    *,
    allowed: Sequence[Network],
    ask: Resolve = resolve,
    whole_s: float = WHOLE_S,
) -> Answer:
    """Post a message.  Redirects are not followed: the address is what its owner registered.

    Nothing of the answer's body is read.
    """
    sent = {"content-type": "application/json", "user-agent": "Surefield-Webhooks/1", **headers}
    try:
        target = target_of(url)
        with connected(
            target, allowed, setting="SUREFIELD_WEBHOOK_NETWORKS", whole_s=whole_s, ask=ask
        ) as connection:
            connection.request("POST", target.path, body, sent)
            response = connection.getresponse()
            return Answer(
                status=response.status, retry_after=_seconds(response.getheader("retry-after"))
            )
    except (AddressRefused, InvalidAddress) as error:
        return Answer(status=None, error=str(error)[:LONGEST_ERROR])
    except (OSError, http.client.HTTPException, ValueError) as error:
        return Answer(status=None, error=f"{type(error).__name__}: {error}"[:LONGEST_ERROR])


def _seconds(said: str | None) -> int | None:
    return int(said) if said is not None and said.isascii() and said.isdigit() else None
