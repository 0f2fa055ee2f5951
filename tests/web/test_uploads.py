"""Files that people hand in on the page of documents: the server's side of it."""

from dataclasses import replace

import pytest

from tests.web.making import a_slip
from tests.web.test_api import problem
from worker.actor import Role

CAUTION = "The model that reads here was made for slip and nothing else."


@pytest.fixture
def hand_in(site):
    """Sends one file from the page of a manager."""
    browser = site.sign_in("mia", Role.MANAGER)

    def send(content=None, document_type="slip", name="slip.pdf", by=browser, **more):
        files = {"file": (name, a_slip() if content is None else content, "application/pdf")}
        return by.post("/documents", {"document_type": document_type}, files=files, **more)

    return send


def test_a_dropped_file_becomes_a_document(site, hand_in):
    """Under the upstream `web`, its first event says who handed it in; then it goes its way."""
    answer = hand_in()
    assert answer.status_code == 201
    said = answer.json()
    assert (said["created"], said["caution"]) == (True, None)
    site.house.work()

    browser = site.sign_in("mia", Role.MANAGER)
    assert browser.get(said["url"]).status_code == 200
    state = browser.get(f"{said['url']}/state").json()
    assert (state["status"], state["rests"]) == ("in_review", True)
    assert "wait for a person" in state["message"]
    (sent,) = site.house.rows("SELECT upstream, filename FROM submissions")
    assert tuple(sent) == ("web", "slip.pdf")
    first, *_ = site.house.rows("SELECT actor FROM document_events ORDER BY id")
    assert first.actor == "person:mia"


def test_the_same_file_is_the_same_document(site, hand_in):
    """Whoever drops it; as another type it is another one."""
    content = a_slip()
    first = hand_in(content).json()
    again = hand_in(content, by=site.sign_in("max", Role.ADMIN), name="copy.pdf")
    assert (again.status_code, again.json()["created"]) == (200, False)
    assert again.json()["document_id"] == first["document_id"]
    assert hand_in(content, "auto").json()["document_id"] != first["document_id"]


@pytest.mark.parametrize(
    ("content", "document_type", "status", "code", "mend"),
    [
        (b"", "slip", 422, "invalid_submission", "empty"),
        (b"PK\x03\x04 a Word file", "slip", 415, "unsupported_file", "Print it to a PDF"),
        (None, "memo", 422, "unknown_document_type", "memo"),
        (b"%PDF" + b"x" * 2_000_000, "slip", 413, "too_large", "SUREFIELD_MAX_BYTES"),
    ],
    ids=["empty", "no paper", "no such type", "too large"],
)
def test_what_cannot_be_taken_is_refused_with_its_mend(
    make_site, content, document_type, status, code, mend
):
    """At once, and nothing is stored."""
    site = make_site(changes={"max_bytes": 1_500_000})
    files = {"file": ("a.pdf", a_slip() if content is None else content, "application/pdf")}
    answer = site.sign_in("mia", Role.MANAGER).post(
        "/documents", {"document_type": document_type}, files=files
    )
    assert mend in problem(answer, status, code)
    assert site.house.rows("SELECT * FROM submissions") == []


def test_a_request_without_a_file_is_refused_in_words(site):
    """Nothing chosen, or no form at all."""
    browser = site.sign_in("mia", Role.MANAGER)
    for answer in (
        browser.post("/documents", {"document_type": "slip"}),
        browser.post("/documents", {"document_type": "slip"}, files={"other": ("a", b"x")}),
        browser.post("/documents", headers={"content-type": "application/json"}),
    ):
        assert problem(answer, 422, "invalid_submission")


def test_a_reviewer_may_not_hand_in(site, hand_in):
    """Their page offers nothing, and the address refuses it before it reads the file."""
    reviewer = site.sign_in("ada")
    assert 'id="drop"' not in reviewer.get("/documents").text
    assert "reviewer" in problem(hand_in(by=reviewer), 403, "forbidden")
    for role in (Role.MANAGER, Role.ADMIN):
        page = site.sign_in(role.value, role).get("/documents").text
        assert 'id="drop"' in page
        assert 'value="auto"' in page
        assert 'value="slip"' in page
    assert site.house.rows("SELECT * FROM submissions") == []


def test_only_a_page_of_ours_hands_in(site, hand_in):
    """Nobody is signed in; the token is missing, or another's; the form stands on another site."""
    files = {"file": ("a.pdf", a_slip(), "application/pdf")}
    assert site.anybody().post("/documents", files=files).status_code == 403
    browser = site.sign_in("mia", Role.MANAGER)
    assert browser.client.post("/documents", files=files).status_code == 403
    assert hand_in(headers={"x-csrf-token": "f" * 64}).status_code == 403
    assert hand_in(headers={"sec-fetch-site": "cross-site"}).status_code == 403
    assert site.house.rows("SELECT * FROM submissions") == []


def test_a_file_that_fails_says_why_and_what_to_do(site, hand_in):
    """As its state is asked for; the state of no document is not found."""
    said = hand_in(b"%PDF-1.7 broken", name="broken.pdf").json()
    site.house.work()
    browser = site.sign_in("mia", Role.MANAGER)
    state = browser.get(f"{said['url']}/state").json()
    assert (state["status"], state["rests"]) == ("failed", True)
    assert "damaged" in state["message"]
    assert browser.get(f"/documents/{'0' * 8}-0000-0000-0000-{'0' * 12}/state").status_code == 404
    assert site.anybody().get(f"{said['url']}/state").status_code == 401


def test_a_type_that_the_model_was_not_made_for_is_said_at_once(site, hand_in, monkeypatch):
    """Before a page of it is read."""
    rt = replace(site.house.rt, caution=lambda name: None if name == "slip" else CAUTION)
    monkeypatch.setattr(site.app.state, "site", replace(site.app.state.site, rt=rt))
    assert hand_in(document_type="invoice").json()["caution"] == CAUTION
    assert hand_in(document_type="slip").json()["caution"] is None
