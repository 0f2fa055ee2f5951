"""Every door takes the one answer, and refuses the second, the late and the foreign one alike."""

import base64
import json
import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

import pytest

from tests.delivery.conftest import send_all
from tests.pipeline.conftest import House, a_pdf
from tests.questions.making import (
    EVERYTHING,
    PASSWORD,
    an_asking_house,
    locked,
    questions,
    sent,
    the_question,
)
from tests.web.conftest import MakeSite, SiteInTest
from tests.web.making import TRUTH, a_slip
from worker.accounts import store as accounts
from worker.accounts.store import InvalidPerson
from worker.actor import Actor, Role
from worker.delivery import webhooks
from worker.pipeline import flow
from worker.questions import actions, store, tries
from worker.questions.types import Asked, New
from worker.tables.questions import QuestionState, Wanted

ADA = Actor("ada")
Command = Callable[..., str]
LACKING = {**TRUTH, "total": None}
VALUE = "1,284.50"  # as the page says it


@pytest.fixture
def site(make_site: MakeSite) -> SiteInTest:
    """A site that asks senders, with slips that lack their total."""
    return make_site(LACKING, changes={"ask_sender": EVERYTHING})


@dataclass
class Doors:
    """Each door as whoever stands before it: says ``answered``, or the code of the refusal."""

    site: SiteInTest
    surefield: Any

    def link(self, asked: Asked, text: str, *, token: str | None = None) -> str:
        """A person with the link, without JavaScript and without an account."""
        token = token or actions.renew(asked.question_id, self.site.house.rt).token
        answer = self.site.anybody().post(
            f"/q/{token}", data={"text": text}, follow_redirects=False
        )
        return {303: "answered", 404: "foreign", 409: "question_answered", 410: "question_over"}[
            answer.status_code
        ]

    def api(self, asked: Asked, text: str, *, upstream: str = "tests") -> str:
        """A program with the upstream's key."""
        answer = self.site.anybody().post(
            f"/v1/questions/{asked.question_id}/answer",
            json={"text": text},
            headers=self.site.key(upstream),
        )
        said = answer.json()
        if answer.status_code == 404:
            return "foreign"
        return "answered" if answer.status_code == 200 else str(said["code"])

    def command(self, asked: Asked, text: str) -> str:
        """An operator at the terminal."""
        with self.site.house.rt.transaction() as tx:
            over = not store.of_id(tx, asked.question_id).is_open
        said = self.surefield(
            "question", "answer", str(asked.question_id), "--text", text, fails=over
        )
        found = re.search(r"question_\w+|answered", said)
        assert found, said
        return found[0]


@pytest.fixture
def doors(site: SiteInTest, surefield: Any) -> Doors:
    return Doors(site, surefield)


def asked_about(site: SiteInTest) -> Asked:
    """A slip that lacks its total, and the question about it."""
    return the_question(site.house, sent(site.house, a_slip()))


def expire(house: House, asked: Asked) -> None:
    """Its time is over, and no sweep came yet."""
    with house.rt.sessions.begin() as session:
        session.connection().exec_driver_sql(
            "UPDATE questions SET expires_at = now() WHERE id = %s", (asked.question_id,)
        )


@pytest.mark.parametrize("door", ["link", "api", "command"])
def test_the_answer_is_taken_once_and_the_document_goes_on(doors: Doors, door: str) -> None:
    """Whichever door the second one comes through, it gets the same word."""
    house, asked = doors.site.house, asked_about(doors.site)
    token = actions.renew(asked.question_id, house.rt).token
    more = {"token": token} if door == "link" else {}

    assert getattr(doors, door)(asked, VALUE, **more) == "answered"
    house.work()

    assert house.status(asked.document_id) == "reviewed"
    assert house.results(asked.document_id)["total"].text == VALUE
    assert doors.link(asked, "9", token=token) == "question_answered"
    assert doors.api(asked, "9") == "question_answered"
    assert doors.command(asked, "9") == "question_answered"
    (row,) = questions(house, asked.document_id)
    assert (row.state, row.door, row.answer) == (QuestionState.ANSWERED, door, VALUE)
    assert house.results(asked.document_id)["total"].text == VALUE


@pytest.mark.parametrize("door", ["link", "api", "command"])
def test_an_answer_that_comes_late_is_refused_before_and_after_the_sweep(
    doors: Doors, door: str
) -> None:
    """The document is the reviewer's then."""
    house, asked = doors.site.house, asked_about(doors.site)
    token = actions.renew(asked.question_id, house.rt).token
    more = {"token": token} if door == "link" else {}
    expire(house, asked)
    assert getattr(doors, door)(asked, VALUE, **more) == "question_over"
    flow.sweep(house.rt, patience=flow.SLICE)
    assert getattr(doors, door)(asked, VALUE, **more) == "question_over"
    assert house.status(asked.document_id) == "in_review"


