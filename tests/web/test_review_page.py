"""Deciding through the page: once, by the right person, with nothing lost."""

import re
from uuid import uuid4

import pytest
from sqlalchemy import text

from tests.web.conftest import SiteInTest
from tests.web.making import TRUTH, a_slip
from worker.actor import Role
from worker.review.tables import Action
from worker.web.templating import DONE

NASTY = "<script>alert(1)</script>\u202e\u2066gnp.exe<img src=x onerror=alert(1)>\"'{{7*7}}"


def card_of(page: str) -> str:
    """The item that a page shows."""
    found = re.search(r'data-item="([0-9a-f-]{36})"', page)
    return found.group(1) if found else ""


def result(site: SiteInTest, name: str):
    return site.house.rows("SELECT * FROM results WHERE name = :name", name=name)[0]


def test_the_page_shows_value_doubt_reason_and_alternatives(site):
    """Everything that is needed to decide stands on the page."""
    site.read()
    ada = site.sign_in()
    page = ada.get(f"/review/items/{site.items()['total']}").text
    assert '<mark class="weak" title="probability 0.41">4' in page
    assert "weakest token 0.41, below 0.70" in page
    assert 'data-choice="1,281.50"' in page  # the token that the model nearly chose
    assert "means <bdi>1284.50</bdi>" in page
    assert '"boxes": [[' in page.replace("&#34;", '"')


def test_a_value_that_the_page_contradicts_offers_what_the_page_says(make_site):
    """The text layer's reading is the first alternative."""
    site = make_site({**TRUTH, "total": "1,234.50"})
    site.read(a_slip())
    page = site.sign_in().get("/review").text
    assert "page text says 1,284.50" in page
    assert re.search(r'data-choice="1,284.50"><kbd>1</kbd>', page)


def test_accepting_keeps_the_value_and_leads_to_the_next_field(site):
    """Without a script the form does the same."""
    site.read()
    ada = site.sign_in()
    first = card_of(ada.get("/review").text)
    answer = ada.decide(first, "accept", headers={"accept": "text/html"})
    assert answer.status_code == 303
    assert card_of(ada.get("/review").text) not in {"", first}
    said = site.decisions()[0]
    assert (said.who, said.action, said.took_ms, str(said.item_id)) == ("ada", "accept", 900, first)
    assert said.seen["reason"] == "low_score"


def test_a_correction_keeps_its_text_and_its_meaning(site):
    """Typed as printed, stored as both."""
    site.read()
    assert site.sign_in().decide(site.items()["total"], "correct", "1.284,60x").status_code == 422
    assert site.sign_in().decide(site.items()["total"], "correct", "1,284.60").status_code == 200
    row = result(site, "total")
    assert (row.text, row.value, row.decision) == ("1,284.60", "1284.60", "reviewed")


def test_a_correction_that_names_a_currency_changes_it(make_site):
    """It is said while one types; a text that names none leaves it, and undo brings back what was
    read.
    """
    site = make_site({**TRUTH, "total": "1,284.50 EUR"}, doubts={"total": 0.41})
    site.read()
    ada, item = site.sign_in(), site.items()["total"]

    def amount() -> tuple[str | None, str | None, str | None]:
        row = site.house.results(site.house.rows("SELECT id FROM documents")[0].id)["total"]
        return row.text, row.value, row.currency

    def said(text: str) -> str:
        return str(ada.post(f"/review/items/{item}/parse", {"text": text}).text)

    assert amount() == ("1,284.50 EUR", "1284.50", "EUR")
    assert "means 1284.60 USD, no longer EUR" in said("1,284.60 USD")
    assert "means 1284.60; the currency stays EUR" in said("1,284.60")
    assert "means 1284.60 EUR<" in said("1,284.60 EUR")
    assert ada.decide(item, "correct", "1,284.60 USD").status_code == 200
    assert amount() == ("1,284.60 USD", "1284.60", "USD")
    assert ada.decide(item, "undo", version=2).status_code == 200
    assert amount() == ("1,284.50 EUR", "1284.50", "EUR")
    assert ada.decide(item, "absent", version=3).status_code == 200
    assert amount() == (None, None, None)
    assert ada.decide(item, "undo", version=4).status_code == 200
    assert ada.decide(item, "correct", "1,284.60", version=5).status_code == 200
    assert amount() == ("1,284.60", "1284.60", "EUR")


