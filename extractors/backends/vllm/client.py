"""One HTTP request to a model's server, and which of its failures a second try can mend."""

import logging
import time
from collections.abc import Mapping
from typing import Any, TypeVar

import httpx2
from pydantic import BaseModel, ValidationError

from extractors.backends.vllm.wire import Completion
from extractors.errors import (
    BackendFailed,
    BackendTimeout,
    BackendUnavailable,
    ModelNotLoadable,
    RequestRefused,
    SurefieldError,
)

log = logging.getLogger(__name__)

# The server says of itself that it is busy, restarting or overloaded. A plain 500 is not here: this
# server also answers it to requests that can never succeed, so whether to come back later is left
# to whoever counts the attempts.
_BUSY = frozenset({408, 425, 429, 502, 503, 504})
_LONGEST_PAUSE_S = 30.0

Shape = TypeVar("Shape", bound=BaseModel)


class Client:
    """Posts questions as JSON; safe to use from several threads."""

    def __init__(
        self, base_url: str, *, api_key: str | None, timeout_s: float, attempts: int, pause_s: float
    ) -> None:
        if not base_url.startswith(("http://", "https://")):
            raise ModelNotLoadable(
                f"{base_url!r} is not the address of a server. Give one such as"
                " http://localhost:8000/v1."
            )
        self._base_url = base_url.rstrip("/")
        self._attempts = attempts
        self._pause_s = pause_s  # before the second try; doubled before each further one
        self._http = httpx2.Client(
            headers={"Authorization": f"Bearer {api_key}"} if api_key else {},
            timeout=httpx2.Timeout(timeout_s, connect=min(timeout_s, 10.0)),
        )

    def complete(self, body: Mapping[str, Any]) -> Completion:
        """A chat's next message."""
        return self.ask("/chat/completions", body, Completion, called="chat completion")

    def ask(self, path: str, body: Mapping[str, Any], shape: type[Shape], *, called: str) -> Shape:
        """The server's answer to ``body``.

        called: what the answer is, for people

        Raises BackendUnavailable when it does not answer now, ModelNotLoadable when it does not
        serve the model (to us), and RequestRefused when it never will answer this request.
        """
        url = self._base_url + path
        for attempt in range(1, self._attempts + 1):
            answer = self._post(url, body)
            if isinstance(answer, httpx2.Response) and answer.status_code not in _BUSY:
                return _shaped(answer, shape, called)
            if attempt < self._attempts:
                pause_s = self._pause(answer, attempt)
                log.warning("server_busy", extra={"attempt": attempt, "pause_s": pause_s})
                time.sleep(pause_s)
        why = (
            _said(answer)
            if isinstance(answer, httpx2.Response)
            else f"{type(answer).__name__}: {answer}"
        )
        raise BackendUnavailable(
            f"{url} did not answer {self._attempts} times ({why}). Check that the server runs and"
            " is healthy."
        )

    def close(self) -> None:
        """Give the connections back."""
        self._http.close()

    def _post(self, url: str, body: Mapping[str, Any]) -> httpx2.Response | httpx2.TransportError:
        try:
            return self._http.post(url, json=body)
        except (httpx2.ReadTimeout, httpx2.WriteTimeout) as error:
            # Not sent again at once: the server may still be working on it, and a second copy would
            # only add to its load.
            raise BackendTimeout(
                f"{url} took too long. Raise the timeout, or lower the batch: a cold server needs"
                " half a minute for its first answer."
            ) from error
        except httpx2.TransportError as error:
            return error

    def _pause(self, answer: httpx2.Response | httpx2.TransportError, attempt: int) -> float:
        asked = answer.headers.get("retry-after", "") if isinstance(answer, httpx2.Response) else ""
        pause_s = float(asked) if asked.isdecimal() else self._pause_s * 2 ** (attempt - 1)
        return min(pause_s, _LONGEST_PAUSE_S)


def _shaped(answer: httpx2.Response, shape: type[Shape], called: str) -> Shape:
    if answer.status_code != 200:
        raise _failure(answer)
    try:
        return shape.model_validate_json(answer.content)
    except ValidationError as error:
        where = ".".join(str(part) for part in error.errors()[0]["loc"])
        raise BackendUnavailable(
            f"{answer.url} answered with something that is no {called} (at {where or 'the start'})."
            " Check what runs there."
        ) from error


def _failure(answer: httpx2.Response) -> SurefieldError:
    said = _said(answer)
    if answer.status_code in (401, 403):
        return ModelNotLoadable(
            f"{answer.url} does not let us in ({said}). Give the api_key that it wants."
        )
    if answer.status_code == 404:
        return ModelNotLoadable(
            f"{answer.url} does not serve this ({said}). Check the model's served name, and that"
            " the address ends in /v1."
        )
    if answer.status_code >= 500:
        return BackendFailed(
            f"{answer.url} failed ({said}). If it repeats, look into the server's log."
        )
    return RequestRefused(
        f"{answer.url} refuses the request ({said}). Mend the setting that it names, or the"
        " server's own limits."
    )


def _said(answer: httpx2.Response) -> str:
    """The server's own words, of either shape that it has for them, kept short."""
    try:
        body = answer.json()
        words = body["error"]["message"] if "error" in body else body["detail"]
    except (ValueError, KeyError, TypeError):
        words = answer.reason_phrase
    return f"{answer.status_code}: {str(words)[:300]}"
