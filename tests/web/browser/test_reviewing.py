"""What a reviewer does all day, with the keyboard, in a real browser."""

import re
from datetime import timedelta

import pytest
from playwright.sync_api import Page, expect

from tests.pipeline.conftest import a_pdf
from tests.web.browser.conftest import Live, snap
from tests.web.conftest import PASSWORD
from tests.web.making import TRUTH, a_slip
from worker.accounts import store
from worker.actor import Role

DECIDED = (
    "SELECT r.name, r.state, r.text FROM review_decisions d JOIN results r ON r.id = d.result_id"
    " ORDER BY d.id"
)


def ready(page: Page, field: str | None = None) -> str:
    """Wait until a field is there to be seen; returns its item."""
    card = page.locator("#now article.card[data-ready=yes]")
    if field is not None:
        expect(card.locator("h1")).to_have_text(re.compile(f"^{field}", re.IGNORECASE))
    return str(card.get_attribute("data-item"))


def prefetched(page: Page) -> None:
    """Wait until the next field is loaded, or it is known that there is none."""
    page.locator("#stage[data-next]").wait_for()


def on(page: Page, live: Live, field: str) -> str:
    """Open the review at one field of the only document."""
    live.site.read(filename="nordlicht-march.pdf")
    page.goto(f"/review?field={field}")
    return ready(page, field)


def test_enter_accepts_and_the_next_field_is_there(live):
    """Two keys, two fields, done."""
    live.site.read()
    page = live.sign_in()
    page.goto("/review")
    ready(page, "date")
    prefetched(page)
    snap(page, "review-date")
    page.keyboard.press("Enter")
    ready(page, "total")
    snap(page, "review")
    page.keyboard.press("Enter")
    expect(page.get_by_text("Nothing waits for you")).to_be_visible()
    snap(page, "review-empty")
    live.wait_for("SELECT action FROM review_decisions ORDER BY id", [("accept",), ("accept",)])
    live.wait_for("SELECT status FROM documents", [("reviewed",)])


def test_the_value_is_lit_on_the_page_and_its_doubtful_character_marked(live):
    """The box lies over the printed value, inside the window."""
    page = live.sign_in()
    on(page, live, "total")
    expect(page.locator("mark.weak")).to_have_text(re.compile("^4"))
    box, view = page.locator(".paper .box").bounding_box(), page.locator(".viewer").bounding_box()
    assert box is not None
    assert view is not None
    for side, length in (("x", "width"), ("y", "height")):
        assert view[side] < box[side] < box[side] + box[length] < view[side] + view[length]
    assert box["height"] > 14
    dark = page.locator(".crop canvas").evaluate(
        "c => { const d = c.getContext('2d').getImageData(0, 0, c.width, c.height).data; let n = 0;"
        " for (let i = 0; i < d.length; i += 4) n += d[i] + d[i+1] + d[i+2] < 200; return n; }"
    )
    assert dark > 200  # the print is drawn large


def test_typing_corrects_and_the_parser_speaks_meanwhile(live):
    """E puts the hand on the doubtful character; Enter saves."""
    page = live.sign_in()
    on(page, live, "total")
    page.keyboard.press("e")
    assert (
        page.evaluate(
            "(t => t.value.slice(t.selectionStart, t.selectionEnd))(document.activeElement)"
        )
        == "4"
    )
    page.keyboard.type("9")
    expect(page.locator(".feedback")).to_have_text("means 1289.50")
    page.keyboard.press("End")
    page.keyboard.type("x")
    expect(page.locator(".feedback .misfit")).to_be_visible()
    snap(page, "review-typing")
    page.keyboard.press("Enter")
    expect(page.locator(".feedback .misfit")).to_contain_text("does not fit")
    page.keyboard.press("Backspace")
    page.keyboard.press("Enter")
    live.wait_for(DECIDED, [("total", "value", "1,289.50")])


def test_a_number_key_takes_an_alternative(live):
    """What the model nearly chose is one key away."""
    page = live.sign_in()
    on(page, live, "total")
    first = page.locator(".choice").first.get_attribute("data-choice")
    page.keyboard.press("1")
    live.wait_for(DECIDED, [("total", "value", first)])