def test_foreign_links_and_keys_open_nothing(doors: Doors) -> None:
    """An unknown token, one that a newer one replaced, the key of another upstream."""
    house, asked = doors.site.house, asked_about(doors.site)
    old = actions.renew(asked.question_id, house.rt).token
    actions.renew(asked.question_id, house.rt)
    for token in (old, "x" * 43, "", "%2e%2e", "é" * 20):
        answer = doors.site.anybody().get(f"/q/{token}", follow_redirects=False)
        assert answer.status_code == 404, token
        assert "total" not in answer.text
    assert doors.site.anybody().get("/q/%00").status_code == 400  # no address at all
    assert doors.link(asked, VALUE, token=old) == "foreign"
    assert doors.api(asked, VALUE, upstream="others") == "foreign"
    headers = doors.site.key("others")
    client = doors.site.anybody()
    assert client.get("/v1/questions", headers=headers).json() == {"questions": []}
    of = f"/v1/questions/{asked.question_id}/link"
    assert client.post(of, headers=headers).status_code == 404
    assert client.get("/v1/questions").status_code == 401
    assert house.status(asked.document_id) == "needs_input"


def test_a_cancelled_document_asks_nobody_any_more(doors: Doors) -> None:
    """Its sender takes it back, and its link is over."""
    asked = asked_about(doors.site)
    token = actions.renew(asked.question_id, doors.site.house.rt).token
    cancel = f"/v1/documents/{asked.document_id}/cancel"
    answer = doors.site.anybody().post(cancel, headers=doors.site.key("tests"))
    assert answer.json()["status"] == "rejected"
    assert doors.link(asked, VALUE, token=token) == "question_over"
    (row,) = questions(doors.site.house, asked.document_id)
    assert (row.state, row.closed_by) == (QuestionState.WITHDRAWN, "upstream:tests")


def test_the_link_shows_its_question_and_its_page_and_no_other(site: SiteInTest) -> None:
    """Nor is it kept by caches, named to other sites, or found by search engines."""
    first, second = asked_about(site), asked_about(site)
    token = actions.renew(first.question_id, site.house.rt).token
    client = site.anybody()
    page = client.get(f"/q/{token}")
    assert page.status_code == 200
    assert first.key in page.text
    for other in (second.key, str(second.document_id), "Nordlicht", "RE-2026", "<script"):
        assert other not in page.text
    for answer in (page, image := client.get(f"/q/{token}/page.png")):
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["referrer-policy"] == "no-referrer"
        assert "noindex" in answer.headers["x-robots-tag"]
        assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert image.content.startswith(b"\x89PNG")
    client.post(f"/q/{token}", data={"text": VALUE})
    assert "Thank you" in client.get(f"/q/{token}").text
    assert client.get(f"/q/{token}/page.png").status_code == 409


def test_a_question_that_asks_for_no_page_shows_none(site: SiteInTest) -> None:
    """The link of a question is no way to look at the document."""
    document = sent(site.house, a_slip())
    new = New(wanted=Wanted.TEXT, text="Is it paid?", doubt="x")
    token = actions.ask(ADA, document, new, site.house.rt).token
    client = site.anybody()
    assert "page.png" not in client.get(f"/q/{token}").text
    assert client.get(f"/q/{token}/page.png").status_code == 404


def test_what_does_not_fit_is_said_on_the_page_and_taken_back_to(site: SiteInTest) -> None:
    """The question stays open; nothing typed is a mark-up of ours."""
    asked = asked_about(site)
    token = actions.renew(asked.question_id, site.house.rt).token
    client = site.anybody()
    wrong = client.post(f"/q/{token}", data={"text": "<b>twelve</b>"})
    assert wrong.status_code == 422
    assert 'role="alert"' in wrong.text
    assert "<b>twelve" not in wrong.text
    assert client.post(f"/q/{token}", data={"text": VALUE}).status_code == 200
    assert site.house.status(asked.document_id) == "reviewed"


