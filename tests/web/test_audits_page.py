"""The page of audits, as a browser without scripts uses it."""

import pytest

from tests.audits.making import a_suspended_certificate
from tests.web.conftest import MakeSite, SiteInTest
from tests.web.making import TRUTH, a_slip


@pytest.fixture
def audited(make_site: MakeSite) -> SiteInTest:
    """One slip whose every accepted row is drawn."""
    site = make_site(changes={"audit_rate": 1.0})
    site.house.submit(a_slip(TRUTH))
    site.house.work()
    return site


def audits(site: SiteInTest) -> dict[str, str]:
    return {
        row.name: str(row.id)
        for row in site.house.rows(
            "SELECT a.id, r.name FROM audits a JOIN results r ON r.id = a.result_id"
        )
    }


def test_the_page_shows_nothing_of_what_was_read(audited: SiteInTest) -> None:
    """Neither the value nor where it was read, in no attribute either."""
    page = audited.sign_in().get("/audits").text

    assert "Type what the page says" in page
    for value in ("Nordlicht", "0481", "1,284.50", "14/03/2026"):
        assert value not in page
    assert "&#34;boxes&#34;: []" in page


def test_what_says_the_same_leads_to_the_next_one(audited: SiteInTest) -> None:
    """And the audit is done."""
    ada = audited.sign_in()
    audit = audits(audited)["total"]

    answered = ada.post(
        f"/audits/{audit}", {"action": "correct", "text": "1284.50", "seen": "true"}
    )

    assert answered.status_code == 303
    assert answered.headers["location"].endswith("/audits?found=right")
    assert audited.house.rows("SELECT found FROM audits WHERE judged_by = 'ada'") == [("right",)]


def test_what_differs_is_shown_beside_the_reading(audited: SiteInTest) -> None:
    """With a way to stay, and one to give way."""
    ada = audited.sign_in()
    audit = audits(audited)["total"]

    page = ada.post(f"/audits/{audit}", {"action": "correct", "text": "1,284.60", "seen": "true"})

    assert page.status_code == 200
    assert "1,284.50" in page.text
    assert "1,284.60" in page.text
    done = ada.post(
        f"/audits/{audit}",
        {"action": "correct", "text": "1,284.60", "seen": "true", "compared": "true"},
    )
    assert done.status_code == 303
    assert audited.house.rows("SELECT text FROM results WHERE name = 'total'") == [("1,284.60",)]


def test_typed_text_is_shown_as_text(audited: SiteInTest) -> None:
    """Whatever somebody types."""
    hostile = "<script>alert(1)</script>"
    page = audited.sign_in().post(
        f"/audits/{audits(audited)['payee']}",
        {"action": "correct", "text": hostile, "seen": "true"},
    )

    assert hostile not in page.text
    assert "&lt;script&gt;" in page.text


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        ({"action": "correct", "text": "1"}, 422),  # not seen
        ({"action": "accept", "seen": "true"}, 422),  # before saying anything
        ({"action": "rows", "seen": "true"}, 422),
        ({"action": "correct", "text": "", "seen": "true"}, 422),
    ],
)
def test_what_makes_no_sense_is_refused(
    audited: SiteInTest, sent: dict[str, str], status: int
) -> None:
    """And nothing is kept."""
    answered = audited.sign_in().post(f"/audits/{audits(audited)['total']}", sent)

    assert answered.status_code == status
    assert audited.house.rows("SELECT * FROM audit_answers") == []


def test_nobody_audits_without_signing_in(audited: SiteInTest) -> None:
    """Neither the page nor an answer."""
    stranger = audited.anybody()

    assert stranger.get("/audits", follow_redirects=False).status_code in (303, 401)
    posted = stranger.post(f"/audits/{audits(audited)['total']}", data={"action": "absent"})
    assert posted.status_code in (401, 403)


def test_when_nothing_waits_the_page_says_what_was_found(make_site: MakeSite) -> None:
    """And which setting draws."""
    page = make_site(changes={"audit_rate": 0.0}).sign_in().get("/audits").text

    assert "No audit waits" in page
    assert "SUREFIELD_AUDIT_RATE" in page


def test_an_alarm_about_a_certificate_stands_on_the_page(audited: SiteInTest) -> None:
    """Whoever audits learns why it is urgent, also when nothing waits any more."""
    ada = audited.sign_in()
    assert "is suspended" not in ada.get("/audits").text
    with audited.house.rt.transaction() as tx:
        a_suspended_certificate(tx)
    assert "is suspended: many doubtful ones" in ada.get("/audits").text

    with audited.house.rt.transaction() as tx:
        tx.session.connection().exec_driver_sql("DELETE FROM audits")
    page = ada.get("/audits").text
    assert "No audit waits" in page
    assert "is suspended: many doubtful ones" in page


def test_of_a_document_that_is_drawn_whole_the_page_asks_for_the_rows_of_its_list(
    make_site: MakeSite,
) -> None:
    """Not for the first row's cells; what differs leads to the list, to set it right."""
    site = make_site(changes={"audit_documents": 1.0})
    document = site.house.submit(a_slip(TRUTH))
    site.house.work()
    (list_audit,) = site.house.rows("SELECT id, rows_read FROM audits WHERE of_list = 'items'")
    with site.house.rt.transaction() as tx:
        tx.session.connection().exec_driver_sql("UPDATE audits SET urgent = (of_list IS NOT NULL)")
    ada = site.sign_in()

    page = ada.get("/audits").text
    assert "Count the rows of this list" in page
    assert "number of rows" in page
    more = str(list_audit.rows_read + 1)
    said = {"action": "correct", "text": more, "seen": "true"}
    assert "another number of rows" in ada.post(f"/audits/{list_audit.id}", said).text
    done = ada.post(f"/audits/{list_audit.id}", {**said, "compared": "true"})

    assert done.status_code == 303
    assert done.headers["location"].endswith(f"/documents/{document}/lists/items")
    assert "No audit waits" not in ada.get("/audits").text


def test_an_error_that_was_planted_is_told_at_once(make_site: MakeSite) -> None:
    """The page looks like any other that compares; the next one says what it was."""
    site = make_site(changes={"audit_rate": 1.0, "audit_planted": 1.0})
    site.house.submit(a_slip(TRUTH))
    site.house.work()
    ada, audit = site.sign_in(), audits(site)["total"]
    said = {"action": "correct", "text": "1284.50", "seen": "true"}

    page = ada.post(f"/audits/{audit}", said)
    (shown,) = site.house.rows("SELECT text FROM planted_errors")
    assert shown.text in page.text
    assert "made up" not in page.text
    done = ada.post(f"/audits/{audit}", {"action": "accept", "seen": "true", "compared": "true"})

    assert done.headers["location"].endswith("/audits?found=right&planted=overlooked")
    told = ada.get(done.headers["location"]).text
    assert "was made up, to see who notices. The machine had read what you typed first" in told
    assert "made up" not in ada.get("/audits?planted=<b>").text