def test_accepting_while_something_else_is_typed_saves_what_is_typed(site):
    """The button says accept, the hand typed: the typing is meant."""
    site.read()
    site.sign_in().decide(site.items()["total"], "accept", "1,284.60")
    assert (result(site, "total").text, site.decisions()[0].action) == ("1,284.60", "correct")


@pytest.mark.parametrize("action", ["absent", "unreadable"])
def test_absent_and_unreadable_are_kept_apart(site, action):
    """Two different answers, both without a value."""
    site.read()
    assert site.sign_in().decide(site.items()["total"], action).status_code == 200
    row = result(site, "total")
    assert (row.state, row.text, row.decision) == (action, None, "reviewed")


def test_the_second_of_two_gets_a_page_that_shows_the_first(site):
    """409, who was faster, what they chose, and what one had typed oneself."""
    site.read()
    ada, ben = site.sign_in("ada"), site.sign_in("ben")
    item = site.items()["total"]
    assert ada.decide(item, "correct", "1,284.60").status_code == 200
    answer = ben.decide(item, "correct", "1,284.70", headers={"accept": "text/html"})
    assert answer.status_code == 409
    assert "<bdi>ada</bdi></b> corrected" in answer.text
    assert "1,284.60" in answer.text
    assert "1,284.70</textarea>" in answer.text
    assert result(site, "total").text == "1,284.60"


def test_an_item_that_somebody_holds_is_not_decided_by_others(site):
    """The lease is a promise."""
    site.read()
    ada, ben = site.sign_in("ada"), site.sign_in("ben")
    item = card_of(ada.get("/review").text)
    answer = ben.decide(item, "accept")
    assert answer.status_code == 409
    assert "held by" in answer.text
    assert site.decisions() == []


def test_a_decision_that_is_sent_twice_counts_once(site):
    """The answer was lost on the way, the browser tries again: no conflict with oneself."""
    site.read()
    ada = site.sign_in()
    item = site.items()["total"]
    answers = [ada.decide(item, "correct", "1,284.60") for _ in range(2)]
    assert [each.status_code for each in answers] == [200, 200]
    assert [each.json()["version"] for each in answers] == [2, 2]
    assert len(site.decisions()) == 1


def test_two_people_never_see_the_same_field(site):
    """What one holds, and has prefetched, is passed over for the other."""
    site.read()
    site.read(a_slip({**TRUTH, "payee": "Zwei AG"}))
    ada, ben = site.sign_in("ada"), site.sign_in("ben")
    first = card_of(ada.get("/review").text)
    second = card_of(ada.get(f"/review/next?besides={first}").text)
    theirs = card_of(ben.get("/review").text)
    last = card_of(ben.get(f"/review/next?besides={theirs}").text)
    assert len({first, second, theirs, last} - {""}) == 4


def test_a_lease_that_ran_out_goes_to_others_and_the_first_is_told(site):
    """The heartbeat answers what is still held; the late decision of the first is a conflict."""
    site.read()
    ada, ben = site.sign_in("ada"), site.sign_in("ben")
    item = card_of(ada.get("/review").text)
    site_rows = site.house.rt
    with site_rows.transaction() as tx:
        tx.session.connection().exec_driver_sql(
            "UPDATE review_items SET lease_until = now() - interval '1 s' WHERE leased_by = 'ada'"
        )
    assert ada.client.post(
        "/review/heartbeat", json={"items": [item]}, headers={"x-csrf-token": ada.token}
    ).json() == {"held": [item]}
    with site_rows.transaction() as tx:
        tx.session.connection().exec_driver_sql(
            "UPDATE review_items SET lease_until = now() - interval '1 s' WHERE leased_by = 'ada'"
        )
    assert card_of(ben.get("/review").text) == item
    assert ada.client.post(
        "/review/heartbeat", json={"items": [item]}, headers={"x-csrf-token": ada.token}
    ).json() == {"held": []}
    assert ada.decide(item, "accept").status_code == 409


