"""``surefield demo``: sample PDFs through a real queue, a real Mllama and a real Postgres, ending
in rows.
"""

import shutil
import sys
import tempfile
import time
from pathlib import Path
from uuid import UUID, uuid4

import typer
from rich.console import Console

from extractors.backends.mllama.engine import BUNDLED_MODEL
from extractors.decision.policy import PolicyName
from extractors.documents.slip import Slip
from worker import reporting
from worker.cli import local, tables
from worker.cli.documents import submit_files, wait_for
from worker.cli.operations import stop_event
from worker.cli.people import sign_in_url
from worker.runtime import Runtime
from worker.settings import Settings
from worker.tables.documents import Status

PATIENCE_S = 240.0
SQL = (
    "SELECT decision, reason, count(*), avg(score) AS score FROM field_outcomes GROUP BY 1, 2 ORDER"
    " BY 1, 3 DESC"
)
ACCEPTED_MEANS = {
    PolicyName.PLAIN: (
        "Accepted by the policy plain: no witness objects, and the least sure token reaches its"
        " threshold. Of damaged slips it accepts 87 %, and 1.8 % of these are wrong."
        " SUREFIELD_POLICY=careful reads each page three times and accepts 71 %, 0.05 % wrong."
    ),
    PolicyName.CAREFUL: (
        "Accepted by the policy careful: no witness objects, and three readings of the page say the"
        " same, all of them sure. Of damaged slips it accepts 71 %, and 0.05 % of these are wrong."
    ),
}


def run() -> None:
    """Read the sample PDFs end to end and show the rows: what was accepted, what waits for a
    person, and why.
    """
    began = time.monotonic()
    console = tables.console()
    stays = sys.stdin.isatty() and console.is_terminal
    plain = Settings()
    local.require(plain, web=stays)
    changes = {
        "state_dir": plain.state_dir / "demo",
        "web_port": local.free_port(plain.web_port) if stays else plain.web_port,
    }
    settings = plain.model_copy(update=changes)
    local.leave_root(settings)
    model = getattr(settings.reader, "model", settings.reader.backend)
    if model == str(BUNDLED_MODEL):
        model = "the bundled demonstration model"
    with tempfile.TemporaryDirectory() as folder, local.database(settings, migrates=True) as ready:
        with console.status("starting Postgres, the broker and the workers"):
            samples = _write_samples(Path(folder))
        with local.running(ready, web=stays), local.runtime(ready) as rt:
            console.print(f"Reading {len(samples)} sample PDFs with {model} …")
            # A name of its own for each run: the same files are then new documents, read anew.
            ids, _ = submit_files(samples, Slip.spec.name, rt, upstream=f"demo-{uuid4().hex[:12]}")
            ended = wait_for(ids, rt, console=console, patience_s=PATIENCE_S)
            took_s = time.monotonic() - began  # not what is spent in front of the page
            _show(console, rt, ids, settings.policy)
            if stays:
                _stay(console, rt, ready.web_url)
    console.print(f"\n{len(ids)} documents in {took_s:.0f} s. The rows stay; ask them with SQL:")
    console.print(
        f"  SUREFIELD_STATE_DIR={settings.state_dir} {command()} sql '{SQL}'",
        highlight=False,
        soft_wrap=True,
    )
    if not ended:
        console.print(
            "[red]Not every document came to an end. The workers' logs are in the state folder,"
            " under logs.[/red]"
        )
        raise typer.Exit(1)


def command() -> str:
    """This command, as it can be typed again."""
    typed = Path(sys.argv[0])
    if typed.name != "surefield":
        return f"{sys.executable} -m worker"
    found = shutil.which("surefield")
    is_this_one = found is not None and Path(found).resolve() == typed.resolve()
    return "surefield" if is_this_one else str(typed)


def _stay(console: Console, rt: Runtime, web_url: str) -> None:
    """Leave the review page open until Ctrl-C."""
    stop = stop_event()
    console.print(
        "\nClear the doubtful fields here (the link signs you in, once; Ctrl-C stops everything):"
    )
    console.print(f"  {sign_in_url(rt, 'demo', web_url)}", highlight=False, soft_wrap=True)
    stop.wait()


def _write_samples(folder: Path) -> list[Path]:
    from extractors.demo.samples import sample_pdfs  # here, since it brings the generator

    paths = []
    for name, data in sample_pdfs().items():
        path = folder / name
        path.write_bytes(data)
        paths.append(path)
    return paths


def _show(console: Console, rt: Runtime, ids: list[UUID], policy: PolicyName) -> None:
    with rt.transaction() as tx:
        documents, fields = reporting.documents(tx, ids), reporting.fields(tx, ids)
    tables.fields(console, fields, names=True)
    console.print()
    tables.documents(console, documents)
    accepted, waiting = (
        sum(row.accepted for row in documents),
        sum(row.waiting for row in documents),
    )
    failed = sum(row.status is Status.FAILED for row in documents)
    console.print(
        f"\n{accepted} fields accepted, {waiting} wait for a person, {failed} documents failed with"
        " a reason."
    )
    console.print(ACCEPTED_MEANS[policy], soft_wrap=True)
