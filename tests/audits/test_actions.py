"""Audits of accepted values: blind first, compared where they differ, corrected where wrong."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError, ProgrammingError

from extractors.backends.scripted import Line
from tests.pipeline.conftest import TRUTH, House, Make, a_pdf
from worker import reporting
from worker.actor import Actor
from worker.audits import actions, store
from worker.audits.actions import Said
from worker.audits.tables import Found
from worker.audits.types import Compared, Waiting
from worker.errors import NotFound
from worker.pipeline import again
from worker.review import actions as review
from worker.review import verdict_actions
from worker.review.errors import InvalidDecision, NotSeen, ReviewConflict
from worker.review.tables import Action, Verdict

ADA, BEN = Actor("ada"), Actor("ben")
LEASE = timedelta(minutes=2)


@pytest.fixture
def house(make_house: Make) -> House:
    """One accepted document, with all that its score decided drawn."""
    made = make_house(Line(truth={**TRUTH, "date": "14/04/2026"}), audit_rate=1.0)
    made.submit(a_pdf("Foo Ltd A-17", "14/04/2026", "Total 12.50 EUR"))
    made.work()
    return made


def waiting(house: House, field: str) -> Waiting:
    with house.rt.transaction() as tx:
        return next(one for one in store.list_waiting(tx, limit=50) if one.field == field)


def say(
    house: House, field: str | UUID, action: Action, text: str = "", who: Actor = ADA, **more: Any
) -> Compared:
    audit_id = field if isinstance(field, UUID) else waiting(house, field).audit_id
    said = Said(action=action, text=text, **{"seen": True, **more})
    return actions.answer(who, audit_id, said, house.rt)


def found(house: House, field: str) -> str | None:
    (row,) = house.rows("SELECT found FROM reporting.audits WHERE field = :field", field=field)
    return row.found


@pytest.mark.parametrize("typed", ["12.50", " 12.50 ", "12,50", "12.50 EUR"])
def test_what_means_the_same_is_right(house: House, typed: str) -> None:
    """In whatever spelling; nothing of the document changes."""
    before = house.rows("SELECT * FROM results ORDER BY id")

    assert say(house, "total", Action.CORRECT, typed).found is Found.RIGHT

    assert found(house, "total") == "right"
    assert house.rows("SELECT * FROM results ORDER BY id") == before
    assert house.rows("SELECT status FROM documents") == [("accepted",)]


def test_an_absence_that_the_person_sees_too_is_right(make_house: Make) -> None:
    """Both say that there is nothing."""
    other = make_house(Line(truth={**TRUTH, "number": None}), audit_rate=1.0)
    other.submit(a_pdf("Foo Ltd", "03/04/2026", "Total 12.50 EUR"))
    other.work()

    assert say(other, "number", Action.ABSENT).found is Found.RIGHT


def test_what_differs_is_told_and_nothing_is_decided_yet(house: House) -> None:
    """A person mistypes as often as a machine misreads."""
    told = say(house, "total", Action.CORRECT, "12.60")

    assert (told.found, told.read, told.typed) == (None, "12.50", "12.60")
    assert found(house, "total") is None
    assert house.rows("SELECT DISTINCT decision FROM results WHERE name = 'total'") == [
        ("accepted",)
    ]


def test_another_currency_differs(house: House) -> None:
    """12.50 of another money is another amount."""
    assert say(house, "currency", Action.CORRECT, "USD").found is None


def test_said_again_it_corrects_the_value_with_its_author(house: House) -> None:
    """A wrong value does not stay, and the audit counts."""
    say(house, "total", Action.CORRECT, "12.60")

    assert say(house, "total", Action.CORRECT, "12.60", compared=True).found is Found.WRONG

    assert found(house, "total") == "wrong"
    assert house.rows(
        "SELECT text, value #>> '{}', decision FROM results WHERE name = 'total'"
    ) == [("12.60", "12.60", "reviewed")]
    assert house.rows("SELECT who, action FROM review_decisions") == [("ada", "correct")]
    assert house.rows("SELECT status FROM documents") == [("reviewed",)]
    assert house.rows("SELECT action, text, after_comparing FROM audit_answers ORDER BY id") == [
        ("correct", "12.60", False),
        ("correct", "12.60", True),
    ]


def test_an_invented_value_is_taken_out(house: House) -> None:
    """The page has no such field."""
    assert say(house, "number", Action.ABSENT).found is None
    assert say(house, "number", Action.ABSENT, compared=True).found is Found.WRONG

    assert house.rows("SELECT state, text FROM results WHERE name = 'number'") == [("absent", None)]


def test_whoever_was_wrong_says_so(house: House) -> None:
    """The machine's reading stays, and is right."""
    say(house, "total", Action.CORRECT, "12.60")

    assert say(house, "total", Action.ACCEPT, compared=True).found is Found.RIGHT
    assert found(house, "total") == "right"


