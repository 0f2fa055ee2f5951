"""What is accepted of documents that the model was not made for, by confidence and checks alone.

The invoices, e-invoices and receipts of the corpus, as what they are, go through every stage. The
bundled model knows only slips; a proof of its own, ``not_in_domain``, keeps all of it from being
accepted. Here it is switched off for the measurement, by saying of each reading that the model was
made for it: what stands between a guess and a row then are scores, looks and witnesses. Each page
is read three times, so that one reading serves both policies.

A field is judged where the corpus has a label; labels have a few mistakes. What was judged is kept
under the fingerprint of the model, without any value, so that a run goes on after a stop. Needs
``SUREFIELD_CORPUS``; ``DOCUMENTS=N``: so many files, taken from all folders in turn.
"""

import json
import os
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from itertools import chain, zip_longest
from pathlib import Path
from typing import Any
from uuid import UUID

from extractors.decision.bounds import upper_bound
from extractors.decision.decide import NOT_IN_DOMAIN
from extractors.decision.policy import PolicyName
from tests.benchmarks.corpus import CASES, Case, agrees
from tests.factories import rows_of
from worker import bootstrap, reporting
from worker.cli import local
from worker.cli.documents import submit_files
from worker.pipeline import again, flow
from worker.runtime import Runtime
from worker.settings import Settings
from worker.tables.documents import ANSWERED

WHERE = Path(".bench/out-of-domain")
MADE_FOR = "slip"  # the only type that is in the bundled model's domain
IN_DOMAIN = """
UPDATE readings SET in_domain = true WHERE page_id IN (SELECT id FROM pages WHERE document_id = %s)
"""
COUNTS = ("fields", "with_label", "not_in_domain", "accepted", "labelled", "wrong")
Judged = dict[str, Any]  # file, folder; by policy and whether the proof was on, counts of fields


def run() -> list[dict[str, Any]]:
    """What was accepted with the proof and without it, or nothing without the corpus."""
    named = os.environ.get("SUREFIELD_CORPUS")
    if not named:
        print("out_of_domain: skipped, SUREFIELD_CORPUS is not set")
        return []
    corpus = Path(named)
    truths = {
        label["file"]: {**label["truth"], **label}
        for label in map(json.loads, (corpus / "truth.jsonl").open(encoding="utf-8"))
    }
    found = list(_judged(corpus, truths, list(_files(truths))))
    return _rows(found)


def _files(truths: dict[str, Any]) -> Iterator[tuple[str, Case]]:
    """Every labelled file with what it is, the folders in turn."""
    of_cases = [
        [(name, case) for name in sorted(truths) if name.startswith(f"{case[0]}/")]
        for case in CASES
        if case[1] != MADE_FOR
    ]
    every = [one for one in chain(*zip_longest(*of_cases)) if one and not one[0].endswith(".txt")]
    yield from every[: int(os.environ.get("DOCUMENTS") or len(every))]


def _judged(
    corpus: Path, truths: dict[str, Any], files: Sequence[tuple[str, Case]]
) -> Iterator[Judged]:
    """What became of each file; those that were judged before are read back."""
    WHERE.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="surefield-out-of-domain-") as folder:
        settings = Settings(
            state_dir=Path(folder), policy=PolicyName.CAREFUL, claim_lease=timedelta(hours=1)
        )
        with local.database(settings, migrates=True) as ready, _runtime(ready) as rt:
            backend = rt.backend(files[0][1][1])
            kept = WHERE / f"{backend.fingerprint}-{backend.decode_mode}.jsonl"
            known = _known(kept)
            with kept.open("a", encoding="utf-8") as file:
                for name, case in files:
                    if name not in known:
                        known[name] = _through(corpus / name, name, case, truths[name], rt)
                        file.write(json.dumps(known[name]) + "\n")
                        file.flush()
                    yield known[name]


@contextmanager
def _runtime(settings: Settings) -> Iterator[Runtime]:
    """With the model, and without workers: the stages run here."""
    rt = bootstrap.runtime(settings, backend=bootstrap.open_backends(settings))
    try:
        yield rt
    finally:
        bootstrap.close(rt)