@pytest.mark.parametrize(("key", "state"), [("a", "absent"), ("x", "unreadable")])
def test_one_key_says_absent_and_one_unreadable(live, key, state):
    """Two answers without a value."""
    page = live.sign_in()
    on(page, live, "total")
    page.keyboard.press(key)
    live.wait_for(DECIDED, [("total", state, None)])


def test_u_takes_the_last_decision_back(live):
    """And the field is on the desk again."""
    page = live.sign_in()
    item = on(page, live, "total")
    page.keyboard.press("a")
    expect(page.get_by_text("No field fits these filters")).to_be_visible()
    page.keyboard.press("u")
    assert ready(page, "total") == item
    live.wait_for("SELECT action FROM review_decisions ORDER BY id", [("absent",), ("undo",)])
    page.keyboard.press("Enter")
    live.wait_for(DECIDED, [("total", "value", "1,284.50")] * 3)


def test_s_leaves_a_field_to_others(live):
    """It does not come back to whoever skipped it."""
    live.site.read()
    page = live.sign_in()
    page.goto("/review")
    first = ready(page, "date")
    page.keyboard.press("s")
    assert ready(page, "total") != first
    page.keyboard.press("s")
    expect(page.get_by_text("Nothing waits for you")).to_be_visible()
    live.wait_for("SELECT count(*) FROM review_skips", [(2,)])
    page.get_by_role("button", name="Show me what I skipped").click()
    assert ready(page) == first


def test_a_note_is_kept_beside_the_field(live):
    """N, the words, Enter."""
    page = live.sign_in()
    on(page, live, "total")
    page.keyboard.press("n")
    page.keyboard.type("Stamp over the cents")
    page.keyboard.press("Enter")
    expect(page.locator(".said")).to_contain_text("Stamp over the cents")
    live.wait_for("SELECT who, text FROM review_notes", [("ada", "Stamp over the cents")])
    page.keyboard.press("n")
    page.keyboard.type("And over the sum")
    page.context.set_offline(True)
    page.keyboard.press("Enter")
    expect(page.get_by_text("The note is not kept yet")).to_be_visible()
    page.context.set_offline(False)
    page.keyboard.press("Enter")
    live.wait_for("SELECT count(*) FROM review_notes", [(2,)])
    expect(page.get_by_text("The note is not kept yet")).to_be_hidden()


def test_the_keys_are_explained_on_a_question_mark(live):
    """And Enter closes the list again."""
    page = live.sign_in()
    on(page, live, "total")
    page.keyboard.press("?")
    expect(page.get_by_role("heading", name="Keys")).to_be_visible()
    snap(page, "review-keys")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Keys")).to_be_hidden()
    live.wait_for("SELECT count(*) FROM review_decisions", [(0,)])


def test_the_page_zooms_turns_and_moves(live):
    """By key; F leads back to the place."""
    page = live.sign_in()
    on(page, live, "total")
    paper = page.locator(".paper")
    before = paper.evaluate("p => p.style.transform")
    seen = {before}
    for key in ("+", "+", "ArrowLeft", "r", "-"):
        page.keyboard.press(key)
        seen.add(paper.evaluate("p => p.style.transform"))
    assert len(seen) == 6
    for _ in range(3):
        page.keyboard.press("r")
    page.keyboard.press("f")
    assert paper.evaluate("p => p.style.transform") == before


def test_the_second_of_two_sees_what_the_first_decided(live):
    """409 in a window over the next field; what was typed is in it."""
    page = live.sign_in()
    item = on(page, live, "total")
    live.run(
        "UPDATE review_items SET lease_until = now() - interval '1 s' WHERE leased_by IS NOT NULL"
    )
    live.site.sign_in("ben").decide(item, "correct", "1,234.50")
    page.keyboard.press("e")
    page.keyboard.type("9")
    page.keyboard.press("Enter")
    conflict = page.locator("#conflict")
    expect(conflict).to_contain_text("Somebody was faster")
    expect(conflict).to_contain_text("ben corrected")
    expect(conflict).to_contain_text("1,234.50")
    expect(conflict.locator("textarea")).to_have_value("1,289.50")
    snap(page, "review-conflict")
    page.keyboard.press("Enter")
    expect(conflict).to_be_hidden()
    live.wait_for(DECIDED, [("total", "value", "1,234.50")])


