"""Coming in: passwords, links, sessions, rights, and requests that nobody's page sent."""

from datetime import timedelta

import pytest
from sqlalchemy import text

from tests.web.conftest import PASSWORD
from worker.accounts import attempts, store
from worker.accounts.attempts import Place
from worker.actor import Role
from worker.web.dependencies import csrf_of

HERE = Place("testclient", False)


def enter(site, client, name, password, *, next="/", token=None):
    """Fill the form in as a browser does."""
    client.get("/sign-in")
    csrf = csrf_of(client.cookies["surefield"]) if token is None else token
    form = {"name": name, "password": password, "next": next, "csrf": csrf}
    return client.post("/sign-in", data=form, follow_redirects=False)


def add(site, name="ada", role=Role.REVIEWER, password=PASSWORD):
    with site.house.rt.transaction() as tx:
        return store.add_person(tx, name, role, password=password)


def link(site, name, lasts=timedelta(days=1)):
    with site.house.rt.transaction() as tx:
        return store.make_link(tx, name, lasts=lasts)


def test_name_and_password_open_the_door_and_go_where_one_wanted(site):
    """The form gives a new cookie and leads on."""
    add(site)
    client = site.anybody()
    client.get("/sign-in")
    before = client.cookies["surefield"]

    answer = enter(site, client, " Ada ", PASSWORD, next="/queue")

    assert (answer.status_code, answer.headers["location"]) == (303, "/queue")
    assert client.cookies["surefield"] != before
    assert client.get("/queue").status_code == 200


@pytest.mark.parametrize(
    ("name", "password"), [("ada", "wrong wrong wrong"), ("nobody", PASSWORD), ("ada", "")]
)
def test_a_wrong_name_and_a_wrong_password_sound_the_same(site, name, password):
    """Nobody learns who has an account."""
    add(site)
    answer = enter(site, site.anybody(), name, password)
    assert answer.status_code in {401, 422}
    assert "surefield user link" in answer.text or answer.status_code == 422


def test_a_person_without_a_password_cannot_sign_in_with_one(site):
    """There is no default password anywhere."""
    add(site, password=None)
    assert enter(site, site.anybody(), "ada", "anything at all").status_code == 401


def test_passwords_and_secrets_are_stored_as_hashes(site):
    """A stolen database signs nobody in."""
    add(site)
    secret = link(site, "ada")
    headers = site.key()
    kept = str(
        [
            site.house.rows(f"SELECT * FROM {table}")
            for table in ("users", "sign_in_links", "api_keys", "web_sessions")
        ]
    )
    assert PASSWORD not in kept
    assert secret not in kept
    assert headers["authorization"].removeprefix("Bearer ") not in kept
    assert "$argon2id$" in kept


def test_too_many_attempts_are_refused_even_with_the_right_password(site):
    """The eleventh attempt on a name within a quarter of an hour is not looked at."""
    add(site)
    client = site.anybody()
    for _ in range(attempts.MOST_HERE):
        assert enter(site, client, "ada", "wrong wrong wrong").status_code == 401
    assert enter(site, client, "ada", PASSWORD).status_code == 429
    assert enter(site, client, "somebody else", PASSWORD).status_code == 401


@pytest.mark.parametrize(("minutes", "status"), [(14, 429), (16, 303)])
def test_attempts_count_for_a_quarter_of_an_hour(site, minutes, status):
    """A further attempt forgets none of them before."""
    add(site)
    client = site.anybody()
    with site.house.rt.transaction() as tx:
        for _ in range(attempts.MOST_HERE):
            attempts.note(tx, "ada", HERE)
        tx.session.execute(
            text("UPDATE sign_in_attempts SET tried_at = now() - make_interval(mins => :minutes)"),
            {"minutes": minutes},
        )
    assert enter(site, client, "ada", PASSWORD).status_code == status


def test_one_address_cannot_try_many_names(site):
    """Guessing one password over many names is counted by address."""
    client = site.anybody()
    with site.house.rt.transaction() as tx:
        for number in range(attempts.MOST_FROM_AN_ADDRESS):
            attempts.note(tx, f"name {number}", HERE)
    assert enter(site, client, "ada", PASSWORD).status_code == 429


