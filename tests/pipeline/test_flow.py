"""The table of the flow says what the stages do, and the README shows it."""

import ast
import inspect
import os
import subprocess
import sys
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from extractors.backends.scripted import Line
from tests.pipeline.conftest import TRUTH, a_pdf
from tests.pipeline.test_types import INVOICE, LETTER, PROSE, RECEIPT, a_paper, open_house  # noqa: F401  # a fixture
from worker.pipeline import flow
from worker.pipeline.attempt import attempt
from worker.store.pages import STAGE
from worker.tables.documents import ALLOWED, ENDS, Status

README = Path(__file__).parents[2] / "README.md"


def statuses_in(node: ast.AST) -> set[Status]:
    """The statuses that a piece of code names."""
    return {
        Status[each.attr]
        for each in ast.walk(node)
        if isinstance(each, ast.Attribute) and getattr(each.value, "id", "") == "Status"
    }


def test_the_flow_and_the_table_of_moves_say_the_same() -> None:
    """A stage leads where the table allows; work may fail or be cancelled, and where a stage asks,
    its sender comes in between.
    """
    for step in flow.FLOW:
        asked = {Status.NEEDS_INPUT} if step.asks else set()
        assert ALLOWED[step.at] == step.to | ENDS | asked, step.name


@pytest.mark.parametrize("step", flow.FLOW, ids=lambda step: step.name)
def test_a_stage_finishes_only_where_its_step_says(step: flow.Step) -> None:
    """Each ``to=`` in its module is one of the step's, and together they are all of them."""
    module = ast.parse(Path(inspect.getfile(step.run)).read_text("utf-8"))
    if step.name == STAGE:  # its pages move their documents
        return
    found = [
        keyword.value
        for call in ast.walk(module)
        if isinstance(call, ast.Call) and getattr(call.func, "attr", "") == "finish"
        for keyword in call.keywords
        if keyword.arg == "to"
    ]
    named: set[Status] = set().union(*map(statuses_in, found))

    assert named == step.to
    assert step.name in inspect.getfile(step.run)


def test_the_picture_in_the_readme_is_drawn_from_the_flow() -> None:
    """`flow.picture()` is pasted whole."""
    assert flow.picture() in README.read_text("utf-8")


def test_real_documents_move_as_the_flow_says(make_house: Any) -> None:
    """Whatever they are: each event of a stage begins where the stage takes documents, and ends
    where its step leads.
    """
    house = make_house(Line(truth=TRUTH, doubts={"total": 0.41}))
    house.submit(a_pdf())
    house.submit(b"no PDF at all")
    for pages in ((INVOICE,), (LETTER,), (INVOICE, PROSE, RECEIPT)):
        house.submit(a_paper(*pages), document_type="auto")
    house.work()
    steps = {step.name: step for step in flow.FLOW}

    rows = house.rows("SELECT * FROM document_events ORDER BY id")

    for row in rows:
        if row.stage in steps and row.from_status is not None:
            assert row.from_status == steps[row.stage].at
            assert row.to_status in steps[row.stage].to | {Status.FAILED}
    assert {row.stage for row in rows} >= {"submit", *steps}


def test_messages_of_the_version_before_are_understood() -> None:
    """What waits in the queue while one upgrades says surefield.sort, and means triage."""
    code = "from worker.tasks import app; print(*app.tasks)"
    url = "postgresql://nobody@127.0.0.1:1/none"  # never connected to
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "SUREFIELD_DATABASE_URL": url},
    )
    assert {"surefield.sort", "surefield.triage"} <= set(done.stdout.split())


def stood(house, document) -> list[str]:
    """Where the document has stood, in order."""
    query = "SELECT to_status FROM document_events WHERE document_id = :id ORDER BY id"
    return [row.to_status for row in house.rows(query, id=document)]


def test_a_worker_brings_a_document_as_far_as_its_queue_goes(house):
    """Work that is nearly done goes before work that is not begun, and no message travels."""
    document = house.submit(a_pdf())
    house.announced.clear()
    flow.advance(document, Status.SUBMITTED, house.rt)
    assert house.announced == [(document, Status.RENDERED)]  # the model's queue

    house.announced.clear()
    flow.advance(document, Status.RENDERED, house.rt)
    assert house.announced == [(document, Status.EXTRACTED)]

    house.announced.clear()
    flow.advance(document, Status.EXTRACTED, house.rt)
    assert [status for _, status in house.announced if status in flow.STEP_AT] == []
    assert stood(house, document)[-3:-1] == ["grounded", "scored"]
    assert house.status(document) in {"accepted", "in_review"}


def test_a_step_that_fails_on_the_way_ends_the_walk_there(house, monkeypatch):
    """The document stands where it failed, with its reason, and is tried again from there."""
    document = house.submit(a_pdf())
    flow.advance(document, Status.SUBMITTED, house.rt)
    flow.advance(document, Status.RENDERED, house.rt)
    broken = replace(flow.STEP_AT[Status.GROUNDED], run=no_memory)
    with monkeypatch.context() as planted:
        planted.setitem(flow.STEP_AT, Status.GROUNDED, broken)
        flow.advance(document, Status.EXTRACTED, house.rt)
    assert house.status(document) == "grounded"

    assert flow.sweep(house.rt, patience=timedelta(0)) == 1
    house.work()
    assert house.status(document) in {"accepted", "in_review"}


def no_memory(document_id, rt):
    """A stage whose attempt goes wrong."""
    with attempt(rt, document_id, at=Status.GROUNDED, stage="score") as claim:
        assert claim is not None
        raise MemoryError


def test_another_document_that_moves_on_the_way_has_a_message_of_its_own(open_house):
    """The parts of a file are documents: whoever took the file walks with none of them."""
    document = open_house.submit(a_paper(INVOICE, PROSE, RECEIPT), document_type="auto")
    open_house.announced.clear()
    flow.advance(document, Status.SUBMITTED, open_house.rt)

    assert open_house.status(document) == "split"
    parts = [moved for moved, status in open_house.announced if status is Status.UNTRIAGED]
    assert len(set(parts)) == 2
    assert document not in parts
