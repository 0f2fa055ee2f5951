"""Files are dropped on the page of documents, or chosen, in a real browser."""

import base64
import os
import re
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.web.browser.conftest import PICTURES
from tests.web.browser.test_access import SERIOUS
from tests.web.making import TRUTH, a_slip
from worker.actor import Role

AXE = Path(os.environ.get("SUREFIELD_TEST_AXE", "/nowhere"))
DROP = """
(files) => {
  const data = new DataTransfer();
  for (const [name, type, content] of files)
    data.items.add(
      new File([Uint8Array.from(atob(content), (each) => each.charCodeAt(0))], name, { type }),
    );
  const target = document.querySelector("h1");
  const told = { dataTransfer: data, bubbles: true, cancelable: true };
  for (const kind of ["dragenter", "dragover", "drop"])
    target.dispatchEvent(new DragEvent(kind, told));
}
"""


def drop(page, **files: bytes) -> None:
    """As a hand would, anywhere on the page."""
    brought = [
        [name.replace("_", "."), "application/pdf", base64.b64encode(content).decode()]
        for name, content in files.items()
    ]
    page.evaluate(DROP, brought)


def lines(page):
    return page.locator("#handed li")


@pytest.fixture
def page(live):
    """The page of documents before a manager."""
    window = live.sign_in("mia", Role.MANAGER)
    window.goto("/documents")
    return window


def test_dropped_files_are_handed_in_and_followed_to_their_end(live, page):
    """Each has its line, with a link, and what became of it without loading the page again."""
    page.get_by_label("type").select_option("slip")
    drop(page, one_pdf=a_slip(), two_pdf=a_slip({**TRUTH, "payee": "Zwei AG"}), three_pdf=b"%PDF-x")
    expect(lines(page)).to_have_count(3)
    live.wait_for("SELECT count(*) FROM submissions", [(3,)])
    expect(page.locator("#handed progress")).to_have_count(0)
    live.site.house.work()

    expect(lines(page).nth(0)).to_contain_text("one.pdf")
    expect(lines(page).nth(0)).to_contain_text("fields wait for a person")
    expect(lines(page).nth(2)).to_contain_text("failed")
    expect(lines(page).nth(2).locator(".words.failed")).to_contain_text(re.compile(r"\w+\. \w+"))
    lines(page).nth(1).get_by_role("link").click()
    expect(page.locator("#document")).to_contain_text("two.pdf")


def test_the_type_chosen_is_the_one_that_is_read(live, page):
    """Without a choice it is found by the words."""
    page.get_by_label("type").select_option("slip")
    drop(page, one_pdf=a_slip())
    expect(lines(page)).to_contain_text("handed in")
    page.get_by_label("type").select_option("auto")
    drop(page, two_pdf=a_slip({**TRUTH, "payee": "Zwei AG"}))
    live.wait_for("SELECT count(*) FROM submissions", [(2,)])
    asked = live.site.house.rows("SELECT filename, document_type FROM submissions ORDER BY 1")
    assert [tuple(row) for row in asked] == [("one.pdf", "slip"), ("two.pdf", "auto")]


def test_a_file_dropped_twice_is_one_document(live, page):
    """And the line says so."""
    content = a_slip()
    drop(page, one_pdf=content)
    expect(lines(page)).to_contain_text("handed in")
    drop(page, copy_pdf=content)
    expect(lines(page).nth(1)).to_contain_text("had been handed in before")
    live.wait_for("SELECT count(*) FROM documents", [(1,)])


def test_what_is_refused_says_why_and_holds_up_nothing(live, page):
    """A paper of no kind, an empty file; the good one behind them goes in."""
    drop(page, word_docx=b"PK\x03\x04", empty_pdf=b"", good_pdf=a_slip())
    expect(lines(page).nth(0).locator(".failed")).to_contain_text("Print it to a PDF")
    expect(lines(page).nth(1).locator(".failed")).to_contain_text("empty")
    expect(lines(page).nth(2)).to_contain_text("handed in")
    expect(page.locator("#heard")).to_contain_text("good.pdf")


