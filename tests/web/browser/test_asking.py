"""The sender is asked: with one key on the review page, and answers on a telephone, without
JavaScript.
"""

from collections.abc import Callable

import pytest

from tests.questions.making import EVERYTHING, sent, the_question
from tests.web.browser.conftest import Live, snap
from tests.web.browser.test_reviewing import ready
from tests.web.conftest import MakeSite, SiteInTest
from tests.web.making import TRUTH, a_slip
from worker.actor import Actor
from worker.questions import actions
from worker.questions.types import New
from worker.tables.questions import Wanted

PHONE = {"width": 390, "height": 844}
VALUE = "1,284.50"


@pytest.fixture
def asking(make_site: MakeSite, serve_site: Callable[[SiteInTest], Live]) -> Live:
    """A site that asks senders, with slips that lack their total."""
    return serve_site(make_site({**TRUTH, "total": None}, changes={"ask_sender": EVERYTHING}))


def test_a_reviewer_asks_with_one_key(live: Live) -> None:
    """P leads to the question with its field chosen; the link is shown, and the field is gone."""
    document = live.site.read(filename="nordlicht.pdf")
    page = live.sign_in()
    page.goto("/review")
    ready(page)
    snap(page, "review-asks")
    page.keyboard.press("p")
    page.wait_for_url("**/ask?*")
    assert page.locator("input[name=wanted]:checked").get_attribute("value") == "value"
    snap(page, "ask")
    page.locator("textarea").fill("What does the slip say?")
    page.get_by_role("button", name="Ask").click()
    link = page.locator("code.link").inner_text()
    snap(page, "asked")
    assert live.site.house.status(document) == "needs_input"
    page.goto(f"/documents/{document}")
    assert "What does the slip say?" in page.locator(".asked").inner_text()
    assert link not in page.content()
    snap(page, "document-asked")


def test_a_sender_answers_on_a_telephone_without_javascript(asking: Live) -> None:
    """Nothing is wider than the screen; what does not fit is said, and then taken."""
    house = asking.site.house
    asked = the_question(house, document := sent(house, a_slip(), filename="nordlicht.pdf"))
    token = actions.renew(asked.question_id, house.rt).token
    page = asking.window(java_script_enabled=False)
    page.set_viewport_size(PHONE)
    page.goto(f"/q/{token}")
    snap(page, "question-phone")
    page.locator("input[name=text]").fill("twelve")
    page.get_by_role("button", name="Send the answer").click()
    page.get_by_role("alert").wait_for()
    page.locator("input[name=text]").fill(VALUE)
    page.get_by_role("button", name="Send the answer").click()
    assert "Thank you" in page.locator("h1").inner_text()
    snap(page, "question-answered-phone")
    assert house.status(document) == "reviewed"


def test_a_better_scan_is_sent_from_the_telephone(live: Live) -> None:
    """The form takes a file, and the document is read anew."""
    house = live.site.house
    document = live.site.read()
    new = New(wanted=Wanted.FILE, text="Please scan it again, flat and sharp.", doubt="illegible")
    token = actions.ask(Actor("ada"), document, new, house.rt).token
    page = live.window(java_script_enabled=False)
    page.set_viewport_size(PHONE)
    page.goto(f"/q/{token}")
    scan = {"name": "scan.pdf", "mimeType": "application/pdf", "buffer": a_slip()}
    page.locator("input[type=file]").set_input_files(scan)
    page.get_by_role("button", name="Send the answer").click()
    assert "Thank you" in page.locator("h1").inner_text()
    assert house.status(document) == "submitted"


@pytest.mark.parametrize("width", [390, 1280])
def test_no_page_of_the_question_is_wider_than_its_window(asking: Live, width: int) -> None:
    """Whatever is asked, with the longest words."""
    house = asking.site.house
    document = sent(house, a_slip(), filename="nordlicht.pdf")
    for wanted in (Wanted.TEXT, Wanted.FILE):
        new = New(wanted=wanted, text="long" * 200, doubt="x", page=1)
        actions.ask(Actor("ada"), document, new, house.rt)
    page = asking.window()
    page.set_viewport_size({"width": width, "height": 800})
    with house.rt.transaction() as tx:
        open_now = actions.store.listed(tx, document_id=document)
    for asked in open_now:
        page.goto(f"/q/{actions.renew(asked.question_id, house.rt).token}")
        assert page.evaluate("document.documentElement.scrollWidth") <= width