def _known(kept: Path) -> dict[str, Judged]:
    """By file; a line that a stop cut off is taken out."""
    kept.touch()
    lines = [line for line in kept.read_bytes().splitlines(keepends=True) if line.endswith(b"\n")]
    kept.write_bytes(b"".join(lines))
    return {one["file"]: one for one in map(json.loads, lines)}


def _through(path: Path, name: str, case: Case, truth: dict[str, Any], rt: Runtime) -> Judged:
    """One file through every stage, and routed again by each policy, with the proof and without."""
    folder, document_type, labels = case
    ids, _ = submit_files([path], document_type, rt, upstream=folder)
    _work(rt, ids)
    judged: Judged = {"file": name, "folder": folder}
    for proof in (True, False):
        if not proof:
            with rt.transaction() as tx:
                for one in ids:
                    tx.session.connection().exec_driver_sql(IN_DOMAIN, (one,))
        for policy in PolicyName:
            by = replace(rt, policy=policy)
            for row in rows_of(reporting.documents, rt.sessions, ids):
                if row.status in ANSWERED:
                    again.one(rt, row.document_id, again.Again.REROUTE, by="bench")
            _work(by, ids)
            judged[_key(policy, proof=proof)] = _counts(ids, labels, truth, document_type, rt)
    return judged


def _work(rt: Runtime, ids: Sequence[UUID]) -> None:
    """Every stage, as a worker would run it, until the documents rest."""
    while moving := [
        row
        for row in rows_of(reporting.documents, rt.sessions, list(ids))
        if row.status in flow.STEP_AT
    ]:
        for row in moving:
            flow.STEP_AT[row.status].run(row.document_id, rt)


def _key(policy: PolicyName, *, proof: bool) -> str:
    return f"{policy}, proof {'on' if proof else 'off'}"


def _counts(
    ids: Sequence[UUID], labels: dict[str, str], truth: dict[str, Any], kind: str, rt: Runtime
) -> dict[str, int]:
    """Fields, those with a label, those that the proof stands against; accepted ones, of these
    those with a label, and of these the wrong ones.
    """
    fields = rows_of(reporting.fields, rt.sessions, list(ids))
    accepted = [row for row in fields if row.decision == "accepted"]
    labelled = [row for row in accepted if row.field in labels]
    wrong = sum(not agrees(row, truth.get(labels[row.field]), kind) for row in labelled)
    return {
        "fields": len(fields),
        "with_label": sum(row.field in labels for row in fields),
        "not_in_domain": sum(row.reason == NOT_IN_DOMAIN for row in fields),
        "accepted": len(accepted),
        "labelled": len(labelled),
        "wrong": wrong,
    }


def _rows(found: Sequence[Judged]) -> list[dict[str, Any]]:
    out = []
    groups = ["all", *dict.fromkeys(one["folder"] for one in found)]
    for policy in PolicyName:
        for group in groups:
            kept = [one for one in found if group in ("all", one["folder"])]
            on, off = (
                {name: sum(one[_key(policy, proof=proof)][name] for one in kept) for name in COUNTS}
                for proof in (True, False)
            )
            what = f"policy {policy}, {group}, {len(kept)} documents"
            of_accepted = upper_bound(off["wrong"], off["labelled"])
            of_all = upper_bound(off["wrong"], off["with_label"])
            careful = policy is PolicyName.CAREFUL
            out += [
                _row(
                    f"{what}: accepted",
                    on["accepted"],
                    f"of {on['fields']} fields; the proof is the reason for {on['not_in_domain']}",
                    goal=0,
                    holds=on["accepted"] == 0,
                ),
                _row(
                    f"{what}, not_in_domain off: accepted",
                    off["accepted"],
                    f"of {off['fields']} fields; the proof for {off['not_in_domain']}",
                ),
                _row(
                    f"{what}, not_in_domain off: wrong and accepted",
                    off["wrong"],
                    f"of {off['labelled']} accepted with a label (at most {of_accepted:.4f}), of"
                    f" {off['with_label']} with one (at most {of_all:.4f})",
                    goal=0 if careful else None,
                    holds=off["not_in_domain"] == 0 and (not careful or off["wrong"] == 0),
                ),
            ]
    return out


def _row(
    metric: str, value: float, unit: str, *, goal: float | None = None, holds: bool = True
) -> dict[str, Any]:
    return {"metric": metric, "value": float(value), "unit": unit, "goal": goal, "holds": holds}