def test_what_one_skips_comes_to_others_and_not_back(site):
    """Until one asks for it again."""
    site.read()
    ada, ben = site.sign_in("ada"), site.sign_in("ben")
    both = set(map(str, site.items().values()))
    first = card_of(ada.get("/review").text)
    ada.post(f"/review/items/{first}/skip")
    second = card_of(ada.get("/review").text)
    assert {first, second} == both
    ada.post(f"/review/items/{second}/skip")
    assert "Nothing waits for you" in ada.get("/review").text
    assert card_of(ben.get("/review").text) == first
    ben.post("/sign-out")
    assert ada.post("/review/forget-skips").status_code == 303
    assert card_of(ada.get("/review").text) == first


def test_undo_takes_back_ones_own_last_decision(site):
    """An undo is a new decision; the field is open again and on one's desk."""
    document = site.read()
    ada, ben = site.sign_in("ada"), site.sign_in("ben")
    for item in site.items().values():
        ada.decide(item, "accept")
    assert site.house.status(document) == "reviewed"
    assert ben.post("/review/undo").status_code == 422
    back = ada.post("/review/undo", headers={"x-part": "1", "accept": "text/html"})
    assert card_of(back.text) == str(site.decisions()[-1].item_id)
    assert site.house.status(document) == "in_review"
    assert [each.action for each in site.decisions()] == ["accept", "accept", "undo"]


def hours_pass(site, hours, table="review_decisions"):
    """Everything that was said was said so much earlier, past the trigger that keeps it."""
    with site.house.rt.transaction() as tx:
        tx.session.execute(text("SET LOCAL session_replication_role = replica"))
        tx.session.execute(
            text(f"UPDATE {table} SET decided_at = decided_at - make_interval(hours => :hours)"),
            {"hours": hours},
        )


def test_undo_reaches_back_one_day_and_no_further(site):
    """What was decided yesterday at this time is not a slip of the hand."""
    document = site.read()
    ada = site.sign_in("ada")
    for item in site.items().values():
        ada.decide(item, "accept")
    hours_pass(site, 25)
    assert ada.post("/review/undo").status_code == 422
    assert site.house.status(document) == "reviewed"
    hours_pass(site, -2)
    assert ada.post("/review/undo").status_code == 303
    assert site.house.status(document) == "in_review"


def test_undo_passes_over_what_somebody_else_decided_anew(site):
    """One's own decision before that one is taken back, and then there is none left."""
    site.read()
    ada, ben, max_ = site.sign_in("ada"), site.sign_in("ben"), site.sign_in("max", Role.MANAGER)
    items = site.items()
    for name in ("date", "total"):
        assert ada.decide(items[name], "accept").status_code == 200
    assert max_.decide(items["total"], "undo", version=2).status_code == 200
    assert ben.decide(items["total"], "accept", version=3).status_code == 200
    assert ada.post("/review/undo").status_code == 303
    assert set(site.items()) == {"date"}
    assert ada.post("/review/undo").status_code == 422
    last = site.decisions()[-1]
    assert (last.item_id, last.who, last.action) == (items["date"], "ada", "undo")


def test_an_equal_decision_about_another_version_is_a_conflict_and_no_retry(site):
    """Somebody else decided since; what one said of an earlier version is not an answer to that."""
    site.read()
    ada, ben = site.sign_in("ada"), site.sign_in("ben")
    item = site.items()["total"]
    assert ada.decide(item, "accept").status_code == 200
    assert ada.decide(item, "undo", version=2).status_code == 200
    assert ben.decide(item, "absent", version=3).status_code == 200
    assert ada.decide(item, "accept", version=3).status_code == 409
    assert [(each.who, each.action) for each in site.decisions()] == [
        ("ada", "accept"),
        ("ada", "undo"),
        ("ben", "absent"),
    ]


def test_only_a_manager_takes_back_what_somebody_else_decided(site):
    """A reviewer is told to ask."""
    site.read()
    item = site.items()["total"]
    site.sign_in("ada").decide(item, "accept")
    assert site.sign_in("ben").decide(item, "undo", version=2).status_code == 403
    assert site.sign_in("max", Role.MANAGER).decide(item, "undo", version=2).status_code == 200


