"""Labelled documents in each form of truth, as they are typed; a script reads them, so that what
the figures must be is known to the last row.
"""

import csv
import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from extractors.decision.bounds import upper_bound
from extractors.rendering.pdf import open_file
from extractors.types import LLAMA_CANVAS
from tests.cli.test_commands import surefield  # noqa: F401  a fixture
from tests.evaluation.test_truths import XML
from tests.pipeline.conftest import a_pdf

DOCUMENTS, PAGES = 20, 10
WRONG = 2  # of the pages whose total is read wrong; each is a tenth of the documents


def printed(page: int) -> dict[str, str]:
    """What a page says."""
    return {"payee": "Foo Ltd", "number": f"A-{page}", "date": "14/04/2026", "total": f"{page}2.50"}


def as_lines(folder: Path, truths: Mapping[str, dict[str, str]]) -> None:
    lines = [json.dumps({"file": name, "truth": said}) for name, said in truths.items()]
    (folder / "truth.jsonl").write_text("\n".join(lines), "utf-8")


def as_table(folder: Path, truths: Mapping[str, dict[str, str]]) -> None:
    with (folder / "truth.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, ["file", *printed(0)])
        writer.writeheader()
        writer.writerows({"file": name, **said} for name, said in truths.items())


def as_xml(folder: Path, truths: Mapping[str, dict[str, str]]) -> None:
    """Beside each file; it names no payee."""
    for name, said in truths.items():
        told = XML.replace("RE-17", said["number"]).replace("529.87", said["total"])
        xml = told.replace("20261128", "20260414")
        (folder / name).with_suffix(".xml").write_text(xml, "utf-8")


@pytest.mark.parametrize(
    ("write", "document_type", "labelled"),
    [
        (as_lines, "slip", {"payee", "number", "date", "total"}),
        (as_table, "slip", {"payee", "number", "date", "total"}),
        (as_xml, "invoice", {"number", "date", "total"}),
    ],
)
def test_every_label_of_many_documents_is_counted_once(
    surefield: Any, tmp_path: Path, write: Any, document_type: str, labelled: set[str]
) -> None:
    """A fifth of the totals is wrong, and so are no other rows; what is accepted and wrong has its
    exact bound.
    """
    folder, script = tmp_path / "files", {}
    folder.mkdir()
    truths = {}
    for page in range(PAGES):
        said = printed(page)
        pdf = a_pdf(f"{said['payee']} {said['number']}", said["date"], f"Total {said['total']} EUR")
        with open_file(pdf, max_pages=1, max_pixels=50_000_000) as file:
            png = file.page(1).image(LLAMA_CANVAS).png
        read = said | ({"total": "7.77"} if page < WRONG else {})
        script[hashlib.sha256(png).hexdigest()] = read
        for copy in range(DOCUMENTS // PAGES):
            name = f"{page}-{copy}.pdf"
            (folder / name).write_bytes(pdf)
            truths[name] = said
    write(folder, truths)
    where = tmp_path / "script.json"
    where.write_text(json.dumps(script), "utf-8")

    told = surefield(
        "evaluate", str(folder), "--type", document_type, "--json",
        SUREFIELD_BACKEND="scripted", SUREFIELD_SCRIPT=str(where),
    )  # fmt: skip

    found = {one["name"]: one for one in json.loads(told)["all"]}
    assert labelled < found.keys()
    for name in labelled:
        wrong = DOCUMENTS * WRONG // PAGES if name == "total" else 0
        one = found[name]
        assert (name, one["answers"], one["right"]) == (name, DOCUMENTS, DOCUMENTS - wrong)
        if one["accepted"]:
            assert one["wrong_at_most"] == upper_bound(one["accepted_wrong"], one["accepted"])
    assert found["all"]["answers"] == sum(
        one["answers"] for name, one in found.items() if name != "all"
    )
    assert found["total"]["accepted_wrong"] == 0  # the page says something else
