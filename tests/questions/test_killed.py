"""Whoever answers is killed in the middle: nothing is lost, and nothing is answered twice."""

import io
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from tests.factories import wait_for_lock
from tests.pipeline.conftest import House, Make, a_pdf
from tests.questions.making import LACKING, an_asking_house, questions, sent, the_question
from worker.actor import Actor
from worker.pipeline import flow
from worker.questions import actions
from worker.questions.errors import QuestionAnswered
from worker.questions.types import Answer, Asked, New
from worker.store import transitions
from worker.tables.questions import QuestionState, Wanted

# what the answer locks, in its order: the kill comes while it waits there
SPOTS = {
    "before anything": "SELECT 1 FROM documents FOR UPDATE",
    "the question": "SELECT 1 FROM questions FOR UPDATE",
    "the field's item": "SELECT 1 FROM review_items FOR UPDATE",
    "the field's result": "SELECT 1 FROM results FOR UPDATE",
}


def answering(asked: Asked, environment: dict[str, str], *words: str) -> "subprocess.Popen[bytes]":
    """The command, in a process of its own."""
    command = [sys.executable, "-m", "worker", "question", "answer", str(asked.question_id)]
    return subprocess.Popen(
        [*command, *words],
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


@pytest.fixture
def environment(database_url: str, tmp_path: Path) -> dict[str, str]:
    return {
        **os.environ,
        "SUREFIELD_DATABASE_URL": database_url,
        "SUREFIELD_STATE_DIR": str(tmp_path),
        "SUREFIELD_BLOBS_URL": str(tmp_path / "blobs"),
    }


@pytest.mark.parametrize("spot", SPOTS)
def test_a_kill_in_the_middle_of_an_answer_leaves_the_question_open(
    make_house: Make, environment: dict[str, str], spot: str
) -> None:
    """The next answer is the first one, and the document goes on from it."""
    house = an_asking_house(make_house, LACKING)
    document = sent(house, a_pdf())
    asked = the_question(house, document)
    before = house.everything()
    with house.rt.sessions() as locks:
        locks.execute(text(SPOTS[spot]))
        process = answering(asked, environment, "--text", "12.50")
        wait_for_lock(house.rt.sessions)
        process.send_signal(signal.SIGKILL)
        process.wait()
        locks.rollback()
    gone(house)

    assert house.everything() == before
    assert the_question(house, document) == asked
    actions.answer(asked.question_id, Answer(text="12.50"), house.rt, door="api", upstream="tests")
    assert house.status(document) == "reviewed"
    assert len(house.rows("SELECT 1 FROM review_decisions")) == 1


def gone(house: House) -> None:
    """The killed process's session has ended at the server."""
    query = text(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <>"
        " pg_backend_pid() AND (wait_event_type = 'Lock' OR state = 'idle in transaction')"
    )
    for _ in range(500):
        with house.rt.sessions() as session:
            if not session.execute(query).scalar_one():
                return
        time.sleep(0.02)
    raise AssertionError("its session goes on")


def test_an_answer_whose_wake_up_was_lost_is_found_by_the_sweeper(make_house: Make) -> None:
    """Killed after the commit and before the message: the document goes on all the same."""
    house = an_asking_house(make_house, ask_sender=frozenset())
    document = sent(house, a_pdf())
    link = ask_for_a_scan(house, document)
    actions.answer(link, Answer(file=io.BytesIO(a_pdf("Foo Ltd"))), house.rt, door="api")
    house.announced.clear()  # as if the process had died here
    house.work()
    assert house.status(document) == "submitted"

    flow.sweep(house.rt, patience=flow.SLICE * 0)
    house.work()

    assert house.status(document) in {"accepted", "in_review"}
    with pytest.raises(QuestionAnswered):
        actions.answer(link, Answer(file=io.BytesIO(a_pdf())), house.rt, door="api")


def ask_for_a_scan(house: House, document: UUID) -> UUID:
    new = New(wanted=Wanted.FILE, text="Again, please.", doubt="illegible")
    return actions.ask(Actor("ada"), document, new, house.rt).question_id


def test_a_kill_while_a_better_scan_is_taken_leaves_the_first_one_whole(
    make_house: Make, environment: dict[str, str], tmp_path: Path
) -> None:
    """Its pages, its readings and its answer are those before."""
    house = an_asking_house(make_house)
    document = sent(house, a_pdf())
    question = ask_for_a_scan(house, document)
    (scan := tmp_path / "scan.pdf").write_bytes(a_pdf("Foo Ltd", pages=2))
    before = house.everything()
    with house.rt.sessions() as locks:
        locks.execute(text("SELECT 1 FROM pages FOR UPDATE"))
        process = answering(the_question(house, document), environment, "--file", str(scan))
        wait_for_lock(house.rt.sessions)
        process.send_signal(signal.SIGKILL)
        process.wait()
        locks.rollback()
    gone(house)

    assert house.everything() == before
    actions.answer(question, Answer(file=io.BytesIO(scan.read_bytes())), house.rt, door="api")
    house.work()
    (row,) = house.rows("SELECT status, generation, page_count FROM documents")
    assert (row.generation, row.page_count) == (2, 2)


def test_an_answer_and_the_end_of_its_time_meet_and_one_of_them_wins(make_house: Make) -> None:
    """The sweeper waits for the answer, and finds nothing left to expire."""
    house = an_asking_house(make_house, LACKING)
    document = sent(house, a_pdf())
    asked = the_question(house, document)
    actions.answer(asked.question_id, Answer(text="12.50"), house.rt, door="api", upstream="tests")
    with house.rt.sessions.begin() as session:
        overdue(session)
    flow.sweep(house.rt, patience=flow.SLICE)
    assert house.status(document) == "reviewed"
    assert [one.state for one in questions(house, document)] == [QuestionState.ANSWERED]
    assert transitions.SWEEPER not in [one.closed_by for one in questions(house, document)]


def overdue(session: Session) -> None:
    session.execute(text("UPDATE questions SET expires_at = now() - interval '1 day'"))
