"""An accepted value is corrected on the document's page, in a real browser."""

import pytest
from playwright.sync_api import expect

from tests.web.browser.conftest import snap

WHO = "SELECT text, decision, decided_by FROM reporting.field_outcomes WHERE field = 'number'"


@pytest.fixture
def accepted(make_site, serve_site):
    """A document of which every field was accepted."""
    live = serve_site(make_site())
    live.document = live.site.read(filename="nordlicht-march.pdf")
    return live


def test_e_corrects_an_accepted_value_beside_its_page(accepted):
    """Its place is lit, the parser speaks, Enter saves, U takes it back."""
    live = accepted
    page = live.sign_in()
    page.goto(f"/documents/{live.document}")
    row = page.locator(".fields > li", has_text="number")
    row.click()
    expect(page.locator(".paper .box")).to_have_count(1)
    page.keyboard.press("a")  # no single key changes what was accepted
    page.keyboard.press("e")
    expect(row.locator("textarea")).to_be_focused()
    page.keyboard.press("Control+a")
    page.keyboard.type("RE-2026-0482")
    expect(row.locator(".feedback")).to_contain_text("fits")
    snap(page, "document-correcting")
    page.keyboard.press("Enter")
    live.wait_for(WHO, [("RE-2026-0482", "reviewed", "ada")])
    expect(row.locator(".status")).to_have_text("reviewed")
    expect(row).to_contain_text("the machine had read RE-2026-0481")
    expect(page.locator(".bar .status")).to_have_text("reviewed")
    page.keyboard.press("u")
    live.wait_for(WHO, [("RE-2026-0481", "accepted", None)])
    expect(page.locator(".bar .status")).to_have_text("accepted")
    live.wait_for("SELECT action FROM review_decisions ORDER BY id", [("correct",), ("undo",)])


def test_a_correction_can_be_left_and_says_what_does_not_fit(accepted):
    """Escape and the button leave it; a refused text stays to be mended."""
    live = accepted
    page = live.sign_in()
    page.goto(f"/documents/{live.document}")
    row = page.locator(".fields > li", has_text="total")
    row.click()
    row.get_by_role("button", name="Correct").click()
    row.locator("textarea").fill("many")
    page.keyboard.press("Enter")
    expect(row.locator(".feedback")).to_contain_text("does not fit")
    row.get_by_role("button", name="Leave it").click()
    expect(row.locator("textarea")).to_be_hidden()
    live.wait_for("SELECT count(*) FROM review_decisions", [(0,)])


def test_two_who_correct_the_same_value_see_each_other(accepted):
    """The second is told, and the page shows what the first said."""
    live = accepted
    page = live.sign_in()
    page.goto(f"/documents/{live.document}")
    row = page.locator(".fields > li", has_text="number")
    row.click()
    page.keyboard.press("e")
    page.keyboard.type("9")
    live.site.sign_in("ben").post(
        f"/documents/{live.document}/correct",
        {"field": "number", "action": "correct", "text": "RE-1", "seen": "true", "version": 1},
    )
    page.keyboard.press("Enter")
    expect(page.locator("#conflict")).to_contain_text("was changed or is held")
    page.keyboard.press("Enter")
    expect(row).to_contain_text("RE-1")
    live.wait_for(WHO, [("RE-1", "reviewed", "ben")])
