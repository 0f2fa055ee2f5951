"""What stands before the pages: who asks, by what name, how much and how fast; and what every
answer says to the browser.
"""

import asyncio
import re
import time
from urllib.parse import unquote_to_bytes

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from extractors.errors import SurefieldError
from worker import acting
from worker.intake.errors import TooLarge
from worker.web import policy, problems

PORT = re.compile(r":\d+$")
PROBES = frozenset({"/healthz", "/readyz"})  # asked by address, and tell no names
PAGE_BYTES = 1_000_000  # a form with the longest correction there is
JSON_BYTES = 8_000_000  # of an upload as JSON, which is held in memory
# a body may take this long, and a second more for so many bytes
BODY_S, BYTES_A_SECOND = 30.0, 10_000


class TooSlow(SurefieldError):
    """The body of a request does not come, or comes a byte at a time."""

    code = "too_slow"


class SecureHeaders:
    """Puts the security headers on every answer, errors included."""

    def __init__(self, app: ASGIApp, *, https: bool) -> None:
        self.app = app
        self.headers = policy.headers(https=https)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in self.headers.items():
                    headers.setdefault(name, value)
                headers.setdefault("cache-control", "no-store")
            await send(message)

        await self.app(scope, receive, with_headers if scope["type"] == "http" else send)


class Door:
    """Whoever asks stands at a door: what changes rights notes who, and from where."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        client = scope.get("client")
        with acting.through_a_door(client[0] if client else None):
            await self.app(scope, receive, send)


class KnownHosts:
    """Answers under the names that the site is reached by, and no other: links that sign people in
    are made of the name that was asked for.
    """

    def __init__(self, app: ASGIApp, *, names: frozenset[str] | None) -> None:
        self.app = app
        self.names = names

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        asked = Headers(scope=scope).get("host", "") if scope["type"] == "http" else ""
        if (
            self.names is None
            or scope["type"] != "http"
            or scope["path"] in PROBES
            or PORT.sub("", asked).lower() in self.names
        ):
            await self.app(scope, receive, send)
            return
        detail = "This site has another name. Set SUREFIELD_PUBLIC_URL to the one people use."
        response = problems.answer(Request(scope, receive), 400, "unknown_host", detail)
        await response(scope, receive, send)


class PlainAddress:
    """Answers no address that says NUL, in its path or its query: nothing here is called so, and a
    database cannot even be asked.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            said = scope.get("raw_path") or b"", scope["query_string"]
            if any(b"\0" in unquote_to_bytes(each) for each in said):
                detail = "The address holds a NUL. Look at where it comes from."
                response = problems.answer(Request(scope, receive), 400, "invalid_text", detail)
                await response(scope, receive, send)
                return
        await self.app(scope, receive, send)


class LimitedBody:
    """Stops reading a request as soon as it is larger than its address takes, or slower than
    anybody sends; nothing of the rest is ever held in memory.

    uploads: the addresses that take files

    A file that comes as multipart goes to disk while it is read; JSON has to be held whole, and has
    a limit of its own. Reading further raises TooLarge or TooSlow.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        file_bytes: int,
        uploads: re.Pattern[str],
        body_s: float = BODY_S,
    ) -> None:
        self.app = app
        self.body_s = body_s
        self.form_bytes = file_bytes + PAGE_BYTES
        self.json_bytes = min(file_bytes * 4 // 3 + PAGE_BYTES, JSON_BYTES)
        self.uploads = uploads

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        most = self._most(scope)
        read, whole = 0, False
        began = time.monotonic()

        async def counted() -> Message:
            nonlocal read, whole
            if whole:  # whoever waits now waits for the client to go
                return await receive()
            left = began + self.body_s + read / BYTES_A_SECOND - time.monotonic()
            try:
                message = await asyncio.wait_for(receive(), max(left, 0))
            except TimeoutError:
                raise TooSlow(
                    f"Of the request {read:,} bytes came in {self.body_s:.0f} s and more. Send it"
                    " again over a faster line."
                ) from None
            whole = not message.get("more_body", False)
            read += len(message.get("body", b""))
            if read > most:
                raise TooLarge(
                    f"The request has more than {most:,} bytes. Send the file as"
                    " multipart/form-data or a smaller one, or raise SUREFIELD_MAX_BYTES."
                )
            return message

        await self.app(scope, counted, send)

    def _most(self, scope: Scope) -> int:
        if not self.uploads.fullmatch(scope["path"]):
            return PAGE_BYTES
        is_json = (
            Headers(scope=scope).get("content-type", "").partition(";")[0].strip().lower()
            == "application/json"
        )
        return self.json_bytes if is_json else self.form_bytes
