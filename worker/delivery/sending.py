"""One message to one receiver: connected to the checked address, bounded in time, no redirect."""

import http.client
import json
import socket
import ssl
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from worker.delivery.addresses import (
    AddressRefused,
    InvalidWebhook,
    Network,
    Resolve,
    open_address,
    resolve,
    target_of,
)

CONNECT_S, WHOLE_S = 5.0, 15.0
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
    try:
        target = target_of(url)
        address = open_address(target, allowed, ask=ask)
        context = ssl.create_default_context() if target.secure else None
        connection = _Pinned(target.host, target.port, address, context)
        return _asked(connection, target.path, body, headers, whole_s)
    except (AddressRefused, InvalidWebhook) as error:
        return Answer(status=None, error=str(error)[:LONGEST_ERROR])
    except (OSError, http.client.HTTPException, ValueError) as error:
        return Answer(status=None, error=f"{type(error).__name__}: {error}"[:LONGEST_ERROR])


def _asked(
    connection: "_Pinned", path: str, body: bytes, headers: Mapping[str, str], whole_s: float
) -> Answer:
    watch = threading.Timer(whole_s, connection.hang_up)
    watch.daemon = True
    watch.start()
    try:
        connection.request(
            "POST",
            path,
            body,
            {"content-type": "application/json", "user-agent": "Surefield-Webhooks/1", **headers},
        )
        response = connection.getresponse()
        return Answer(
            status=response.status, retry_after=_seconds(response.getheader("retry-after"))
        )
    except (OSError, http.client.HTTPException) as error:
        if connection.hung_up:
            raise TimeoutError(f"no answer within {whole_s:g} s") from error
        raise
    finally:
        watch.cancel()
        connection.close()


def _seconds(said: str | None) -> int | None:
    return int(said) if said is not None and said.isascii() and said.isdigit() else None


class _Pinned(http.client.HTTPConnection):
    """Connects to one address, and asks it for a host of its own name."""

    def __init__(self, host: str, port: int, address: str, context: ssl.SSLContext | None) -> None:
        super().__init__(host, port, timeout=CONNECT_S)
        self._address, self._context = address, context
        self.default_port = 80 if context is None else 443
        self.hung_up = False

    def connect(self) -> None:
        plain = socket.create_connection((self._address, self.port), CONNECT_S)
        self.sock = plain  # from here on it can be hung up
        plain.settimeout(WHOLE_S)
        if self._context is not None:
            tls = self._context.wrap_socket(
                plain, server_hostname=self.host, do_handshake_on_connect=False
            )
            self.sock = tls  # the plain one is empty now; a handshake may be slow, too
            tls.do_handshake()

    def hang_up(self) -> None:
        """The time is over, however slowly it still comes in."""
        self.hung_up = True
        if self.sock is not None:
            try:
                socket.socket.shutdown(self.sock, socket.SHUT_RDWR)  # TLS is not taken leave of
            except OSError:
                pass
