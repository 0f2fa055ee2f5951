"""The page on which administrators see who is told, and change it."""

import re

import pytest

from tests.delivery.conftest import receive as receive  # a fixture
from tests.delivery.conftest import send_all, try_all
from worker.actor import Role
from worker.delivery import webhooks


@pytest.fixture
def root(site):
    """An administrator at the browser."""
    return site.sign_in("root", Role.ADMIN)


def made(site, url="https://example.org/x", upstream="erp"):
    with site.house.rt.transaction() as tx:
        return webhooks.add(tx, upstream, url, by="test")[0]


def rows(site):
    with site.house.rt.transaction() as tx:
        return webhooks.rows(tx)


def test_an_address_is_told_from_the_page_and_its_secret_shown_once(site, root, receive):
    """Of every kind, or of those that are ticked."""
    receiver = receive()
    form = {"upstream": " erp ", "url": receiver.url, "kinds": ["in_review", "failed"]}
    answer = root.post("/webhooks", form)
    secret = re.search(r"whsec_[A-Za-z0-9+/=]+", answer.text)[0]
    (one,) = rows(site)
    assert (one.upstream, one.kinds, one.with_values) == ("erp", ["failed", "in_review"], False)
    assert one.made_by == "person:root"
    assert secret not in root.get("/webhooks").text
    site.read(upstream="erp", key="k")
    send_all(site.house.rt)
    assert [said["type"] for said in receiver.verified(secret)] == ["document.in_review"]
    root.post("/webhooks", {"upstream": "erp", "url": receiver.url, "values": "true"})
    assert {(one.kinds is None, one.with_values) for one in rows(site)} == {
        (False, False),
        (True, True),
    }


@pytest.mark.parametrize(
    ("upstream", "url"), [("erp", "ftp://example.org/"), ("erp", "x" * 3_000), ("", "https://a.b/")]
)
def test_what_cannot_be_told_is_said_and_not_made(site, root, upstream, url):
    assert root.post("/webhooks", {"upstream": upstream, "url": url}).status_code == 422
    assert rows(site) == []


def test_each_button_does_what_it_says_to_its_own_row(site, root, receive):
    """And the other row stays as it is."""
    receiver = receive()
    one, other = made(site, receiver.url), made(site, "https://example.org/other")
    with site.house.rt.transaction() as tx:
        secret = webhooks.rotate(tx, other)

    def press(button, **form):
        answer = root.post(f"/webhooks/{one}/{button}", form)
        assert answer.status_code in (200, 303), answer.text
        return answer.text, {row.webhook_id: row for row in rows(site)}

    _, now = press("test")
    assert "on its way" in root.get("/webhooks").text
    assert (now[one].trial_wanted_at is None, now[other].trial_wanted_at) == (False, None)
    try_all(site.house.rt)
    assert "HTTP 204" in root.get("/webhooks").text
    _, now = press("disable")
    assert (now[one].disabled_because, now[other].disabled_because) == ("by root", None)
    _, now = press("enable")
    assert {row.state.value for row in now.values()} == {"enabled"}
    text, _ = press("rotate")
    assert "whsec_" in text
    assert secret not in text
    site.read(upstream="erp", key="k")
    send_all(site.house.rt)
    before = len(receiver.got)
    text, _ = press("replay", days="1")
    assert "1 events" in text
    send_all(site.house.rt)
    assert len(receiver.got) == before + 1
    _, now = press("remove")
    assert set(now) == {other}


@pytest.mark.parametrize("role", [Role.REVIEWER, Role.MANAGER])
def test_only_administrators_see_or_change_who_is_told(site, role):
    """Behind each button."""
    one = made(site)
    ada = site.sign_in("ada", role)
    assert ada.get("/webhooks").status_code == 403
    assert "/webhooks" not in ada.get("/documents").text
    form = {"upstream": "erp", "url": "https://example.org/y"}
    assert ada.post("/webhooks", form).status_code == 403
    for button in ("test", "disable", "enable", "rotate", "replay", "remove"):
        assert ada.post(f"/webhooks/{one}/{button}", {"days": "1"}).status_code == 403
    (row,) = rows(site)
    assert (row.url, row.state.value, row.trial_wanted_at) == (
        "https://example.org/x",
        "enabled",
        None,
    )


def test_a_webhook_that_is_gone_and_a_button_that_is_none_are_not_there(site, root):
    """Somebody else removed it."""
    one = made(site)
    root.post(f"/webhooks/{one}/remove")
    assert root.post(f"/webhooks/{one}/remove").status_code == 404
    assert root.post(f"/webhooks/{one}/test").status_code == 404
    assert root.post(f"/webhooks/{made(site)}/explode").status_code in (404, 422)


def test_hostile_addresses_and_errors_are_shown_as_text(site, root):
    """Nothing of them becomes a part of the page."""
    made(site, "https://example.org/<script>alert(1)</script>", upstream="<b>x</b>")
    page = root.get("/webhooks").text
    assert "<script>alert" not in page
    assert "<b>x</b>" not in page
