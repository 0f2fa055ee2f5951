"""Nobody confirms what they have not seen, in a real browser."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.web.browser.conftest import Live, snap
from tests.web.browser.test_reviewing import ready
from tests.web.making import TRUTH

IMAGES = re.compile(r"/documents/.*\.png")
DECISIONS = "SELECT count(*) FROM review_decisions"


def blind(live: Live, **options: object) -> Page:
    """A window that gets no page image."""
    page = live.sign_in()
    page.route(IMAGES, lambda route: route.fulfill(status=404))
    return page


@pytest.mark.parametrize("key", ["Enter", "a", "1"])
def test_no_key_confirms_a_field_whose_page_is_not_drawn(live, key):
    """The reason is shown, and nothing is kept."""
    live.site.read()
    page = blind(live)
    page.goto("/review?field=total")
    ready(page, "total")
    page.keyboard.press(key)
    expect(page.locator(".sight.loud")).to_contain_text("The page is not shown")
    expect(page.locator(".sight")).to_contain_text("missing from the store")
    snap(page, "review-unseen")
    live.wait_for(DECISIONS, [(0,)])


def test_what_cannot_be_seen_can_be_called_unreadable(live):
    """That is the truth then; it is kept that the page was not seen."""
    live.site.read()
    page = blind(live)
    page.goto("/review?field=total")
    ready(page, "total")
    page.keyboard.press("x")
    live.wait_for("SELECT action, seen FROM review_answers", [("unreadable", False)])


def test_a_field_can_be_decided_as_soon_as_its_page_comes(live):
    """The image is asked for again until it is there; then Enter accepts."""
    live.site.read()
    page = blind(live)
    page.goto("/review?field=total")
    ready(page, "total")
    expect(page.locator(".sight")).to_contain_text("The page is not shown")
    page.unroute(IMAGES)
    expect(page.locator(".paper.drawn")).to_be_visible()
    expect(page.locator(".sight")).to_be_empty()
    page.keyboard.press("Enter")
    live.wait_for("SELECT action, seen FROM review_answers", [("accept", True)])


def test_in_a_document_too_nothing_unseen_is_decided(live):
    """All fields beside a page that is not there: only unreadable is taken."""
    document = live.site.read()
    page = blind(live)
    page.goto(f"/documents/{document}")
    lit = page.locator(".fields > li.lit")
    expect(lit.locator(".sight")).to_contain_text("The page is not shown")
    page.keyboard.press("Enter")
    page.keyboard.press("a")
    expect(lit.locator(".sight.loud")).to_be_visible()
    live.wait_for(DECISIONS, [(0,)])
    page.keyboard.press("x")
    live.wait_for("SELECT action, seen FROM review_answers", [("unreadable", False)])


def test_enter_confirms_no_absence_but_says_which_key_does(make_site, serve_site):
    """A required field that nobody read: Enter is a habit, A is a word."""
    live = serve_site(make_site({**TRUTH, "total": None}))
    live.site.read()
    page = live.sign_in()
    page.goto("/review?field=total")
    ready(page, "total")
    page.keyboard.press("Escape")
    page.keyboard.press("Enter")
    expect(page.locator(".sight.loud")).to_contain_text("Press A")
    snap(page, "review-absence")
    live.wait_for(DECISIONS, [(0,)])
    page.keyboard.press("a")
    live.wait_for("SELECT action, seen FROM review_answers", [("absent", True)])
