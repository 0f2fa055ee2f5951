"""Keys, browsers and links beside each other: what is said of one is said of no other."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session, sessionmaker

from tests.factories import begin, run
from worker.accounts import store
from worker.accounts.store import MOST_PER_MINUTE, InvalidPerson
from worker.actor import Role

Sessions = sessionmaker[Session]
HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)


def whole(db: Sessions, table: str, name: str, of: Any) -> list[Any]:
    query = text(f"SELECT to_jsonb(t) FROM {table} AS t WHERE {name} = :of ORDER BY 1")
    with db() as session:
        return list(session.execute(query, {"of": of}).scalars())


@pytest.mark.parametrize(
    ("asked", "usable"),
    [
        ({"per_minute": 1}, True),
        ({"per_minute": 0}, False),
        ({"per_minute": MOST_PER_MINUTE}, True),
        ({"per_minute": MOST_PER_MINUTE + 1}, False),
        ({"per_minute": None, "document_types": None}, True),
        ({"document_types": ["slip"]}, True),
        ({"document_types": []}, False),
    ],
)
def test_a_key_may_do_what_it_was_made_for(
    db: Sessions, asked: dict[str, Any], usable: bool
) -> None:
    """A rate from one on, types if any are named; one without either may do all."""
    with begin(db) as tx:
        if not usable:
            with pytest.raises(InvalidPerson):
                store.make_key(tx, "erp", **asked)
            assert store.keys(tx) == []
            return
        caller = store.caller_of(tx, store.make_key(tx, "erp", **asked))
    assert caller is not None
    assert caller.per_minute == asked.get("per_minute")
    of = asked.get("document_types")
    assert (caller.may("slip"), caller.may("invoice")) == (True, of is None)


def test_a_key_is_revoked_and_used_by_itself(db: Sessions) -> None:
    """Its upstream has a queue while any of its keys opens; each use is noted once a minute."""
    with begin(db) as tx:
        old, new = store.make_key(tx, "erp"), store.make_key(tx, "erp")
        store.make_key(tx, "crm")
        assert store.upstreams(tx) == ["crm", "erp"]
        store.caller_of(tx, old)
    ids: dict[str, UUID] = {}
    with begin(db) as tx:
        ids = {each.hint: each.key_id for each in store.keys(tx)}
    of_new = whole(db, "api_keys", "id", ids[new[:9]])
    assert of_new[0]["last_used_at"] is None

    run(db, "UPDATE api_keys SET last_used_at = now() - interval '50 s' WHERE id = :id",
        id=ids[old[:9]])  # fmt: skip
    before = whole(db, "api_keys", "id", ids[old[:9]])
    with begin(db) as tx:
        store.caller_of(tx, old)
    assert whole(db, "api_keys", "id", ids[old[:9]]) == before
    run(db, "UPDATE api_keys SET last_used_at = now() - interval '70 s' WHERE id = :id",
        id=ids[old[:9]])  # fmt: skip
    with begin(db) as tx:
        store.caller_of(tx, old)
        store.revoke_key(tx, ids[old[:9]])
        assert store.caller_of(tx, old) is None
        assert store.upstreams(tx) == ["crm", "erp"]
        store.revoke_key(tx, ids[new[:9]])
        assert store.upstreams(tx) == ["crm"]
    after = whole(db, "api_keys", "id", ids[old[:9]])
    assert after[0]["last_used_at"] > before[0]["last_used_at"]
    assert whole(db, "api_keys", "id", ids[new[:9]])[0]["last_used_at"] is None


def test_a_new_password_of_one_person_leaves_the_other_signed_in(db: Sessions) -> None:
    """A browser of hers, one that was known, and a link that nobody used; used ones are kept."""
    with begin(db) as tx:
        ada, bob = (
            store.add_person(tx, name, Role.REVIEWER, password="correct horse battery")
            for name in ("ada", "bob")
        )
        used = {one.name: store.make_link(tx, one.name, lasts=HOUR) for one in (ada, bob)}
        for secret in used.values():
            assert store.use_link(tx, secret) is not None
        for one in (ada, bob):
            store.make_link(tx, one.name, lasts=HOUR)
            store.open_browser(tx, one.user_id, lasts=HOUR)
    tables = ("users", "web_sessions", "sign_in_links")
    of = {"users": "id", "web_sessions": "user_id", "sign_in_links": "user_id"}
    before = [whole(db, table, of[table], bob.user_id) for table in tables]
    assert [len(each) for each in before] == [1, 1, 2]
    with begin(db) as tx:
        store.set_password(tx, ada.user_id, "hash")
        store.keep_hash(tx, ada.user_id, "another hash")
    assert [whole(db, table, of[table], bob.user_id) for table in tables] == before
    assert [len(whole(db, table, of[table], ada.user_id)) for table in tables] == [1, 0, 1]
    assert whole(db, "users", "id", ada.user_id)[0]["password_hash"] == "another hash"


@pytest.mark.parametrize(
    ("since_s", "idle", "used", "is_open", "is_noted"),
    [
        (30, HOUR, True, True, False),  # less than a minute is not written down
        (90, HOUR, True, True, True),
        (90, HOUR, False, True, False),  # a page that stands open is no use
        (3_700, HOUR, True, False, False),
        (3_500, HOUR, True, True, True),
        (90, MINUTE, True, False, False),
    ],
)
def test_a_browser_is_signed_in_while_it_is_used(
    db: Sessions, since_s: int, idle: timedelta, used: bool, is_open: bool, is_noted: bool
) -> None:
    """Another browser of the same person is not used by it."""
    with begin(db) as tx:
        ada = store.add_person(tx, "ada", Role.REVIEWER)
        one, other = (store.open_browser(tx, ada.user_id, lasts=2 * HOUR) for _ in range(2))
    run(db, "UPDATE web_sessions SET used_at = now() - make_interval(secs => :s)", s=since_s)
    mine, theirs = (store.sha256_of(secret) for secret in (one, other))
    before = {each: whole(db, "web_sessions", "token_sha256", each) for each in (mine, theirs)}
    with begin(db) as tx:
        found = store.browser_of(tx, one, idle=idle, used=used)
        assert (found is not None) == is_open
    assert (whole(db, "web_sessions", "token_sha256", mine) != before[mine]) == is_noted
    assert whole(db, "web_sessions", "token_sha256", theirs) == before[theirs]


def test_a_link_of_one_person_signs_in_no_other_and_is_used_alone(db: Sessions) -> None:
    """Nor does it once its person is disabled, though it was made before."""
    with begin(db) as tx:
        for name in ("ada", "bob"):
            store.add_person(tx, name, Role.REVIEWER)
        first, second = (store.make_link(tx, "ada", lasts=HOUR) for _ in range(2))
        of_bob = store.make_link(tx, "bob", lasts=HOUR)
        found = [store.use_link(tx, each) for each in (first, first, second, of_bob, "made up")]
        assert [each and each.name for each in found] == ["ada", None, "ada", "bob", None]
        third = store.make_link(tx, "ada", lasts=HOUR)
    run(db, "UPDATE users SET disabled_at = now() WHERE name = 'ada'")
    with begin(db) as tx:
        assert store.use_link(tx, third) is None
        ada = store.person(tx, "ada")
        assert store.enabled(tx, ada.user_id) is None
        bob = store.person(tx, "bob")
        assert store.enabled(tx, bob.user_id) == bob
        assert (ada.may(Role.REVIEWER), bob.may(Role.REVIEWER)) == (False, True)
        assert not bob.may(Role.MANAGER)
