"""The whole way: sample slips, read by the bundled model, cleared by a person in a browser."""

import re

import pytest
from playwright.sync_api import expect

from extractors.backends import open_backend
from extractors.backends.mllama.engine import BUNDLED_MODEL
from extractors.demo.samples import sample_pdfs
from extractors.rendering.canvas import canvas_of
from tests.web.browser.conftest import snap
from tests.web.browser.test_reviewing import ready
from tests.web.conftest import ONE_DAY, SiteInTest
from worker.web.app import create_app

# How opaque the glow is at the edge of its picture, and where it is warmest.
WARMTH = """canvas => {
  const { width: w, height: h } = canvas;
  const dots = canvas.getContext("2d").getImageData(0, 0, w, h).data;
  let [edge, most] = [0, 0];
  for (let y = 0; y < h; y++) for (let x = 0; x < w; x++) {
    const seen = dots[4 * (y * w + x) + 3];
    most = Math.max(most, seen);
    if (x === 0 || y === 0 || x === w - 1 || y === h - 1) edge = Math.max(edge, seen);
  }
  return [edge, most];
}"""
SAMPLES = ("clean-1.pdf", "items-2.pdf", "scan-phone.pdf", "scan-poor.pdf", "letter.pdf")


@pytest.fixture
def demo(make_house, serve_site):
    """A site whose documents the bundled model has read."""
    model = str(BUNDLED_MODEL)
    backend = open_backend("mllama", model=model, device="cpu", attention=True)
    # Stricter than usual, so that something of every document is left to people however well the
    # model is trained.
    house = make_house(
        backend=backend, canvas=lambda document_type: canvas_of(model), accept_at=0.9999
    )
    live = serve_site(SiteInTest(house, create_app(house.rt, **ONE_DAY)))
    files = sample_pdfs()
    for name in SAMPLES:
        live.site.read(files[name], filename=name)
    return live


def test_every_field_that_the_model_doubts_is_cleared_by_keyboard(demo):
    """The evidence of a real model: doubtful characters, other readings, places; in the end every
    document is finished.
    """
    waiting = demo.site.house.rows("SELECT count(*) AS n FROM review_items WHERE state = 'open'")[
        0
    ].n
    assert waiting > 0
    page = demo.sign_in()
    page.goto("/review")
    marked = lit = looked = offered = 0
    for _ in range(waiting):
        item = ready(page)
        card = page.locator("#now article.card")
        marked += card.locator("mark").count() > 0
        lit += page.locator(".paper .box:not(.soft)").count() > 0
        if page.locator(".paper .box.soft").count():
            looked += 1
            assert page.locator(".paper .frame").count() == 0
            edge, warmest = page.locator(".paper canvas.soft").evaluate(WARMTH)
            assert edge < 8 < 60 < warmest
        offered += card.locator(".choice").count() > 0
        if card.locator("mark").count():
            snap(page, "demo-looked" if page.locator(".paper .box.soft").count() else "demo-review")
        key = {"value": "Enter", "absent": "a", "unreadable": "Alt+x"}
        page.keyboard.press(key[card.get_attribute("data-state")])
        expect(page.locator(f"#now article.card[data-item='{item}']")).to_have_count(0)
    expect(page.get_by_text(re.compile("Nothing waits for you"))).to_be_visible()
    demo.wait_for("SELECT count(*) FROM review_items WHERE state = 'open'", [(0,)])
    demo.wait_for(
        "SELECT DISTINCT status IN ('accepted', 'reviewed', 'failed') FROM documents", [(True,)]
    )
    assert marked > 0
    assert lit > 0
    assert looked > 0
    print(
        f"{waiting} fields: {marked} marked, {offered} with other readings; {lit} found in the"
        f" page's words, {looked} looked at"
    )
