"""A promise in the database: planned without labels, tested once, and then a threshold."""

from typing import Any
from uuid import UUID

import pytest

from extractors.backends.scripted import Line
from extractors.decision.policy import PolicyName
from tests.pipeline.conftest import TRUTH, House, Make, a_pdf
from worker.actor import Actor
from worker.audits import actions, certify
from worker.audits.tables import PlanState
from worker.audits.types import Planned
from worker.review import verdict_actions
from worker.review.errors import InvalidDecision
from worker.review.tables import Action, Verdict
from worker.review.verdict_actions import Said

ADA = Actor("ada")
# Rows like one that was drawn, on the same document: ``n`` counts them.
COPY = """
WITH like_this AS (
    SELECT a.*, r.generation, r.kind FROM audits a JOIN results r ON r.id = a.result_id
    WHERE r.name = 'number' ORDER BY a.drawn_at LIMIT 1
), made AS (
    INSERT INTO results (document_id, generation, name, ordinal, kind, state, text, read_state,
        read_text, score, threshold, decision, reason, decided_at)
    SELECT document_id, generation, '{name}', n, kind, 'value', 'x', 'value', 'x', {score}, 0.1,
        'accepted', 'value', now() FROM like_this, generate_series(1, {count}) AS n
    RETURNING id, document_id, ordinal, score
)
INSERT INTO audits (result_id, document_id, rate, fingerprint, conditions, method, score, family,
    band, was_accepted, drawn_at, found, judged_by, judged_at)
SELECT made.id, made.document_id, 0.05, fingerprint, conditions, method, made.score, family, band,
    true, clock_timestamp() + made.ordinal * interval '1 microsecond', {found}, {judged},
    {judged_at}
FROM made, like_this
"""


def a_house(make_house: Make, **changes: Any) -> House:
    said = Line(truth={**TRUTH, "date": "14/04/2026"}, probability=0.95)
    return make_house(said, **{"audit_rate": 1.0, "accept_at": 0.99, **changes})


def read(house: House, *extra: str) -> UUID:
    document = house.submit(a_pdf("Foo Ltd A-17", "14/04/2026", "Total 12.50 EUR", *extra))
    house.work()
    return document


def copies(
    house: House, name: str, count: int, *, score: str = "0.95", found: str | None = "right"
) -> None:
    known = "NULL" if found is None else "'ada'"
    query = COPY.format(
        name=name,
        count=count,
        score=score,
        found="NULL" if found is None else f"'{found}'",
        judged=known,
        judged_at="NULL" if found is None else "now()",
    )
    with house.rt.transaction() as tx:
        tx.session.connection().exec_driver_sql(query)


@pytest.fixture
def house(make_house: Make) -> House:
    """One document that waits, and 300 drawn rows like its number."""
    made = a_house(make_house)
    read(made)
    copies(made, "before", 300, score="(0.9 + 0.0001 * n)")
    return made


def planned(house: House, size: int = 500) -> Planned:
    (one,) = certify.plan(ADA, "slip", house.rt, size=size)
    return one


def test_a_plan_fixes_its_thresholds_before_any_label_is_seen(house: House) -> None:
    """Those of the scores that were drawn so far, none below 0.9."""
    with house.rt.transaction() as tx:
        tx.session.connection().exec_driver_sql(
            "UPDATE audits SET found = 'wrong' WHERE found IS NOT NULL"
        )

    plan = planned(house)

    assert plan.state is PlanState.PLANNED
    assert plan.plan.alpha == 0.01
    assert 0.9 <= plan.plan.thresholds[-1] < plan.plan.thresholds[0] <= 0.93
    assert (plan.drawn, plan.unjudged, plan.tested) == (0, 0, None)


def test_the_same_promise_is_not_planned_twice_at_once(house: House) -> None:
    """A second one would test the same rows again."""
    planned(house)

    with pytest.raises(InvalidDecision, match="planned already"):
        planned(house)


def test_a_test_that_could_never_hold_is_not_planned(house: House) -> None:
    """It names what it takes."""
    with pytest.raises(InvalidDecision, match="it takes 498"):
        planned(house, size=497)


def test_rows_that_were_drawn_before_the_plan_do_not_count(house: House) -> None:
    """Its thresholds were chosen by them."""
    plan = planned(house)

    with pytest.raises(InvalidDecision, match="500 of the 500 rows of this test are not drawn"):
        certify.run_test(ADA, plan.certificate_id, house.rt)


def test_a_test_waits_until_all_of_its_rows_are_judged(house: House) -> None:
    """Those that are judged first may be the easy ones."""
    plan = planned(house)
    copies(house, "judged", 499)
    copies(house, "waits", 1, found=None)

    with pytest.raises(InvalidDecision, match="1 of the 500 rows of this test are not judged"):
        certify.run_test(ADA, plan.certificate_id, house.rt)


