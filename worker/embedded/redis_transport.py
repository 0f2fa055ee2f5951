"""Kombu's Redis transport with one change: what stands in the queue and is no envelope is delivered
as a message with that body.

Kombu takes it out of the queue, raises, and ends the worker: it is lost, and so is whoever read it.

Written against kombu 5.7.0, which is pinned.
"""

from queue import Empty
from typing import Any

from kombu.transport import redis
from kombu.utils.json import loads

from worker.embedded.envelopes import enveloped, is_envelope


class Channel(redis.Channel):  # type: ignore[misc]  # kombu has no types
    """One channel, which delivers whatever it reads."""

    def _brpop_read(self, **options: Any) -> bool:
        try:
            try:
                found = self.client.parse_response(self.client.connection, "BRPOP", **options)
            except self.connection_errors:
                self.client.connection.disconnect()  # the next read connects again
                raise
            if not found:
                raise Empty
            key, item = found
            queue = key.decode().rsplit(self.sep, 1)[0]
            self._queue_cycle.rotate(queue)
            self.connection._deliver(_message(item, queue), queue)
            return True
        finally:
            self._in_poll = None
            self._flush_brpop_reauth()


def _message(item: bytes, queue: str) -> dict[str, Any]:
    try:
        found = loads(item)
    except Exception:  # kombu makes objects of what claims to be one: that raises whatever it likes
        found = None
    if not is_envelope(found) or not _has_address(found["properties"].get("delivery_info")):
        return enveloped(item, queue)
    message: dict[str, Any] = found
    return message


def _has_address(info: Any) -> bool:
    """Whether it says where it goes when it is given back."""
    return isinstance(info, dict) and {"exchange", "routing_key"} <= info.keys()


class Transport(redis.Transport):  # type: ignore[misc]
    """One connection to Redis."""

    Channel = Channel