def test_strangers_shut_nobody_out_of_a_browser_that_is_known(site):
    """A hundred wrong passwords for the name, and fifty from the same address, close other
    browsers; this one counts its own.
    """
    add(site)
    known = site.anybody()
    assert enter(site, known, "ada", PASSWORD).status_code == 303
    known.post("/sign-out", headers={"x-csrf-token": csrf_of(known.cookies["surefield"])})
    with site.house.rt.transaction() as tx:
        for number in range(attempts.MOST_FOR_A_NAME + 1):
            attempts.note(tx, "ada", Place(f"10.0.{number % 3}.{number}", False))
        for number in range(attempts.MOST_FROM_AN_ADDRESS):
            attempts.note(tx, f"name {number}", HERE)

    assert enter(site, site.anybody(), "ada", PASSWORD).status_code == 429
    assert enter(site, known, "ada", PASSWORD).status_code == 303
    for _ in range(attempts.MOST_HERE):
        assert enter(site, known, "ada", "wrong wrong wrong").status_code == 401
    assert enter(site, known, "ada", PASSWORD).status_code == 429


def test_a_browser_is_known_for_whoever_signed_in_there_alone(site):
    """For another name it is a stranger's."""
    add(site)
    add(site, "ben")
    client = site.anybody()
    assert enter(site, client, "ada", PASSWORD).status_code == 303
    with site.house.rt.transaction() as tx:
        for number in range(attempts.MOST_FOR_A_NAME + 1):
            attempts.note(tx, "ben", Place(f"10.0.{number % 3}.{number}", False))
    assert enter(site, client, "ben", PASSWORD).status_code == 429
    assert enter(site, client, "ada", PASSWORD).status_code == 303


def test_signing_in_again_ends_the_session_before(site):
    """Its cookie opens nothing any more."""
    add(site)
    client = site.anybody()
    enter(site, client, "ada", PASSWORD)
    before = client.cookies["surefield"]
    enter(site, client, "ada", PASSWORD)
    other = site.anybody()
    other.cookies.set("surefield", before)
    assert other.get("/account", follow_redirects=False).status_code in {303, 401}
    assert client.get("/account").status_code == 200
    assert site.house.rows("SELECT count(*) FROM web_sessions") == [(1,)]


@pytest.mark.parametrize(("minutes", "signed_in"), [(119, True), (121, False)])
def test_a_browser_that_nobody_uses_signs_out(make_site, minutes, signed_in):
    """After the time that the settings say; a page that stands open is no use of it."""
    site = make_site(options={"signed_out_when_idle": timedelta(hours=2)})
    ada = site.sign_in("ada")
    stays = "SELECT now() - used_at > interval '1 hour' AS stays FROM web_sessions"
    idle = "UPDATE web_sessions SET used_at = now() - make_interval(mins => :m)"
    with site.house.rt.transaction() as tx:
        tx.session.execute(text(idle), {"m": minutes})
    beat = ada.post("/review/heartbeat", json={"items": []})
    assert beat.status_code == (200 if signed_in else 401)
    (row,) = site.house.rows(stays)
    assert row.stays
    assert (ada.client.get("/account", follow_redirects=False).status_code == 200) is signed_in
    (row,) = site.house.rows(stays)
    assert row.stays is not signed_in


def test_signing_out_clears_what_the_browser_kept(site):
    """Page images in its cache, and what was typed and not sent."""
    answer = site.sign_in("ada").post("/sign-out")
    assert answer.headers["clear-site-data"] == '"cache", "storage"'


def test_a_new_password_forgets_the_browsers_that_were_known(site):
    """Only the one where it was changed stays so."""
    add(site)
    for _ in range(2):
        client = site.anybody()
        enter(site, client, "ada", PASSWORD)
    assert site.house.rows("SELECT count(*) FROM known_browsers") == [(2,)]
    form = {"old": PASSWORD, "new": "another long password"}
    token = csrf_of(client.cookies["surefield"])
    client.post("/account", data=form, headers={"x-csrf-token": token})
    assert site.house.rows("SELECT count(*) FROM known_browsers") == [(1,)]


def test_a_link_signs_in_once_and_only_by_its_button(site):
    """Opening it uses nothing up; pressing the button does."""
    add(site, password=None)
    secret = link(site, "ada")
    client, second = site.anybody(), site.anybody()
    for each in (client, second):
        assert each.get(f"/sign-in/{secret}").status_code == 200
        assert (
            each.get("/queue", headers={"accept": "text/html"}, follow_redirects=False).status_code
            == 303
        )
    form = {"csrf": csrf_of(client.cookies["surefield"])}
    assert (
        client.post(f"/sign-in/{secret}", data=form, follow_redirects=False).headers["location"]
        == "/account"
    )
    assert client.get("/queue").status_code == 200

    form = {"csrf": csrf_of(second.cookies["surefield"])}
    assert second.post(f"/sign-in/{secret}", data=form, follow_redirects=False).status_code == 401


