"""Errors that are planted among audits: counted, told at once, and kept out of every answer."""

from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import text

from extractors.backends.scripted import Line
from extractors.decision.bounds import upper_bound
from extractors.decision.certificates import MISSED
from tests.audits.test_actions import BEN, say, waiting
from tests.audits.test_certificates import ADA, copies, planned, read
from tests.audits.test_certificates import a_house as a_drawn_house
from tests.cli.test_commands import surefield  # noqa: F401  a fixture
from tests.pipeline.conftest import TRUTH, House, Make, a_pdf
from worker.audits import certify, store
from worker.audits.tables import Found, Noticed
from worker.review.tables import Action

SHOWN = text("""
WITH one AS (SELECT id FROM audits ORDER BY drawn_at, id LIMIT :count)
INSERT INTO planted_errors (audit_id, who, text, outcome, answered_at)
SELECT id, 'ada', 'x', CASE WHEN row_number() OVER () <= :overlooked THEN 'overlooked'
    ELSE 'noticed' END, now() - make_interval(days => :days)
FROM one
""")


@pytest.fixture
def house(make_house: Make) -> House:
    """One accepted document whose audits all plant an error."""
    return a_house(make_house)


def a_house(make_house: Make, **changes: Any) -> House:
    line = Line(truth={**TRUTH, "date": "14/04/2026"})
    made = make_house(line, **{"audit_rate": 1.0, "audit_planted": 1.0, **changes})
    made.submit(a_pdf("Foo Ltd A-17", "14/04/2026", "Total 12.50 EUR"))
    made.work()
    return made


def outcomes(house: House) -> list[tuple[str, str | None]]:
    return [tuple(row) for row in house.rows("SELECT who, outcome FROM planted_errors")]


def told(house: House, field: str = "total") -> tuple[str | None, ...]:
    """What the audit found, and what its row says."""
    (row,) = house.rows(
        "SELECT a.found, r.text, r.decision FROM reporting.audits a JOIN results r"
        " ON (r.document_id, r.generation, r.name) = (a.document_id, a.generation, a.field)"
        " WHERE a.field = :field",
        field=field,
    )
    return tuple(row)


def test_whoever_types_what_was_read_is_shown_something_else(house: House) -> None:
    """As if it had been read; nothing is decided yet."""
    shown = say(house, "total", Action.CORRECT, "12.50")

    assert (shown.found, shown.noticed, shown.typed) == (None, None, "12.50")
    assert shown.read is not None
    assert shown.read != "12.50"
    assert told(house) == (None, "12.50", "accepted")
    again = say(house, "total", Action.CORRECT, "12.50")
    assert again.read == shown.read


def test_whoever_stays_with_the_page_has_noticed_and_is_told(house: House) -> None:
    """The audit finds what it would have found."""
    say(house, "total", Action.CORRECT, "12.50")
    said = say(house, "total", Action.CORRECT, "12,50", compared=True)

    assert (said.found, said.noticed, said.read) == (Found.RIGHT, Noticed.NOTICED, "12.50")
    assert told(house) == ("right", "12.50", "accepted")
    assert outcomes(house) == [("ada", "noticed")]


@pytest.mark.parametrize("how", ["gives way", "types it"])
def test_whoever_gives_way_has_overlooked_an_error_and_the_value_stays(
    house: House, how: str
) -> None:
    """Their first word, blind, is what counts of the page."""
    shown = say(house, "total", Action.CORRECT, "12.50")
    action = Action.ACCEPT if how == "gives way" else Action.CORRECT
    typed = "" if how == "gives way" else str(shown.read)
    said = say(house, "total", action, typed, compared=True)

    assert (said.found, said.noticed, said.read) == (Found.RIGHT, Noticed.OVERLOOKED, "12.50")
    assert told(house) == ("right", "12.50", "accepted")
    assert outcomes(house) == [("ada", "overlooked")]


@pytest.mark.parametrize(("action", "typed"), [(Action.CORRECT, "99.00"), (Action.ABSENT, "")])
def test_whoever_says_a_third_thing_compares_that_with_the_true_reading(
    house: House, action: Action, typed: str
) -> None:
    """They noticed; and a person who changes their mind does not change the row by it."""
    say(house, "total", Action.CORRECT, "12.50")
    said = say(house, "total", action, typed, compared=True)
    assert (said.found, said.noticed, said.read) == (None, Noticed.NOTICED, "12.50")
    assert told(house) == (None, "12.50", "accepted")

    assert say(house, "total", action, typed, compared=True).found is Found.WRONG
    assert told(house)[0] == "wrong"


