"""After an outage the review page recovers by itself; phones and zoom."""

import re

import pytest
from playwright.sync_api import expect

from tests.pipeline.conftest import a_pdf
from tests.web.browser.conftest import snap
from tests.web.browser.test_reviewing import prefetched, ready
from tests.web.making import TRUTH, a_slip
from worker.actor import Role

ACTIONS = "SELECT action FROM review_decisions ORDER BY id"


def test_a_decided_field_takes_no_further_key(live):
    """Without a connection the next field does not come: Enter four times is one decision."""
    live.site.read()
    page = live.sign_in()
    page.route("**/review/next*", lambda route: route.abort())
    page.goto("/review")
    ready(page, "date")
    page.context.set_offline(True)
    for key in ("Enter", "Enter", "a", "x", "Enter"):
        page.keyboard.press(key)
    expect(page.get_by_text("The next field cannot be loaded")).to_be_visible()
    expect(page.get_by_text("1 not saved yet")).to_be_visible()
    snap(page, "review-outage")
    page.unroute("**/review/next*")
    page.context.set_offline(False)
    ready(page, "total")
    live.wait_for(ACTIONS, [("accept",)])
    expect(page.locator("#banner")).to_be_hidden()
    expect(page.get_by_text("not saved yet")).to_have_count(0)
    page.keyboard.press("Enter")
    live.wait_for(ACTIONS, [("accept",), ("accept",)])


def test_the_image_comes_by_itself_when_the_connection_is_back(live):
    """A broken image is asked for again; meanwhile nothing is confirmed."""
    live.site.read()
    page = live.sign_in()
    images = re.compile(r"\.png")
    page.route(images, lambda route: route.abort())
    page.goto("/review")
    ready(page, "date")
    expect(page.locator(".sight")).to_contain_text("There is no connection")
    page.unroute(images)
    expect(page.locator(".paper.drawn")).to_be_visible()
    page.keyboard.press("Enter")
    live.wait_for(ACTIONS, [("accept",)])


def test_decisions_of_an_outage_are_sent_in_order_and_every_conflict_is_shown(live):
    """Two fields were decided by somebody else meanwhile: both are told, and stay as they are."""
    live.site.read()
    page = live.sign_in()
    page.goto("/review")
    ready(page, "date")
    prefetched(page)
    page.context.set_offline(True)
    page.keyboard.press("a")
    ready(page, "total")
    page.keyboard.press("a")
    expect(page.get_by_text("2 not saved yet")).to_be_visible()
    live.run("UPDATE review_items SET leased_by = NULL, lease_until = NULL")
    ben = live.site.sign_in("ben")
    for item in live.site.items().values():
        ben.decide(item, "accept")
    page.context.set_offline(False)
    conflict = page.locator("#conflict[open]")
    expect(conflict.get_by_text("ben accepted")).to_have_count(0)
    expect(conflict.get_by_role("heading", name="Somebody was faster")).to_have_count(2)
    expect(conflict).to_contain_text("date")
    expect(conflict).to_contain_text("total")
    snap(page, "review-conflicts")
    live.wait_for(ACTIONS, [("accept",), ("accept",)])


def test_a_page_loaded_while_a_decision_is_on_its_way_goes_on_by_itself(live):
    """The server does not know the decision yet and shows the field again: it takes no key."""
    live.site.read()
    page = live.sign_in()
    page.goto("/review")
    ready(page, "date")
    prefetched(page)
    page.route("**/decide", lambda route: route.abort())
    page.keyboard.press("Enter")
    ready(page, "total")
    live.run("UPDATE review_items SET leased_by = NULL, lease_until = NULL")
    page.reload()
    ready(page, "total")
    page.unroute("**/decide")
    live.wait_for(ACTIONS, [("accept",)])
    page.keyboard.press("Enter")
    live.wait_for(ACTIONS, [("accept",), ("accept",)])


def test_document_mode_recovers_too(live):
    """The list is as the server has it, as soon as the connection is back."""
    document = live.site.read()
    page = live.sign_in()
    page.goto(f"/documents/{document}")
    expect(page.locator(".paper.drawn")).to_be_visible()
    page.context.set_offline(True)
    for key in ("a", "a"):
        page.keyboard.press(key)
    expect(page.get_by_text("2 not saved yet")).to_be_visible()
    page.context.set_offline(False)
    live.wait_for("SELECT status FROM documents", [("reviewed",)])
    expect(page.locator(".bar .status")).to_have_text("reviewed")


def test_the_size_that_one_chose_is_kept_for_the_next_field(live):
    """Zoom once, not at every field; F goes back to the size that fits the place."""
    live.site.read()
    page = live.sign_in()
    page.goto("/review")
    ready(page, "date")
    prefetched(page)

    def scale() -> float:
        drawn = page.locator(".paper").evaluate("p => p.style.transform")
        return float(re.search(r"scale\(([\d.]+)\)", drawn).group(1))

    fitting = scale()
    page.keyboard.press("-")
    chosen = scale()
    assert chosen < fitting
    page.keyboard.press("Enter")
    ready(page, "total")
    assert scale() == pytest.approx(chosen)
    page.reload()
    ready(page, "total")
    assert scale() == pytest.approx(chosen)
    page.keyboard.press("f")
    assert scale() > chosen


def test_a_field_that_nobody_read_opens_on_the_page_that_promises_most(make_site, serve_site):
    """Not where its absence was read; in document mode, too."""
    live = serve_site(make_site({**TRUTH, "total": None}))
    document = live.site.read(a_pdf("Nordlicht Energie GmbH RE-2026-0481", "14/03/2026", pages=3))
    live.run("UPDATE pages SET rank = CASE number WHEN 2 THEN 1 WHEN 1 THEN 2 ELSE 3 END")
    page = live.sign_in()
    page.goto("/review?field=total")
    ready(page, "total")
    expect(page.locator(".page-no")).to_have_text("2 of 3")
    page.goto(f"/documents/{document}")
    row = page.locator(".fields > li", has_text="total")
    row.click()
    expect(page.locator(".page-no")).to_have_text("2 of 3")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_phone_shows_every_button(live, scheme):
    """390 pixels: nothing is cut off at the right on any page."""
    document = live.site.read(filename="a-rather-long-name-of-a-file-nordlicht-march-2026.pdf")
    live.site.read(a_slip({**TRUTH, "payee": "Zwei AG"}), filename="zwei.pdf")
    untyped = live.site.read(a_slip(words=False), document_type="auto", filename="scan.pdf")
    page = live.sign_in("root", Role.ADMIN, color_scheme=scheme)
    page.set_viewport_size({"width": 390, "height": 844})
    for name, url in {
        "review": "/review?field=total",
        "queue": "/queue",
        "documents": "/documents",
        "document": f"/documents/{document}",
        "untyped": f"/documents/{untyped}",
        "list": f"/documents/{document}/lists/items",
        "people": "/people",
        "account": "/account",
    }.items():
        page.goto(url)
        page.wait_for_load_state("networkidle")
        wide = page.evaluate("document.documentElement.scrollWidth")
        assert wide <= 390, (name, wide)
        cut = page.evaluate(
            "() => [...document.querySelectorAll('button, a.button, textarea')].filter(b => {"
            " const r = b.getBoundingClientRect();"
            " return r.width && !b.closest('.scroll, dialog:not([open])')"
            "   && (r.right > 390 || r.left < 0); }).map(b => b.outerHTML)"
        )
        assert cut == [], name
        snap(page, f"phone-{name}")