@pytest.mark.parametrize("door", ["link", "api", "json"])
def test_a_better_scan_comes_under_the_limits_of_every_upload(
    make_site: MakeSite, door: str
) -> None:
    """What is no document, and what is too large, is refused; then the scan is read."""
    site = make_site(TRUTH, changes={"max_bytes": 50_000})
    document = sent(site.house, a_slip())
    new = New(wanted=Wanted.FILE, text="Again, please.", doubt="illegible")
    link = actions.ask(ADA, document, new, site.house.rt)
    client, headers = site.anybody(), site.key("tests")

    def upload(content: bytes) -> int:
        if door == "json":
            answer = client.post(
                f"/v1/questions/{link.question_id}/answer",
                json={"content_base64": base64.b64encode(content).decode()},
                headers=headers,
            )
        elif door == "api":
            url = f"/v1/questions/{link.question_id}/answer"
            answer = client.post(url, files={"file": ("s.pdf", content)}, headers=headers)
        else:
            url = f"/q/{link.token}"
            answer = client.post(url, files={"file": ("s.pdf", content)}, follow_redirects=False)
        return int(answer.status_code)

    assert upload(b"MZ no document") == 415
    assert upload(b"%PDF" + b" " * 60_000) == 413
    assert upload(b"%PDF" + b" " * 3_000_000) == 413
    assert upload(a_slip()) in (200, 303)
    site.house.work()
    assert site.house.status(document) == "accepted"
    assert upload(a_slip()) == 409


def test_the_same_password_opens_it_through_the_link(make_site: MakeSite) -> None:
    """A password in the form never comes back in a page."""
    site = make_site(TRUTH, changes={"ask_sender": EVERYTHING})
    document = sent(site.house, locked())
    token = actions.renew(the_question(site.house, document).question_id, site.house.rt).token
    answer = site.anybody().post(f"/q/{token}", data={"password": PASSWORD})
    assert answer.status_code == 200
    assert PASSWORD not in answer.text
    site.house.work()
    assert site.house.status(document) in {"accepted", "in_review"}


