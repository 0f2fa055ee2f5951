"""Commands about documents: submit, list, show, types."""

import getpass
import json
import sys
import time
from collections.abc import Sequence
from contextlib import nullcontext
from datetime import datetime
from pathlib import Path
from typing import Annotated
from uuid import UUID

import typer
from rich.console import Console
from rich.markup import escape

from extractors.documents import load
from extractors.errors import SurefieldError, UnreadableFile
from worker import reporting, store
from worker.cli import document_types, ids, local, tables
from worker.health import INSTALLATION_CODES
from worker.intake import actions, sources
from worker.intake.types import PRIORITY
from worker.pipeline.flow import RESTING
from worker.review import verdicts
from worker.review.document_types import untyped
from worker.runtime import Runtime
from worker.settings import Settings
from worker.store import transitions
from worker.tables.documents import Status

AsJson = Annotated[bool, typer.Option("--json", help="For programs.")]


def submit(
    files: Annotated[list[Path], typer.Argument(help="PDF, PNG, JPEG or TIFF files.")],
    type: Annotated[str, typer.Option(help="Their document type, or auto; see: surefield types")],
    wait: Annotated[
        bool, typer.Option(help="Stay until every one of them is read, and show what became of it.")
    ] = False,
    key: Annotated[
        str | None,
        typer.Option(
            help="Your own key, for a single file: the same key gives the same document back."
        ),
    ] = None,
    priority: Annotated[
        int, typer.Option(min=0, max=9, help="Higher goes first; 4 is the usual one.")
    ] = PRIORITY,
    password: Annotated[
        bool, typer.Option("--password", help="Ask for the PDFs' password.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Hand files in. Without --wait it returns as soon as they are stored and queued."""
    if key is not None and len(files) > 1:
        raise typer.BadParameter("--key names one document; submit files with keys one by one.")
    secret = getpass.getpass("PDF password: ") if password else None
    base = Settings()
    with local.database(base, migrates=True) as settings, local.runtime(settings) as rt:
        rt.check_type(type)  # a misspelt type is said at once
        if caution := rt.caution(type):
            _warn(caution)
        made, refused = submit_files(
            files, type, rt, upstream=settings.upstream, key=key, priority=priority, password=secret
        )
        if wait:
            with (
                nullcontext()
                if local.runs(settings) or not base.embedded
                else local.running(settings)
            ):
                wait_for(made, rt, console=Console(stderr=True))
        with rt.transaction() as tx:
            rows = reporting.documents(tx, made)
    if as_json:
        typer.echo(json.dumps([row.as_json() for row in rows], indent=1))
    else:
        tables.documents(tables.console(), rows)
    raise typer.Exit(1 if refused or any(row.status is Status.FAILED for row in rows) else 0)


def _cautions(rows: Sequence[reporting.DocumentRow], rt: Runtime) -> list[str]:
    """What to know first: of documents that a model read, or is to read, which was made for other
    types; each said once.
    """
    said: dict[str, None] = {}
    for row in rows:
        is_open = row.in_domain is None and row.status not in RESTING
        if row.in_domain is False:
            said[rt.caution(row.document_type) or _of_before(row)] = None
        elif is_open and (caution := rt.caution(row.document_type)):
            said[caution] = None
    return list(said)


def _of_before(row: reporting.DocumentRow) -> str:
    return (
        f"The model that read it was not made for type {row.document_type}: every field waits for a"
        f" person. Read it again with the model of today: surefield reread {row.document_id}"
    )


def _warn(words: str) -> None:
    """Say it before anything else, beside what programs read."""
    Console(stderr=True, highlight=False).print(escape(words), style="yellow", soft_wrap=True)


def submit_files(
    files: Sequence[Path],
    document_type: str,
    rt: Runtime,
    *,
    upstream: str,
    key: str | None = None,
    priority: int = PRIORITY,
    password: str | None = None,
) -> tuple[list[UUID], int]:
    """Submit each file; one that is refused is said and does not hold up the others.

    Returns the ids and how many were refused.
    """
    made, refused = [], 0
    for path in files:
        try:
            request = sources.Request(
                upstream=upstream,
                document_type=document_type,
                content=_bytes_of(path, rt.max_bytes),
                filename=path.name,
                key=key,
                priority=priority,
                password=password,
            )
            made.append(actions.submit(request, rt).document_id)
        except SurefieldError as error:
            refused += 1
            print(f"{path}: {error.code}: {error}", file=sys.stderr)
    return made, refused


def _bytes_of(path: Path, most: int) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(most + 1)  # one more than is taken: the stage says what is too large
    except OSError as error:
        raise UnreadableFile(
            f"It cannot be read: {error.strerror}. Check the path and its rights."
        ) from error


def wait_for(
    document_ids: Sequence[UUID], rt: Runtime, *, console: Console, patience_s: float | None = None
) -> bool:
    """Show progress until every document rests; False when patience ran out before."""
    said: set[str] = set()
    deadline = None if patience_s is None else time.monotonic() + patience_s
    with tables.progress(console) as bar:
        task = bar.add_task("reading", total=len(document_ids))
        while True:
            with rt.transaction() as tx:
                rows = reporting.documents(tx, document_ids)
            resting = sum(row.status in RESTING for row in rows)
            bar.update(task, completed=resting)
            if resting == len(document_ids):
                return True
            for row in rows:  # what the installation lacks: nothing goes on until it is mended
                if row.error_code in INSTALLATION_CODES and row.error_code not in said:
                    said.add(row.error_code)
                    bar.console.print(
                        f"[bold red]{row.error_code}[/bold red]: {escape(row.error_message or '')}"
                    )
            if deadline is not None and time.monotonic() > deadline:
                return False
            time.sleep(0.3)


def list_documents(
    status: Annotated[str | None, typer.Option(help="Only those at this status.")] = None,
    limit: Annotated[int, typer.Option(help="At most so many, the newest first.")] = 50,
    as_json: AsJson = False,
) -> None:
    """The documents, newest first."""
    if status is not None and status not in list(Status):
        raise typer.BadParameter(
            f"There is no status {status!r}. Choose from: {', '.join(Status)}."
        )
    with local.house() as rt:
        with rt.transaction() as tx:
            rows = reporting.recent(tx, status=Status(status) if status else None, limit=limit)
        cautions = _cautions(rows, rt)
    if as_json:
        typer.echo(json.dumps([row.as_json() for row in rows], indent=1))
    else:
        for caution in cautions:
            _warn(caution)
        tables.documents(tables.console(), rows)


def show(
    document: Annotated[str, typer.Argument(help="The document's id, or its beginning.")],
    as_json: AsJson = False,
) -> None:
    """One document: every field, its confidence, and why it went where."""
    with local.house() as rt:
        with rt.transaction() as tx:
            found_id = ids.document(tx, document)
            waiting = untyped(tx, document_id=found_id)
            found = reporting.documents(tx, [found_id])
            fields = reporting.fields(tx, [found_id])
        cautions = _cautions(found, rt)
    if as_json:
        typer.echo(
            json.dumps(
                {**found[0].as_json(), "fields": [field.as_json() for field in fields]},
                indent=1,
                ensure_ascii=False,
            )
        )
        return
    for caution in cautions:
        _warn(caution)
    tables.documents(tables.console(), found)
    tables.fields(tables.console(), fields)
    tables.confidence(tables.console(), found[0])
    for each in waiting:
        tables.console().print(
            f"{document_types.most_like(each)} Say what it is: surefield review type {found_id}"
            " TYPE"
        )


def cancel(
    documents: Annotated[list[str], typer.Argument(help="Ids, or their beginnings.")],
) -> None:
    """Take documents back that have not come to rest: nothing more is done about them."""
    with local.house() as rt:
        with rt.transaction() as tx:
            found = [ids.document(tx, one) for one in documents]
        by = transitions.person(getpass.getuser())
        for document_id in found:
            with rt.transaction() as tx:
                cancelled = verdicts.cancel(tx, document_id, by=by)
            tables.console().print(
                f"{document_id} {'cancelled' if cancelled else 'rests already, and stays as it is'}"
            )


def retry(
    documents: Annotated[
        list[str] | None, typer.Argument(help="Ids, or their beginnings; none: see the options.")
    ] = None,
    code: Annotated[
        str | None, typer.Option(help="All that failed with this code, such as model_not_loadable.")
    ] = None,
    since: Annotated[
        datetime | None, typer.Option(help="Only those that failed since then (local time).")
    ] = None,
    who: Annotated[str | None, typer.Option(help="Your name; without it, your login.")] = None,
) -> None:
    """Send failed documents back to where they failed, once what was wrong is mended."""
    if not documents and code is None and since is None:
        raise typer.BadParameter("Name documents, or give --code or --since.")
    if documents and (code is not None or since is not None):
        raise typer.BadParameter("Name documents, or give --code and --since; not both.")
    with local.house() as rt:
        by = transitions.person(local.actor(rt, who).name)
        with rt.transaction() as tx:
            wanted = (
                [ids.document(tx, each) for each in documents]
                if documents
                else store.retry.failed(tx, code=code, since=since and since.astimezone())
            )
            moved = store.retry.retry(tx, wanted, by=by)
    Console().print(f"{len(moved)} of {len(wanted)} documents go on.")
    raise typer.Exit(0 if len(moved) == len(wanted) else 1)


def types() -> None:
    """The document types there are, and their fields."""
    tables.types(tables.console(), load(Settings().document_types).values())