def test_notes_stay_beside_the_field(site):
    """Shown to whoever comes next, as text, and never changed."""
    site.read()
    ada = site.sign_in()
    item = site.items()["total"]
    answer = ada.post(f"/review/items/{item}/note", {"text": "<b>smudged</b>"})
    assert "&lt;b&gt;smudged&lt;/b&gt;" in answer.text
    assert "smudged" in site.sign_in("ben").get(f"/review/items/{item}").text
    assert ada.post(f"/review/items/{item}/note", {"text": "  "}).status_code == 422
    with pytest.raises(Exception, match="append-only"), site.house.rt.transaction() as tx:
        tx.session.connection().exec_driver_sql("DELETE FROM review_notes")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("1,284.60", "means 1284.60"),
        ("12/13/14x", "not an amount"),
        ("", "nothing typed"),
        (NASTY, "not an amount"),
    ],
)
def test_the_parser_speaks_while_one_types(site, text, words):
    """The same parser that judges the machine."""
    site.read()
    answer = site.sign_in().post(f"/review/items/{site.items()['total']}/parse", {"text": text})
    assert words in answer.text
    assert "<script" not in answer.text


@pytest.mark.parametrize(
    "text", [NASTY, "x" * 100_000, "شركة النور ١٢٣", "株式会社アクメ", "a\u0000b"]
)
def test_hostile_and_foreign_text_is_shown_as_text(make_site, text):
    """No markup, no turned reading direction, no page that is too long; every page that shows
    it.
    """
    site = make_site({**TRUTH, "payee": text}, doubts={"payee": 0.3})
    document = site.read()
    ada = site.sign_in(role=Role.ADMIN)
    for url in ("/review", "/queue", "/documents", f"/documents/{document}"):
        page = ada.get(url)
        assert page.status_code == 200
        assert "<script>alert" not in page.text
        assert "<img src=x" not in page.text
        shown = re.sub(r'(<textarea[^>]*>.*?</textarea>|="[^"]*")', "", page.text, flags=re.DOTALL)
        assert "\u202e" not in shown
        assert len(shown) < 60_000
    if text == NASTY:
        assert "U+202E" in ada.get("/review").text


@pytest.mark.parametrize(
    "form",
    [
        {"version": 1, "action": "destroy"},
        {"version": 0, "action": "accept"},
        {"version": "x", "action": "accept"},
        {"action": "accept"},
        {"version": 1, "action": "correct", "text": ""},
        {"version": 1, "action": "correct", "text": "x" * 100_001},
        {"version": 1, "action": "accept", "took_ms": -1},
        {"version": 2**40, "action": "accept"},
    ],
)
def test_a_form_that_makes_no_sense_is_refused_with_words(site, form):
    """422, and nothing is decided."""
    site.read()
    answer = site.sign_in().post(f"/review/items/{site.items()['total']}/decide", form)
    assert answer.status_code == 422
    assert site.decisions() == []


def test_unknown_items_and_documents_are_not_found(site):
    """404 with a page, never a fault."""
    ada = site.sign_in()
    for url in (
        f"/review/items/{uuid4()}",
        f"/documents/{uuid4()}",
        f"/documents/{uuid4()}/pages/1.png",
    ):
        assert ada.get(url).status_code == 404
    assert ada.decide(uuid4(), "accept").status_code == 404
    assert ada.post(f"/review/items/{uuid4()}/skip").status_code == 404
    assert ada.get("/review/items/not-an-id").status_code == 422


def test_filters_choose_what_comes(make_site):
    """By type, field, reason, age and priority; nonsense is left out."""
    site = make_site(doubts={"total": 0.41, "date": 0.62})
    site.read(priority=5)
    ada = site.sign_in()

    def shown(query: str) -> bool:
        page = ada.get(f"/review?{query}")
        assert page.status_code == 200
        return bool(card_of(page.text))

    assert shown("field=total&type=slip&reason=low_score&priority=5")
    assert not shown("field=payee")
    assert not shown("type=invoice")
    assert not shown("older=1h")
    assert not shown("priority=6")
    assert shown("priority=many&older=ages&document=none")


