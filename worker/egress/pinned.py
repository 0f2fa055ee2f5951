"""A connection to one address that was checked, bounded in time as a whole."""

import http.client
import socket
import ssl
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from worker.egress.addresses import Network, Resolve, Target, open_address, resolve

CONNECT_S = 5.0


@contextmanager
def connected(
    target: Target,
    allowed: Sequence[Network],
    *,
    setting: str,
    whole_s: float,
    ask: Resolve = resolve,
) -> Iterator[http.client.HTTPConnection]:
    """A connection to the target's host; whatever is done with it ends after ``whole_s`` seconds.

    allowed: networks beside the internet that may be connected to
    setting: where these are said, for whoever reads the error

    Raises AddressRefused; TimeoutError when the time was over, and OSError or HTTPException.
    """
    address = open_address(target, allowed, setting=setting, ask=ask)
    context = ssl.create_default_context() if target.secure else None
    connection = _Pinned(target.host, target.port, address, context, whole_s)
    watch = threading.Timer(whole_s, connection.hang_up)
    watch.daemon = True
    watch.start()
    try:
        yield connection
    except (OSError, http.client.HTTPException) as error:
        if connection.hung_up:
            raise TimeoutError(f"no answer within {whole_s:g} s") from error
        raise
    finally:
        watch.cancel()
        connection.close()


class _Pinned(http.client.HTTPConnection):
    """Connects to one address, and asks it for a host of its own name."""

    def __init__(
        self, host: str, port: int, address: str, context: ssl.SSLContext | None, whole_s: float
    ) -> None:
        super().__init__(host, port, timeout=CONNECT_S)
        self._address, self._context, self._whole_s = address, context, whole_s
        self.default_port = 80 if context is None else 443
        self.hung_up = False

    def connect(self) -> None:
        plain = socket.create_connection((self._address, self.port), CONNECT_S)
        self.sock = plain  # from here on it can be hung up
        plain.settimeout(self._whole_s + CONNECT_S)  # the watch ends it before
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