def test_a_link_can_lead_to_a_page_of_ours(site):
    """The demonstration's link ends before the first doubtful field, password or not."""
    add(site, password=None)
    for wanted, reached in (("/review", "/review"), ("https://evil.example", "/")):
        client = site.anybody()
        secret = link(site, "ada")
        page = client.get(f"/sign-in/{secret}?next={wanted}").text
        assert f'name="next" value="{wanted}"' in page
        form = {"csrf": csrf_of(client.cookies["surefield"]), "next": wanted}
        assert (
            client.post(f"/sign-in/{secret}", data=form, follow_redirects=False).headers["location"]
            == reached
        )


def test_an_old_link_opens_nothing(site):
    """Links end."""
    add(site)
    secret = link(site, "ada", lasts=timedelta(seconds=-1))
    client = site.anybody()
    client.get("/sign-in")
    assert (
        client.post(
            f"/sign-in/{secret}", data={"csrf": csrf_of(client.cookies["surefield"])}
        ).status_code
        == 401
    )


def press(site, secret):
    """Press the button behind a sign-in link."""
    client = site.anybody()
    client.get(f"/sign-in/{secret}")
    form = {"csrf": csrf_of(client.cookies["surefield"])}
    return client.post(f"/sign-in/{secret}", data=form, follow_redirects=False)


def new_password(site):
    form = {"old": PASSWORD, "new": "another long password"}
    assert site.sign_in("ada").post("/account", form).status_code == 303


def change(**form):
    def done(site):
        root = site.sign_in("root", Role.ADMIN)
        assert root.post("/people/ada/change", form).status_code == 303

    return done


@pytest.mark.parametrize(
    "changes",
    [
        (new_password,),
        (change(role="manager"),),
        (change(role="reviewer"),),
        (change(disabled="true"), change(disabled="false")),
    ],
    ids=["a new password", "another role", "the same role", "shut out and let in again"],
)
def test_a_link_of_before_a_change_of_the_person_opens_nothing(site, changes):
    """Whoever stole a link loses it with everything else; a link of afterwards works."""
    add(site)
    secret = link(site, "ada")
    for each in changes:
        each(site)
    assert press(site, secret).status_code == 401
    assert press(site, link(site, "ada")).status_code == 303


def test_whoever_is_disabled_gets_no_link(site):
    """It would open the door as soon as they are let in again."""
    add(site)
    root = site.sign_in("root", Role.ADMIN)
    assert root.post("/people/ada/change", {"disabled": "true"}).status_code == 303
    with pytest.raises(store.InvalidPerson, match="Enable them first"):
        link(site, "ada")
    assert root.post("/people/ada/link").status_code == 422


def test_a_key_that_is_revoked_again_was_revoked_when_it_was(site):
    """The first time counts: until then somebody may have used it."""
    site.key()
    (row,) = site.house.rows("SELECT id FROM api_keys")
    root = site.sign_in("root", Role.ADMIN)
    seen = set()
    for _ in range(2):
        assert root.post(f"/people/keys/{row.id}/revoke").status_code == 303
        seen |= {each.revoked_at for each in site.house.rows("SELECT revoked_at FROM api_keys")}
    assert len(seen) == 1


def test_a_link_of_somebody_else_survives(site):
    """Only the person whose rights changed has to ask for a new one."""
    add(site)
    add(site, "ben")
    secret = link(site, "ben")
    new_password(site)
    assert press(site, secret).status_code == 303


def test_a_session_ends_at_its_time(site):
    """Its cookie signs nobody in any more, at pages and at doors for programs."""
    ada = site.sign_in("ada")
    assert ada.get("/queue").status_code == 200
    with site.house.rt.transaction() as tx:
        tx.session.execute(text("UPDATE web_sessions SET expires_at = now()"))
    for url in ("/queue", "/documents", "/review"):
        assert ada.get(url, headers={"accept": "application/json"}).status_code == 401


