"""What lies in a queue of Redis or Postgres: kombu's envelope around a message, or a message with
nothing around it.
"""

import base64
import json
from typing import Any

from worker.embedded.envelopes import is_envelope
from worker.mailboxes.types import Parcel


def opened(raw: bytes, queue: str, *, tag: Any, taken: int = 1) -> Parcel:
    """The message as its sender meant it; what is no envelope is the body itself."""
    try:
        found = json.loads(raw)
    except (ValueError, RecursionError):
        found = None
    if not is_envelope(found):
        return Parcel(queue=queue, body=raw, tag=tag, taken=taken)
    body = found.get("body") or ""
    if found["properties"].get("body_encoding") == "base64":
        content = base64.b64decode(body)
    else:
        content = body.encode("utf-8", "surrogatepass")
    return Parcel(
        queue=queue,
        body=content,
        tag=tag,
        headers=found.get("headers") or {},
        content_type=_text(found.get("content-type")),
        content_encoding=_text(found.get("content-encoding")),
        taken=taken,
    )


def _text(said: Any) -> str | None:
    return said if isinstance(said, str) else None
