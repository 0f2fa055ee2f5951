"""How messages are taken: one that cannot be read is put aside, and never ends its worker.

Celery builds a request from a message outside of every guard: a property that a client forgot
raises there, the worker ends, and the broker gives the message to the next one.
"""

import base64
import hashlib
import json
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import structlog
from celery.worker import consumer
from kombu.exceptions import ContentDisallowed, DecodeError
from sqlalchemy.exc import SQLAlchemyError

from worker.errors import BlobsUnavailable
from worker.intake.dead_letters import Letter
from worker.intake.messages import MEND, Malformed, UnknownTask

log = structlog.get_logger()

# what a message raises that is not as Celery expects it; the broker's own troubles are others
NONSENSE = (
    ValueError,
    TypeError,
    LookupError,
    AttributeError,
    RecursionError,
    ContentDisallowed,
    DecodeError,
)
PAUSE_S = 1.0  # before a message that could not be put aside goes back
MALFORMED, UNKNOWN_TASK = Malformed.code, UnknownTask.code

KeepLetter = Callable[[Letter, bytes], None]  # with the whole message
Check = Callable[[Sequence[Any], Mapping[str, Any]], None]


def guarded(keep: KeepLetter, checks: Mapping[str, Check]) -> type[consumer.Consumer]:
    """Celery's consumer, with what cannot be read put aside by ``keep``.

    keep: writes a dead letter; raises SQLAlchemyError while the database is away
    checks: by the task's name, what looks at its arguments and raises ValueError at wrong ones
    """

    class Consumer(consumer.Consumer):  # type: ignore[misc]  # celery is untyped
        """Takes messages; whatever is wrong with one ends with that message."""

        def create_task_handler(self, *args: Any, **kwargs: Any) -> Callable[[Any], Any]:
            """What Celery calls for each message."""
            take = super().create_task_handler(*args, **kwargs)

            def handle(message: Any) -> Any:
                try:
                    _look(message, checks)
                    return take(message)
                except NONSENSE as error:
                    return self._aside(message, MALFORMED, error)

            return handle

        def on_unknown_message(self, body: Any, message: Any) -> None:
            """No task is named."""
            self._aside(message, MALFORMED)

        def on_unknown_task(self, body: Any, message: Any, exc: Exception) -> None:
            """A task that there is none of here."""
            self._aside(message, UNKNOWN_TASK)

        def on_invalid_task(self, body: Any, message: Any, exc: Exception) -> None:
            """The task's properties contradict each other."""
            self._aside(message, MALFORMED, exc)

        def on_decode_error(self, message: Any, exc: Exception) -> None:
            """The body is not what its content type says, or is of a type that is not taken."""
            self._aside(message, MALFORMED, exc)

        def _aside(self, message: Any, code: str, error: Exception | None = None) -> None:
            letter = letter_of(message, code, error)
            try:
                keep(letter, content_of(message))
            except (SQLAlchemyError, OSError, BlobsUnavailable) as away:
                log.warning("dead_letter_waits", error=type(away).__name__)
                time.sleep(PAUSE_S)
                message.requeue()
                return
            log.error("dead_letter", code=code, digest=letter.digest, queue=letter.queue)
            message.reject()

    return Consumer


def _look(message: Any, checks: Mapping[str, Check]) -> None:
    """Whether the message holds arguments as Celery's protocols write them, before a task begins:
    what raises inside of it would count as its failure, and the message would be gone.

    Raises one of NONSENSE.
    """
    said = message.payload
    if "task" in (message.headers or {}):
        task = message.headers["task"]
        args, kwargs, embedded = said
    elif isinstance(said, dict) and "task" in said:  # the first protocol
        task, args, kwargs, embedded = said["task"], said.get("args", []), said.get("kwargs"), None
    else:
        return  # no task is named: Celery says so
    whole = isinstance(args, list) and isinstance(kwargs, dict)
    if not whole or not isinstance(embedded, dict | None):
        raise ValueError("arguments that are none")
    check = checks.get(str(task))
    if check is not None:
        check(args, kwargs)


def content_of(message: Any) -> bytes:
    """The whole message as it came, to be sealed; of one that is no message, its body."""
    body = {"body_base64": base64.b64encode(_body(message)).decode()}
    about = ("headers", "properties", "content_type", "content_encoding")
    try:
        said = {**body, **{name: getattr(message, name, None) for name in about}}
        return json.dumps(said, default=str, skipkeys=True).encode()
    except NONSENSE:
        return json.dumps(body).encode()


def _body(message: Any) -> bytes:
    body = message.body
    plain = isinstance(body, bytes | bytearray | memoryview)
    return bytes(body) if plain else str(body).encode("utf-8", "surrogatepass")


def letter_of(message: Any, code: str, error: Exception | None = None) -> Letter:
    """What may be known of a message that is put aside."""
    data = _body(message)
    headers = message.headers if isinstance(message.headers, dict) else {}
    info = message.delivery_info if isinstance(message.delivery_info, dict) else {}
    task = headers.get("task")
    queue = info.get("pgmq_queue") or info.get("routing_key") or info.get("exchange") or "?"
    why = f" ({type(error).__name__})" if error is not None else ""
    what = {
        MALFORMED: f"The message cannot be read{why}.",
        UNKNOWN_TASK: "The message names a task that there is none of.",
    }[code]
    return Letter(
        digest=hashlib.sha256(data).hexdigest(),
        size=len(data),
        queue=str(queue),
        task=task if isinstance(task, str) else None,
        code=code,
        message=f"{what} {MEND}",
    )
