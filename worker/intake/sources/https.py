"""A source at a host that the upstream may name: fetched from the checked address, in bounded time,
and no further than redirects stay beneath its roots.
"""

import http.client
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from http import HTTPStatus
from typing import BinaryIO
from urllib.parse import urljoin

from extractors.errors import UnreadableFile
from worker.egress.addresses import AddressRefused, InvalidAddress, Resolve, resolve, target_of
from worker.egress.pinned import connected
from worker.intake.errors import SourceNotAllowed, SourceUnavailable
from worker.intake.sources.copying import copy
from worker.intake.sources.roots import check_beneath
from worker.runtime import Runtime

MOST_REDIRECTS = 5
REDIRECTS = frozenset((301, 302, 303, 307, 308))
# the server may answer otherwise later; what else it refuses, whoever wrote the source must mend
PASSING = frozenset((408, 421, 425, 429))


@contextmanager
def opened(
    source: str, roots: Sequence[str], rt: Runtime, *, ask: Resolve = resolve
) -> Iterator[BinaryIO]:
    """Raises SourceNotAllowed, SourceUnavailable, TooLarge, UnreadableFile."""
    with tempfile.TemporaryFile() as file:
        way, here = MOST_REDIRECTS, source
        while (then := _fetched(here, roots, rt, file, ask=ask)) is not None:
            if (way := way - 1) < 0:
                raise UnreadableFile(
                    f"source leads on more than {MOST_REDIRECTS} times. Name where the file lies."
                )
            here = then
        yield file


def _fetched(
    url: str, roots: Sequence[str], rt: Runtime, file: BinaryIO, *, ask: Resolve
) -> str | None:
    """Write what lies there into the file; returns where it leads on, None where it is here."""
    check_beneath(url, roots)
    try:
        target = target_of(url)
        with connected(
            target,
            rt.source_networks,
            setting="SUREFIELD_SOURCE_NETWORKS",
            whole_s=rt.source_timeout.total_seconds(),
            ask=ask,
        ) as connection:
            connection.request("GET", target.path, headers={"user-agent": "Surefield/1"})
            response = connection.getresponse()
            if response.status in REDIRECTS:
                return urljoin(url, response.getheader("location") or "")
            _check_status(response.status)
            copy(response.read, file, most=rt.max_bytes)
            if response.length:  # read(amount) does not tell an end that came too early
                raise http.client.IncompleteRead(b"", response.length)
    except (InvalidAddress, AddressRefused) as error:
        raise SourceNotAllowed(f"source cannot be asked. {error}") from error
    except (OSError, http.client.HTTPException) as error:
        raise SourceUnavailable(
            f"source cannot be fetched ({type(error).__name__}: {error}). Check that its server"
            " answers, and its certificate."
        ) from error
    return None


def _check_status(status: int) -> None:
    if status == HTTPStatus.OK:
        return
    if status in PASSING or status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        raise SourceUnavailable(f"source's server answers {status} now. It is asked again.")
    raise UnreadableFile(
        f"source's server answers {status}. Name a URL that gives the file without a sign-in."
    )