def test_a_link_that_is_tried_too_often_waits_and_no_other_does(
    site: SiteInTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Counted by link and by address, apart from signing in."""
    monkeypatch.setattr(tries, "MOST_OF_A_LINK", 3)
    first, second = asked_about(site), asked_about(site)
    tokens = [actions.renew(one.question_id, site.house.rt).token for one in (first, second)]
    client = site.anybody()
    codes = [client.get(f"/q/{tokens[0]}").status_code for _ in range(4)]
    assert codes == [200, 200, 200, 429]
    assert client.get(f"/q/{tokens[1]}").status_code == 200
    monkeypatch.setattr(tries, "MOST_FROM_AN_ADDRESS", 5)
    assert client.get(f"/q/{'x' * 43}").status_code == 429
    assert tokens[0] not in str(site.house.rows("SELECT * FROM question_tries"))


def test_of_answers_at_the_same_moment_one_is_taken(make_site: MakeSite) -> None:
    """Eight senders through two doors: one value, one decision, seven refusals."""
    site = make_site(LACKING, changes={"ask_sender": EVERYTHING}, options={"uploads_at_once": 8})
    doors, house, asked = Doors(site, None), site.house, asked_about(site)
    token = actions.renew(asked.question_id, house.rt).token

    def answer(number: int) -> str:
        if number % 2:
            return doors.api(asked, VALUE)
        return doors.link(asked, VALUE, token=token)

    with ThreadPoolExecutor(8) as threads:
        said = list(threads.map(answer, range(8)))

    assert sorted(said) == ["answered"] + ["question_answered"] * 7
    assert len(house.rows("SELECT 1 FROM review_decisions")) == 1
    assert house.status(asked.document_id) == "reviewed"


def test_a_webhook_brings_the_question_and_a_link_that_works(
    site: SiteInTest, receive: Any
) -> None:
    """Reminded, it is the same link; answered, what follows is told."""
    house = site.house
    receiver = receive()
    with house.rt.transaction() as tx:
        webhooks.add(tx, "tests", receiver.url, by="person:ada", kinds=None)
    asked = asked_about(site)
    send_all(house.rt)
    (told,) = [one for one in receiver.bodies() if one["type"] == "document.needs_input"]
    (question,) = told["data"]["questions"]
    assert question["question_id"] == str(asked.question_id)
    assert (question["wanted"], question["field"]) == ("value", "total")

    address = question["link"]
    assert address.startswith("/q/")  # this house has no address of its own
    assert site.anybody().post(address, data={"text": VALUE}).status_code == 200
    send_all(house.rt)
    assert receiver.types()[-1] == "document.completed"
    assert "questions" not in receiver.bodies()[-1]["data"]


def test_events_that_are_asked_for_name_no_link(site: SiteInTest) -> None:
    """They are read again and again; a link is made by POST /v1/questions/{id}/link."""
    asked = asked_about(site)
    client, headers = site.anybody(), site.key("tests")
    (said,) = [
        one
        for one in client.get("/v1/events", headers=headers).json()["events"]
        if one["type"] == "document.needs_input"
    ]
    assert said["data"]["code"] == "value"
    assert "/q/" not in json.dumps(said)
    (listed,) = client.get("/v1/questions", headers=headers).json()["questions"]
    assert UUID(listed["question_id"]) == asked.question_id
    made = client.post(f"/v1/questions/{asked.question_id}/link", headers=headers).json()["link"]
    assert client.get(made).status_code == 200


@pytest.mark.parametrize(
    "body",
    [{}, {"text": "1", "password": "x"}, {"text": None}, {"nonsense": 1}, {"text": 5},
     {"content_base64": "!"}],
)  # fmt: skip
def test_a_body_that_is_no_answer_is_refused(site: SiteInTest, body: dict[str, Any]) -> None:
    """With a problem that says what is taken; nothing moves."""
    asked = asked_about(site)
    answer = site.anybody().post(
        f"/v1/questions/{asked.question_id}/answer", json=body, headers=site.key("tests")
    )
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    assert site.house.status(asked.document_id) == "needs_input"


def test_a_reviewer_asks_with_one_key_and_withdraws(site: SiteInTest) -> None:
    """The link is shown once; the document's page says what was asked, and takes it back."""
    house = site.house
    document = sent(house, a_slip())
    ada = site.sign_in("ada")
    asked = the_question(house, document)
    page = ada.get(f"/documents/{document}").text
    assert "Asked of the sender" in page
    assert 'value="accept"' not in page  # nothing of it is decided meanwhile
    withdrawn = ada.post(f"/documents/{document}/questions/{asked.question_id}/withdraw")
    assert withdrawn.status_code == 303
    assert house.status(document) == "in_review"

    assert f"/documents/{document}/ask?field=total" in ada.get("/review").text
    form = ada.get(f"/documents/{document}/ask?field=total&page=1")
    assert form.status_code == 200
    made = ada.post(
        f"/documents/{document}/ask",
        {"wanted": "value", "field": "total", "text": "What is the total?", "page": "1"},
    )
    found = re.search(r"/q/([\w-]+)", made.text)
    assert found
    assert house.status(document) == "needs_input"
    assert found[1] not in ada.get(f"/documents/{document}").text
    assert site.anybody().post(f"/q/{found[1]}", data={"text": VALUE}).status_code == 200
    assert "sender (tests)" in ada.get(f"/documents/{document}").text
    for wrong in ({"wanted": "nonsense"}, {"wanted": "text", "text": " "}):
        assert ada.post(f"/documents/{document}/ask", {"text": "?", **wrong}).status_code == 409
    assert site.anybody().get(f"/documents/{document}/ask").status_code == 401


def test_a_senders_word_is_one_key_away_for_the_reviewer(site: SiteInTest) -> None:
    """Where no page says it, it is offered beside the field, with its author."""
    asked = asked_about(site)
    actions.answer(
        asked.question_id,
        actions.Answer(text="99.99"),
        site.house.rt,
        door="api",
        upstream="tests",
    )
    card = site.sign_in("ada").get("/review").text
    assert "99.99" in card
    assert "the sender (tests) says so" in card


def test_nobody_signs_in_under_the_name_of_a_sender(site: SiteInTest) -> None:
    """What such a person decided would pass for the sender's word."""
    for name in ("sender (tests)", " Sender (", "SENDER (erp)"):
        with pytest.raises(InvalidPerson), site.house.rt.transaction() as tx:
            accounts.add_person(tx, name, Role.REVIEWER)


def test_analysts_see_what_was_asked_and_never_a_password(make_site: MakeSite) -> None:
    """One row a question, with how long its answer took."""
    site = make_site(TRUTH, changes={"ask_sender": EVERYTHING})
    document = sent(site.house, locked())
    asked = the_question(site.house, document)
    said = actions.Answer(password=PASSWORD)
    actions.answer(asked.question_id, said, site.house.rt, door="api", upstream="tests")
    (row,) = site.house.rows("SELECT * FROM reporting.questions")
    assert (row.document_id, row.wanted, row.state) == (document, "password", "answered")
    assert row.took is not None
    assert row.answer is None
    assert PASSWORD not in str(row)


def test_questions_as_they_are_typed(make_house: Any, surefield: Command) -> None:
    """Asked, listed, linked, withdrawn."""
    house = an_asking_house(make_house)
    document = sent(house, a_pdf())
    link = surefield("question", "ask", str(document)[:8], "A better one?", "--file").strip()
    assert re.fullmatch(r"http://127\.0\.0\.1:\d+/q/[\w-]{43}", link)
    (one,) = json.loads(surefield("question", "list", "--json"))
    assert one["text"] == "A better one?"
    assert "A better one?" in surefield("question", "list", "--document", str(document)[:8])
    assert surefield("question", "link", one["question_id"][:8]).strip() != link
    assert "accepted" in surefield("question", "withdraw", one["question_id"][:8])
    assert "Nobody is asked" in surefield("question", "list")
    assert "withdrawn" in surefield("question", "list", "--all")
    assert "not_found" in surefield("question", "link", str(uuid4()), fails=True)
