"""How long a reviewer waits between a key and the next field."""

import json
import os
import statistics
from pathlib import Path

from playwright.sync_api import Page

from tests.web.making import TRUTH, a_slip

FIELDS, MOST_MS = 50, 150
DOUBTS = {
    "payee": 0.6,
    "date": 0.5,
    "number": 0.55,
    "total": 0.41,
    "currency": 0.6,
    "items.description": 0.5,
    "items.amount": 0.45,
}

# From the key to the frame after the next field, its page image included, is there to be seen.
WATCH = """
window.waits = [];
let pressed = null;
document.addEventListener("keydown", () => { pressed = performance.now(); }, true);
new MutationObserver((changes) => {
  if (pressed === null || !changes.some((c) => c.target.matches?.(
    "article.card[data-ready]"))) return;
  const since = pressed; pressed = null;
  requestAnimationFrame(() => requestAnimationFrame(() => {
    window.waits.push(performance.now() - since);
    document.body.dataset.waits = window.waits.length;
  }));
}).observe(document.getElementById("now"), {
  subtree: true, attributes: true, attributeFilter: ["data-ready"] });
"""


def clear(page: Page, fields: int) -> list[float]:
    """Accept so many fields by keyboard, one as soon as the one before is answered and the next is
    loaded; milliseconds a field.
    """
    page.evaluate(WATCH)
    for number in range(1, fields + 1):
        page.keyboard.press("Enter")
        page.locator(f"body[data-waits='{number}']").wait_for()
        page.locator("#stage[data-next]").wait_for()
    return [float(each) for each in page.evaluate("window.waits")]


def test_fifty_fields_are_cleared_without_waiting(make_site, serve_site, capsys):
    """The next field is there in less than 150 ms after the key, page image and all; nothing is
    lost on the way.
    """
    site = make_site({**TRUTH}, doubts=DOUBTS)
    for number in range(6):
        site.read(
            a_slip({**TRUTH, "number": f"RE-2026-{number:04d}"}), filename=f"slip {number}.pdf"
        )
    live = serve_site(site)
    page = live.sign_in()
    page.goto("/review")
    page.locator("#now article.card[data-ready=yes]").wait_for()
    page.locator("#stage[data-next]").wait_for()

    waits = clear(page, FIELDS)

    median, p95 = statistics.median(waits), statistics.quantiles(waits, n=20)[18]
    with capsys.disabled():
        print(
            f"\nkey to next field ready, {FIELDS} fields: median {median:.0f} ms, p95 {p95:.0f} ms,"
            f" worst {max(waits):.0f} ms"
        )
    if folder := os.environ.get("SUREFIELD_TEST_SCREENSHOTS"):
        Path(folder).mkdir(parents=True, exist_ok=True)
        Path(folder, "pace.json").write_text(
            json.dumps({"fields": FIELDS, "median_ms": median, "p95_ms": p95})
        )
    live.wait_for(
        "SELECT count(DISTINCT item_id), count(*) FROM review_decisions", [(FIELDS, FIELDS)]
    )
    assert median <= MOST_MS
