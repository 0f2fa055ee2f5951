"""Who signs in, who does not, and what administrators do is written down at the web's doors."""

from sqlalchemy import text

from tests.web.conftest import PASSWORD
from tests.web.test_signin import add, enter, link
from worker.actor import Role
from worker.store import security
from worker.web.dependencies import csrf_of


def events(site):
    with site.house.rt.transaction() as tx:
        found = security.happened(tx)
    return [(one.kind, one.who, one.address, one.about) for one in reversed(found)]


def test_signing_in_and_out_is_noted_with_the_address(site):
    """Also what failed, and what nobody looked at."""
    add(site)
    client = site.anybody()
    enter(site, client, "ada", "wrong wrong wrong")
    enter(site, client, "hunter2-typed-as-a-name", PASSWORD)
    enter(site, client, "ADA ", PASSWORD)
    client.post("/sign-out", headers={"x-csrf-token": csrf_of(client.cookies["surefield"])})
    for _ in range(12):
        enter(site, client, "ben", "wrong wrong wrong")
    here = "testclient"
    found = events(site)[1:]  # the first says that ada was added
    assert found[:4] == [
        ("sign_in_failed", "nobody", here, "ada"),
        ("sign_in_failed", "nobody", here, None),
        ("signed_in", "person:ada", here, "ada"),
        ("signed_out", "person:ada", here, "ada"),
    ]
    assert [one[0] for one in found[4:]] == ["sign_in_failed"] * 10 + ["sign_in_refused"] * 2
    assert "hunter2" not in str(found)


def test_a_link_that_is_used_again_is_noted(site):
    """Somebody else may have it."""
    add(site, password=None)
    secret = link(site, "ada")
    for _ in range(2):
        client = site.anybody()
        client.get(f"/sign-in/{secret}")
        token = csrf_of(client.cookies["surefield"])
        client.post(f"/sign-in/{secret}", data={"csrf": token})
    assert [one[:2] for one in events(site)][2:] == [
        ("signed_in", "person:ada"),
        ("link_refused", "nobody"),
    ]
    assert secret not in str(events(site))


def test_what_an_administrator_does_is_noted_under_their_name(site):
    """People, rights and keys; what is refused is not."""
    add(site, "ben")
    root = site.sign_in("root", Role.ADMIN)
    with site.house.rt.transaction() as tx:
        before = len(security.happened(tx))
    root.post("/people", {"name": "eve", "role": "reviewer"})
    root.post("/people/ben/change", {"role": "manager"})
    root.post("/people/root/change", {"role": "reviewer"})  # nobody changes themselves
    root.post("/people/keys", {"upstream": "erp"})
    site.sign_in("ben").post("/people", {"name": "mallory", "role": "admin"})
    by_root = ("person:root", "testclient")
    assert [(one[0], one[1:3], one[3]) for one in events(site)[before:]] == [
        ("person_added", by_root, "eve"),
        ("link_made", by_root, "eve"),
        ("person_changed", by_root, "ben"),
        ("key_made", by_root, "erp"),
    ]


def test_an_upstream_is_noted_by_its_name(site):
    """Its webhooks are its own."""
    site.anybody().post("/v1/webhooks", json={"url": "https://a.example/x"}, headers=site.key())
    assert events(site)[-1][:3] == ("webhook_made", "upstream:erp", "testclient")


def test_a_new_password_is_noted(site):
    """Whoever's it was."""
    add(site)
    form = {"old": PASSWORD, "new": "another long password"}
    site.sign_in("ada").post("/account", form)
    assert ("password_changed", "person:ada", "testclient", "ada") in events(site)
    with site.house.rt.sessions() as session:
        said = session.execute(text("SELECT security_events::text FROM security_events")).scalars()
        assert form["new"] not in " ".join(said)
