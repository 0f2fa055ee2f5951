"""The queues by which documents come: one for each upstream, so that whose a document is, is the
queue's word and never the message's.
"""

import hashlib
import re
from dataclasses import dataclass

PREFIX = "surefield.submissions"
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
    """The name of an upstream's queue, the same on every broker.

    A name of small letters, digits and `_` stands there as it is; of any other one, what can be
    read of it and a digest, so that no two upstreams share a queue.
    """
    room = LONGEST - len(PREFIX) - 1
    if PLAIN.fullmatch(upstream) and len(upstream) <= room and not _looks_digested(upstream):
        return f"{PREFIX}.{upstream}"
    digest = hashlib.sha256(upstream.encode("utf-8", "surrogatepass")).hexdigest()[:DIGEST]
    said = OTHER.sub("_", upstream.lower()).strip("_")[: room - DIGEST - 1]
    return f"{PREFIX}.{said}_{digest}" if said else f"{PREFIX}.{digest}"


def _looks_digested(upstream: str) -> bool:
    """Whether it could be the end of another upstream's queue."""
    return re.fullmatch(r"(.*_)?[0-9a-f]{8}", upstream) is not None
