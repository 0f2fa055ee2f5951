"""Moves of documents become events: all of them, once, in an order that readers can rely on."""

import time
from uuid import UUID

from sqlalchemy import create_engine

from extractors.backends.scripted import Line, ScriptedBackend
from tests.pipeline.conftest import TINY_CANVAS, TRUTH, House, Make, a_pdf
from worker.actor import Actor
from worker.audits import actions as audit_actions
from worker.db import Tx, transaction
from worker.delivery import events
from worker.delivery.events import Told
from worker.review import actions, verdict_actions
from worker.review.actions import Answer
from worker.review.tables import Action, Verdict

ADA = Actor("ada")


SEEN = """
SELECT published >= CAST(:until AS xid8) AS seen FROM event_relay
"""


def published(house: House, *, after: int = 0, upstream: str | None = None) -> list[Told]:
    """What is told by now; transactions of tests beside this one are waited for, a moment long."""
    (now,) = house.rows("SELECT pg_snapshot_xmax(pg_current_snapshot())::text AS until")
    give_up = time.monotonic() + 1
    while True:
        with house.rt.transaction() as tx:
            events.publish(tx)
        (row,) = house.rows(SEEN, until=now.until)
        if row.seen or time.monotonic() > give_up:
            break
        time.sleep(0.02)
    with house.rt.transaction() as tx:
        return events.since(tx, after=after, upstream=upstream, limit=500)


def types(house: House) -> list[str]:
    return [one.type for one in published(house)]


def a_house(make_house: Make, *, total: float = 0.95) -> House:
    line = Line(truth={**TRUTH, "date": "14/04/2026"}, probability={"total": total})
    return make_house(backend=ScriptedBackend(lambda page, spec: line, canvas=TINY_CANVAS))


def read(house: House) -> UUID:
    document = house.submit(a_pdf("Foo Ltd A-17", "14/04/2026", "Total 12.50 EUR"))
    house.work()
    return document


def decide(house: House, text: str = "") -> None:
    (item,) = house.rows("SELECT id FROM review_items WHERE state = 'open'")
    action = Action.CORRECT if text else Action.ACCEPT
    actions.decide(ADA, item.id, Answer(action=action, text=text, seen=True), house.rt)


def test_a_document_that_goes_through_is_told_once(make_house: Make) -> None:
    """Its stages are nobody's business; a second look finds nothing new."""
    house = a_house(make_house)
    document = read(house)

    (one,) = published(house)
    assert (one.type, one.document_id, one.status) == ("document.accepted", document, "accepted")
    assert published(house) == [one]
    assert published(house, after=one.id) == []


def test_review_is_told_when_it_begins_and_when_it_ends(make_house: Make) -> None:
    """In this order."""
    house = a_house(make_house, total=0.5)
    read(house)
    decide(house)

    assert types(house) == ["document.in_review", "document.completed"]


def test_a_corrected_value_is_told_each_time(make_house: Make) -> None:
    """After it was accepted, and again while the document stays reviewed."""
    house = a_house(make_house)
    document = read(house)
    for text in ("13.50", "14.50"):
        said = Answer(action=Action.CORRECT, text=text, seen=True)
        actions.correct(ADA, document, "total", 0, said, house.rt)

    assert types(house) == ["document.accepted", "document.corrected", "document.corrected"]


def test_an_audit_that_corrects_is_told(make_house: Make) -> None:
    """Who has the value already must learn of it."""
    line = Line(truth={**TRUTH, "date": "14/04/2026"})
    house = make_house(line, audit_rate=1.0)
    read(house)
    (audit,) = house.rows(
        "SELECT a.id FROM audits a JOIN results r ON r.id = a.result_id WHERE r.name = 'total'"
    )
    said = audit_actions.Said(action=Action.CORRECT, text="9.99", seen=True, compared=True)
    audit_actions.answer(ADA, audit.id, said, house.rt)

    assert types(house) == ["document.accepted", "document.corrected"]


def test_a_value_decided_while_others_wait_is_no_correction(make_house: Make) -> None:
    """The review ends with one event."""
    line = Line(truth={**TRUTH, "date": "14/04/2026"}, probability={"total": 0.5, "number": 0.5})
    house = make_house(backend=ScriptedBackend(lambda page, spec: line, canvas=TINY_CANVAS))
    document = read(house)
    said = Answer(action=Action.CORRECT, text="Bar Ltd", seen=True)
    actions.correct(ADA, document, "payee", 0, said, house.rt)

    assert types(house) == ["document.in_review"]


def test_a_document_that_fails_says_its_code(make_house: Make) -> None:
    """By it a sender knows what to mend."""
    house = a_house(make_house)
    house.submit(b"%PDF-1.7 nothing")
    house.work()

    (one,) = published(house)
    assert one.type == "document.failed"
    assert one.code


