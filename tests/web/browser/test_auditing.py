"""Audits in a real browser, by keyboard."""

import re

import pytest
from playwright.sync_api import expect

from tests.web.browser.conftest import snap
from tests.web.making import TRUTH

FOUND = (
    "SELECT r.name, a.found FROM audits a JOIN results r ON r.id = a.result_id"
    " WHERE a.found IS NOT NULL ORDER BY a.judged_at"
)


@pytest.fixture
def audited(make_site, serve_site):
    """One slip whose accepted rows are all drawn."""
    live = serve_site(make_site(changes={"audit_rate": 1.0}))
    live.site.read(filename="nordlicht-march.pdf")
    return live


def asked(page):
    """The field that is asked for, once its page is drawn."""
    expect(page.locator(".audit:not(.unseen)")).to_be_visible()
    return page.locator("#what").inner_text().lower()


def test_enter_says_what_was_typed_and_the_next_one_comes(audited):
    """The cursor stands in the text field; no box on the page says where it was read."""
    page = audited.sign_in()
    page.goto("/audits")
    field = asked(page)
    expect(page.locator("textarea[name=text]")).to_be_focused()
    expect(page.locator(".paper .box")).to_have_count(0)
    snap(page, "audit")
    page.keyboard.type(str(TRUTH[field]))
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile("found=right"))
    audited.wait_for(FOUND, [(field, "right")])
    assert asked(page) != field


def test_two_that_differ_are_compared_and_enter_chooses_neither(audited):
    """A key each: the value is corrected, or the machine was right."""
    page = audited.sign_in()
    page.goto("/audits")
    field = asked(page)
    page.keyboard.type("Something else")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_contain_text("The machine read something else")
    expect(page.locator(".two")).to_contain_text(str(TRUTH[field]))
    snap(page, "audit-compares")
    asked(page)
    page.keyboard.press("Enter")
    expect(page.locator(".two")).to_be_visible()
    audited.wait_for(FOUND, [])
    page.keyboard.press("Alt+2")
    page.wait_for_url(re.compile("found=right"))
    audited.wait_for(FOUND, [(field, "right")])


def test_a_wrong_value_is_corrected_by_a_key(audited):
    """With its author."""
    page = audited.sign_in()
    page.goto("/audits")
    assert asked(page) == "payee"
    page.keyboard.type("Nordlicht Gas GmbH")
    page.keyboard.press("Enter")
    expect(page.locator(".two")).to_be_visible()
    asked(page)
    page.keyboard.press("Alt+1")
    page.wait_for_url(re.compile("found=wrong"))
    audited.wait_for(
        "SELECT text, decision FROM results WHERE name = 'payee'",
        [("Nordlicht Gas GmbH", "reviewed")],
    )


def test_nothing_is_said_of_a_page_that_is_not_drawn(audited):
    """Only that nobody can read it."""
    page = audited.sign_in()
    page.route("**/pages/*.png*", lambda route: route.abort())
    page.goto("/audits")
    page.keyboard.type("x")
    page.keyboard.press("Enter")
    expect(page.locator(".sight")).to_contain_text("The page is not shown")
    assert audited.site.house.rows("SELECT * FROM audit_answers") == []
    page.keyboard.press("Alt+x")
    page.wait_for_url(re.compile("found=illegible"))
