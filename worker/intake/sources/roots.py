"""Beneath what an upstream's sources may lie: folders of the worker's machine, and places of hosts
and object stores.
"""

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from worker.intake.errors import SourceNotAllowed

EVERYBODY = "*"
SCHEME = re.compile(r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*)://")
# what others may read as another way than we do: a step up, a bar that is written as a code, and
# ::, by which fsspec joins URLs
CROOKED = re.compile(r"(^|/)\.{1,2}(/|$)|%2e|%2f|%5c|%00|\\|//|::", re.IGNORECASE)
MEND = "Add its place to SUREFIELD_SOURCE_ROOTS, or send content_base64."
DEFAULT_PORTS = {"https": 443, "http": 80}

Roots = Mapping[str, Sequence[str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A URL, as far as it says where something lies."""

    scheme: str
    host: str  # with its port; a bucket
    path: str  # begins with a bar

    def is_beneath(self, root: "Place") -> bool:
        """Whether it is the root itself, or lies in it; step by step: /ab is not beneath /a."""
        if (self.scheme, self.host) != (root.scheme, root.host):
            return False
        return self.path == root.path or self.path.startswith(f"{root.path.rstrip('/')}/")


def roots_of(roots: Roots, upstream: str) -> Sequence[str]:
    """Those of this upstream, and those of everybody."""
    mine = () if upstream == EVERYBODY else roots.get(upstream, ())
    return (*mine, *roots.get(EVERYBODY, ()))


def place_of(url: str) -> Place | None:
    """Where it leads; None where that cannot be said for certain."""
    if any(ord(each) < 32 or ord(each) == 127 for each in url):  # urlsplit would drop some of them
        return None
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return None
    host, path = parts.netloc, parts.path or "/"
    if parts.scheme in DEFAULT_PORTS:
        if parts.username is not None or parts.password is not None or not parts.hostname:
            return None
        host = f"{parts.hostname}:{port or DEFAULT_PORTS[parts.scheme]}"
    else:  # a store's names may hold ? and #
        path = url.partition("://")[2].removeprefix(host) or "/"
    if not host or not path.startswith("/") or CROOKED.search(path):
        return None
    return Place(scheme=parts.scheme, host=host, path=path)


def check_beneath(url: str, roots: Sequence[str]) -> None:
    """Raises SourceNotAllowed where the URL lies beneath none of them."""
    place = place_of(url)
    if place is None:
        raise SourceNotAllowed(
            "source is no plain URL. Write it without blanks, without name and password, and its"
            " path without .. and codes for bars."
        )
    allowed = (found for one in roots if SCHEME.match(one) and (found := place_of(one)) is not None)
    if not any(place.is_beneath(root) for root in allowed):
        raise SourceNotAllowed(f"source lies outside the allowed places. {MEND}")


def wrong_root(root: str, schemes: Collection[str]) -> str | None:
    """Why nothing can lie beneath it; None where something can."""
    named = SCHEME.match(root)
    if named is None:
        return None if root.strip() else "a root is empty. Name a folder, or a URL"
    if named["scheme"].lower() not in schemes:
        return f"{root!r} is of a kind that is not taken. Take one of {', '.join(sorted(schemes))}"
    if place_of(root) is None or (named["scheme"].lower() in DEFAULT_PORTS and "?" in root):
        return f"{root!r} is no plain URL. Write it like https://files.example.org/out/"
    return None