def test_a_document_that_is_none_of_ours_is_told(make_house: Make) -> None:
    """With which of the verdicts it was."""
    house = a_house(make_house, total=0.5)
    document = read(house)
    said = verdict_actions.Said(verdict=Verdict.NOT_OURS, seen=True)
    verdict_actions.judge(ADA, document, said, house.rt)

    assert [(one.type, one.code) for one in published(house)][-1] == (
        "document.rejected",
        "not_ours",
    )


def test_an_upstream_sees_its_own_only(make_house: Make) -> None:
    """With the key that it sent."""
    house = a_house(make_house)
    mine = house.submit(a_pdf("Foo Ltd A-17", "Total 12.50 EUR"), upstream="erp", key="a")
    house.submit(a_pdf("Foo Ltd A-18", "Total 12.50 EUR"), upstream="shop", key="a")
    house.work()

    found = published(house, upstream="erp")
    assert [(one.document_id, one.upstream, one.key) for one in found] == [(mine, "erp", "a")]


def test_one_that_commits_late_is_not_skipped(make_house: Make) -> None:
    """Its number is the smaller one, and readers have been further by then."""
    house = a_house(make_house)
    first, second = read(house), read(house)
    seen = published(house)[-1].id

    with transaction(house.rt.sessions, lambda *_: None) as late:
        _again(late, first)
        with transaction(house.rt.sessions, lambda *_: None) as early:
            _again(early, second)
        assert published(house, after=seen) == []  # the one that is ready waits for it
    found = published(house, after=seen)
    assert [one.document_id for one in found] == [first, second]


def _again(tx, document: UUID) -> None:
    run = tx.session.connection().exec_driver_sql
    run(
        "INSERT INTO document_events (document_id, from_status, to_status, duration, actor)"
        f" VALUES ('{document}', 'in_review', 'accepted', interval '0', 'person:ada')"
    )


def test_a_transaction_that_wrote_something_else_before_is_waited_for(make_house: Make) -> None:
    """It has its number already, and may move a document a moment later."""
    house = a_house(make_house)
    first, second = read(house), read(house)
    seen = published(house)[-1].id

    with transaction(house.rt.sessions, lambda *_: None) as late:
        late.session.connection().exec_driver_sql("UPDATE submissions SET filename = 'x'")
        with transaction(house.rt.sessions, lambda *_: None) as early:
            _again(early, second)
        assert published(house, after=seen) == []
        _again(late, first)
    assert len(published(house, after=seen)) == 2


def test_a_transaction_that_took_back_what_it_wrote_is_waited_for(make_house: Make) -> None:
    """Its number stays when a savepoint gives the locks back, and it may move a document yet."""
    house = a_house(make_house)
    first, second = read(house), read(house)
    seen = published(house)[-1].id

    with transaction(house.rt.sessions, lambda *_: None) as late:
        taken_back = late.session.begin_nested()
        late.session.connection().exec_driver_sql("UPDATE submissions SET filename = 'x'")
        taken_back.rollback()
        with transaction(house.rt.sessions, lambda *_: None) as early:
            _again(early, second)
        assert published(house, after=seen) == []
        _again(late, first)
    found = published(house, after=seen)
    assert sorted(one.document_id for one in found) == sorted([first, second])


def test_what_runs_in_another_database_holds_nothing_back(
    make_house: Make, empty_database_url: str
) -> None:
    """A server of several has always somebody who writes."""
    house = a_house(make_house)
    engine = create_engine(empty_database_url)
    with engine.begin() as other:
        other.exec_driver_sql("CREATE TABLE something (a int)")
        read(house)
        assert types(house) == ["document.accepted"]
    engine.dispose()


def test_two_publishers_at_once_publish_each_event_once(make_house: Make) -> None:
    """The second one lets the first do it."""
    house = a_house(make_house)
    read(house)
    with (
        transaction(house.rt.sessions, lambda *_: None) as one,
        transaction(house.rt.sessions, lambda *_: None) as other,
    ):
        assert events.publish(one) == 1
        assert events.publish(other) == 0

    assert types(house) == ["document.accepted"]


def test_a_publisher_that_was_killed_loses_nothing(make_house: Make) -> None:
    """What it did not commit is done by the next."""
    house = a_house(make_house)
    read(house)
    with house.rt.sessions() as session:
        assert events.publish(Tx(session)) == 1
        session.rollback()

    assert types(house) == ["document.accepted"]


def test_what_happened_before_there_were_events_is_told_to_nobody(make_house: Make) -> None:
    """An upgrade does not send the history of years."""
    house = a_house(make_house)
    read(house)
    with house.rt.transaction() as tx:
        tx.session.connection().exec_driver_sql(
            "ALTER TABLE document_events DISABLE TRIGGER ALL; UPDATE document_events SET xid = NULL"
        )

    assert types(house) == []