def test_a_new_password_signs_every_other_browser_out(site):
    """Whoever stole a session loses it."""
    add(site)
    mine, thief = site.sign_in("ada"), site.sign_in("ada")
    answer = mine.post("/account", {"old": PASSWORD, "new": "another long password"})
    assert answer.status_code == 303
    assert mine.get("/queue").status_code == 200
    assert thief.get("/queue", headers={"accept": "application/json"}).status_code == 401


def test_the_present_password_is_asked_for(site):
    """A browser left open is not enough to take an account over."""
    add(site)
    assert (
        site.sign_in("ada")
        .post("/account", {"old": "not the one", "new": "another long password"})
        .status_code
        == 422
    )


def test_a_new_password_without_a_word_of_the_present_one_is_refused(site):
    """To leave the field out is no way around it: the old one still opens the door."""
    add(site)
    answer = site.sign_in("ada").post("/account", {"new": "another long password"})
    assert answer.status_code == 422
    assert enter(site, site.anybody(), "ada", "another long password").status_code == 401
    assert enter(site, site.anybody(), "ada", PASSWORD).status_code == 303


def test_guessing_the_present_password_is_counted_as_signing_in_is(site):
    """The eleventh attempt within a quarter of an hour is refused, even with the right password,
    here and at the door.
    """
    add(site)
    ada = site.sign_in("ada")
    for _ in range(attempts.MOST_HERE):
        answer = ada.post("/account", {"old": "not the one", "new": "another long password"})
        assert answer.status_code == 422
    refused = ada.post("/account", {"old": PASSWORD, "new": "another long password"})
    assert refused.status_code == 422
    assert "Too many attempts" in refused.text
    assert enter(site, site.anybody(), "ada", PASSWORD).status_code == 429
    assert site.house.rows("SELECT count(*) FROM sign_in_attempts")[0][0] == 12


def test_signing_out_ends_the_session_and_frees_what_was_held(site):
    """The next reviewer gets the field at once."""
    site.read()
    ada, ben = site.sign_in("ada"), site.sign_in("ben")
    ada.get("/review")
    held = site.house.rows("SELECT id FROM review_items WHERE leased_by = 'ada'")
    assert len(held) == 1
    assert ada.post("/sign-out").status_code == 303
    assert str(held[0].id) in ben.get("/review").text


def test_whoever_is_disabled_is_out_at_once(site):
    """A right that is taken away is gone with the next click."""
    ada = site.sign_in("ada")
    assert ada.get("/queue").status_code == 200
    with site.house.rt.transaction() as tx:
        store.change_person(tx, "ada", disabled=True)
    assert ada.get("/queue", headers={"accept": "application/json"}).status_code == 401


def test_the_right_password_of_whoever_is_disabled_opens_nothing(site):
    """Until they are enabled again."""
    add(site)
    for disabled, status in ((True, 401), (False, 303)):
        with site.house.rt.transaction() as tx:
            store.change_person(tx, "ada", disabled=disabled)
        assert enter(site, site.anybody(), "ada", PASSWORD).status_code == status


@pytest.mark.parametrize(
    "url", ["/review", "/queue", "/documents", "/people", "/webhooks", "/account", "/review/next"]
)
def test_pages_send_whoever_is_not_signed_in_to_the_door(site, url):
    """And bring him back afterwards; a program gets a plain 401."""
    client = site.anybody()
    answer = client.get(url, headers={"accept": "text/html"}, follow_redirects=False)
    assert answer.status_code == 303
    assert answer.headers["location"].endswith("/sign-in?next=" + url.replace("/", "%2F"))
    assert client.get(url, headers={"accept": "*/*"}, follow_redirects=False).status_code == 401


@pytest.mark.parametrize(
    "next",
    [
        "https://evil.example/",
        "//evil.example",
        "/\\evil.example",
        "javascript:alert(1)",
        "/a\r\nb",
    ],
)
def test_the_door_leads_nowhere_but_to_our_pages(site, next):
    """A forged link cannot use our sign-in to send somebody elsewhere."""
    add(site)
    assert enter(site, site.anybody(), "ada", PASSWORD, next=next).headers["location"] == "/"


@pytest.mark.parametrize(
    ("role", "status"), [(Role.REVIEWER, 403), (Role.MANAGER, 403), (Role.ADMIN, 200)]
)
def test_only_administrators_see_people(site, role, status):
    """The page says which role is missing."""
    answer = site.sign_in("ada", role).get("/people")
    assert answer.status_code == status
    assert ("role admin" in answer.text) == (status == 403)


