"""The names of upstreams' queues: one for each upstream, so that whose a document is, is the
queue's word and never the message's.
"""

import hashlib
import re
from dataclasses import dataclass

PREFIX = "surefield.submissions"
EVENTS = "surefield.events"
LONGEST = 47  # characters that pgmq leaves for a queue's name
PLAIN = re.compile(r"[a-z0-9_]+")
OTHER = re.compile(r"[^a-z0-9_]+")
DIGEST = 8  # characters


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One queue, and whose documents come by it."""

    upstream: str
    queue: str


def queue_of(upstream: str) -> str:
    """The name of the queue by which an upstream's documents come, the same on every broker."""
    return f"{PREFIX}.{part_of(upstream)}"


def events_queue_of(upstream: str) -> str:
    """The name of the queue in which an upstream is told, where a broker has no exchanges."""
    return f"{EVENTS}.{part_of(upstream)}"


def part_of(upstream: str) -> str:
    """What stands for an upstream in the name of a queue.

    A name of small letters, digits and `_` stands there as it is; of any other one, what can be
    read of it and a digest, so that no two upstreams share a queue.
    """
    room = LONGEST - len(PREFIX) - 1
    if PLAIN.fullmatch(upstream) and len(upstream) <= room and not _looks_digested(upstream):
        return upstream
    digest = hashlib.sha256(upstream.encode("utf-8", "surrogatepass")).hexdigest()[:DIGEST]
    said = OTHER.sub("_", upstream.lower()).strip("_")[: room - DIGEST - 1]
    return f"{said}_{digest}" if said else digest


def _looks_digested(upstream: str) -> bool:
    """Whether it could be the end of another upstream's queue."""
    return re.fullmatch(r"(.*_)?[0-9a-f]{8}", upstream) is not None
