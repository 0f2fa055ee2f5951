"""The keys work on every keyboard: layouts x actions, with real key events."""

import json
from collections.abc import Mapping

import pytest
from playwright.sync_api import Page, expect

from tests.web.browser.conftest import snap
from tests.web.browser.test_reviewing import DECIDED, on, ready

ACTIONS = {
    "e": "type",
    "a": "absent",
    "x": "unreadable",
    "s": "skip",
    "u": "undo",
    "n": "note",
    "d": "document",
    "l": "rows",
    "t": "otherType",
    "o": "notOurs",
    "i": "illegible",
    "c": "duplicate",
    "p": "askSender",
}
SAME = {letter: (f"Key{letter.upper()}", letter) for letter in ACTIONS}


def by_place(written: str) -> dict[str, tuple[str, str]]:
    """A keyboard that writes other letters on the keys of the actions, in their order."""
    return {
        letter: (f"Key{letter.upper()}", sign)
        for letter, sign in zip(ACTIONS, written, strict=True)
    }


LAYOUTS: Mapping[str, dict[str, tuple[str, str]]] = {
    "AZERTY": SAME | {"a": ("KeyQ", "a")},
    "QWERTZ": SAME,
    "Dvorak": {
        "e": ("KeyD", "e"),
        "a": ("KeyA", "a"),
        "x": ("KeyB", "x"),
        "s": ("Semicolon", "s"),
        "u": ("KeyF", "u"),
        "n": ("KeyL", "n"),
        "d": ("KeyH", "d"),
        "l": ("KeyP", "l"),
        "t": ("KeyK", "t"),
        "o": ("KeyS", "o"),
        "i": ("KeyG", "i"),
        "c": ("KeyI", "c"),
        "p": ("KeyR", "p"),
    },
    "Cyrillic": by_place("уфчыгтвдещшсз"),
    "Greek": by_place("εαχσθνδλτοιψπ"),
    "Hebrew": by_place("קשסדומגךאםןבפ"),
}
DIGITS: Mapping[str, str] = {"AZERTY": "&é\"'("}
# keys that look like another one by their place, or by their sign
NOTHING = {
    "AZERTY": [("KeyA", "q"), ("KeyZ", "w"), ("Semicolon", "m")],
    "QWERTZ": [("KeyZ", "y"), ("KeyY", "z")],
    "Dvorak": [("KeyE", "."), ("KeyQ", "'"), ("KeyN", "b")],
    "Cyrillic": [("KeyQ", "й"), ("BracketLeft", "х")],
    "Greek": [("KeyQ", ";"), ("KeyZ", "ζ")],
    "Hebrew": [("KeyQ", "/"), ("KeyW", "'")],
}
ALT = 1
# Instead of what a key does, its name is written down; typing is begun as usual.
WRITE_DOWN = """
window.did = [];
let real;
Object.defineProperty(window, "listenToKeys", { get: () => (about) => {
  for (const name of Object.keys(about.acts)) about.acts[name] = () => window.did.push(name);
  about.choose = (number) => window.did.push(`choice ${number}`);
  window.typing.begin = () => window.did.push("type");
  about.viewer.act = (name) => window.did.push(`view ${name}`);
  real(about);
}, set: (made) => { real = made; } });
"""


def press(page: Page, code: str, key: str, modifiers: int = 0) -> None:
    """A key as the system reports it."""
    cdp = page.context.new_cdp_session(page)
    for kind in ("rawKeyDown", "keyUp"):
        cdp.send(
            "Input.dispatchKeyEvent",
            {"type": kind, "code": code, "key": key, "modifiers": modifiers},
        )
    cdp.detach()


def did(page: Page) -> list[str]:
    return page.evaluate("() => window.did.splice(0)")


@pytest.fixture
def desk(live):
    """The review page that writes down what keys do."""
    live.site.read()
    page = live.sign_in()
    page.add_init_script(WRITE_DOWN)
    page.goto("/review?field=total")
    ready(page, "total")
    return page


@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_action_has_its_key_on_every_keyboard(desk, layout):
    """Letters by what is written where that is Latin, by their place where it is not."""
    for letter, (code, key) in LAYOUTS[layout].items():
        press(desk, code, key)
        assert did(desk) == [ACTIONS[letter]], (layout, letter)
        press(desk, code, key, ALT)
        assert did(desk) == [ACTIONS[letter]], (layout, "Alt", letter)
    for at, sign in enumerate(DIGITS.get(layout, "12345"), 1):
        press(desk, f"Digit{at}", sign)
        assert did(desk) == [f"choice {at}"], (layout, sign)
    press(desk, "Numpad2", "2")
    assert did(desk) == ["choice 2"]
    for code, key in NOTHING[layout]:
        for modifiers in (0, ALT):
            press(desk, code, key, modifiers)
            assert did(desk) == [], (layout, code, key, modifiers)


def test_signs_are_signs_wherever_they_are_written(desk):
    """Plus, minus, and the minus that AZERTY writes on its 6."""
    for code, key, does in (
        ("BracketRight", "+", "view in"),
        ("Digit6", "-", "view out"),
        ("Digit0", "à", "view fit"),
    ):
        press(desk, code, key)
        assert did(desk) == [does]


def test_the_first_key_of_an_azerty_row_takes_a_reading(live):
    """The key that writes & decides as 1 does."""
    page = live.sign_in()
    on(page, live, "total")
    first = page.locator(".choice").first.get_attribute("data-choice")
    press(page, "Digit1", "&")
    live.wait_for(DECIDED, [("total", "value", first)])


def test_alt_and_q_on_azerty_decides_nothing(live):
    """And Alt and A, which is written on the place of Q, decides absent while one types."""
    page = live.sign_in()
    on(page, live, "total")
    page.keyboard.press("e")
    press(page, "KeyA", "q", ALT)
    live.wait_for("SELECT count(*) FROM review_decisions", [(0,)])
    press(page, "KeyQ", "a", ALT)
    live.wait_for(DECIDED, [("total", "absent", None)])


def test_a_cyrillic_letter_decides_by_its_place(live):
    """Nobody has to change the keyboard."""
    page = live.sign_in()
    on(page, live, "total")
    press(page, "KeyF", "а")  # to the place: the page
    press(page, "KeyA", "ф")
    live.wait_for(DECIDED, [("total", "absent", None)])


def test_the_keys_are_shown_as_on_the_persons_keyboard(live):
    """By the browser's layout map, or as soon as a key was pressed."""
    shown = {f"Key{letter.upper()}": sign for letter, (_, sign) in LAYOUTS["Cyrillic"].items()}
    live.site.read()
    page = live.sign_in()
    known = json.dumps(list(shown.items()))
    page.add_init_script(
        f"navigator.keyboard.getLayoutMap = () => Promise.resolve(new Map({known}))"
    )
    page.goto("/review?field=total")
    ready(page, "total")
    expect(page.locator("[data-act=absent] kbd")).to_have_text("Ф")
    expect(page.locator("[data-act=notOurs] kbd")).to_have_text("Щ")
    page.keyboard.press("?")
    expect(page.get_by_role("heading", name="Keys")).to_be_visible()
    snap(page, "review-keys-cyrillic")
    other = live.sign_in("ben")
    other.add_init_script("navigator.keyboard.getLayoutMap = undefined")
    other.goto("/review?field=date")
    ready(other, "date")
    expect(other.locator("[data-act=skip] kbd")).to_have_text("S")
    press(other, "KeyK", "κ")
    press(other, "KeyS", "σ")
    live.wait_for("SELECT count(*) FROM review_skips", [(1,)])
    other.goto("/review?field=date")
