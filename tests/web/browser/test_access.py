"""Everybody can use the pages: axe-core finds no serious violation, by day and by night."""

import os
from pathlib import Path

import pytest

from tests.needed import cannot_run
from tests.web.browser.test_reviewing import ready
from tests.web.making import TRUTH, a_slip
from worker.actor import Role

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

    def look(name: str) -> None:
        # as the browser's own tools would: the page's policy does not apply
        page.evaluate(AXE.read_text("utf-8"))
        violations = page.evaluate("async () => (await axe.run()).violations")
        for each in violations:
            if each["impact"] in SERIOUS:
                nodes = [f"{node['target']} {node['failureSummary']}" for node in each["nodes"][:3]]
                found.append(f"{name}: {each['id']}: {nodes}")

    for url in (
        "/queue",
        "/documents",
        f"/documents/{document}",
        f"/documents/{untyped}",
        f"/documents/{document}/lists/items",
        "/people",
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
    away = live.window(color_scheme=scheme)
    away.goto("/sign-in")
    page = away
    look("/sign-in")

    assert found == []
