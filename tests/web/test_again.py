"""Reading a document again from its page."""

from extractors.backends.scripted import Line
from tests.web.conftest import SiteInTest
from tests.web.making import TRUTH
from worker.accounts.tables import Role


def test_a_reviewer_reads_a_document_again_from_its_page(site: SiteInTest) -> None:
    """The page has the button, the document begins anew, and the event names who asked."""
    document = site.read()
    ada = site.sign_in()
    assert f"/documents/{document}/reread" in ada.get(f"/documents/{document}").text

    answer = ada.post(f"/documents/{document}/reread")

    assert (answer.status_code, site.house.status(document)) == (303, "untriaged")
    page = ada.get(f"/documents/{document}").text
    assert f"/documents/{document}/reread" not in page
    site.house.work()
    assert "answer 2" in ada.get(f"/documents/{document}").text
    rows = site.house.rows("SELECT actor FROM document_events WHERE code = 'reread'")
    assert [row.actor for row in rows] == ["person:ada"]


def test_who_decided_before_is_on_the_page_of_the_next_answer(site: SiteInTest) -> None:
    """Carried over: by whom. Read otherwise: both values, the decided one under a key."""
    document = site.read()
    ada = site.sign_in()
    items = site.items(document)
    assert ada.decide(items["total"], "correct", "1,284.60").status_code == 200
    assert ada.decide(items["date"], "accept").status_code == 200
    changed = Line(truth={**TRUTH, "date": "15/03/2026"}, doubts={"total": 0.41, "date": 0.62})
    site.house.backend._script = lambda page, spec: changed

    assert ada.post(f"/documents/{document}/reread").status_code == 303
    site.house.work()

    page = ada.get(f"/documents/{document}").text
    assert "1,284.60" in page
    assert "by <bdi>ada</bdi>" in page
    assert "ada decided “14/03/2026” before; now “15/03/2026” is read" in page
    assert 'data-choice="14/03/2026"' in page
    assert set(site.items(document)) == {"date"}


def test_a_document_on_its_way_is_not_read_again(site: SiteInTest) -> None:
    """A conflict that says what to do, not a second run."""
    document = site.read()
    boss = site.sign_in("boss", Role.MANAGER)
    assert boss.post(f"/documents/{document}/reread").status_code == 303

    assert boss.post(f"/documents/{document}/reread").status_code == 409


def test_only_our_own_page_may_ask_for_it(site: SiteInTest) -> None:
    """A form of another site, or nobody signed in, reads nothing."""
    document = site.read()
    ada = site.sign_in()
    url = f"/documents/{document}/reread"

    assert ada.post(url, headers={"x-csrf-token": "forged"}).status_code == 403
    assert site.anybody().post(url, follow_redirects=False).status_code in {401, 403, 303}

    assert site.house.status(document) == "in_review"


def test_a_carried_decision_of_somebody_else_is_a_managers_to_take_back(
    site: SiteInTest,
) -> None:
    """As it was before the document was read again."""
    document = site.read()
    ada = site.sign_in()
    assert ada.decide(site.items(document)["total"], "correct", "1,284.60").status_code == 200
    ada.post(f"/documents/{document}/reread")
    site.house.work()
    (row,) = site.house.rows(
        "SELECT i.id FROM review_items i JOIN results r ON r.id = i.result_id JOIN documents d ON"
        " d.id = r.document_id AND d.generation = r.generation WHERE r.name = 'total'"
    )

    assert site.sign_in("ben").decide(row.id, "undo", version=2).status_code == 403
    assert ada.decide(row.id, "undo", version=2).status_code == 200
