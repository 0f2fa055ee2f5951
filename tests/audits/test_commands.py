"""Audits and certificates as they are typed."""

import json

import pytest

from extractors.backends.scripted import Line
from tests.audits.test_certificates import a_house, certificate, copies, read
from tests.cli.test_commands import surefield  # noqa: F401  a fixture
from tests.pipeline.conftest import TRUTH, House, Make, a_pdf


@pytest.fixture
def house(make_house: Make) -> House:
    """One accepted document, with all that its score decided drawn."""
    made = make_house(Line(truth={**TRUTH, "date": "14/04/2026"}), audit_rate=1.0)
    made.submit(a_pdf("Foo Ltd A-17", "14/04/2026", "Total 12.50 EUR"), filename="slip.pdf")
    made.work()
    return made


def audit_of(surefield, field: str) -> str:
    listed = json.loads(surefield("audit", "list", "--json"))
    return next(one["audit"] for one in listed if one["field"] == field)


def test_the_list_names_documents_and_nothing_of_what_was_read(house, surefield):
    """Whoever audits by command looks at the page by the document's id."""
    said = surefield("audit", "list")
    document = str(house.rows("SELECT id FROM documents")[0].id)

    assert document[:8] in said
    assert "slip.pdf" in said
    assert "12.50" not in said + surefield("audit", "list", "--json")


def test_what_differs_is_said_and_said_again_it_is_corrected(house, surefield):
    """The first answer ends with an error, so that no script takes it for done."""
    audit = audit_of(surefield, "total")
    asked = ("audit", "answer", audit, "--seen", "--text", "12.60", "--who", "ada")
    surefield(*asked, fails=True)
    assert house.rows("SELECT text FROM results WHERE name = 'total'") == [("12.50",)]

    assert "wrong, and corrected" in surefield(*asked, "--compared")
    assert house.rows("SELECT text FROM results WHERE name = 'total'") == [("12.60",)]


def test_a_right_reading_is_right_and_the_report_bounds_the_rest(house, surefield):
    """One judged says next to nothing: at most 95 % are wrong."""
    audit = audit_of(surefield, "total")
    said = surefield("audit", "answer", audit[:8], "--seen", "--text", "12.50", "--who", "ada")
    (row,) = json.loads(surefield("audit", "report", "--json"))

    assert "total: right" in said
    assert (row["judged"], row["wrong"]) == (1, 0)
    assert row["at_most"] == pytest.approx(0.95)
    assert "95.00 %" in surefield("audit", "report")


@pytest.mark.parametrize("words", [(), ("--absent", "--text", "x"), ("--absent", "--unreadable")])
def test_an_answer_is_one_of_its_options(house, surefield, words):
    """None and two are refused, and nothing is kept."""
    audit = audit_of(surefield, "total")

    assert "exactly one" in surefield("audit", "answer", audit, "--seen", *words, fails=True)
    assert house.rows("SELECT * FROM audit_answers") == []


def test_a_promise_is_planned_tested_listed_and_withdrawn(make_house: Make, surefield):
    """Each by one command, with an id's beginning."""
    house = a_house(make_house)
    read(house)
    copies(house, "before", 300)
    assert "1 %" in surefield("certify", "plan", "slip", "--size", "500", "--who", "ada")
    (planned,) = json.loads(surefield("certify", "list", "--json"))
    name = planned["certificate"][:8]
    assert "not drawn yet" in surefield("certify", "test", name, "--who", "ada", fails=True)
    copies(house, "after", 500)

    said = surefield("certify", "test", name, "--who", "ada")
    assert "certified" in said
    (held,) = json.loads(surefield("certify", "list", "--type", "slip", "--json"))
    assert (held["state"], held["judged"], held["wrong"]) == ("certified", 500, 0)
    assert "Say why" in surefield("certify", "withdraw", name, "--who", "ada", fails=True)
    surefield("certify", "withdraw", name, "--because", "a new printer", "--who", "ada")
    assert house.rows("SELECT state FROM certificates") == [("withdrawn",)]


@pytest.fixture
def alarmed(make_house: Make) -> House:
    """One accepted document under a certificate that an alarm suspended."""
    house = a_house(make_house)
    read(house)
    copies(house, "before", 300, score="(0.9 + 0.0001 * n)")
    held = certificate(house)
    read(house, "accepted by it")
    with house.rt.transaction() as tx:
        tx.session.connection().exec_driver_sql(
            "UPDATE certificates SET state = 'suspended', alarm = 'worse pages',"
            f" alarmed_at = now(), changed_at = tested_at WHERE id = '{held.certificate_id}'"
        )
    return house


def test_the_list_says_what_an_alarm_rests_on_and_how_to_go_on(alarmed, surefield):
    """In words and in JSON."""
    said = " ".join(surefield("certify", "list").split())
    (row,) = json.loads(surefield("certify", "list", "--json"))

    assert "is suspended: worse pages." in said
    assert "surefield certify resume" in said
    assert (row["state"], row["alarm"]["because"]) == ("suspended", "worse pages")


def test_a_certificate_is_resumed_with_a_reason(alarmed, surefield):
    """Once."""
    (row,) = json.loads(surefield("certify", "list", "--json"))
    resume = ("certify", "resume", row["certificate"][:8], "--who", "ada")
    assert "Say why" in surefield(*resume, fails=True)

    assert "resumed" in surefield(*resume, "--because", "clean glass")
    assert json.loads(surefield("certify", "list", "--json"))[0]["state"] == "certified"
    assert "is certified" in surefield(*resume, "--because", "again", fails=True)


def test_recheck_lists_what_was_released_and_puts_its_audits_first(alarmed, surefield):
    """By the certificate since its alarm, or by a time."""
    (row,) = json.loads(surefield("certify", "list", "--json"))
    rows = json.loads(surefield("recheck", "--certificate", row["certificate"], "--json"))

    assert {one["certificate"] for one in rows} == {row["certificate"]}
    assert "number" in {one["field"] for one in rows}
    said = surefield("recheck", "--since", "2020-01-31")
    assert "audits come first now" in " ".join(said.split())
    assert "Since when?" in surefield("recheck", fails=True)
