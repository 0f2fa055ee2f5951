"""Everybody can use the pages: axe-core finds no serious violation, by day and by night."""

import os
from pathlib import Path

import pytest

from tests.needed import cannot_run
from tests.web.browser.test_reviewing import ready
from tests.web.making import TRUTH, a_slip
from worker.actor import Actor, Role
from worker.delivery import webhooks
from worker.questions import actions as questions
from worker.questions.types import New
from worker.tables.questions import Wanted

AXE = Path(os.environ.get("SUREFIELD_TEST_AXE", "/nowhere"))
SERIOUS = {"serious", "critical"}


@pytest.fixture(scope="session", autouse=True)
def _axe() -> None:
    """The checker is there."""
    if not AXE.is_file():
        cannot_run(
            "SUREFIELD_TEST_AXE names no axe.min.js. Fetch it: npm pack axe-core@4.14.1 &&"
            " tar -xzf axe-core-4.14.1.tgz, or run: make test-web"
        )


def violations_of(page) -> list[str]:
    """Those that matter, each with the first places."""
    # as the browser's own tools would: the page's policy does not apply
    page.evaluate(AXE.read_text("utf-8"))
    return [
        f"{each['id']}: {[(one['target'], one['failureSummary']) for one in each['nodes'][:3]]}"
        for each in page.evaluate("async () => (await axe.run()).violations")
        if each["impact"] in SERIOUS
    ]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_page_has_a_serious_violation(live, scheme):
    """Contrast, names, roles, keyboard: on every page, with all its parts open."""
    document = live.site.read(filename="nordlicht.pdf")
    live.site.read(a_slip({**TRUTH, "payee": "Zwei AG"}), filename="zwei.pdf")
    live.site.read(b"%PDF-1.7 broken", filename="broken.pdf")
    untyped = live.site.read(a_slip(words=False), document_type="auto", filename="scan.pdf")
    item = live.site.items(document)["total"]
    live.site.sign_in("ben").decide(item, "correct", "1,234.50")
    page = live.sign_in("root", Role.ADMIN, color_scheme=scheme)
    found = []
    with live.site.house.rt.transaction() as tx:
        hook, _ = webhooks.add(tx, "erp", "https://example.org/hook", by="test")
        webhooks.disable(tx, hook, "the receiver said 410 Gone")

    def look(name: str) -> None:
        found.extend(f"{name}: {each}" for each in violations_of(page))

    for url in (
        "/queue",
        "/documents",
        f"/documents/{document}",
        f"/documents/{untyped}",
        f"/documents/{document}/lists/items",
        "/measures",
        "/people",
        "/webhooks",
        "/account",
        f"/review/items/{item}",
        "/nothing",
    ):
        page.goto(url)
        look(url)
    page.goto("/review")
    ready(page)
    look("/review")
    page.keyboard.press("n")
    page.keyboard.press("Escape")
    look("a note")
    page.keyboard.press("c")
    page.locator("#ask[open]").wait_for()
    look("a duplicate of which document")
    page.keyboard.press("Escape")
    page.keyboard.press("?")
    look("the keys")
    page.goto("/review?field=nothing")
    look("nothing")
    page.goto(f"/documents/{document}/ask")
    look("ask the sender")
    for wanted, field in ((Wanted.VALUE, "total"), (Wanted.FILE, None), (Wanted.TEXT, None)):
        new = New(wanted=wanted, text="What is it?", doubt="x", field=field, page=1)
        link = questions.ask(Actor("ada"), document, new, live.site.house.rt)
        page.goto(f"/q/{link.token}")
        look(f"the question for a {wanted.value}")
    page.goto(f"/documents/{document}")
    look("what was asked")
    away = live.window(color_scheme=scheme)
    away.goto("/sign-in")
    page = away
    look("/sign-in")

    assert found == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_page_of_audits_has_a_serious_violation(make_site, serve_site, scheme):
    """Before the reading is shown, beside it, and when nothing waits."""
    live = serve_site(make_site(changes={"audit_rate": 1.0}))
    page = live.sign_in(color_scheme=scheme)
    page.goto("/audits")
    found = violations_of(page)
    live.site.read(filename="nordlicht.pdf")
    page.goto("/audits")
    page.locator(".audit:not(.unseen)").wait_for()
    found += violations_of(page)
    page.keyboard.type("Something else")
    page.keyboard.press("Enter")
    page.locator(".two").wait_for()

    assert found + violations_of(page) == []