def test_whoever_lost_his_lease_is_told_and_keeps_what_he_typed(make_site, serve_site):
    """The heartbeat notices that somebody else has the field now."""
    live = serve_site(
        make_site(doubts={"total": 0.41}, options={"review_lease": timedelta(seconds=4)})
    )
    page = live.sign_in()
    item = on(page, live, "total")
    page.keyboard.press("e")
    page.keyboard.type("9")
    live.run("UPDATE review_items SET leased_by = 'ben', lease_until = now() + interval '1 h'")
    expect(page.get_by_text("Somebody else has this field now")).to_be_visible()
    snap(page, "review-lost-lease")
    live.run("UPDATE review_items SET leased_by = NULL, lease_until = NULL")
    page.goto(f"/review/items/{item}")
    ready(page, "total")
    expect(page.locator("textarea[name=text]")).to_have_value("1,289.50")


def test_what_was_decided_without_a_connection_is_sent_when_it_is_back(live):
    """Two fields decided on the train."""
    live.site.read()
    page = live.sign_in()
    page.goto("/review")
    ready(page, "date")
    prefetched(page)
    page.context.set_offline(True)
    page.keyboard.press("Enter")
    ready(page, "total")
    page.keyboard.press("a")
    expect(page.get_by_text("2 not saved yet")).to_be_visible()
    live.wait_for("SELECT count(*) FROM review_decisions", [(0,)])
    page.context.set_offline(False)
    live.wait_for("SELECT action FROM review_decisions ORDER BY id", [("accept",), ("absent",)])
    expect(page.get_by_text("not saved yet")).to_have_count(0)


def test_a_decision_in_a_closed_window_is_sent_by_the_next_one(live):
    """What is not sent yet lives in the browser, not in the page."""
    page = live.sign_in()
    on(page, live, "total")
    prefetched(page)
    page.context.set_offline(True)
    page.keyboard.press("a")
    expect(page.get_by_text("1 not saved yet")).to_be_visible()
    page.close()
    again = page.context.new_page()
    page.context.set_offline(False)
    again.goto("/review")
    live.wait_for("SELECT action FROM review_decisions", [("absent",)])


def test_a_value_that_nobody_could_read_waits_for_typing(make_site, serve_site):
    """The cursor is there already; Enter on nothing does nothing; Alt lets the keys through."""
    live = serve_site(make_site({**TRUTH, "total": None}))
    page = live.sign_in()
    live.site.read()
    page.goto("/review")
    ready(page, "total")
    expect(page.locator(".reasons")).to_contain_text("required")
    snap(page, "review-absent")
    page.keyboard.press("e")
    page.keyboard.type("1,284.50")
    page.keyboard.press("Enter")
    live.wait_for(DECIDED, [("total", "value", "1,284.50")])


def test_values_in_every_script_are_shown_properly(make_site, serve_site):
    """Arabic from the right, Chinese in its own shapes, tricks with the reading direction made
    visible.
    """
    live = serve_site(
        make_site(
            {
                **TRUTH,
                "payee": "شركة النور للتجارة ١٢٣ \u202egnp.exe",
                "number": "株式会社東京電力-81",
            },
            doubts={"payee": 0.3, "number": 0.4},
        )
    )
    live.site.read()
    page = live.sign_in()
    page.goto("/review?field=payee")
    ready(page, "payee")
    expect(page.locator(".read .value")).to_contain_text("U+202E")
    snap(page, "review-arabic")
    page.goto("/review?field=number")
    ready(page, "number")
    snap(page, "review-chinese")


def test_document_mode_shows_all_fields_and_lights_each(live):
    """D from a field; a field's place is lit when one stands on it; deciding stays there."""
    page = live.sign_in()
    on(page, live, "total")
    page.keyboard.press("d")
    page.wait_for_url("**/documents/*")
    expect(page.locator(".fields > li")).to_have_count(9)
    row = page.locator(".fields > li", has_text="total")
    row.click()
    expect(page.locator(".paper .box")).to_have_count(1)
    snap(page, "document")
    row.locator("textarea[name=text]").fill("1,289.50")
    page.keyboard.press("Enter")
    expect(page.locator(".fields > li", has_text="total").locator(".status")).to_have_text(
        "reviewed"
    )
    live.wait_for(DECIDED, [("total", "value", "1,289.50")])


