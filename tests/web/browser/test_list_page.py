"""The rows of a list set right in a real browser, by keyboard."""

import re

from playwright.sync_api import expect

from tests.web.browser.conftest import snap
from tests.web.browser.test_reviewing import ready
from tests.web.making import TRUTH

AMOUNTS = (
    "SELECT text FROM results WHERE name = 'items.amount' AND removed_at IS NULL ORDER BY ordinal"
)


def test_a_missing_row_is_added_beside_its_page(make_site, serve_site):
    """L from a field of the list; sums are said while one types; Ctrl+Enter saves."""
    live = serve_site(make_site({**TRUTH, "items": TRUTH["items"][:1]}))
    live.site.read(filename="nordlicht-march.pdf")
    page = live.sign_in()
    page.goto("/review?reason=list_incomplete")
    ready(page)
    page.keyboard.press("l")
    page.wait_for_url("**/lists/items*")
    expect(page.locator(".paper.drawn")).to_be_visible()
    expect(page.locator(".sums")).to_contain_text("adds up to 1100.00")
    page.keyboard.press("Alt+Enter")
    page.keyboard.type("Meter rent")
    page.keyboard.press("Tab")
    page.keyboard.type("184.5x")
    expect(page.locator(".means.misfit")).to_be_visible()
    page.keyboard.press("Backspace")
    page.keyboard.type("0")
    expect(page.locator(".sums")).to_contain_text("adds up to 1284.50")
    snap(page, "list")
    page.keyboard.press("Control+Enter")
    page.wait_for_url(re.compile("/documents/[^/]*$"))
    live.wait_for(AMOUNTS, [("1,100.00",), ("184.50",)])
    live.wait_for("SELECT status FROM documents", [("reviewed",)])


def test_rows_are_moved_and_removed_by_key_and_by_hand(live):
    """And one undo brings all of it back."""
    document = live.site.read()
    page = live.sign_in()
    page.goto(f"/documents/{document}/lists/items")
    first = page.locator("table.rows textarea").first
    expect(first).to_be_focused()
    expect(page.locator(".paper .box")).to_have_count(1)
    page.keyboard.press("Alt+ArrowDown")
    expect(page.locator("table.rows textarea").first).to_have_value("Meter rent")
    page.get_by_role("button", name="Remove this row").first.click()
    page.get_by_role("button", name="Save these rows").click()
    page.wait_for_url(re.compile("/documents/[^/]*$"))
    live.wait_for(AMOUNTS, [("1,100.00",)])
    page.keyboard.press("u")
    live.wait_for(AMOUNTS, [("1,100.00",), ("184.50",)])
    snap(page, "document-with-lists")


def test_rows_are_not_saved_unseen_and_not_lost_without_a_connection(live):
    """They stay on the page until they are saved."""
    document = live.site.read()
    page = live.sign_in()
    images = re.compile(r"\.png")
    page.route(images, lambda route: route.abort())
    page.goto(f"/documents/{document}/lists/items")
    page.keyboard.press("Control+Enter")
    expect(page.locator(".sight.loud")).to_contain_text("The page is not shown")
    page.unroute(images)
    page.goto(f"/documents/{document}/lists/items")
    expect(page.locator(".paper.drawn")).to_be_visible()
    page.get_by_role("button", name="Remove this row").first.click()
    page.context.set_offline(True)
    page.keyboard.press("Control+Enter")
    expect(page.get_by_text("The rows are not saved")).to_be_visible()
    page.context.set_offline(False)
    page.get_by_role("button", name="Save these rows").click()
    live.wait_for(AMOUNTS, [("184.50",)])