def test_a_row_that_can_be_judged_no_more_holds_up_no_test(house: House) -> None:
    """Its document is none of ours."""
    plan = planned(house)
    gone = read(house, "gone")
    copies(house, "after", 500)
    with pytest.raises(InvalidDecision, match="4 of the 500 rows of this test are not judged"):
        certify.run_test(ADA, plan.certificate_id, house.rt)
    said = Said(verdict=Verdict.NOT_OURS, seen=True)
    verdict_actions.judge(ADA, gone, said, house.rt)

    assert certify.run_test(ADA, plan.certificate_id, house.rt).state is PlanState.CERTIFIED


def test_a_promise_that_holds_is_a_threshold(house: House) -> None:
    """With its counts, and an end."""
    plan = planned(house)
    copies(house, "after", 600)

    done = certify.run_test(ADA, plan.certificate_id, house.rt)

    assert done.state is PlanState.CERTIFIED
    assert done.tested is not None
    assert (done.tested.judged, done.tested.wrong) == (500, 0)
    assert done.tested.threshold == plan.plan.thresholds[-1]
    assert done.tested.bound <= 0.009
    (row,) = house.rows("SELECT holds, valid_until > now() AS lasts FROM reporting.certificates")
    assert tuple(row) == (True, True)


@pytest.mark.parametrize("found", ["wrong", "illegible"])
def test_a_promise_that_errors_break_is_none(house: House, found: str) -> None:
    """What nobody can read counts as an error."""
    plan = planned(house)
    if found == "illegible":
        copies(house, "bad", 5, found=found)
    else:  # as a correction on the page leaves it
        copies(house, "bad", 5)
        with house.rt.transaction() as tx:
            tx.session.connection().exec_driver_sql(
                "UPDATE results SET decision = 'reviewed', text = 'y' WHERE name = 'bad'"
            )
    copies(house, "after", 600)

    done = certify.run_test(ADA, plan.certificate_id, house.rt)

    assert done.state is PlanState.NOT_HELD
    assert done.tested is not None
    assert (done.tested.threshold, done.tested.wrong) == (None, 5)


def test_a_plan_is_tested_once(house: House) -> None:
    """Testing until it holds would certify falsely."""
    plan = planned(house)
    copies(house, "bad", 5, found="illegible")
    copies(house, "after", 600)
    certify.run_test(ADA, plan.certificate_id, house.rt)

    with pytest.raises(InvalidDecision, match="tested once"):
        certify.run_test(ADA, plan.certificate_id, house.rt)


def certificate(house: House) -> Planned:
    plan = planned(house)
    copies(house, "after", 600)
    return certify.run_test(ADA, plan.certificate_id, house.rt)


def test_rows_of_its_family_are_accepted_by_it_and_say_so(house: House) -> None:
    """The number is certified; the total has the money's promise, which nobody tested."""
    held = certificate(house)
    document = read(house, "another")

    results = house.results(document)
    assert (results["number"].decision, results["number"].certificate) == (
        "accepted",
        str(held.certificate_id),
    )
    assert results["number"].threshold == held.tested.threshold  # type: ignore[union-attr]
    assert (results["total"].decision, results["total"].certificate) == ("review", "uncertified")


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE certificates SET valid_until = now() - interval '1 second'",
        "UPDATE certificates SET conditions = 'other'",
        "UPDATE certificates SET band = 'poor'",
        "UPDATE certificates SET document_type = 'invoice'",
        "UPDATE certificates SET method = 'joint/1'",
        "UPDATE certificates SET family = 'money', threshold = 0.96",
    ],
)
def test_a_certificate_of_something_else_covers_nothing(house: House, change: str) -> None:
    """Out of time, of other conditions, documents, types, scores or fields."""
    certificate(house)
    with house.rt.transaction() as tx:
        tx.session.connection().exec_driver_sql(change)
    document = read(house, "another")

    assert house.results(document)["number"].decision == "review"


def test_one_that_is_withdrawn_accepts_nothing_more(house: House) -> None:
    """What was accepted by it stays, and says so."""
    held = certificate(house)
    before = read(house, "before")
    certify.withdraw(ADA, held.certificate_id, "the printer was changed", house.rt)
    after = read(house, "after")

    assert house.results(before)["number"].certificate == str(held.certificate_id)
    assert house.results(after)["number"].decision == "review"
    (row,) = house.rows("SELECT state, holds, withdrawn_because FROM reporting.certificates")
    assert tuple(row) == ("withdrawn", False, "ada: the printer was changed")


def test_withdrawing_needs_a_reason(house: House) -> None:
    """Somebody will ask."""
    held = certificate(house)

    with pytest.raises(InvalidDecision, match="Say why"):
        certify.withdraw(ADA, held.certificate_id, " ", house.rt)


def test_other_looks_are_other_conditions(house: House, make_house: Make) -> None:
    """A certificate says nothing of a setting that it was not made under."""
    certificate(house)
    other = a_house(make_house, look_below=0.5)
    document = read(other, "other")

    assert other.results(document)["number"].decision == "review"


def judged_right(house: House, document: UUID) -> None:
    """Somebody audits the document's number, and finds what was read."""
    (audit,) = house.rows(
        "SELECT a.id FROM audits a JOIN results r ON r.id = a.result_id"
        " WHERE r.name = 'number' AND r.document_id = :id",
        id=document,
    )
    said = actions.Said(action=Action.CORRECT, text="A-17", seen=True)
    actions.answer(ADA, audit.id, said, house.rt)


