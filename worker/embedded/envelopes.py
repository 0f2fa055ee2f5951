"""What stands in a queue beside messages: whoever reaches it may push anything, and kombu raises at
what is no envelope of its own, which would end the worker.
"""

import base64
from typing import Any
from uuid import uuid4


def is_envelope(found: Any) -> bool:
    """Whether kombu can make a message of it."""
    if not isinstance(found, dict) or not isinstance(found.get("properties"), dict):
        return False
    properties, body = found["properties"], found.get("body") or ""
    if not isinstance(body, str) or properties.get("body_encoding") not in (None, "base64"):
        return False
    try:
        if properties.get("body_encoding") == "base64":
            base64.b64decode(body)
    except ValueError:
        return False
    return (
        isinstance(properties.get("delivery_info", {}), dict)
        and isinstance(found.get("headers") or {}, dict)
        and isinstance(properties.get("delivery_tag"), str | int)
    )


def enveloped(body: bytes, queue: str) -> dict[str, Any]:
    """An envelope around what was none: a message that names no task and no content type, which is
    put aside as every message is that cannot be read.
    """
    return {
        "body": base64.b64encode(body).decode(),
        "headers": {},
        "content-type": None,
        "content-encoding": None,
        "properties": {
            "body_encoding": "base64",
            "delivery_tag": str(uuid4()),
            "delivery_info": {"exchange": "", "routing_key": queue},
        },
    }