def test_nobody_agrees_before_they_have_said_what_they_see(house: House) -> None:
    """An audit that begins with the reading would find it right."""
    with pytest.raises(InvalidDecision, match="Say first"):
        say(house, "total", Action.ACCEPT)


def test_what_nobody_can_read_is_neither_right_nor_wrong(house: House) -> None:
    """It is counted apart."""
    assert say(house, "total", Action.UNREADABLE, seen=False).found is Found.ILLEGIBLE

    with house.rt.transaction() as tx:
        (row,) = reporting.accepted_and_wrong(tx)
    assert (row.judged, row.wrong, row.illegible) == (0, 0, 1)
    assert row.share_wrong is None


@pytest.mark.parametrize("action", [Action.CORRECT, Action.ABSENT])
def test_nobody_says_anything_of_a_page_that_they_have_not_seen(
    house: House, action: Action
) -> None:
    """As in the review."""
    with pytest.raises(NotSeen):
        say(house, "total", action, "12.50" if action is Action.CORRECT else "", seen=False)


def test_an_empty_text_is_refused(house: House) -> None:
    """It could mean that nothing stands there, or that somebody slipped."""
    with pytest.raises(InvalidDecision, match="say 'absent'"):
        say(house, "total", Action.CORRECT, "  ")


def test_a_correction_that_does_not_fit_the_field_is_refused_and_nothing_is_kept(
    house: House,
) -> None:
    """Neither the answer nor half of the correction."""
    say(house, "total", Action.CORRECT, "twelve")

    with pytest.raises(InvalidDecision, match="does not fit"):
        say(house, "total", Action.CORRECT, "twelve", compared=True)

    assert len(house.rows("SELECT * FROM audit_answers")) == 1
    assert found(house, "total") is None


def test_an_audit_is_judged_once(house: House) -> None:
    """The second of two gets a conflict, and their answer is not kept."""
    audit = waiting(house, "total").audit_id
    say(house, audit, Action.CORRECT, "12.50")

    with pytest.raises(ReviewConflict, match="done already"):
        say(house, audit, Action.CORRECT, "12.60", BEN, compared=True)

    assert [row.who for row in house.rows("SELECT who FROM audit_answers")] == ["ada"]


def test_an_unknown_audit_is_not_found(house: House) -> None:
    """The error says how to list them."""
    with pytest.raises(NotFound, match="surefield audit list"):
        say(house, UUID(int=1), Action.ABSENT)


def test_two_people_have_two_audits(house: House) -> None:
    """Nobody does the same work twice; one's own comes back to one."""
    first = actions.next_audit(ADA, house.rt, lease=LEASE)
    second = actions.next_audit(BEN, house.rt, lease=LEASE)

    assert first is not None
    assert second is not None
    assert first.audit_id != second.audit_id
    again = actions.next_audit(ADA, house.rt, lease=LEASE)
    assert again is not None
    assert again.audit_id == first.audit_id


def test_an_audit_that_somebody_holds_is_not_judged_by_another(house: House) -> None:
    """Until the lease has run out."""
    held = actions.next_audit(ADA, house.rt, lease=LEASE)
    assert held is not None
    with pytest.raises(ReviewConflict):
        say(house, held.audit_id, Action.UNREADABLE, who=BEN)
    with house.rt.transaction() as tx:
        tx.session.connection().exec_driver_sql(
            "UPDATE audits SET lease_until = now() - interval '1 second' WHERE leased_by = 'ada'"
        )

    assert say(house, held.audit_id, Action.UNREADABLE, who=BEN).found is Found.ILLEGIBLE


def test_a_value_that_was_corrected_meanwhile_is_no_audit_any_more(house: House) -> None:
    """The correction judges it: the reading was wrong."""
    before = waiting(house, "total")
    answer = review.Answer(action=Action.CORRECT, text="99", seen=True)
    review.correct(BEN, before.document_id, "total", 0, answer, house.rt)

    assert found(house, "total") == "wrong"
    with house.rt.transaction() as tx:
        assert "total" not in [one.field for one in store.list_waiting(tx, limit=50)]
    with pytest.raises(ReviewConflict, match="was decided since"):
        say(house, before.audit_id, Action.CORRECT, "12.50")


def test_a_correction_that_is_taken_back_leaves_the_audit_open_in_the_views(house: House) -> None:
    """Nobody knows any more whether the value is right."""
    say(house, "total", Action.CORRECT, "12.60")
    say(house, "total", Action.CORRECT, "12.60", compared=True)
    review.undo_last(ADA, house.rt, lease=LEASE)

    assert house.rows("SELECT decision FROM results WHERE name = 'total'") == [("accepted",)]
    assert found(house, "total") is None