def test_document_mode_has_the_other_readings_and_the_same_keys(live):
    """J and K move, a number takes a reading, U takes it back, E types, Enter saves; the page is
    never left.
    """
    document = live.site.read(filename="nordlicht-march.pdf")
    page = live.sign_in()
    page.goto(f"/documents/{document}")
    lit = page.locator(".fields > li.lit")
    expect(lit.locator(".name")).to_have_text("date")
    expect(page.locator(".paper .box")).to_have_count(1)
    page.keyboard.press("j")
    page.keyboard.press("j")
    expect(lit.locator(".name")).to_have_text("total")
    expect(lit.locator("mark.weak")).to_have_text(re.compile("^4"))
    first = lit.locator(".choice").first.get_attribute("data-choice")
    snap(page, "document-choices")
    page.keyboard.press("1")
    live.wait_for(DECIDED, [("total", "value", first)])
    expect(lit.locator(".name")).to_have_text("date")
    expect(page.locator(".fields > li", has_text="total").locator(".status")).to_have_text(
        "reviewed"
    )
    page.keyboard.press("u")
    expect(lit.locator(".name")).to_have_text("total")
    expect(lit.locator(".status")).to_have_text("waits")
    page.keyboard.press("e")
    page.keyboard.type("9")
    expect(lit.locator(".feedback")).to_have_text("means 1289.50")
    page.keyboard.press("Enter")
    live.wait_for(
        "SELECT action, text FROM review_decisions ORDER BY id DESC LIMIT 1",
        [("correct", "1,289.50")],
    )
    expect(lit.locator(".name")).to_have_text("date")
    page.keyboard.press("a")
    live.wait_for("SELECT status FROM documents", [("reviewed",)])
    expect(page.locator(".bar .status")).to_have_text("reviewed")


def test_document_mode_loses_nothing_that_was_typed_or_decided(live):
    """A dropped connection keeps the decision, a conflict shows the first one and what was
    typed.
    """
    document = live.site.read()
    page = live.sign_in()
    page.goto(f"/documents/{document}")
    lit = page.locator(".fields > li.lit")
    expect(lit.locator(".name")).to_have_text("date")
    page.context.set_offline(True)
    page.keyboard.press("a")
    expect(page.get_by_text("1 not saved yet")).to_be_visible()
    expect(lit.locator(".name")).to_have_text("total")
    page.keyboard.press("e")
    page.keyboard.type("9")
    page.context.set_offline(False)
    live.wait_for(
        "SELECT r.name, d.action FROM review_decisions d JOIN results r ON r.id = d.result_id",
        [("date", "absent")],
    )
    live.run("UPDATE review_items SET leased_by = NULL, lease_until = NULL")
    live.site.sign_in("ben").decide(live.site.items(document)["total"], "correct", "1,234.50")
    page.keyboard.press("Enter")
    conflict = page.locator("#conflict")
    expect(conflict).to_contain_text("ben corrected")
    expect(conflict.locator("textarea")).to_have_value("1,289.50")
    page.keyboard.press("Enter")
    expect(page.locator(".fields > li", has_text="1,234.50")).to_have_count(1)


def test_a_number_key_says_what_a_document_is(live):
    """Nothing of it is read before."""
    document = live.site.read(a_slip(words=False), document_type="auto", filename="letter.pdf")
    page = live.sign_in()
    page.goto("/queue")
    snap(page, "queue-untyped")
    page.get_by_role("link", name="letter.pdf").click()
    page.wait_for_url("**/documents/*")  # with its scripts: the keys are theirs
    snap(page, "document-untyped")
    number = page.locator(".kinds button[value=slip] kbd").inner_text()
    page.keyboard.press(number)
    live.wait_for("SELECT document_type FROM documents", [("slip",)])
    live.site.house.work()
    page.goto(f"/documents/{document}")
    expect(page.locator(".fields > li.lit .name")).to_have_text("date")


