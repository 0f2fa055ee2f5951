"""What a whole document is takes one key, in a real browser."""

import pytest
from playwright.sync_api import expect

from tests.web.browser.conftest import snap
from tests.web.browser.test_reviewing import ready
from tests.web.making import TRUTH, a_slip

STANDS = "SELECT status, error_code FROM documents ORDER BY created_at"


@pytest.mark.parametrize(("key", "code"), [("o", "not_ours"), ("i", "illegible")])
def test_one_key_ends_all_questions_about_a_document(live, key, code):
    """The next document comes at once; U brings the first one back."""
    live.site.read()
    live.site.read(a_slip({**TRUTH, "payee": "Zwei AG"}))
    page = live.sign_in()
    page.goto("/review")
    ready(page, "date")
    first = page.locator("#now article.card").get_attribute("data-document")
    page.keyboard.press(key)
    live.wait_for(STANDS, [("rejected", code), ("in_review", None)])
    expect(page.locator("#banner")).to_contain_text("U takes it back")
    expect(page.locator(f"#now article.card[data-document='{first}']")).to_have_count(0)
    ready(page, "payee")
    snap(page, "review-judged")
    page.keyboard.press("u")
    live.wait_for(STANDS, [("in_review", None), ("in_review", None)])
    expect(page.locator(f"#now article.card[data-document='{first}']")).to_be_visible()


def test_a_duplicate_is_asked_of_which_document(live):
    """Those with the same number are one digit away; an address is taken too."""
    original = live.site.read(filename="first.pdf")
    live.site.read(a_slip({**TRUTH, "payee": "Nordlicht GmbH"}), filename="again.pdf")
    page = live.sign_in()
    second = live.site.house.rows("SELECT id FROM documents ORDER BY created_at DESC LIMIT 1")[0].id
    page.goto(f"/documents/{second}")
    expect(page.locator(".paper.drawn")).to_be_visible()
    page.keyboard.press("c")
    expect(page.locator("#ask")).to_contain_text("first.pdf")
    expect(page.locator("#ask")).to_contain_text("the same number RE-2026-0481")
    snap(page, "document-duplicate")
    page.locator("#ask input").fill("nonsense")
    page.keyboard.press("Enter")
    expect(page.locator("#ask .misfit")).to_contain_text("names no document")
    page.locator("#ask input").fill(f"{live.url}/documents/{original}")
    page.keyboard.press("Enter")
    live.wait_for(STANDS, [("in_review", None), ("rejected", "duplicate")])
    expect(page.locator(".bar .status")).to_have_text("rejected")
    snap(page, "document-rejected")
    page.keyboard.press("u")
    live.wait_for(STANDS, [("in_review", None)] * 2)
    expect(page.locator(".bar .status")).to_have_text("in review")
    page.keyboard.press("c")
    expect(page.locator("#ask[open]")).to_contain_text("first.pdf")
    page.keyboard.press("1")
    live.wait_for(STANDS, [("in_review", None), ("rejected", "duplicate")])


def test_a_document_that_is_not_shown_is_only_called_illegible(live):
    """Nobody says that a paper is not theirs who has not seen it."""
    live.site.read()
    page = live.sign_in()
    page.route("**/*.png*", lambda route: route.abort())
    page.goto("/review")
    ready(page, "date")
    page.keyboard.press("o")
    expect(page.locator("#banner")).to_contain_text("you can only say illegible")
    page.keyboard.press("i")
    live.wait_for("SELECT verdict, seen FROM document_verdicts", [("illegible", False)])