@pytest.mark.parametrize("headers", [{"x-csrf-token": ""}, {"x-csrf-token": "f" * 64}])
def test_a_request_that_no_page_of_ours_sent_is_refused(site, headers):
    """Another site's form does nothing, though the browser sends the cookie along."""
    site.read()
    ada = site.sign_in()
    item = site.items()["total"]
    assert ada.decide(item, "accept", headers=headers).status_code == 403
    assert (
        ada.client.post(
            f"/review/items/{item}/decide", data={"version": 1, "action": "accept", "seen": "true"}
        ).status_code
        == 403
    )
    for whence in ("cross-site", "same-site"):  # a sibling host is another site too
        answer = ada.decide(item, "accept", headers={"sec-fetch-site": whence})
        assert answer.status_code == 403, whence
    assert site.decisions() == []


def test_the_door_itself_refuses_a_forged_form(site):
    """Nobody is signed in as somebody else without noticing."""
    add(site)
    assert enter(site, site.anybody(), "ada", PASSWORD, token="0" * 64).status_code == 403


@pytest.mark.parametrize("url", ["/sign-in", "/sign-in/{secret}", "/sign-out", "/review/undo"])
@pytest.mark.parametrize("cookies", [{}, {"surefield": ""}], ids=["none", "empty"])
def test_a_form_from_a_browser_without_a_cookie_is_refused(site, url, cookies):
    """There is a token of the empty secret, which everybody can compute: it opens nothing."""
    add(site)
    url = url.format(secret=link(site, "ada"))
    client = site.anybody()
    client.cookies.update(cookies)
    form = {"name": "ada", "password": PASSWORD, "csrf": csrf_of("")}
    assert client.post(url, data=form, follow_redirects=False).status_code == 403
    headers = {"x-csrf-token": csrf_of("")}
    assert client.post(url, data=form, headers=headers, follow_redirects=False).status_code == 403
    assert "__Host-surefield" not in client.cookies
    assert site.house.rows("SELECT 1 FROM web_sessions") == []


def test_every_answer_carries_the_security_headers(site):
    """Errors and files too; no inline script, no frame, no sniffing."""
    client = site.anybody()
    for url in ("/sign-in", "/nope", "/static/app.css", "/v1/documents/x", "/v1/openapi.json"):
        headers = client.get(url).headers
        assert "default-src 'none'" in headers["content-security-policy"]
        assert "unsafe" not in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["x-frame-options"] == "DENY"
    assert client.get("/sign-in").headers["cache-control"] == "no-store"


def test_cookies_are_out_of_reach_of_scripts_and_of_plain_http(make_site):
    """Behind https the cookie is bound to the host and marked secure."""
    site = make_site(options={"public_url": "https://review.example.org"})
    cookie = site.anybody().get("/sign-in").headers["set-cookie"].lower()
    assert cookie.startswith("__host-surefield=")
    assert all(mark in cookie for mark in ("httponly", "secure", "samesite=lax", "path=/"))


def test_an_administrator_invites_changes_and_shuts_out(site):
    """The link and the key are shown once; nobody changes his own rights."""
    root = site.sign_in("root", Role.ADMIN)
    page = root.post("/people", {"name": "Grace", "role": "manager"})
    assert page.status_code == 200
    assert "/sign-in/" in page.text
    assert root.post("/people", {"name": "grace", "role": "manager"}).status_code == 422
    assert root.post("/people/grace/change", {"role": "reviewer"}).status_code == 303
    assert root.post("/people/grace/change", {"disabled": "true"}).status_code == 303
    assert root.post("/people/root/change", {"role": "reviewer"}).status_code == 422
    key = root.post("/people/keys", {"upstream": "erp"})
    assert "sf_" in key.text
    row = site.house.rows("SELECT id FROM api_keys")[0]
    assert root.post(f"/people/keys/{row.id}/revoke").status_code == 303
    rows = site.house.rows(
        "SELECT name, role, disabled_at IS NOT NULL AS off FROM users ORDER BY name"
    )
    assert [tuple(each) for each in rows] == [("grace", "reviewer", True), ("root", "admin", False)]