def test_a_file_that_is_too_large_is_not_even_sent(make_site, serve_site):
    """Its bytes would be thrown away."""
    live = serve_site(make_site(changes={"max_bytes": 2_000}))
    page = live.sign_in("mia", Role.MANAGER)
    page.goto("/documents")
    sent = []
    page.on("request", lambda request: sent.append(request.method))
    drop(page, large_pdf=b"%PDF" + b"x" * 3_000)
    expect(lines(page)).to_contain_text("SUREFIELD_MAX_BYTES")
    assert "POST" not in sent


def test_a_lost_connection_is_said_and_the_next_file_goes_on(live, page):
    """Dropping it again is safe."""
    content = a_slip()
    page.route("**/documents", lambda route: route.abort(), times=1)
    drop(page, one_pdf=content, two_pdf=a_slip({**TRUTH, "payee": "Zwei AG"}))
    expect(lines(page).nth(0)).to_contain_text("The connection broke")
    expect(lines(page).nth(1)).to_contain_text("handed in")
    drop(page, one_pdf=content)
    expect(lines(page).nth(2)).to_contain_text("handed in")
    live.wait_for("SELECT count(*) FROM documents", [(2,)])


def test_a_browser_that_was_signed_out_is_told(live, page):
    """Nothing is lost but the drop."""
    live.run("DELETE FROM web_sessions")
    drop(page, one_pdf=a_slip())
    expect(lines(page)).to_contain_text("Sign in again")


def test_the_keyboard_alone_hands_a_file_in(live, page):
    """Tab to the button of files, which opens the system's own dialog."""
    with page.expect_file_chooser() as dialog:  # listens before the first key: that takes a moment
        for _ in range(30):
            page.keyboard.press("Tab")
            if page.evaluate("document.activeElement.type") == "file":
                break
        page.keyboard.press("Space")
    assert dialog.value.is_multiple()
    dialog.value.set_files([{"name": "one.pdf", "mimeType": "application/pdf", "buffer": a_slip()}])
    expect(lines(page)).to_contain_text("handed in")


def test_dropped_text_is_no_file(live, page):
    """The page stays as it is."""
    page.evaluate(
        "() => { const data = new DataTransfer(); data.setData('text/plain', 'hello');"
        " document.body.dispatchEvent(new DragEvent('drop', { dataTransfer: data, bubbles: true,"
        " cancelable: true })); }"
    )
    expect(lines(page)).to_have_count(0)


def test_a_reviewer_sees_no_place_to_drop(live):
    """They may not hand files in."""
    page = live.sign_in("ada")
    page.goto("/documents")
    expect(page.locator("#drop")).to_have_count(0)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_everybody_can_use_it(live, scheme, width):
    """On a phone, too: nothing is cut, the button is there, axe finds nothing."""
    page = live.sign_in("mia", Role.MANAGER, color_scheme=scheme)
    page.set_viewport_size({"width": width, "height": 844})
    page.goto("/documents")
    page.get_by_label("type").select_option("slip")
    drop(page, one_pdf=a_slip(), word_docx=b"PK\x03\x04")
    drop(page, **{"a_very_long_name_" * 12 + "pdf": a_slip({**TRUTH, "payee": "Zwei AG"})})
    expect(lines(page).nth(2)).to_contain_text("handed in")
    live.site.house.work()
    expect(lines(page).nth(0)).to_contain_text("wait for a person")
    if PICTURES:
        page.screenshot(path=f"{PICTURES}/drop-{scheme}-{width}.png", full_page=True)
    wide = page.evaluate("document.documentElement.scrollWidth")
    assert wide <= width
    button = page.get_by_label("files").bounding_box()
    assert button["x"] >= 0
    assert button["x"] + button["width"] <= width
    if AXE.is_file():
        page.evaluate(AXE.read_text("utf-8"))
        violations = page.evaluate("async () => (await axe.run('#main')).violations")
        assert [each["id"] for each in violations if each["impact"] in SERIOUS] == []