def test_sign_in_with_a_password_and_out_again(live):
    """The door, the wrong word, the right one, and home."""

    live.site.read()
    with live.site.house.rt.transaction() as tx:
        store.add_person(tx, "grace", Role.MANAGER, password=PASSWORD)
    page = live.window()
    page.goto("/queue")
    snap(page, "sign-in")
    page.get_by_label("Name").fill("grace")
    page.get_by_label("Password").fill("not this one")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_contain_text("do not fit together")
    page.get_by_label("Password").fill(PASSWORD)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="The queue")).to_be_visible()
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()


def test_a_one_time_link_leads_to_the_first_doubtful_field(live):
    """Link, button, password, review."""

    live.site.read()
    with live.site.house.rt.transaction() as tx:
        store.add_person(tx, "grace", Role.REVIEWER)
        secret = store.make_link(tx, "grace", lasts=timedelta(hours=1))
    page = live.window()
    page.goto(f"/sign-in/{secret}")
    snap(page, "sign-in-link")
    expect(
        page.get_by_role("button", name="Sign in")
    ).to_be_focused()  # the browser does so a moment after loading
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="grace")).to_be_visible()
    snap(page, "account")
    page.get_by_label("New password").fill("a long enough password")
    page.keyboard.press("Enter")
    ready(page, "date")


def test_a_role_that_is_not_enough_is_told_so(live):
    """403 with words, and a way back."""
    page = live.sign_in()
    page.goto("/people")
    expect(page.get_by_text("This page is for the role admin")).to_be_visible()
    snap(page, "forbidden")


def test_the_pages_around_the_review(live):
    """Queue, documents, people: pictures, and a filter that leads to the fields."""
    live.site.read(filename="nordlicht-march.pdf")
    live.site.read(a_slip({**TRUTH, "payee": "Zwei AG"}), filename="zwei.pdf")
    live.site.read(b"%PDF-1.7 broken", filename="broken.pdf")
    live.site.sign_in("ada").decide(live.site.items()["total"], "accept")
    page = live.sign_in("root", Role.ADMIN)
    page.goto("/queue")
    snap(page, "queue")
    page.get_by_label("field").select_option("date")
    page.get_by_role("button", name="Review these").click()
    ready(page, "date")
    page.goto("/documents")
    snap(page, "documents")
    page.goto("/people")
    page.get_by_label("upstream").fill("erp")
    page.get_by_role("button", name="Make a key").click()
    expect(page.get_by_text("It is not shown again")).to_be_visible()
    snap(page, "people")


def test_a_window_that_is_signed_out_keeps_what_was_decided(live):
    """The decision waits in the browser until its owner is back."""
    page = live.sign_in()
    on(page, live, "total")
    live.run("DELETE FROM web_sessions")
    page.keyboard.press("a")
    expect(page.get_by_text("You are not signed in any more")).to_be_visible()
    again = live.sign_in()
    state = page.context.storage_state()["origins"]
    assert "surefield.unsent.ada" in str(state)
    cookie = again.context.cookies()[0]
    page.context.add_cookies([{"name": "surefield", "value": cookie["value"], "url": live.url}])
    page.goto("/review")
    live.wait_for("SELECT action FROM review_decisions", [("absent",)])


def test_the_documents_other_pages_are_a_key_away(live):
    """A field that is missing may stand on another page: PgDn looks, PgUp comes back to the
    place.
    """
    live.site.read(
        a_pdf("Nordlicht Energie GmbH RE-2026-0481", "14/03/2026", "1,284.50 EUR", pages=3)
    )
    page = live.sign_in()
    page.goto("/review?field=total")
    ready(page, "total")
    expect(page.locator(".page-no")).to_have_text("1 of 3")
    expect(page.locator(".paper .box")).to_have_count(1)
    page.keyboard.press("PageDown")
    expect(page.locator(".page-no")).to_have_text("2 of 3")
    expect(page.locator(".paper .box")).to_have_count(0)
    page.keyboard.press("PageUp")
    expect(page.locator(".paper .box")).to_have_count(1)