def test_whoever_cannot_read_the_page_after_all_is_not_counted(house: House) -> None:
    """It says nothing of their eye for errors."""
    say(house, "total", Action.CORRECT, "12.50")
    said = say(house, "total", Action.UNREADABLE, compared=True)

    assert (said.found, said.noticed) == (Found.ILLEGIBLE, Noticed.LEFT)
    with house.rt.transaction() as tx:
        assert store.overlooked(tx) == (0, 0)


def test_where_a_person_and_the_machine_differ_nothing_is_planted(house: House) -> None:
    """They see what was truly read."""
    shown = say(house, "total", Action.CORRECT, "12.60")

    assert shown.read == "12.50"
    assert outcomes(house) == []
    assert say(house, "total", Action.CORRECT, "12.60", compared=True).found is Found.WRONG


def test_an_error_is_planted_once_whoever_audits_it(house: House) -> None:
    """Who comes after somebody that went away is asked plainly, and is not counted."""
    audit = waiting(house, "total").audit_id
    say(house, audit, Action.CORRECT, "12.50")
    said = say(house, audit, Action.CORRECT, "12.50", who=BEN)

    assert (said.found, said.noticed) == (Found.RIGHT, None)
    assert outcomes(house) == [("ada", None)]


def test_nothing_planted_reaches_a_row_an_answer_or_a_view(house: House) -> None:
    """Nor the history of the document."""
    shown = say(house, "total", Action.CORRECT, "12.50")
    say(house, "total", Action.ACCEPT, compared=True)

    wrong = str(shown.read)
    assert house.rows("SELECT FROM planted_errors WHERE text = :wrong", wrong=wrong)
    for (view,) in house.rows("SELECT viewname FROM pg_views WHERE schemaname = 'reporting'"):
        assert not house.rows(
            f"SELECT FROM reporting.{view} AS v WHERE v::text LIKE :wrong", wrong=f"%{wrong}%"
        )
    for table in ("results", "audit_answers", "audits", "review_decisions", "events"):
        assert not house.rows(
            f"SELECT FROM {table} AS t WHERE t::text LIKE :wrong", wrong=f"%{wrong}%"
        )


def test_what_would_show_by_itself_is_not_planted(house: House) -> None:
    """No misread currency is a currency."""
    assert say(house, "currency", Action.CORRECT, "EUR").found is Found.RIGHT


def test_at_rate_0_nothing_is_planted(make_house: Make) -> None:
    """What says the same is right at once."""
    plain = a_house(make_house, audit_planted=0.0)

    assert say(plain, "total", Action.CORRECT, "12.50").found is Found.RIGHT
    assert outcomes(plain) == []


@pytest.mark.parametrize(
    ("shown", "overlooked", "days", "missed"),
    [
        (99, 0, 0, MISSED),
        (100, 0, 0, upper_bound(0, 100)),
        (100, 60, 0, upper_bound(60, 100)),
        (100, 60, 400, MISSED),  # people change
    ],
)
def test_certificates_rest_on_what_people_overlooked_of_planted_errors(
    make_house: Make, shown: int, overlooked: int, days: int, missed: float
) -> None:
    """As it is known when they are tested; who overlooks most errors certifies nothing."""
    house = a_drawn_house(make_house)
    read(house)
    copies(house, "before", 300, score="(0.9 + 0.0001 * n)")
    plan = planned(house, size=600)
    with house.rt.transaction() as tx:
        tx.session.execute(SHOWN, {"count": shown, "overlooked": overlooked, "days": days})
    copies(house, "after", 600)
    done = certify.run_test(ADA, plan.certificate_id, house.rt)

    assert done.plan.missed == missed
    assert (done.state == "certified") is (missed < 0.5)


@pytest.mark.parametrize(
    ("shown", "says"),
    [
        (99, "3 of 99 overlooked; before 100 were shown, certificates take it that people"),
        (100, "3 of 100 overlooked; people overlook at most 7.6 % of all errors (95 %)."),
    ],
)
def test_the_report_says_what_certificates_rest_on(
    make_house: Make, surefield: Any, shown: int, says: str
) -> None:
    """A bound, once enough were shown."""
    house = a_drawn_house(make_house)
    read(house)
    copies(house, "before", 100)
    with house.rt.transaction() as tx:
        tx.session.execute(SHOWN, {"count": shown, "overlooked": 3, "days": 0})

    assert f"Planted errors: {says}" in surefield("audit", "report")


def test_a_planted_error_is_gone_with_its_audit(house: House) -> None:
    """It holds something like the document's text."""
    say(house, "total", Action.CORRECT, "12.50")
    with house.rt.transaction() as tx:
        run = tx.session.connection().exec_driver_sql
        run("ALTER TABLE audit_answers DISABLE TRIGGER append_only")
        run("DELETE FROM audit_answers")
        run("DELETE FROM audits")

    assert outcomes(house) == []
    with house.rt.transaction() as tx:
        assert store.shown_to(tx, uuid4(), "ada") is None