@pytest.mark.parametrize("role", [Role.REVIEWER, Role.MANAGER])
def test_what_administrators_do_nobody_else_does(site, role):
    """Behind each button of their page: invite, give a link, change, make and revoke a key."""
    add(site, "grace")
    key = site.key()
    (row,) = site.house.rows("SELECT id FROM api_keys")
    ada = site.sign_in("ada", role)
    asked: dict[str, dict[str, str]] = {
        "/people": {"name": "hedy", "role": "admin"},
        "/people/grace/link": {},
        "/people/grace/change": {"role": "admin"},
        "/people/keys": {"upstream": "erp"},
        f"/people/keys/{row.id}/revoke": {},
    }
    assert {url: ada.post(url, form).status_code for url, form in asked.items()} == dict.fromkeys(
        asked, 403
    )
    people = site.house.rows("SELECT name, role FROM users ORDER BY name")
    assert [tuple(each) for each in people] == [("ada", role.value), ("grace", "reviewer")]
    assert site.house.rows("SELECT user_id FROM sign_in_links") == []
    assert site.house.rows("SELECT count(*) FROM api_keys WHERE revoked_at IS NULL")[0][0] == 1
    assert site.anybody().get(f"/v1/documents/{row.id}", headers=key).status_code == 404


def test_whoever_is_signed_in_goes_on_from_the_door(site):
    """Where they wanted, if it is a page of ours."""
    ada = site.sign_in("ada")
    for wanted, reached in (("/queue", "/queue"), ("https://evil.example", "/")):
        answer = ada.client.get("/sign-in", params={"next": wanted}, follow_redirects=False)
        assert (answer.status_code, answer.headers["location"]) == (303, reached)


def test_a_key_needs_the_name_of_an_upstream(site):
    """The page says so, and no key is made."""
    root = site.sign_in("root", Role.ADMIN)
    answer = root.post("/people/keys", {"upstream": "  x" * 40})
    assert (answer.status_code, "1 to 100 characters" in answer.text) == (422, True)
    assert site.house.rows("SELECT id FROM api_keys") == []


@pytest.mark.parametrize("spelled", ["root", "ROOT", "%20Root%20"])
@pytest.mark.parametrize("change", [{"role": "reviewer"}, {"disabled": "true"}])
def test_nobody_changes_their_own_rights_however_they_spell_their_name(site, spelled, change):
    """The last administrator would be nobody's to bring back."""
    root = site.sign_in("root", Role.ADMIN)
    assert root.post(f"/people/{spelled}/change", change).status_code == 422
    assert root.get("/people").status_code == 200


def test_a_cookie_kept_from_before_signing_out_opens_nothing(site):
    """Only this browser's session ends: others of the same person stay."""
    ada, elsewhere = site.sign_in("ada"), site.sign_in("ada")
    kept = dict(ada.client.cookies)
    answer = ada.post("/sign-out")
    assert "Max-Age=0" in answer.headers["set-cookie"]

    thief = site.anybody()
    thief.cookies.update(kept)
    asks = {"accept": "application/json"}
    assert thief.get("/queue", headers=asks).status_code == 401
    assert elsewhere.get("/queue", headers=asks).status_code == 200


def test_the_new_password_opens_the_door_and_the_old_one_does_not(site):
    add(site)
    ada = site.sign_in("ada")
    assert (
        ada.post("/account", {"old": PASSWORD, "new": "another long password"}).status_code == 303
    )

    assert enter(site, site.anybody(), "ada", PASSWORD).status_code == 401
    assert enter(site, site.anybody(), "ada", "another long password").status_code == 303


def test_signing_in_forgives_ones_own_attempts_and_nobody_elses(site):
    """Whoever mistyped begins anew; guesses at another name go on being counted."""
    add(site)
    client = site.anybody()
    for name in ("ada", "ada", "ben"):
        enter(site, client, name, "wrong wrong wrong")
    assert enter(site, client, "ada", PASSWORD).status_code == 303

    names = [row.name for row in site.house.rows("SELECT name FROM sign_in_attempts")]
    assert names == ["ben"]


def test_the_first_use_of_a_key_is_noted_and_so_is_one_after_a_minute(site):
    headers = site.key()
    key = headers["authorization"].removeprefix("Bearer ")

    def used():
        with site.house.rt.transaction() as tx:
            store.caller_of(tx, key)
        return site.house.rows("SELECT last_used_at FROM api_keys")[0].last_used_at

    first = used()
    assert first is not None
    assert used() == first  # not for every request
    with site.house.rt.transaction() as tx:
        tx.session.execute(
            text("UPDATE api_keys SET last_used_at = last_used_at - interval '2 minutes'")
        )
    assert used() > first - timedelta(minutes=1)