def test_a_value_whose_correction_was_taken_back_is_audited_again(house: House) -> None:
    """Or it would stand accepted, and nobody would ever know."""
    audit = waiting(house, "total").audit_id
    say(house, audit, Action.CORRECT, "12.60")
    say(house, audit, Action.CORRECT, "12.60", compared=True)
    with pytest.raises(ReviewConflict):
        say(house, audit, Action.CORRECT, "12.50")
    review.undo_last(ADA, house.rt, lease=LEASE)

    assert waiting(house, "total").audit_id == audit
    assert say(house, audit, Action.CORRECT, "12.50").found is Found.RIGHT
    assert found(house, "total") == "right"


def test_what_went_to_review_is_judged_by_its_review(make_house: Make) -> None:
    """It has no audit of its own, and counts all the same."""
    said = Line(truth={**TRUTH, "date": "14/04/2026"}, doubts={"payee": 0.4, "number": 0.4})
    house = make_house(said, audit_rate=1.0)
    document = house.submit(a_pdf("Foo Ltd A-17", "14/04/2026", "Total 12.50 EUR"))
    house.work()
    items = {
        row.name: row.id
        for row in house.rows(
            "SELECT r.name, i.id FROM review_items i JOIN results r ON r.id = i.result_id"
        )
    }
    review.decide(ADA, items["payee"], review.Answer(action=Action.ACCEPT, seen=True), house.rt)
    review.decide(
        ADA, items["number"], review.Answer(action=Action.CORRECT, text="A-18", seen=True), house.rt
    )

    assert (found(house, "payee"), found(house, "number")) == ("right", "wrong")
    assert house.rows("SELECT sum(wrong), sum(judged) FROM reporting.accepted_and_wrong") == [
        (0, 0)
    ]
    assert house.status(document) == "reviewed"


def test_calibration_joins_what_was_accepted_and_what_was_not(make_house: Make) -> None:
    """By the drawn rows alone, and NULL until both kinds have a judged one."""
    said = Line(truth={**TRUTH, "date": "14/04/2026"}, probability=0.75, doubts={"payee": 0.7})
    house = make_house(said, audit_rate=1.0, accept_at=0.72)
    house.submit(a_pdf("Foo Ltd A-17", "14/04/2026", "Total 12.50 EUR"))
    house.work()
    query = (
        "SELECT drawn, drawn_judged, drawn_share_right FROM reporting.calibration"
        " WHERE method = 'weakest-token/1' AND decile = 7"
    )
    (payee,) = house.rows("SELECT id FROM review_items")
    review.decide(ADA, payee.id, review.Answer(action=Action.ACCEPT, seen=True), house.rt)
    drawn = house.rows("SELECT count(*) FROM audits")[0][0]
    assert house.rows(query) == [(drawn, 1, None)]

    say(house, "total", Action.CORRECT, "12.50")
    say(house, "number", Action.CORRECT, "B-1")
    say(house, "number", Action.CORRECT, "B-1", compared=True)

    (row,) = house.rows(query)
    assert (row.drawn, row.drawn_judged) == (drawn, 3)
    # of the accepted ones half are right, and they are all but one
    assert row.drawn_share_right == pytest.approx(((drawn - 1) * 0.5 + 1) / drawn)


@pytest.mark.parametrize("gone", ["read again", "not ours"])
def test_a_row_that_counts_no_more_is_no_audit(house: House, gone: str) -> None:
    """A further answer was made, or the document is none of ours."""
    before = waiting(house, "total")
    if gone == "read again":
        again.one(house.rt, before.document_id, again.Again.REROUTE, by="person:ada")
        house.work()
    else:
        said = verdict_actions.Said(verdict=Verdict.NOT_OURS, seen=True)
        verdict_actions.judge(ADA, before.document_id, said, house.rt)

    with house.rt.transaction() as tx:
        left = [one.audit_id for one in store.list_waiting(tx, limit=50)]
        assert store.progress(tx).waiting == len(left)
    assert before.audit_id not in left
    assert (gone == "not ours") == (not left)  # the further answer has draws of its own
    held = actions.next_audit(ADA, house.rt, lease=LEASE)
    assert (None if held is None else held.audit_id) in {None, *left}
    with pytest.raises(ReviewConflict):
        say(house, before.audit_id, Action.CORRECT, "12.50")


def test_answers_are_kept_for_ever(house: House) -> None:
    """What somebody read on a page is a record."""
    say(house, "total", Action.CORRECT, "12.50")

    with pytest.raises(IntegrityError, match="append-only"), house.rt.transaction() as tx:
        tx.session.connection().exec_driver_sql("DELETE FROM audit_answers")


def test_the_analysts_role_sees_the_views_and_not_the_key(house: House) -> None:
    """Who knows the key knows which rows are drawn."""
    with house.rt.sessions() as session:
        session.execute(text("SET ROLE surefield_reader"))
        assert session.execute(text("SELECT * FROM reporting.audits")).all()
        with pytest.raises(ProgrammingError, match="permission denied"):
            session.execute(text("SELECT audit_key FROM installation"))
        session.rollback()
