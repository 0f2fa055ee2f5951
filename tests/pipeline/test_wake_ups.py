"""A wake-up names a queue: whoever answers it takes the best next document."""

from datetime import timedelta

import pytest
from sqlalchemy import text

from extractors.backends.scripted import Line
from extractors.errors import BrokenDocumentType
from tests.pipeline.conftest import TRUTH, House, a_pdf
from worker import tasks
from worker.pipeline import flow
from worker.pipeline.stages import render

RESTS = {"accepted", "in_review"}


def statuses(house: House) -> list[str]:
    return [row.status for row in house.rows("SELECT status FROM documents ORDER BY created_at")]


def ended(house: House) -> list[str]:
    """The keys of the documents that came to rest, in that order."""
    rows = house.rows(
        "SELECT s.key FROM document_events e JOIN submissions s USING (document_id) WHERE"
        " e.to_status IN ('accepted', 'in_review', 'failed') ORDER BY e.id"
    )
    return [row.key for row in rows]


def test_one_wake_up_a_queue_is_enough_for_any_number_of_documents(house):
    """It is answered until nothing is left."""
    for number in range(5):
        house.submit(a_pdf(f"no {number}"), key=str(number))
    for queue in (flow.CPU, flow.GPU, flow.CPU):
        flow.work(queue, house.rt, lasts=timedelta(minutes=1))
    assert set(statuses(house)) <= RESTS
    assert house.woken == []


def test_a_wake_up_that_takes_too_long_leaves_one_behind(house):
    """Submissions wait in the queue meanwhile; what is left is worked on after them."""
    for number in range(3):
        house.submit(a_pdf(f"no {number}"), key=str(number))
    flow.work(flow.CPU, house.rt, lasts=timedelta(0))
    assert sorted(statuses(house)) == ["rendered", "submitted", "submitted"]
    assert house.woken == ["cpu"]
    house.work()
    assert set(statuses(house)) <= RESTS


def test_a_wake_up_without_work_does_nothing(house):
    """A repeated one, or one for what somebody else has taken."""
    before = house.everything()
    for queue in flow.QUEUES:
        flow.work(queue, house.rt)
    assert (house.everything(), house.woken) == (before, [])


def test_an_urgent_document_is_read_before_a_burst_that_came_earlier(house):
    """Of the same upstream and of another, at every stage."""
    for number in range(6):
        house.submit(a_pdf(f"no {number}"), key=f"bulk {number}", upstream="bulk")
    house.submit(a_pdf("urgent"), key="urgent", upstream="bulk", priority=9)
    house.rt = _one_page_at_a_time(house)
    for _ in range(7):
        flow.work(flow.CPU, house.rt, lasts=timedelta(0))
    house.rt = _one_page_at_a_time(house)
    for _ in range(7):
        flow.work(flow.GPU, house.rt)
        flow.work(flow.CPU, house.rt, lasts=timedelta(0))
    assert ended(house)[0] == "urgent"


def _one_page_at_a_time(house: House):
    from dataclasses import replace

    return replace(house.rt, batch_pages=1, drain_for=timedelta(milliseconds=1))


def test_what_is_read_ends_before_more_is_rendered(house):
    """Depth first: the first document of a burst ends long before the last is begun."""
    for number in range(4):
        house.submit(a_pdf(f"no {number}"), key=str(number))
    flow.work(flow.CPU, house.rt, lasts=timedelta(0))  # renders one
    flow.work(flow.GPU, house.rt)
    flow.work(flow.CPU, house.rt, lasts=timedelta(0))  # and this ends it
    assert statuses(house).count("submitted") == 3
    assert ended(house) == ["0"]


def test_a_stage_that_pauses_does_not_hold_up_the_others(make_house):
    """What was read goes on while nothing can be rendered; then one document probes."""
    house = make_house(Line(truth=TRUTH))
    house.submit(a_pdf("read"), key="read")
    flow.work(flow.CPU, house.rt)
    flow.work(flow.GPU, house.rt)
    lacking: list[Exception] = [BrokenDocumentType("order.py, line 3: mend it.")]
    canvas = house.rt.canvas

    def lacks(document_type):
        if lacking:
            raise lacking[0]
        return canvas(document_type)

    from dataclasses import replace

    house.rt = replace(house.rt, canvas=lacks)
    for number in range(3):
        house.submit(a_pdf(f"no {number}"), key=str(number))
    flow.work(flow.CPU, house.rt)
    assert ended(house) == ["read"]
    assert [row.probes for row in house.rows("SELECT probes FROM stage_pauses")] == [0]
    flow.work(flow.CPU, house.rt)  # not yet
    assert [row.probes for row in house.rows("SELECT probes FROM stage_pauses")] == [0]

    _due(house)
    flow.work(flow.CPU, house.rt)
    assert [row.probes for row in house.rows("SELECT probes FROM stage_pauses")] == [1]
    lacking.clear()
    _due(house)
    flow.work(flow.CPU, house.rt)
    assert house.rows("SELECT 1 FROM stage_pauses") == []
    with house.rt.sessions.begin() as session:
        session.execute(text("UPDATE documents SET next_attempt_at = NULL"))
    house.woken += [flow.CPU, flow.GPU, flow.CPU]
    house.work()
    assert set(statuses(house)) <= RESTS


def _due(house: House) -> None:
    with house.rt.sessions.begin() as session:
        session.execute(text("UPDATE stage_pauses SET retry_at = now()"))


def test_the_sweeper_sends_a_handful_whatever_the_backlog(house):
    """Once for each document while there are few, and never one for each of many."""
    for number in range(3):
        house.submit(a_pdf(f"no {number}"), key=str(number))
    assert flow.sweep(house.rt, patience=timedelta(0)) == 3
    with house.rt.sessions.begin() as session:
        session.execute(
            text(
                "INSERT INTO documents (sha256, media_type, document_type, status) SELECT sha256,"
                " media_type, document_type, status FROM documents, generate_series(1, 1000)"
            )
        )
    house.woken.clear()
    assert flow.sweep(house.rt, patience=timedelta(0)) == flow.HANDFUL
    assert house.woken == [flow.CPU] * flow.HANDFUL


@pytest.mark.parametrize(
    ("args", "kwargs"),
    [
        ((), {}),
        ((), {"queue": "other"}),
        ((), {"queue": None}),
        ((), {"queue": ["cpu"]}),
        (("cpu",), {}),
        ((), {"queue": "cpu", "document_id": "x"}),
    ],
)
def test_a_wake_up_that_names_no_queue_is_no_message(args, kwargs):
    """It becomes a dead letter, and ends no worker."""
    with pytest.raises(ValueError, match="one argument"):
        tasks.CHECKS[tasks.WAKE_UP](args, kwargs)
    tasks.CHECKS[tasks.WAKE_UP]((), {"queue": "cpu"})


def test_a_wake_up_of_the_version_before_still_moves_its_document(house):
    """It names a document, and its stage."""
    document = house.submit(a_pdf())
    flow.advance(document, flow.STEP_AT[flow.Status.SUBMITTED].at, house.rt)
    assert house.status(document) == "rendered"
    render.run(document, house.rt)  # a second one finds nothing
    assert house.status(document) == "rendered"