def test_the_queue_counts_and_shows_ones_own_pace(site):
    """And everybody's, to a manager."""
    site.read()
    ada = site.sign_in("ada")
    ada.decide(site.items()["total"], "accept")
    page = ada.get("/queue").text
    assert re.search(r"<dt>waiting</dt><dd>1</dd>", page)
    assert re.search(r"<dt>you, today</dt><dd>1</dd>", page)
    assert re.search(r"<dt>your median</dt><dd>0.9 s</dd>", page)
    assert "Everybody today" not in page
    assert "Everybody today" in site.sign_in("max", Role.MANAGER).get("/queue").text


def test_a_person_says_what_a_document_is(site):
    """One button a type, the queue lists what waits, and nobody says it twice."""
    document = site.read(a_slip(words=False), document_type="auto", filename="letter.pdf")
    ada = site.sign_in()
    assert "What is it?" in ada.get("/queue").text
    assert "letter.pdf" in ada.get("/queue").text
    assert 'value="slip"' in ada.get(f"/documents/{document}").text
    assert ada.post(f"/documents/{document}/type", {"type": "nonesuch"}).status_code == 422
    assert ada.post(f"/documents/{document}/type", {"type": "slip"}).status_code == 303
    assert ada.post(f"/documents/{document}/type", {"type": "invoice"}).status_code == 409
    site.house.work()
    assert "What is it?" not in ada.get("/queue").text
    page = ada.get(f"/documents/{document}").text
    assert "What is it?" not in page
    assert "1,284.50" in page


def test_document_mode_shows_every_field_and_decides_in_place(site):
    """Fields beside pages; the form leads back to the document."""
    document = site.read()
    ada = site.sign_in()
    page = ada.get(f"/documents/{document}").text
    for value in ("Nordlicht Energie GmbH", "1,284.50", "Meter rent"):
        assert value in page
    item = site.items()["total"]
    answer = ada.decide(item, "absent", headers={"accept": "text/html"})
    assert answer.status_code == 303
    answer = ada.post(
        f"/review/items/{item}/decide?back=document",
        {"version": 2, "action": "undo"},
        headers={"accept": "text/html"},
    )
    assert answer.headers["location"] == f"/documents/{document}"


def test_page_images_are_for_people_who_are_signed_in(site):
    """And their browsers may keep them."""
    document = site.read()
    assert site.anybody().get(f"/documents/{document}/pages/1.png").status_code == 401
    answer = site.sign_in().get(f"/documents/{document}/pages/1.png")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "image/png")
    assert answer.headers["cache-control"].startswith("private")


def test_empty_pages_say_what_to_do_next(site):
    """Nothing submitted yet: every page has a word about it."""
    ada = site.sign_in(role=Role.ADMIN)
    assert "Nothing waits for you" in ada.get("/review").text
    assert "appear here" in ada.get("/queue").text
    assert "surefield submit" in ada.get("/documents").text
    assert "No upstream system has a key yet" in ada.get("/people").text


def test_a_text_without_a_meaning_says_so_before_it_is_accepted(make_site):
    """The person knows that the text is kept and that there will be no value."""
    site = make_site({**TRUTH, "total": "12.5O"})
    site.read()
    page = site.sign_in().get("/review").text
    assert "not an amount that can be read in one way" in page
    assert "Accepting keeps the text without a value" in page


def test_every_action_has_its_words():
    """A decision that the page cannot name would break it for everybody who sees it."""
    assert set(DONE) == {*Action, None}


@pytest.mark.parametrize("where", ["/review", "/review/items/{item}", "/audits"])
@pytest.mark.parametrize(("led_by", "held"), [("cross-site", 0), ("same-origin", 1), ("none", 1)])
def test_another_site_that_leads_here_holds_nothing(site, where, led_by, held):
    """The page shows it; what the open page says of itself holds it then."""
    site.read()
    (item, *_) = site.house.rows("SELECT id FROM review_items")
    ada = site.sign_in("ada")
    headers = {"sec-fetch-site": led_by}
    assert ada.client.get(where.format(item=item.id), headers=headers).status_code == 200
    holds = "SELECT count(*) FROM review_items WHERE lease_until > now()"
    expected = 0 if where == "/audits" else held  # no audit waits here
    assert site.house.rows(holds) == [(expected,)]
    ada.post("/review/heartbeat", json={"items": [str(item.id)]})
    assert site.house.rows("SELECT lease_until > now() FROM review_items WHERE leased_by = 'ada'")
