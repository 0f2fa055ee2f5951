"""What the document itself says about a field stands beside it, and lights up where it is said."""

import re

from playwright.sync_api import expect

from tests.benchmarks.pipeline import TRUTH as INVOICE
from tests.benchmarks.pipeline import an_invoice
from tests.web.browser.conftest import snap
from tests.web.browser.test_reviewing import ready


def wrong_total(make_site):
    """A site that read another value of the page as the total of an A4 invoice."""
    site = make_site(truth={**INVOICE, "total": INVOICE["net"]})
    site.read(an_invoice(1), document_type="invoice", filename="brightwater.pdf")
    return site


def test_the_contradiction_stands_first_and_lights_its_place(make_site, serve_site):
    """The label's own value is framed on the page; W and a click both do it, F leads back."""
    live = serve_site(wrong_total(make_site))
    page = live.sign_in()
    page.goto("/review?field=total")
    ready(page, "total")
    heard = page.locator(".witnesses > li")
    expect(heard.first).to_have_class("denies")
    expect(heard.filter(has_text="label").first).to_contain_text("2,499.00")
    own = page.locator(".paper .frame").bounding_box()
    snap(page, "witnesses")

    page.keyboard.press("w")
    lit = page.locator("button.witness[aria-pressed=true]")
    expect(lit).to_have_count(1)
    expect(page.locator(".paper .frame.pointed").first).to_be_visible()
    snap(page, "witnesses-lit")
    there = page.locator(".paper .frame.pointed").first.bounding_box()
    assert own is not None
    assert there is not None
    assert abs(there["y"] - own["y"]) > 2 or abs(there["x"] - own["x"]) > 2

    page.keyboard.press("f")
    expect(page.locator(".paper .frame.pointed")).to_have_count(0)
    expect(lit).to_have_count(0)
    heard.filter(has_text="label").locator("button.witness").first.click()
    expect(page.locator(".paper .frame.pointed").first).to_be_visible()


def test_what_a_label_says_is_one_key_away(make_site, serve_site):
    """Offered with its source, before the model's own second thoughts."""
    live = serve_site(wrong_total(make_site))
    page = live.sign_in()
    page.goto("/review?field=total")
    ready(page, "total")
    first = page.locator(".choice").first
    expect(first).to_contain_text("2,499.00")
    expect(first.locator(".source")).to_have_text(re.compile("label|sums"))
    page.keyboard.press("1")
    live.wait_for(
        "SELECT d.action, r.text FROM review_decisions d JOIN results r ON r.id = d.result_id",
        [("correct", "2,499.00")],
    )


def test_the_witnesses_stand_beside_all_fields_of_a_document_too(make_site, serve_site):
    """The same list, with places on the document's pages."""
    site = wrong_total(make_site)
    live = serve_site(site)
    page = live.sign_in()
    (row,) = site.house.rows("SELECT id FROM documents")
    page.goto(f"/documents/{row.id}")
    field = page.locator(".fields > li[data-waits]", has=page.locator("li.denies")).first
    field.locator("button.witness").first.click()
    expect(page.locator(".paper .frame.pointed").first).to_be_visible()
    snap(page, "document-witnesses")