def test_audits_that_break_the_promise_suspend_the_certificate(house: House) -> None:
    """The last of them raises the alarm; the policy decides again."""
    held = certificate(house)
    document = read(house, "audited")
    copies(house, "bad", 40, found="illegible")
    with house.rt.transaction() as tx:
        tx.session.connection().exec_driver_sql(
            f"UPDATE results SET certificate = '{held.certificate_id}' WHERE name = 'bad'"
        )
    judged_right(house, document)

    (row,) = house.rows("SELECT state, holds, alarm FROM reporting.certificates")
    assert (row.state, row.holds) == ("suspended", False)
    assert row.alarm == "of 41 audited fields that it accepted, 40 are wrong; promised were 1 %"
    after = read(house, "after the alarm")
    assert house.results(after)["number"].decision == "review"


def wrong_rows(house: House, held: Planned, name: str) -> None:
    """Forty rows that the certificate accepted and that nobody can read."""
    copies(house, name, 40, found="illegible")
    with house.rt.transaction() as tx:
        tx.session.connection().exec_driver_sql(
            f"UPDATE results SET certificate = '{held.certificate_id}' WHERE name = '{name}'"
        )


def test_audits_from_before_it_was_resumed_raise_no_second_alarm(house: House) -> None:
    """Those of what it accepts since then do."""
    held = certificate(house)
    document = read(house, "audited")
    wrong_rows(house, held, "bad")
    judged_right(house, document)
    states = "SELECT state FROM reporting.certificates"
    assert house.rows(states) == [("suspended",)]
    certify.resume(ADA, held.certificate_id, "the scanner was cleaned", house.rt)

    judged_right(house, read(house, "after it was resumed"))
    assert house.rows(states) == [("certified",)]
    wrong_rows(house, held, "bad again")
    judged_right(house, read(house, "later"))
    assert house.rows(states) == [("suspended",)]


def test_wrong_rows_of_another_certificate_or_of_none_are_no_broken_promise(house: House) -> None:
    """Nor are those that wait for somebody to look at them."""
    held = certificate(house)
    document = read(house, "audited")
    copies(house, "of none", 40, found="illegible")
    copies(house, "of another", 40, found="illegible")
    wrong_rows(house, held, "waits")
    with house.rt.transaction() as tx:
        run = tx.session.connection().exec_driver_sql
        run(f"UPDATE results SET certificate = '{document}' WHERE name = 'of another'")
        run(
            "UPDATE audits SET found = NULL, judged_by = NULL, judged_at = NULL"
            " WHERE result_id IN (SELECT id FROM results WHERE name = 'waits')"
        )
    judged_right(house, document)

    assert house.rows("SELECT state FROM reporting.certificates") == [("certified",)]


def test_an_audit_that_finds_it_right_suspends_nothing(house: House) -> None:
    """One is no alarm, and neither is one error."""
    certificate(house)
    document = read(house, "audited")
    (audit,) = house.rows(
        "SELECT a.id FROM audits a JOIN results r ON r.id = a.result_id"
        " WHERE r.name = 'number' AND r.document_id = :id",
        id=document,
    )
    wrong = actions.Said(action=Action.CORRECT, text="A-18", seen=True, compared=True)
    actions.answer(ADA, audit.id, wrong, house.rt)

    assert house.rows("SELECT holds FROM reporting.certificates") == [(True,)]


def test_a_row_that_a_certificate_accepted_names_it_among_a_models_first_ones(
    make_house: Make,
) -> None:
    """All of them are drawn, and those that no certificate covers are provisional."""
    house = a_house(make_house, policy=PolicyName.CAREFUL, looks=2)
    read(house)
    copies(house, "before", 300, score="(0.9 + 0.0001 * n)")
    held = certificate(house)
    with house.rt.transaction() as tx:
        tx.session.connection().exec_driver_sql("UPDATE audits SET fingerprint = 'another model'")
    document = read(house, "another")

    results = house.results(document)
    assert results["number"].certificate == str(held.certificate_id)
    drawn = house.rows(
        "SELECT r.name FROM audits a JOIN results r ON r.id = a.result_id"
        " WHERE a.document_id = :id",
        id=document,
    )
    assert ("number",) in drawn


def test_what_a_certificate_sent_to_review_is_no_broken_promise(house: House) -> None:
    """It promises something of what it accepts; a row below its threshold names it all the same."""
    held = certificate(house)
    document = read(house, "audited")
    copies(house, "bad", 40)
    with house.rt.transaction() as tx:
        run = tx.session.connection().exec_driver_sql
        run(
            f"UPDATE results SET certificate = '{held.certificate_id}', decision = 'reviewed',"
            " text = 'y' WHERE name = 'bad'"
        )
        run(
            "UPDATE audits SET was_accepted = false, found = NULL, judged_by = NULL,"
            " judged_at = NULL WHERE result_id IN (SELECT id FROM results WHERE name = 'bad')"
        )
    judged_right(house, document)

    assert house.rows("SELECT holds FROM reporting.certificates") == [(True,)]
