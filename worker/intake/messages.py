"""A submission as it comes over a queue: which arguments there are, and what is wrong with others.

The message is the contract with people who do not write Python: docs/upstream.md describes it.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, StrictInt, StrictStr, ValidationError

from extractors.errors import SurefieldError
from worker.intake.dead_letters import Letter
from worker.intake.errors import InvalidSubmission
from worker.intake.sources import Request, decoded
from worker.intake.types import PRIORITY

TASK, QUEUE = "surefield.submit", "cpu"


class SubmissionMessage(BaseModel):
    """The keyword arguments of ``surefield.submit``."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    type: StrictStr = Field(description="Document type, such as `invoice`; `auto`: its words say.")
    upstream: StrictStr = "queue"
    source: StrictStr | None = Field(default=None, repr=False)
    content_base64: StrictStr | None = Field(default=None, repr=False)
    key: StrictStr | None = None
    priority: StrictInt = PRIORITY
    password: StrictStr | None = Field(default=None, repr=False)
    metadata: dict[str, Any] | None = Field(default=None, repr=False)


def request_of(args: Sequence[Any], kwargs: Mapping[str, Any]) -> Request:
    """The submission that a message states.

    Raises InvalidSubmission, which quotes no value of the message.
    """
    if args:
        raise InvalidSubmission(
            "A submission has keyword arguments only. Send them as kwargs, as docs/upstream.md"
            " shows."
        )
    try:
        said = SubmissionMessage(**kwargs)
    except (ValidationError, TypeError) as error:
        raise InvalidSubmission(f"{_wrong(error)} Send what docs/upstream.md shows.") from None
    return Request(
        upstream=said.upstream,
        document_type=said.type,
        source=said.source,
        content=None if said.content_base64 is None else decoded(said.content_base64),
        key=said.key,
        priority=said.priority,
        password=said.password,
        metadata=said.metadata or {},
    )


def _wrong(error: ValidationError | TypeError) -> str:
    """Which arguments are wrong and why, without what they hold."""
    if isinstance(error, TypeError):
        return "The names of a submission's arguments are not text."
    known = set(SubmissionMessage.model_fields)
    said = []
    for one in error.errors(include_input=False, include_url=False, include_context=False):
        name = str(one["loc"][0]) if one["loc"] else ""
        said.append(f"{name}: {one['msg']}." if name in known else "There is an unknown argument.")
    return " ".join(dict.fromkeys(said))


def content_of(args: Sequence[Any], kwargs: Mapping[str, Any]) -> bytes:
    """A whole submission, to be sealed: what ``surefield dead-letters replay`` sends again."""
    said = {"task": TASK, "queue": QUEUE, "args": list(args), "kwargs": dict(kwargs)}
    return json.dumps(said, default=str).encode()


def letter_of(args: Sequence[Any], kwargs: Mapping[str, Any], error: Exception) -> Letter:
    """The dead letter of a submission that is refused, or broke something.

    Its digest and size are those of the arguments as compact JSON: [args, kwargs].
    """
    body = json.dumps([list(args), dict(kwargs)], separators=(",", ":"), default=str).encode()
    known = isinstance(error, SurefieldError)
    return Letter(
        digest=hashlib.sha256(body).hexdigest(),
        size=len(body),
        queue=QUEUE,
        task=TASK,
        upstream=_text(kwargs.get("upstream")),
        key=_text(kwargs.get("key")),
        code=error.code if isinstance(error, SurefieldError) else SurefieldError.code,
        message=str(error) if known else f"{type(error).__name__}. The worker's log has more.",
    )


def _text(name: Any) -> str | None:
    return name if isinstance(name, str) else None
