"""The command about the store of files and page images."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Annotated

import typer
from rich.console import Console

from worker.blobs import Stored
from worker.cli import local
from worker.runtime import Runtime
from worker.store import blob_names

AT_ONCE = 5_000
YOUNGEST_H = 1.0  # of a blob that is removed: its row may be on the way


def blobs(
    unreferenced: Annotated[
        bool, typer.Option("--unreferenced", help="Only those that no document names.")
    ] = False,
    older_than: Annotated[
        float,
        typer.Option(min=YOUNGEST_H, help="Hours since they were stored, for --unreferenced."),
    ] = 24.0,
    remove: Annotated[
        bool, typer.Option("--remove", help="Remove them: needs --unreferenced.")
    ] = False,
) -> None:
    """How much the store holds, or what of it nobody needs: a submission that was refused, or a
    worker that was killed between bytes and row, leaves such blobs.
    """
    if remove and not unreferenced:
        raise typer.BadParameter("Only what no document names is removed: add --unreferenced.")
    count = size = gone = 0
    with local.house() as rt:
        before = datetime.now(UTC) - timedelta(hours=older_than)
        for one in _orphans(rt, before) if unreferenced else rt.blobs.all():
            count += 1
            size += one.size
            gone += remove and rt.blobs.remove(one.name, before=before)
    what = f" that no document names, older than {older_than:g} h" if unreferenced else ""
    Console(highlight=False, soft_wrap=True).print(
        f"{count} blobs{what}, {size / 1e6:.1f} MB" + (f"; {gone} removed" if remove else "")
    )


def _orphans(rt: Runtime, before: datetime) -> Iterator[Stored]:
    old = (one for one in rt.blobs.all() if one.at < before)
    while some := list(islice(old, AT_ONCE)):
        yield from _unnamed(rt, some)


def _unnamed(rt: Runtime, some: Sequence[Stored]) -> list[Stored]:
    with rt.transaction() as tx:
        named = blob_names.named(tx, [one.name for one in some])
    return [one for one in some if one.name not in named]
